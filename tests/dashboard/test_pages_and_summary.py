"""Figures that the pages and the Excel summary both show are the same, of an open month and of a whole one."""

from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from openpyxl import Workbook

from dashboard.data import cohorts, customers, health, months, movements, overview, scores
from dashboard.data.audience import Audience
from dashboard.data.months import Month
from include.warehouse.settings import Settings
from include.warehouse.summary import write_summary
from include.warehouse.wording import words
from tests.fixtures.workbook import read_table

Figures = dict[tuple[object, ...], float]

MONETARY = "Monetary, 12-month window"
SALES = "Revenue of the month"
UNSCORED_SEGMENTS = ("Prospect", "Lapsed", "Lost")
FLOWS = {
    "engaged": "Engaged customers",
    "new": "New customers",
    "won_back": "Won back",
    "lost": "Became lost",
    "revenue": "Revenue",
}
FATES = ("received", "loaded", "unchanged", "rejected", "duplicate", "superseded")


@pytest.fixture(scope="module", params=[date(2025, 11, 1), date(2025, 10, 1)], ids=["open", "whole"])
def summary(request: pytest.FixtureRequest, published: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The summary of a month, as people take it away."""
    return write_summary(published, request.param, tmp_path_factory.mktemp("summary") / f"{request.param}.xlsx")


def tiers_by_status(month: Month, book: Workbook) -> tuple[Figures, Figures]:
    page: Figures = {}
    for row in overview.tier_by_status(month.month).itertuples():
        page[words.tier(row.value_tier), words.status(row.activity_status)] = row.customers
        add(page, (words.tier(row.value_tier), MONETARY), row.monetary)
    table = read_table(book["Tiers"], "tier_by_status")
    return page, cells(table, "Value tier", [*words.STATUS.values(), MONETARY])


def tier_movements(month: Month, book: Workbook) -> tuple[Figures, Figures]:
    page: Figures = {}
    sheet: Figures = {}
    for measure in ("customers", "monetary"):
        for row in movements.movements(month.months_before(1), month.month, "value_tier").itertuples():
            page[measure, words.tier(row.origin or None), words.tier(row.destination)] = getattr(row, measure)
        for line in read_table(book["Tier movements"], f"tier_movements_{measure}"):
            origin = line.pop("From \\ to")
            sheet |= {(measure, origin, title): value for title, value in line.items() if title != "Total"}
    return page, sheet


def reach(month: Month, book: Workbook) -> tuple[Figures, Figures]:
    shown = customers.counts(month.month, Audience()).reach
    page: Figures = {(words.CHANNEL[channel], "Opted in"): count for channel, count in shown.items()}
    history = overview.history(month.month, 1)
    for row in history[history["dimension"] == "value_tier"].itertuples():
        for channel, title in words.CHANNEL.items():
            page[words.tier(row.value), title] = getattr(row, f"reach_{channel}")
    by_channel = [
        row for row in read_table(book["Opt-in reach"], "reach_by_channel") if row["Channel"] != "Any channel"
    ]
    by_tier = read_table(book["Opt-in reach"], "reach_by_tier")
    return page, cells(by_channel, "Channel", ["Opted in"]) | cells(by_tier, "Value tier", words.CHANNEL.values())


def segments(month: Month, book: Workbook) -> tuple[Figures, Figures]:
    titles = {
        "customers": f"{month.month:%b %Y}",
        "monetary": MONETARY,
        "month_amount": SALES,
        "email": "Opted in: e-mail",
        "sms": "Opted in: SMS",
        "phone": "Opted in: phone",
    }
    page = sums(customers.counts(month.month, Audience()).groups, "segment", titles)
    return page, cells(read_table(book["Segments"], "segments"), "Segment", titles.values())


def scored_segments(month: Month, book: Workbook) -> tuple[Figures, Figures]:
    titles = {"customers": f"{month.month:%b %Y}", "monetary": MONETARY, "month_amount": SALES}
    rows = [row for row in read_table(book["Segments"], "segments") if row["Segment"] not in UNSCORED_SEGMENTS]
    return sums(scores.grid(month.month), "segment", titles), cells(rows, "Segment", titles.values())


def lifecycle_events(month: Month, book: Workbook) -> tuple[Figures, Figures]:
    history = overview.history(month.month)
    titles = {day: f"{day:%b %Y}" for day in (month.month, month.months_before(1), month.months_before(12))}
    page: Figures = {}
    for row in history[history["dimension"] == "lifecycle_event"].itertuples():
        if row.month in titles:
            page[words.EVENT[row.value], titles[row.month]] = row.customers
        if row.month == month.month:
            page[words.EVENT[row.value], SALES] = row.month_amount
    table = read_table(book["Lifecycle events"], "lifecycle_events")
    return page, cells(table, "Event", [*titles.values(), SALES])


def thirteen_months(month: Month, book: Workbook) -> tuple[Figures, Figures]:
    page: Figures = {}
    for row in overview.history(month.month).itertuples():
        if row.dimension == "total":
            page[row.month, "Customers"] = row.customers
            page[row.month, "Engaged customers"] = row.scored
            page[row.month, "Revenue"] = row.month_amount
        elif row.dimension == "value_tier" and row.value != "none":
            page[row.month, f"{words.tier(row.value)} (tier)"] = row.customers
        elif row.dimension == "growth_state" and row.value != "inactive":
            page[row.month, "New customers" if row.value == "new" else words.GROWTH[row.value]] = row.customers
    if month.is_open:
        # the pages do not show it before the month is whole, nor does the sheet
        page.pop((month.month, "Dormant"), None)
    titles = {title for _, title in page}
    table = [row | {"Month": row["Month"].date()} for row in read_table(book["Trend"], "thirteen_months")]
    assert titles <= set(table[0])
    return page, cells(table, "Month", titles)


def buyers_of_the_cohorts(month: Month, book: Workbook) -> tuple[Figures, Figures]:
    page: Figures = {}
    for row in cohorts.cohorts(month.month).itertuples():
        bought_in = date(
            row.cohort.year + (row.cohort.month - 1 + row.k) // 12, (row.cohort.month - 1 + row.k) % 12 + 1, 1
        )
        if bought_in >= month.months_before(12):
            add(page, (bought_in, "Buyers"), row.buyers)
            if row.k == 0:
                page[bought_in, "New customers"] = row.customers
    table = [row | {"Month": row["Month"].date()} for row in read_table(book["Trend"], "thirteen_months")]
    return page, cells(table, "Month", ["Buyers", "New customers"])


def overview_and_comparisons(month: Month, book: Workbook) -> tuple[Figures, Figures]:
    compared, others = (
        {row["Measure"]: row for row in read_table(book["Overview"], name)} for name in ("overview_1", "overview_2")
    )
    page: Figures = {}
    for day in (month.month, month.months_before(1), month.months_before(12)):
        flows = overview.whole_month(day) if day == month.month else overview.comparison(month, day)
        revenue = overview.revenue(day) if day == month.month else overview.comparable_revenue(month, day)
        assert flows is not None
        title = f"{day:%b %Y}"
        page |= {(FLOWS[name], title): float(getattr(flows, name)) for name in FLOWS}
        page |= {("Orders", title): revenue.orders, ("Items", title): float(revenue.items)}
    measures = {measure for measure, _ in page}
    # beside an open month the pages show nothing of whole ones
    rows = [row for table in ([compared] if month.is_open else [compared, others]) for row in table.values()]
    rows = [row for row in rows if row["Measure"] in measures]
    assert {row["Measure"] for row in rows} == measures
    return page, cells(rows, "Measure", [title for _, title in page])


def breakdowns(month: Month, book: Workbook) -> tuple[Figures, Figures]:
    page: Figures = {}
    sheet: Figures = {}
    for attribute, name, title in (
        ("customer_group", "Customer groups", "Customer group"),
        ("city", "Cities", "City"),
        ("home_store_id", "Stores", "Home store"),
    ):
        for row in customers.by_attribute(month.month, Audience(), attribute, 1000).itertuples():
            value = words.UNKNOWN if pd.isna(row.value) else row.value
            page |= {(value, name, "Customers"): row.customers, (value, name, MONETARY): row.monetary}
        found = cells(read_table(book[name], name.lower().replace(" ", "_")), title, ["Customers", MONETARY])
        sheet |= {(value, name, column): count for (value, column), count in found.items()}
    return page, sheet


def files_and_rejects(month: Month, book: Workbook) -> tuple[Figures, Figures]:
    del month
    page: Figures = {}
    titles = {f"rows_{fate}": fate.capitalize() for fate in FATES}
    titles |= {f"amount_{fate}": f"Amount {fate}" for fate in ("received", "loaded", "rejected")}
    for file in health.files().to_dict("records"):
        page |= {(file["file_name"], title): file[name] for name, title in titles.items() if not pd.isna(file[name])}
    for row in health.rejects().itertuples():
        add(page, (row.feed, row.reason, "of it open"), row.records)
        add(page, (row.feed, row.reason, "Amount open"), 0 if pd.isna(row.amount) else row.amount)
    sheet = cells(read_table(book["Data quality"], "files"), "File", titles.values())
    for line in read_table(book["Rejects"], "rejects"):
        sheet |= {(line["Feed"], line["Reason"], title): line[title] for title in ("of it open", "Amount open")}
    return page, sheet


@pytest.mark.parametrize(
    "figures",
    [
        tiers_by_status,
        tier_movements,
        reach,
        segments,
        scored_segments,
        lifecycle_events,
        thirteen_months,
        buyers_of_the_cohorts,
        overview_and_comparisons,
        breakdowns,
        files_and_rejects,
    ],
)
def test_a_page_shows_what_the_summary_says(
    figures: Callable[[Month, Workbook], tuple[Figures, Figures]],
    summary: Path,
    published: Settings,
    reading: Callable[[Settings], None],
) -> None:
    reading(published)
    [month] = [month for month in months.months() if str(month.month) == summary.stem]
    page, sheet = figures(month, openpyxl.load_workbook(summary))
    assert not_zero(page) == pytest.approx(not_zero(sheet), abs=0.001)
    assert not_zero(page)


def add(figures: Figures, key: tuple[object, ...], value: float) -> None:
    """Adds to the figure of a key."""
    figures[key] = figures.get(key, 0.0) + float(value)


def sums(rows: pd.DataFrame, label: str, titles: dict[str, str]) -> Figures:
    """Sums of columns by the values of another, under the titles of the sheet."""
    found: Figures = {}
    for row in rows.to_dict("records"):
        for name, title in titles.items():
            add(found, (row[label], title), row[name])
    return found


def cells(table: list[dict[str, Any]], label: str, titles: Iterable[str]) -> Figures:
    """The cells of a table by the label of the row and the header of the column."""
    return {(row[label], title): row[title] for row in table for title in titles}


def not_zero(figures: Figures) -> Figures:
    """The figures of somebody or something: nobody is 0 in one place and absent in another."""
    return {key: float(value) for key, value in figures.items() if value}
