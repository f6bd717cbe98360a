"""The sheets that say how good the data is: files received, rows rejected, checks of the gate."""

from include.warehouse.summary.figures import Figures
from include.warehouse.summary.parts import subtitle
from include.warehouse.workbook import FIRST_TABLE_ROW, Book, Column


def draw_files(book: Book, figures: Figures) -> None:
    """Every file, and its rows and money by fate."""
    sheet = book.sheet(
        "Data quality",
        "Files received, and what became of their rows",
        subtitle(figures),
        "received = loaded + unchanged + rejected + duplicate. Superseded: lines that the file withdrew or replaced.",
    )
    columns = [
        Column("file_name", "File"),
        Column("feed", "Feed"),
        Column("status", "Status"),
        Column("received_at", "Received (UTC)", "moment"),
        Column("effective_date", "Effective", "date"),
        Column("rows_received", "Received", "count"),
        Column("rows_loaded", "Loaded", "count"),
        Column("rows_unchanged", "Unchanged", "count"),
        Column("rows_rejected", "Rejected", "count"),
        Column("rows_duplicate", "Duplicate", "count"),
        Column("rows_superseded", "Superseded", "count"),
        Column("amount_received", "Amount received", "money"),
        Column("amount_loaded", "Amount loaded", "money"),
        Column("amount_rejected", "Amount rejected", "money"),
        Column("message", "Message"),
    ]
    sheet.table(FIRST_TABLE_ROW, "files", columns, figures["files"])


def draw_rejects(book: Book, figures: Figures) -> None:
    """Rejected rows by feed and reason."""
    sheet = book.sheet(
        "Rejects",
        "Rejected rows by reason",
        subtitle(figures),
        "A row counts under each of its reasons. Open: not yet corrected, sent again or replayed.",
    )
    columns = [
        Column("feed", "Feed"),
        Column("reason", "Reason"),
        Column("rows_rejected", "Rejected", "count"),
        Column("rows_open", "of it open", "count"),
        Column("amount_open", "Amount open", "money"),
    ]
    sheet.table(FIRST_TABLE_ROW, "rejects", columns, figures["rejects"])


def draw_checks(book: Book, figures: Figures) -> None:
    """What the gate checked before it let the publication through."""
    sheet = book.sheet("Checks", "Checks of the gate", subtitle(figures))
    columns = [
        Column("contract", "Contract"),
        Column("check_name", "Check"),
        Column("severity", "Severity"),
        Column("outcome", "Outcome"),
        Column("measured", "Measured", "number"),
        Column("threshold", "Asked"),
        Column("failed_rows", "Failed rows", "count"),
        Column("message", "Message"),
    ]
    table = sheet.table(FIRST_TABLE_ROW, "checks", columns, figures["checks"])
    sheet.heading(table.below, "Conservation of rows and money, from file to published total")
    columns = [
        Column("identity", "Identity"),
        Column("comparisons", "Comparisons", "count"),
        Column("agreeing", "of it agreeing", "count"),
        Column("left_total", "Left, total", "number"),
        Column("right_total", "Right, total", "number"),
    ]
    sheet.table(table.below + 1, "conservation", columns, figures["conservation"])
