"""The sheets of the month's customers: by tier, event, segment and channel, and by the master's attributes."""

from include.warehouse.palette import STATUS
from include.warehouse.summary.figures import Figures
from include.warehouse.summary.parts import (
    add_bars,
    last_year,
    monetary,
    named_rows,
    previous_month,
    subtitle,
    total_row,
    whole_months,
)
from include.warehouse.wording import rules, words
from include.warehouse.workbook import FIRST_TABLE_ROW, SERIES_COLORS, Book, Column

BARS_IN_A_CHART = 15
ROWS_ABOVE_A_CHART = 30

STATUS_COLUMNS = [
    Column(f"status_{status}", words.status(status), "count")
    for status in ("new", "active", "at_risk", "lapsed", "lost", "prospect")
]
CHANNELS = words.CHANNEL | {"any channel": "Any channel"}


def draw_tiers(book: Book, figures: Figures) -> None:
    """Customers of every tier, by status."""
    sheet = book.sheet(
        "Tiers",
        "Customers by value tier and activity status",
        subtitle(figures),
        f"Engaged: {rules.engaged(figures.rules)}. They have a tier, the others have none.",
    )
    rows = figures["tier_by_status"]
    columns = [
        Column("value_tier", "Value tier"),
        *STATUS_COLUMNS,
        Column("customers", "Customers", "count"),
        Column("share", "Share", "share"),
        monetary(figures.rules),
        Column("sales", "Revenue of the month", "money"),
    ]
    table = sheet.table(
        FIRST_TABLE_ROW,
        "tier_by_status",
        columns,
        named_rows(rows, "value_tier", words.tier),
        total_row(rows, "value_tier"),
    )
    engaged = len(figures.tiers)
    chart = book.chart("bar", "Engaged customers by tier and status", "stacked")
    for status in figures.rules["scored_statuses"]:
        add_bars(chart, table, "value_tier", f"status_{status}", STATUS[status], most=engaged)
    money = book.chart("bar", f"Monetary by tier, {figures.shown.currency}")
    add_bars(money, table, "value_tier", "monetary", SERIES_COLORS[0], most=engaged)
    money.set_legend({"none": True})
    sheet.place(table.below, [chart, money], width=560)
    sheet.print_on_one_page()


def draw_lifecycle_events(book: Book, figures: Figures) -> None:
    """Customers by what happened to them in the month, beside earlier months."""
    shown = figures.shown
    note = f"Exactly one event per customer and month: the first of this list that applies. {whole_months(shown)}"
    sheet = book.sheet("Lifecycle events", "Lifecycle events", subtitle(figures), note)
    rows = figures["lifecycle_events"]
    columns = [
        Column("event", "Event"),
        Column("customers", f"{shown.month:%b %Y}", "count"),
        Column("share", "Share", "share"),
        Column("previous_month", f"{previous_month(shown.month):%b %Y}", "count"),
        Column("change_on_month", "Change on month", "change"),
        Column("previous_year", f"{last_year(shown.month):%b %Y}", "count"),
        Column("change_on_year", "Change on year", "change"),
        Column("sales", "Revenue of the month", "money"),
    ]
    table = sheet.table(
        FIRST_TABLE_ROW,
        "lifecycle_events",
        columns,
        named_rows(rows, "event", words.EVENT.__getitem__),
        total_row(rows, "event"),
    )
    beside = "so far" if shown.is_open else "beside the month before"
    chart = book.chart("bar", f"Events of {shown.month:%B %Y} {beside}")
    events = len(words.EVENT) - 3  # retained, registered and none are no movements
    add_bars(chart, table, "event", "customers", SERIES_COLORS[0], most=events)
    if shown.is_open:
        chart.set_legend({"none": True})
    else:
        add_bars(chart, table, "event", "previous_month", "#B8CCE0", most=events)
    sheet.place(table.below, [chart], width=760, height=400)
    sheet.print_on_one_page()


def draw_segments(book: Book, figures: Figures) -> None:
    """Customers and money of every segment, beside earlier months."""
    shown = figures.shown
    note = f"Exactly one segment per customer and month. {whole_months(shown)}"
    sheet = book.sheet("Segments", "Segments", subtitle(figures), note)
    rows = figures["segments"]
    columns = [
        Column("segment", "Segment"),
        Column("customers", f"{shown.month:%b %Y}", "count"),
        Column("share", "Share", "share"),
        Column("previous_month", f"{previous_month(shown.month):%b %Y}", "count"),
        Column("change_on_month", "Change on month", "change"),
        Column("previous_year", f"{last_year(shown.month):%b %Y}", "count"),
        Column("change_on_year", "Change on year", "change"),
        monetary(figures.rules),
        Column("monetary_per_customer", "of it per customer", "money"),
        Column("sales", "Revenue of the month", "money"),
        Column("reach_email", "Opted in: e-mail", "count"),
        Column("reach_sms", "Opted in: SMS", "count"),
        Column("reach_phone", "Opted in: phone", "count"),
    ]
    table = sheet.table(FIRST_TABLE_ROW, "segments", columns, named_rows(rows, "segment"), total_row(rows, "segment"))
    customers = book.chart("bar", "Customers by segment")
    add_bars(customers, table, "segment", "customers", SERIES_COLORS[0])
    money = book.chart("bar", f"Monetary by segment, {shown.currency}")
    add_bars(money, table, "segment", "monetary", SERIES_COLORS[2])
    for chart in (customers, money):
        chart.set_legend({"none": True})
    sheet.place(table.below, [customers, money], width=600, height=360)
    sheet.print_on_one_page()


def draw_reach(book: Book, figures: Figures) -> None:
    """Whom each channel reaches, of all customers and by tier."""
    sheet = book.sheet(
        "Opt-in reach",
        "Opt-in reach by channel",
        subtitle(figures),
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
    channels = [{**row, "channel": CHANNELS[row["channel"]]} for row in figures["reach_by_channel"]]
    by_channel = sheet.table(FIRST_TABLE_ROW, "reach_by_channel", columns, channels)
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
        by_channel.below + 1,
        "reach_by_tier",
        columns,
        named_rows(rows, "value_tier", words.tier),
        total_row(rows, "value_tier"),
    )
    chart = book.chart("bar", "Whom each channel reaches", "percent_stacked")
    for key, color in (("opted_in", "#009E73"), ("declined", "#CC5500"), ("unknown", "#B9C0C8")):
        add_bars(chart, by_channel, "channel", key, color)
    sheet.place(by_tier.below, [chart], height=300)
    sheet.print_on_one_page()


def draw_breakdown(book: Book, figures: Figures, name: str, title: str, labels: list[Column]) -> None:
    """The figure `name`, customers by the attribute that `labels` show: the first one is its value."""
    shown = figures.shown
    sheet_name = name.replace("_", " ").capitalize()
    sheet = book.sheet(sheet_name, title, subtitle(figures), whole_months(shown), frozen_columns=len(labels))
    rows = figures[name]
    label = labels[0].key
    columns = [
        *labels,
        Column("customers", "Customers", "count"),
        Column("share", "Share", "share"),
        Column("engaged", "Engaged", "count"),
        Column("engaged_previous_month", f"Engaged in {previous_month(shown.month):%b %Y}", "count"),
        Column("change_on_month", "Change on month", "change"),
        Column("status_new", words.status("new"), "count"),
        Column("status_at_risk", words.status("at_risk"), "count"),
        Column("status_lapsed", words.status("lapsed"), "count"),
        Column("status_lost", words.status("lost"), "count"),
        Column("buyers", "Buyers", "count"),
        Column("sales", "Revenue of the month", "money"),
        monetary(figures.rules),
        Column("monetary_per_engaged", "of it per engaged customer", "money"),
        Column("reach_email", "Opted in: e-mail", "count"),
        Column("reach_sms", "Opted in: SMS", "count"),
        Column("reach_phone", "Opted in: phone", "count"),
    ]
    table = sheet.table(FIRST_TABLE_ROW, name, columns, named_rows(rows, label), total_row(rows, label))
    bars = min(BARS_IN_A_CHART, table.last_row - table.first_row + 1)
    chart = book.chart("bar", "Engaged customers" + (f", the {bars} largest" if len(rows) - 1 > bars else ""))
    add_bars(chart, table, label, "engaged", SERIES_COLORS[0], most=bars)
    chart.set_legend({"none": True})
    if table.last_row - table.first_row < ROWS_ABOVE_A_CHART:
        sheet.place(table.below, [chart], width=760, height=120 + 24 * bars)
    else:
        sheet.place(FIRST_TABLE_ROW, [chart], column=len(columns) + 1, width=560, height=120 + 24 * bars)
        sheet.worksheet.print_area(0, 0, table.below - 1, len(columns) - 1)
