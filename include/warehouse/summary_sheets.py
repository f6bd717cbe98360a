"""The sheets of the Excel summary: what is placed where. Every number comes from the figures as SQL gave them."""

from datetime import date
from typing import Any

from include.warehouse.palette import STATUS, tier_colours
from include.warehouse.published import PublishedMonth
from include.warehouse.summary_figures import Figures
from include.warehouse.workbook import (
    FIRST_TABLE_ROW,
    SERIES_COLORS,
    Book,
    Column,
    Sheet,
    Table,
)

BARS_IN_A_CHART = 15
ROWS_ABOVE_A_CHART = 30

METRICS = {
    "customers": ("Customers", "count"),
    "engaged": ("Engaged customers", "count"),
    "status_new": ("New", "count"),
    "status_active": ("Active", "count"),
    "status_at_risk": ("At risk", "count"),
    "status_lapsed": ("Lapsed", "count"),
    "status_lost": ("Lost", "count"),
    "status_prospect": ("Prospects", "count"),
    "growth_new": ("First purchases", "count"),
    "growth_returning": ("Returning buyers", "count"),
    "growth_resurrected": ("Resurrected buyers", "count"),
    "growth_dormant": ("Dormant", "count"),
    "event_reactivated": ("Reactivated", "count"),
    "event_recovered": ("Recovered", "count"),
    "event_lost": ("Newly lost", "count"),
    "buyers": ("Buyers", "count"),
    "sales": ("Sales", "money"),
    "core_sales": ("Core sales", "money"),
    "orders": ("Orders", "count"),
    "items": ("Items", "number"),
    "average_order": ("Sales per order", "money"),
}
STATE_METRICS = ("customers", "engaged", "status_at_risk", "status_lapsed", "status_lost", "status_prospect")
FLOW_METRICS = (
    "growth_new",
    "event_reactivated",
    "event_recovered",
    "event_lost",
    "buyers",
    "sales",
    "core_sales",
    "orders",
    "items",
    "average_order",
)
SAME_DAY_METRICS = ("growth_new", "buyers", "sales", "core_sales", "orders", "items", "average_order")

STATUS_COLUMNS = [
    Column("status_new", "New", "count"),
    Column("status_active", "Active", "count"),
    Column("status_at_risk", "At risk", "count"),
    Column("status_lapsed", "Lapsed", "count"),
    Column("status_lost", "Lost", "count"),
    Column("status_prospect", "Prospect", "count"),
]
EVENT_TITLES = {
    "first_purchase": "First purchase",
    "reactivated": "Reactivated",
    "recovered": "Recovered",
    "lost": "Newly lost",
    "lapsed": "Newly lapsed",
    "at_risk": "Newly at risk",
    "upgraded": "Upgraded",
    "downgraded": "Downgraded",
    "retained": "Retained",
    "registered": "Registered",
    "none": "None",
}
UNKNOWN = "(unknown)"


def draw(book: Book, figures: Figures) -> None:
    """All sheets in the order in which they are read."""
    overview = book.sheet("Overview", f"Customers in {figures.shown.month:%B %Y}", subtitle(figures.shown))
    _tiers(book, figures)
    _lifecycle_events(book, figures)
    _segments(book, figures)
    _reach(book, figures)
    trend = _trend(book, figures)
    same_days = _same_days(book, figures) if figures.shown.is_open else None
    _overview(overview, figures, trend, same_days)
    _movements(book, figures)
    _breakdown(book, figures, "customer_groups", "Customer groups", [Column("customer_group", "Customer group")])
    _breakdown(book, figures, "cities", "Cities", [Column("city", "City")])
    _breakdown(book, figures, "stores", "Stores", [Column("home_store_id", "Home store"), Column("store_name", "Name")])
    _data_quality(book, figures)
    _about(book, figures)


def subtitle(shown: PublishedMonth) -> str:
    """The line under every title: which month, as of when, in which currency."""
    parts = [f"As of {day(shown.as_of_date)}"]
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


def _previous_month(month: date) -> date:
    return date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)


def _last_year(month: date) -> date:
    return month.replace(year=month.year - 1)


def _by_month(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per month, a key per metric, from one row per metric and month."""
    months: dict[date, dict[str, Any]] = {}
    for row in rows:
        months.setdefault(row["month"], {"month": row["month"]})[row["metric"]] = row["value"]
    return list(months.values())


def _of_shown_month(figures: Figures, name: str) -> dict[str, dict[str, Any]]:
    return {row["metric"]: row for row in figures[name] if row["month"] == figures.shown.month}


def _lines(rows: list[dict[str, Any]], label: str, known: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """The rows that are no total, with a name for what is unknown."""
    titles = known or {}
    named = [dict(row) for row in rows if not row["is_total"]]
    for row in named:
        row[label] = UNKNOWN if row[label] is None else titles.get(row[label], row[label])
    return named


def _total(rows: list[dict[str, Any]], label: str) -> dict[str, Any]:
    return next({**row, label: "Total"} for row in rows if row["is_total"])


def _change_in_words(row: dict[str, Any], compared_with: str) -> str:
    """Such as +2.1 % on the month before; empty where there is nothing to compare with."""
    change = row["change_on_month"]
    return "" if change is None else f", {100 * change:+.1f} % on {compared_with}".replace("-", "−")


def _overview(sheet: Sheet, figures: Figures, trend: Table, same_days: Table | None) -> None:
    shown = figures.shown
    monthly = _of_shown_month(figures, "trend")
    columns = [
        Column("title", "Measure"),
        Column("value", f"{shown.month:%b %Y}"),
        Column("previous_month", f"{_previous_month(shown.month):%b %Y}"),
        Column("change_on_month", "Change on month", "change"),
        Column("previous_year", f"{_last_year(shown.month):%b %Y}"),
        Column("change_on_year", "Change on year", "change"),
    ]
    state = [monthly[name] for name in STATE_METRICS]
    if same_days:
        same = _of_shown_month(figures, "same_days")
        days = shown.as_of_date.day
        flow = [same[name] for name in SAME_DAY_METRICS]
        whole = [monthly[name] for name in FLOW_METRICS if name not in SAME_DAY_METRICS]
        blocks = [
            (f"Customers as of {day(shown.as_of_date)}, beside the ends of earlier months", state),
            (f"In the month's first {days} days, beside the same days of earlier months", flow),
            (
                "Events so far; earlier months are whole, so there is no change to show",
                [_no_change(row) for row in whole],
            ),
        ]
    else:
        flow = [monthly[name] for name in FLOW_METRICS]
        blocks = [(f"Customers as of {day(shown.as_of_date)}", state), ("In the month", flow)]
    row = FIRST_TABLE_ROW
    for number, (heading, metrics) in enumerate(blocks):
        sheet.heading(row - 1, heading)
        below = _metric_table(sheet, row, f"overview_{number + 1}", columns, metrics)
        row = below + 1
    _overview_charts(sheet, figures, trend, same_days)
    sheet.print_on_one_page()


def _no_change(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "change_on_month": None, "change_on_year": None}


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
    engaged = _of_shown_month(figures, "trend")["engaged"]
    title = f"{engaged['value']:,} engaged customers{_change_in_words(engaged, 'the month before')}"
    line = sheet.book.chart("line", title)
    _add_line(line, trend, "engaged", SERIES_COLORS[0])
    sales = _of_shown_month(figures, "same_days" if same_days else "trend")["sales"]
    days = f" in the first {shown.as_of_date.day} days" if same_days else ""
    compared_with = "the same days of the month before" if same_days else "the month before"
    title = f"{sales['value']:,.0f} {shown.currency} sales{days}{_change_in_words(sales, compared_with)}"
    columns = sheet.book.chart("column", title)
    _add_bars(columns, same_days or trend, "month", "sales", SERIES_COLORS[0])
    for number, chart in enumerate((line, columns)):
        chart.set_legend({"none": True})
        sheet.place(FIRST_TABLE_ROW - 1 + 16 * number, [chart], column=7)


def _add_bars(chart: Any, table: Table, categories: str, key: str, color: str, *, most: int | None = None) -> None:
    series: dict[str, Any] = {
        "name": table.header(key),
        "categories": table.values(categories, most),
        "values": table.values(key, most),
        "fill": {"color": color},
        "gap": 60,
    }
    chart.add_series(series)


def _add_line(chart: Any, table: Table, key: str, color: str, *, second_axis: bool = False) -> None:
    series: dict[str, Any] = {
        "name": table.header(key),
        "categories": table.values("month"),
        "values": table.values(key),
        "line": {"color": color, "width": 2.25},
        "y2_axis": second_axis,
    }
    chart.add_series(series)


def _tiers(book: Book, figures: Figures) -> None:
    sheet = book.sheet(
        "Tiers",
        "Customers by value tier and activity status",
        subtitle(figures.shown),
        "New, active and at-risk customers are engaged: they are scored and have a tier; the others have none.",
    )
    rows = figures["tier_by_status"]
    columns = [
        Column("value_tier", "Value tier"),
        *STATUS_COLUMNS,
        Column("customers", "Customers", "count"),
        Column("share", "Share", "share"),
        Column("monetary", "Core sales, 12-month window", "money"),
        Column("sales", "Sales of the month", "money"),
    ]
    table = sheet.table(
        FIRST_TABLE_ROW, "tier_by_status", columns, _lines(rows, "value_tier"), _total(rows, "value_tier")
    )
    engaged = max(table.last_row - table.first_row, 1)
    chart = book.chart("bar", "Engaged customers by tier and status", "stacked")
    for key in ("status_new", "status_active", "status_at_risk"):
        _add_bars(chart, table, "value_tier", key, STATUS[key.removeprefix("status_")], most=engaged)
    money = book.chart("bar", f"Core sales of the window by tier, {figures.shown.currency}")
    _add_bars(money, table, "value_tier", "monetary", SERIES_COLORS[0], most=engaged)
    money.set_legend({"none": True})
    sheet.place(table.below, [chart, money], width=560)
    sheet.print_on_one_page()


def _lifecycle_events(book: Book, figures: Figures) -> None:
    shown = figures.shown
    note = "Exactly one event per customer and month: the first of this list that applies."
    if shown.is_open:
        note += " The month is open: earlier months are whole, so no change is shown."
    sheet = book.sheet("Lifecycle events", "Lifecycle events", subtitle(shown), note)
    rows = figures["lifecycle_events"]
    columns = [
        Column("event", "Event"),
        Column("customers", f"{shown.month:%b %Y}", "count"),
        Column("share", "Share", "share"),
        Column("previous_month", f"{_previous_month(shown.month):%b %Y}", "count"),
        Column("change_on_month", "Change on month", "change"),
        Column("previous_year", f"{_last_year(shown.month):%b %Y}", "count"),
        Column("change_on_year", "Change on year", "change"),
        Column("sales", "Sales of the month", "money"),
    ]
    table = sheet.table(
        FIRST_TABLE_ROW, "lifecycle_events", columns, _lines(rows, "event", EVENT_TITLES), _total(rows, "event")
    )
    chart = book.chart("bar", f"Events of {shown.month:%B %Y} beside the month before")
    events = len(EVENT_TITLES) - 3  # retained, registered and none are no movements
    _add_bars(chart, table, "event", "customers", SERIES_COLORS[0], most=events)
    _add_bars(chart, table, "event", "previous_month", "#B8CCE0", most=events)
    sheet.place(table.below, [chart], width=760, height=400)
    sheet.print_on_one_page()


def _segments(book: Book, figures: Figures) -> None:
    shown = figures.shown
    sheet = book.sheet("Segments", "Segments", subtitle(shown), "Exactly one segment per customer and month.")
    rows = figures["segments"]
    columns = [
        Column("segment", "Segment"),
        Column("customers", f"{shown.month:%b %Y}", "count"),
        Column("share", "Share", "share"),
        Column("previous_month", f"{_previous_month(shown.month):%b %Y}", "count"),
        Column("change_on_month", "Change on month", "change"),
        Column("previous_year", f"{_last_year(shown.month):%b %Y}", "count"),
        Column("change_on_year", "Change on year", "change"),
        Column("monetary", "Core sales, 12-month window", "money"),
        Column("monetary_per_customer", "of it per customer", "money"),
        Column("sales", "Sales of the month", "money"),
        Column("reach_email", "Opted in: e-mail", "count"),
        Column("reach_sms", "Opted in: SMS", "count"),
        Column("reach_phone", "Opted in: phone", "count"),
    ]
    table = sheet.table(FIRST_TABLE_ROW, "segments", columns, _lines(rows, "segment"), _total(rows, "segment"))
    customers = book.chart("bar", "Customers by segment")
    _add_bars(customers, table, "segment", "customers", SERIES_COLORS[0])
    money = book.chart("bar", f"Core sales of the window by segment, {shown.currency}")
    _add_bars(money, table, "segment", "monetary", SERIES_COLORS[2])
    for chart in (customers, money):
        chart.set_legend({"none": True})
    sheet.place(table.below, [customers, money], width=600, height=360)
    sheet.print_on_one_page()


def _reach(book: Book, figures: Figures) -> None:
    sheet = book.sheet(
        "Opt-in reach",
        "Opt-in reach by channel",
        subtitle(figures.shown),
        "Only an opt-in that the master states counts; unknown and closed customers are not reached.",
    )
    columns = [
        Column("channel", "Channel"),
        Column("opted_in", "Opted in", "count"),
        Column("declined", "Declined", "count"),
        Column("unknown", "Unknown", "count"),
        Column("customers", "Customers", "count"),
        Column("share", "Opted in, share", "share"),
        Column("engaged_opted_in", "Engaged, opted in", "count"),
        Column("engaged", "Engaged", "count"),
        Column("engaged_share", "of engaged, share", "share"),
    ]
    by_channel = sheet.table(FIRST_TABLE_ROW, "reach_by_channel", columns, figures["reach_by_channel"])
    sheet.heading(by_channel.below, "By value tier")
    rows = figures["reach_by_tier"]
    columns = [
        Column("value_tier", "Value tier"),
        Column("customers", "Customers", "count"),
        Column("reach_email", "E-mail", "count"),
        Column("share_email", "E-mail, share", "share"),
        Column("reach_sms", "SMS", "count"),
        Column("share_sms", "SMS, share", "share"),
        Column("reach_phone", "Phone", "count"),
        Column("share_phone", "Phone, share", "share"),
    ]
    by_tier = sheet.table(
        by_channel.below + 1, "reach_by_tier", columns, _lines(rows, "value_tier"), _total(rows, "value_tier")
    )
    chart = book.chart("bar", "Whom each channel reaches", "percent_stacked")
    for key, color in (("opted_in", "#009E73"), ("declined", "#CC5500"), ("unknown", "#B9C0C8")):
        _add_bars(chart, by_channel, "channel", key, color)
    sheet.place(by_tier.below, [chart], height=300)
    sheet.print_on_one_page()


def _trend(book: Book, figures: Figures) -> Table:
    shown = figures.shown
    note = f"Engaged = new, active or at risk. Amounts in {shown.currency}."
    if shown.is_open:
        note = (
            f"{shown.month:%B %Y} is open: only its first {shown.as_of_date.day} days are known. "
            "The sheet Same days compares like with like; dormant customers are counted when the month is complete."
        )
    sheet = book.sheet("Trend", "Thirteen months", subtitle(shown), note)
    rows = _by_month(figures["trend"])
    tiers = [tier for tier in figures.tiers if tier != "none"]
    counted = {(row["month"], row["value_tier"]): row["customers"] for row in figures["tier_trend"]}
    for row in rows:
        row |= {f"tier {tier}": counted.get((row["month"], tier), 0) for tier in tiers}
    names = list(METRICS)
    columns = [Column("month", "Month", "month")]
    columns += [Column(name, *METRICS[name]) for name in names[:8]]
    columns += [Column(f"tier {tier}", f"Tier {tier}", "count") for tier in tiers]
    columns += [Column(name, *METRICS[name]) for name in names[8:]]
    table = sheet.table(FIRST_TABLE_ROW, "thirteen_months", columns, rows)
    _trend_charts(book, sheet, table, tiers, shown)
    return table


def _trend_charts(book: Book, sheet: Sheet, table: Table, tiers: list[str], shown: PublishedMonth) -> None:
    open_month = f" ({shown.month:%B} so far)" if shown.is_open else ""
    by_tier = book.chart("column", "Engaged customers by value tier", "stacked")
    for tier, colour in reversed(tier_colours(tiers).items()):
        _add_bars(by_tier, table, "month", f"tier {tier}", colour)
    sales = book.chart("column", f"Sales, {shown.currency}, and orders (right){open_month}")
    _add_bars(sales, table, "month", "sales", SERIES_COLORS[0])
    _add_line(book.line(sales, second_axis=True), table, "orders", SERIES_COLORS[1], second_axis=True)
    growth = book.chart("column", f"Buyers: returning, new, resurrected; and who became dormant{open_month}", "stacked")
    for key, color in (("growth_returning", 0), ("growth_new", 2), ("growth_resurrected", 1)):
        _add_bars(growth, table, "month", key, SERIES_COLORS[color])
    _add_line(book.line(growth), table, "growth_dormant", SERIES_COLORS[4])
    away = book.chart("line", "Customers at risk, lapsed and lost")
    for key in ("status_at_risk", "status_lapsed", "status_lost"):
        _add_line(away, table, key, STATUS[key.removeprefix("status_")])
    sheet.place(table.below, [by_tier, sales], width=700)
    sheet.place(table.below + 17, [growth, away], width=700)
    sheet.print_on_one_page()


def _same_days(book: Book, figures: Figures) -> Table:
    shown = figures.shown
    sheet = book.sheet(
        "Same days",
        f"The first {shown.as_of_date.day} days of each month",
        subtitle(shown),
        f"{shown.month:%B %Y} is open, so every earlier month is counted only to the same day.",
    )
    columns = [Column("month", "Month", "month"), *(Column(name, *METRICS[name]) for name in SAME_DAY_METRICS)]
    table = sheet.table(FIRST_TABLE_ROW, "same_days", columns, _by_month(figures["same_days"]))
    chart = book.chart("column", f"Sales of the first {shown.as_of_date.day} days, {shown.currency}")
    _add_bars(chart, table, "month", "sales", SERIES_COLORS[0])
    chart.set_legend({"none": True})
    sheet.place(table.below, [chart], width=760)
    sheet.print_on_one_page()
    return table


def _movements(book: Book, figures: Figures) -> None:
    shown = figures.shown
    sheet = book.sheet(
        "Tier movements",
        f"Tier movements from {_previous_month(shown.month):%B} to {shown.month:%B %Y}",
        subtitle(shown),
        "Rows: the tier of the month before; columns: the tier now. Shaded by the share of the row that went there.",
    )
    customers = _movement_matrix(sheet, figures, FIRST_TABLE_ROW, "customers", "count")
    sheet.heading(customers.below, f"Core sales of the 12-month window of these customers, {shown.currency}")
    _movement_matrix(sheet, figures, customers.below + 1, "monetary", "money")
    sheet.print_on_one_page()


def _movement_matrix(sheet: Sheet, figures: Figures, row: int, measure: str, kind: str) -> Table:
    cells = {
        (
            "Total" if line["is_total_of_previous"] else line["previous_tier"],
            "Total" if line["is_total_of_current"] else line["value_tier"],
        ): line[measure]
        for line in figures["tier_movements"]
    }
    earlier = _tiers_seen(cells, 0, figures.tiers)
    current = _tiers_seen(cells, 1, figures.tiers)
    titles = {None: "(first month)", "Total": "Total"}
    lines = [
        {"from": titles.get(source, source)}
        | {str(target): cells.get((source, target)) for target in [*current, "Total"]}
        for source in [*earlier, "Total"]
    ]
    columns = [Column("from", "From \\ to"), *(Column(str(tier), str(tier), kind) for tier in current)]
    columns.append(Column("Total", "Total", kind))
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


def _tiers_seen(cells: dict[tuple[Any, Any], Any], side: int, tiers: list[str]) -> list[Any]:
    """Tiers by rank, then those of another rule set, then the unknown one."""
    seen = {key[side] for key in cells} - {"Total"}
    ordered: list[Any] = [tier for tier in tiers if tier in seen]
    ordered += sorted(tier for tier in seen if tier is not None and tier not in tiers)
    return [*ordered, None] if None in seen else ordered


def _breakdown(book: Book, figures: Figures, name: str, title: str, labels: list[Column]) -> None:
    shown = figures.shown
    sheet = book.sheet(name.replace("_", " ").capitalize(), title, subtitle(shown), frozen_columns=len(labels))
    rows = figures[name]
    label = labels[0].key
    columns = [
        *labels,
        Column("customers", "Customers", "count"),
        Column("share", "Share", "share"),
        Column("engaged", "Engaged", "count"),
        Column("engaged_previous_month", f"Engaged in {_previous_month(shown.month):%b %Y}", "count"),
        Column("change_on_month", "Change on month", "change"),
        Column("status_new", "New", "count"),
        Column("status_at_risk", "At risk", "count"),
        Column("status_lapsed", "Lapsed", "count"),
        Column("status_lost", "Lost", "count"),
        Column("buyers", "Buyers", "count"),
        Column("sales", "Sales of the month", "money"),
        Column("monetary", "Core sales, 12-month window", "money"),
        Column("monetary_per_engaged", "of it per engaged customer", "money"),
        Column("reach_email", "Opted in: e-mail", "count"),
        Column("reach_sms", "Opted in: SMS", "count"),
        Column("reach_phone", "Opted in: phone", "count"),
    ]
    table = sheet.table(FIRST_TABLE_ROW, name, columns, _lines(rows, label), _total(rows, label))
    bars = min(BARS_IN_A_CHART, table.last_row - table.first_row + 1)
    chart = book.chart("bar", "Engaged customers" + (f", the {bars} largest" if len(rows) - 1 > bars else ""))
    _add_bars(chart, table, label, "engaged", SERIES_COLORS[0], most=bars)
    chart.set_legend({"none": True})
    if table.last_row - table.first_row < ROWS_ABOVE_A_CHART:
        sheet.place(table.below, [chart], width=760, height=120 + 24 * bars)
    else:
        sheet.place(FIRST_TABLE_ROW, [chart], column=len(columns) + 1, width=560, height=120 + 24 * bars)
        sheet.worksheet.print_area(0, 0, table.below - 1, len(columns) - 1)


def _data_quality(book: Book, figures: Figures) -> None:
    files = book.sheet(
        "Data quality",
        "Files received, and what became of their rows",
        subtitle(figures.shown),
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
    files.table(FIRST_TABLE_ROW, "files", columns, figures["files"])
    rejects = book.sheet(
        "Rejects",
        "Rejected rows by reason",
        subtitle(figures.shown),
        "A row counts under each of its reasons. Open: not yet corrected, sent again or replayed.",
    )
    columns = [
        Column("feed", "Feed"),
        Column("reason", "Reason"),
        Column("rows_rejected", "Rejected", "count"),
        Column("rows_open", "of it open", "count"),
        Column("amount_open", "Amount open", "money"),
    ]
    rejects.table(FIRST_TABLE_ROW, "rejects", columns, figures["rejects"], None)
    checks = book.sheet("Checks", "Checks of the gate", subtitle(figures.shown))
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
    table = checks.table(FIRST_TABLE_ROW, "checks", columns, figures["checks"])
    checks.heading(table.below, "Conservation of rows and money, from file to published total")
    columns = [
        Column("identity", "Identity"),
        Column("comparisons", "Comparisons", "count"),
        Column("agreeing", "of it agreeing", "count"),
        Column("left_total", "Left, total", "number"),
        Column("right_total", "Right, total", "number"),
    ]
    checks.table(table.below + 1, "conservation", columns, figures["conservation"])


def _about(book: Book, figures: Figures) -> None:
    shown = figures.shown
    sheet = book.sheet("About", "About this summary", subtitle(shown), frozen_columns=0)
    facts: list[tuple[str, object, str]] = [
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
