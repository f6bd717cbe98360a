"""The sheets that compare months: the overview, thirteen months, and the same days of an open month."""

from datetime import date
from typing import Any

from include.warehouse.palette import STATUS
from include.warehouse.summary.figures import Figures
from include.warehouse.summary.parts import add_bars, add_line, day, last_year, previous_month, subtitle
from include.warehouse.wording import rules, words
from include.warehouse.workbook import FIRST_TABLE_ROW, SERIES_COLORS, Book, Column, Sheet, Table

METRICS = {
    "customers": ("Customers", "count"),
    "engaged": ("Engaged customers", "count"),
    "status_new": (words.status("new"), "count"),
    "status_active": (words.status("active"), "count"),
    "status_at_risk": (words.status("at_risk"), "count"),
    "status_lapsed": (words.status("lapsed"), "count"),
    "status_lost": (words.status("lost"), "count"),
    "status_prospect": (words.status("prospect"), "count"),
    "growth_new": ("New customers", "count"),
    "growth_returning": (words.GROWTH["returning"], "count"),
    "growth_resurrected": (words.GROWTH["resurrected"], "count"),
    "growth_dormant": (words.GROWTH["dormant"], "count"),
    "event_reactivated": (words.EVENT["reactivated"], "count"),
    "event_recovered": (words.EVENT["recovered"], "count"),
    "event_won_back": ("Won back", "count"),
    "event_lost": (words.EVENT["lost"], "count"),
    "buyers": ("Buyers", "count"),
    "sales": ("Revenue", "money"),
    "core_sales": ("Core revenue", "money"),
    "orders": ("Orders", "count"),
    "items": ("Items", "number"),
    "average_order": ("Revenue per order", "money"),
}
STATE_METRICS = ("customers", "engaged", "status_at_risk", "status_lapsed", "status_lost", "status_prospect")
FLOW_METRICS = (
    "growth_new",
    "event_reactivated",
    "event_recovered",
    "event_won_back",
    "event_lost",
    "buyers",
    "sales",
    "core_sales",
    "orders",
    "items",
    "average_order",
)
SAME_DAY_METRICS = ("growth_new", "buyers", "sales", "core_sales", "orders", "items", "average_order")


def draw_overview(sheet: Sheet, figures: Figures, trend: Table, same_days: Table | None) -> None:
    """The measures of the month beside the month and the year before; charts of the tables of other sheets."""
    shown = figures.shown
    monthly = _of_shown_month(figures, "trend")
    columns = [
        Column("title", "Measure"),
        Column("value", f"{shown.month:%b %Y}"),
        Column("previous_month", f"{previous_month(shown.month):%b %Y}"),
        Column("change_on_month", "Change on month", "change"),
        Column("previous_year", f"{last_year(shown.month):%b %Y}"),
        Column("change_on_year", "Change on year", "change"),
    ]
    if same_days:
        same = _same_days(figures)
        others = [name for name in STATE_METRICS + FLOW_METRICS if name not in same]
        blocks = [
            (
                f"As of {day(shown.as_of_date)}, beside the same days of earlier months",
                [same[name] for name in STATE_METRICS + FLOW_METRICS if name in same],
            ),
            ("So far; earlier months are whole, so no change is shown", [monthly[name] for name in others]),
        ]
    else:
        blocks = [
            (f"Customers as of {day(shown.as_of_date)}", [monthly[name] for name in STATE_METRICS]),
            ("In the month", [monthly[name] for name in FLOW_METRICS]),
        ]
    row = FIRST_TABLE_ROW
    for number, (heading, metrics) in enumerate(blocks):
        sheet.heading(row - 1, heading)
        below = _metric_table(sheet, row, f"overview_{number + 1}", columns, metrics)
        row = below + 1
    _overview_charts(sheet, figures, trend, same_days)
    sheet.print_on_one_page()


def _same_days(figures: Figures) -> dict[str, dict[str, Any]]:
    """What is known of an open month beside the same days of earlier ones."""
    return _of_shown_month(figures, "same_days") | _of_shown_month(figures, "same_day_customers")


def _metric_table(sheet: Sheet, row: int, name: str, columns: list[Column], metrics: list[dict[str, Any]]) -> int:
    """A table in which every line has its own kind of number."""
    lines = [{**metric, "title": METRICS[metric["metric"]][0]} for metric in metrics]
    table = sheet.table(row, name, columns, lines)
    for line_number, line in enumerate(lines, start=table.first_row):
        kind = METRICS[line["metric"]][1]
        for key in ("value", "previous_month", "previous_year"):
            sheet.write(line_number, table.columns[key], line[key], kind)
            sheet.widen(table.columns[key], 16)
    return table.below


def _overview_charts(sheet: Sheet, figures: Figures, trend: Table, same_days: Table | None) -> None:
    shown = figures.shown
    known = _same_days(figures) if same_days else _of_shown_month(figures, "trend")
    engaged, sales = known["engaged"], known["sales"]
    compared_with = "the same day of the month before" if same_days else "the month before"
    title = f"{engaged['value']:,} engaged customers{_change_in_words(engaged, compared_with)}"
    line = sheet.book.chart("line", title)
    add_line(line, trend, "engaged", SERIES_COLORS[0])
    days = f" in the first {shown.as_of_date.day} days" if same_days else ""
    compared_with = "the same days of the month before" if same_days else "the month before"
    title = f"{sales['value']:,.0f} {shown.currency} revenue{days}{_change_in_words(sales, compared_with)}"
    columns = sheet.book.chart("column", title)
    add_bars(columns, same_days or trend, "month", "sales", SERIES_COLORS[0])
    for number, chart in enumerate((line, columns)):
        chart.set_legend({"none": True})
        sheet.place(FIRST_TABLE_ROW - 1 + 16 * number, [chart], column=7)


def _change_in_words(row: dict[str, Any], compared_with: str) -> str:
    """Such as +2.1 % on the month before; empty where there is nothing to compare with."""
    change = row["change_on_month"]
    return "" if change is None else f", {100 * change:+.1f} % on {compared_with}".replace("-", "−")


def draw_trend(book: Book, figures: Figures) -> Table:
    """Every measure over thirteen months; gives the table for the overview's charts."""
    shown = figures.shown
    note = f"Engaged: {rules.engaged(figures.rules)}. Amounts in {shown.currency}."
    if shown.is_open:
        note = (
            f"{shown.month:%B %Y} is open: only its first {shown.as_of_date.day} days are known. "
            "The sheet Same days compares like with like; dormant customers are counted when the month is complete."
        )
    sheet = book.sheet("Trend", "Thirteen months", subtitle(figures), note)
    rows = _by_month(figures["trend"])
    # those of the month, then those that only other rules of these months have
    tiers = list(dict.fromkeys([*figures.tiers, *(row["value_tier"] for row in figures["tier_trend"])]))
    counted = {(row["month"], row["value_tier"]): row["customers"] for row in figures["tier_trend"]}
    for row in rows:
        row |= {f"tier {tier}": counted.get((row["month"], tier)) for tier in tiers}
    names = list(METRICS)
    columns = [Column("month", "Month", "month")]
    columns += [Column(name, *METRICS[name]) for name in names[:8]]
    columns += [Column(f"tier {tier}", f"{words.tier(tier)} (tier)", "count") for tier in tiers]
    columns += [Column(name, *METRICS[name]) for name in names[8:]]
    table = sheet.table(FIRST_TABLE_ROW, "thirteen_months", columns, rows)
    _trend_charts(book, sheet, table, tiers, figures)
    return table


def _trend_charts(book: Book, sheet: Sheet, table: Table, tiers: list[str], figures: Figures) -> None:
    shown = figures.shown
    open_month = f" ({shown.month:%B} so far)" if shown.is_open else ""
    by_tier = book.chart("column", "Engaged customers by value tier", "stacked")
    for tier in reversed(tiers):
        add_bars(by_tier, table, "month", f"tier {tier}", figures.tier_colours[tier])
    sales = book.chart("column", f"Revenue, {shown.currency}, and orders (right){open_month}")
    add_bars(sales, table, "month", "sales", SERIES_COLORS[0])
    add_line(book.line(sales, second_axis=True), table, "orders", SERIES_COLORS[1], second_axis=True)
    growth = book.chart("column", f"Buyers: returning, new, resurrected; and who became dormant{open_month}", "stacked")
    for key, color in (("growth_returning", 0), ("growth_new", 2), ("growth_resurrected", 1)):
        add_bars(growth, table, "month", key, SERIES_COLORS[color])
    add_line(book.line(growth), table, "growth_dormant", SERIES_COLORS[4])
    away = book.chart("line", "Customers at risk, lapsed and lost")
    for key in ("status_at_risk", "status_lapsed", "status_lost"):
        add_line(away, table, key, STATUS[key.removeprefix("status_")])
    sheet.place(table.below, [by_tier, sales], width=700)
    sheet.place(table.below + 17, [growth, away], width=700)
    sheet.print_on_one_page()


def draw_same_days(book: Book, figures: Figures) -> Table:
    """An open month beside the same days of earlier ones; gives the table for the overview's charts."""
    shown = figures.shown
    sheet = book.sheet(
        "Same days",
        f"The first {shown.as_of_date.day} days of each month",
        subtitle(figures),
        f"{shown.month:%B %Y} is open, so every earlier month is counted only to the same day.",
    )
    columns = [Column("month", "Month", "month"), *(Column(name, *METRICS[name]) for name in SAME_DAY_METRICS)]
    table = sheet.table(FIRST_TABLE_ROW, "same_days", columns, _by_month(figures["same_days"]))
    chart = book.chart("column", f"Revenue of the first {shown.as_of_date.day} days, {shown.currency}")
    add_bars(chart, table, "month", "sales", SERIES_COLORS[0])
    chart.set_legend({"none": True})
    sheet.place(table.below, [chart], width=760)
    sheet.print_on_one_page()
    return table


def _of_shown_month(figures: Figures, name: str) -> dict[str, dict[str, Any]]:
    return {row["metric"]: row for row in figures[name] if row["month"] == figures.shown.month}


def _by_month(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per month, a key per metric, from one row per metric and month."""
    months: dict[date, dict[str, Any]] = {}
    for row in rows:
        months.setdefault(row["month"], {"month": row["month"]})[row["metric"]] = row["value"]
    return list(months.values())
