"""What several sheets of the summary have in common: lines of text, rows and their total, the series of a chart."""

from collections.abc import Callable
from datetime import date
from typing import Any

from include.warehouse.published import PublishedMonth
from include.warehouse.summary.figures import Figures
from include.warehouse.wording.words import UNKNOWN
from include.warehouse.workbook import Column, Table


def subtitle(figures: Figures) -> str:
    """The line under every title: whose customers where not all, which month, as of when, in which currency."""
    shown = figures.shown
    parts = [f"Only the customers that {figures.seen_by} may see"] if figures.seen_by else []
    parts.append(f"As of {day(shown.as_of_date)}" if not parts else f"as of {day(shown.as_of_date)}")
    if shown.is_open:
        parts.append(f"open month: only its first {shown.as_of_date.day} days are known")
    if shown.short_history:
        parts.append("short history: fewer months than the window")
    if shown.thin_month:
        parts.append("thin month: too few customers for meaningful bands")
    tax = "with" if shown.prices_include_tax == "true" else "without"
    return " · ".join([*parts, f"amounts in {shown.currency}, {tax} tax", f"rule set {shown.rule_set}"])


def day(value: date) -> str:
    """A date in words."""
    return f"{value.day} {value:%B %Y}"


def previous_month(month: date) -> date:
    """The month before."""
    return date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)


def last_year(month: date) -> date:
    """The same month of the year before."""
    return month.replace(year=month.year - 1)


def whole_months(shown: PublishedMonth) -> str:
    """What a sheet says that shows an open month beside whole ones; nothing for a whole month."""
    return "The month is open: earlier months are whole, so no change is shown." if shown.is_open else ""


def monetary(rules: dict[str, Any]) -> Column:
    """The column of the window's money, its header by the rule set of the month."""
    return Column("monetary", f"Monetary, {rules['window_months']}-month window", "money")


def named_rows(
    rows: list[dict[str, Any]], label: str, word: Callable[[str], str] = lambda value: value
) -> list[dict[str, Any]]:
    """The rows that are no total, their labels in words, with one for what is unknown."""
    named = [dict(row) for row in rows if not row["is_total"]]
    for row in named:
        row[label] = UNKNOWN if row[label] is None else word(row[label])
    return named


def total_row(rows: list[dict[str, Any]], label: str) -> dict[str, Any]:
    """The row that is the total of the others."""
    return next({**row, label: "Total"} for row in rows if row["is_total"])


def add_bars(chart: Any, table: Table, categories: str, key: str, color: str, *, most: int | None = None) -> None:
    """A column of a table as bars, at most of its first `most` lines."""
    series: dict[str, Any] = {
        "name": table.header(key),
        "categories": table.values(categories, most),
        "values": table.values(key, most),
        "fill": {"color": color},
        "gap": 60,
    }
    chart.add_series(series)


def add_line(chart: Any, table: Table, key: str, color: str, *, second_axis: bool = False) -> None:
    """A column of a table of months as a line."""
    series: dict[str, Any] = {
        "name": table.header(key),
        "categories": table.values("month"),
        "values": table.values(key),
        "line": {"color": color, "width": 2.25},
        "y2_axis": second_axis,
    }
    chart.add_series(series)
