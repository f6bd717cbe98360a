"""The sheet of the customers who went from one tier to another."""

from typing import Any

from include.warehouse.summary.figures import Figures
from include.warehouse.summary.parts import monetary, previous_month, subtitle
from include.warehouse.wording import words
from include.warehouse.workbook import FIRST_TABLE_ROW, Book, Column, Sheet, Table

# no tier can have its name
TOTAL = object()


def draw_movements(book: Book, figures: Figures) -> None:
    """Customers and their money from each tier to each."""
    shown = figures.shown
    sheet = book.sheet(
        "Tier movements",
        f"Tier movements from {previous_month(shown.month):%B} to {shown.month:%B %Y}",
        subtitle(figures),
        "Rows: the tier of the month before; columns: the tier now. Shaded by the share of the row that went there.",
    )
    customers = _movement_matrix(sheet, figures, FIRST_TABLE_ROW, "customers", "count")
    sheet.heading(customers.below, f"{monetary(figures.rules).title}, of these customers, {shown.currency}")
    _movement_matrix(sheet, figures, customers.below + 1, "monetary", "money")
    sheet.print_on_one_page()


def _movement_matrix(sheet: Sheet, figures: Figures, row: int, measure: str, kind: str) -> Table:
    cells = {
        (
            TOTAL if line["is_total_of_previous"] else line["previous_tier"],
            TOTAL if line["is_total_of_current"] else line["value_tier"],
        ): line[measure]
        for line in figures["tier_movements"]
    }
    earlier = _tiers_seen(cells, figures.tiers)
    current = [*figures.tiers, "none"]
    lines = [
        {"from": "Total" if source is TOTAL else words.tier(source)}
        | {f"tier {tier}": cells.get((source, tier), 0 if source is TOTAL else None) for tier in current}
        | {"total": cells.get((source, TOTAL), 0 if source is TOTAL else None)}
        for source in [*earlier, TOTAL]
    ]
    columns = [Column("from", "From \\ to"), *(Column(f"tier {tier}", words.tier(tier), kind) for tier in current)]
    columns.append(Column("total", "Total", kind))
    table = sheet.table(row, f"tier_movements_{measure}", columns, lines[:-1], lines[-1])
    for line_number in range(table.first_row, table.last_row + 1):
        sheet.worksheet.conditional_format(
            line_number,
            1,
            line_number,
            len(current),
            {
                "type": "2_color_scale",
                "min_color": "#FFFFFF",
                "max_color": "#9DBBD8",
                "min_type": "num",
                "min_value": 0,
            },
        )
    return table


def _tiers_seen(cells: dict[tuple[Any, Any], Any], tiers: list[str]) -> list[Any]:
    """Earlier tiers by rank, then those of another rule set, then none, then the unknown one."""
    seen = {source for source, _ in cells} - {TOTAL}
    others = sorted(tier for tier in seen if tier not in (None, "none", *tiers))
    return [tier for tier in [*tiers, *others, "none", None] if tier in seen]
