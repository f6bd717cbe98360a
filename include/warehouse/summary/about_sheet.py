"""The sheet that says of what publication the summary is, and how to have every figure again."""

from include.warehouse.summary.figures import Figures
from include.warehouse.summary.parts import subtitle
from include.warehouse.workbook import FIRST_TABLE_ROW, Book, Column


def draw_about(book: Book, figures: Figures) -> None:
    """The publication, the control totals, and every figure with its hash and its SQL."""
    shown = figures.shown
    sheet = book.sheet("About", "About this summary", subtitle(figures), frozen_columns=0)
    facts: list[tuple[str, object, str]] = [
        ("Customers", f"only those that {figures.seen_by} may see" if figures.seen_by else "all", "text"),
        ("Month", shown.month, "month"),
        ("As of", shown.as_of_date, "date"),
        ("Open month", shown.is_open, "flag"),
        ("Cut points frozen", shown.is_frozen, "flag"),
        ("Rule set", shown.rule_set, "id"),
        ("Run that built the month", shown.month_run_id, "id"),
        ("Publication (run)", shown.run_id, "id"),
        ("Published (UTC)", shown.published_at, "moment"),
        ("Known as of (UTC)", shown.known_at, "moment"),
        ("Files known", shown.files_known, "id"),
        ("Currency", shown.currency, "text"),
        ("Hash of the month's figures (SHA-256)", figures.month_sha256, "text"),
        ("Procedure versions", ", ".join(shown.procedure_versions), "text"),
    ]
    rows = [{"fact": name, "value": None} for name, _, _ in facts]
    table = sheet.table(FIRST_TABLE_ROW, "about", [Column("fact", "What"), Column("value", "Value")], rows)
    for line_number, (_, value, kind) in enumerate(facts, start=table.first_row):
        sheet.write(line_number, 1, value, kind)
    sheet.widen(1, 22)
    sheet.heading(table.below, "Control totals: the month's sums, each by as many ways as there are")
    columns = [
        Column("total", "Total"),
        Column("summary", "Month summary", "number"),
        Column("snapshot", "Customers' snapshot", "number"),
        Column("lines", "Sale lines", "number"),
        Column("is_equal", "Equal", "flag"),
    ]
    table = sheet.table(table.below + 1, "control_totals", columns, figures["control_totals"])
    sheet.heading(table.below, "The figures, and the SQL that gives them again (open a cell to copy it)")
    columns = [
        Column("name", "Figure"),
        Column("rows", "Rows", "count"),
        Column("sha256", "SHA-256"),
        Column("sql", "SQL", "long_text"),
    ]
    statements = [
        {"name": figure.name, "rows": len(figure.rows), "sha256": figure.sha256, "sql": figure.sql}
        for figure in figures.by_name.values()
    ]
    sheet.table(table.below + 1, "statements", columns, statements)
