"""The Excel summary: its figures against pandas and the source files, its cells as Excel sees them."""

import hashlib
import zipfile
from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from include.warehouse.database import engine
from include.warehouse.errors import InputError
from include.warehouse.load import approve, load_files
from include.warehouse.settings import Settings
from include.warehouse.steps import refresh
from include.warehouse.summary import summary_path, write_summary
from tests.fixtures.retailer import LAST_DAY, lines, write_customers, write_files, write_sales
from tests.fixtures.workbook import below, charts, read_table

MONTH = date(2025, 11, 1)
OCTOBER = date(2025, 10, 1)
STATUSES = {
    "New": "new",
    "Active": "active",
    "At risk": "at_risk",
    "Lapsed": "lapsed",
    "Lost": "lost",
    "Prospect": "prospect",
}
EVENTS = {
    "First purchase": "first_purchase",
    "Became lost": "lost",
    "Became lapsed": "lapsed",
    "Became at risk": "at_risk",
    "No event": "none",
}
TIERS = {"Platinum": "platinum", "Gold": "gold", "Silver": "silver", "Bronze": "bronze", "No tier": "none"}
CHANNELS = {"E-mail": "email", "SMS": "sms", "Phone": "phone"}


@pytest.fixture(scope="module")
def path(published: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_summary(published, None, tmp_path_factory.mktemp("summary") / "summary.xlsx")


@pytest.fixture(scope="module")
def book(path: Path) -> openpyxl.Workbook:
    return openpyxl.load_workbook(path)


@pytest.fixture(scope="module")
def customers(published: Settings) -> pd.DataFrame:
    with engine(published).connect() as connection:
        return pd.read_sql("select * from mart.customer_snapshot", connection)


@pytest.fixture(scope="module")
def report(customers: pd.DataFrame) -> pd.DataFrame:
    return customers[customers["month"] == MONTH]


def test_tiers_by_status(book: openpyxl.Workbook, report: pd.DataFrame) -> None:
    expected = report.groupby(["value_tier", "activity_status"]).size()
    table = read_table(book["Tiers"], "tier_by_status")
    assert [row["Value tier"] for row in table] == list(TIERS)
    for row in table:
        tier = TIERS[row["Value tier"]]
        for title, status in STATUSES.items():
            assert row[title] == expected.get((tier, status), 0)
        of_tier = report[report["value_tier"] == tier]
        assert row["Monetary, 12-month window"] == pytest.approx(float(of_tier["monetary"].sum()), abs=0.001)
    assert below(book["Tiers"], "tier_by_status")[7] == len(report)


def test_lifecycle_events_of_an_open_month_show_no_change(book: openpyxl.Workbook, customers: pd.DataFrame) -> None:
    counted = customers.groupby(["month", "lifecycle_event"]).size()
    table = read_table(book["Lifecycle events"], "lifecycle_events")
    for row in table:
        event = EVENTS.get(row["Event"], row["Event"].lower())
        assert row["Nov 2025"] == counted.get((MONTH, event), 0)
        assert row["Oct 2025"] == counted.get((OCTOBER, event), 0)
        assert row["Change on month"] is None
    assert sum(row["Nov 2025"] for row in table) == below(book["Lifecycle events"], "lifecycle_events")[1]
    assert charts(book["Lifecycle events"]) == {
        "Events of November 2025 so far": {"Nov 2025": [row["Nov 2025"] for row in table[:8]]}
    }


def test_segments_and_reach(book: openpyxl.Workbook, report: pd.DataFrame) -> None:
    for row in read_table(book["Segments"], "segments"):
        assert (row["Change on month"], row["Change on year"]) == (None, None), "the month is open"
        of_segment = report[report["segment"] == row["Segment"]]
        assert row["Nov 2025"] == len(of_segment)
        assert row["Opted in: e-mail"] == of_segment["opt_in_email"].eq(True).sum()
    engaged = report[report["r_score"].notna()]
    for row in read_table(book["Opt-in reach"], "reach_by_channel")[:3]:
        channel = CHANNELS[row["Channel"]]
        consent = report[f"opt_in_{channel}"]
        assert row["Opted in"] == consent.eq(True).sum()
        assert row["Declined"] == consent.eq(False).sum()
        assert row["Unknown"] == consent.isna().sum()
        assert row["Engaged, opted in"] == engaged[f"opt_in_{channel}"].eq(True).sum()


def test_movements_between_months(book: openpyxl.Workbook, customers: pd.DataFrame) -> None:
    october = customers[customers["month"] == OCTOBER].set_index("customer_id")["value_tier"]
    november = customers[customers["month"] == MONTH].set_index("customer_id")["value_tier"]
    moved = pd.DataFrame({"source": october.reindex(november.index).fillna("Not yet known"), "target": november})
    expected = moved.groupby(["source", "target"]).size()
    for row in read_table(book["Tier movements"], "tier_movements_customers"):
        source = row["From \\ to"]
        for title, tier in TIERS.items():
            assert (row[title] or 0) == expected.get((TIERS.get(source, source), tier), 0)


@pytest.mark.parametrize(
    ("sheet", "column", "title"),
    [
        ("Customer groups", "customer_group", "Customer group"),
        ("Cities", "city", "City"),
        ("Stores", "home_store_id", "Home store"),
    ],
)
def test_breakdowns(book: openpyxl.Workbook, report: pd.DataFrame, sheet: str, column: str, title: str) -> None:
    named = report.assign(**{column: report[column].fillna("Unknown")}).groupby(column)
    rows = read_table(book[sheet], sheet.lower().replace(" ", "_"))
    assert {row[title] for row in rows} == set(named.groups)
    for row in rows:
        group = named.get_group(row[title])
        assert row["Customers"] == len(group)
        assert row["Change on month"] is None, "the month is open"
        assert row["Engaged"] == group["r_score"].notna().sum()
        assert row["Revenue of the month"] == pytest.approx(float(group["month_amount"].sum()), abs=0.001)


def test_trend_and_same_days_against_the_source_files(book: openpyxl.Workbook) -> None:
    whole: defaultdict[date, Decimal] = defaultdict(Decimal)
    same_days: defaultdict[date, Decimal] = defaultdict(Decimal)
    orders: defaultdict[date, set[str]] = defaultdict(set)
    buyers: defaultdict[date, set[str]] = defaultdict(set)
    for line in lines():
        month = line.day.replace(day=1)
        whole[month] += line.amount
        if line.day.day <= LAST_DAY.day:
            same_days[month] += line.amount
            if not line.is_return:
                orders[month].add(line.transaction_id)
            if line.is_core and not line.is_return:
                buyers[month].add(line.customer_id)
    trend = read_table(book["Trend"], "thirteen_months")
    assert len(trend) == 13
    for row in trend:
        assert Decimal(str(row["Revenue"])) == whole[row["Month"].date()]
    assert trend[-1]["Dormant"] is None
    table = read_table(book["Same days"], "same_days")
    assert [row["Month"] for row in table] == [row["Month"] for row in trend]
    for row in table:
        month = row["Month"].date()
        assert Decimal(str(row["Revenue"])) == same_days[month]
        assert row["Orders"] == len(orders[month])
        assert row["Buyers"] == len(buyers[month])
    overview = {row["Measure"]: row for row in read_table(book["Overview"], "overview_1")}
    assert Decimal(str(overview["Revenue"]["Oct 2025"])) == same_days[OCTOBER]
    change = same_days[MONTH] / same_days[OCTOBER] - 1
    assert overview["Revenue"]["Change on month"] == pytest.approx(float(change), abs=1e-6)
    assert overview["Engaged customers"]["Change on month"] is not None
    others = {row["Measure"]: row for row in read_table(book["Overview"], "overview_2")}
    assert {"Customers", "At risk", "Reactivated"} <= set(others)
    assert {row[f"Change on {span}"] for row in others.values() for span in ("month", "year")} == {None}
    assert "Dormant" not in overview | others


def test_rejects_and_control_totals(book: openpyxl.Workbook) -> None:
    rejects = {(row["Feed"], row["Reason"]): row["Rejected"] for row in read_table(book["Rejects"], "rejects")}
    assert rejects == {
        ("sales", "unknown_customer"): 2,
        ("sales", "invalid_date"): 2,
        ("sales", "unknown_product"): 2,
        ("sales", "negative_price"): 2,
        ("customers", "missing_key"): 2,
    }
    totals = read_table(book["About"], "control_totals")
    assert [row["Equal"] for row in totals] == ["yes"] * 6
    of_month = sum((line.amount for line in lines() if line.day >= MONTH), Decimal())
    assert Decimal(str(totals[2]["Sale lines"])) == of_month
    conserved = {row["Identity"]: row["Left, total"] for row in read_table(book["Checks"], "conservation")}
    accepted = float(sum(line.amount for line in lines()))
    assert conserved["amount loaded = current lines + superseded lines"] == pytest.approx(accepted, abs=0.001)
    assert conserved["net amount of current lines = customer-months"] == pytest.approx(accepted, abs=0.001)


def test_cells_have_types_and_no_text_becomes_a_formula(book: openpyxl.Workbook) -> None:
    for sheet in book:
        for row in sheet.iter_rows():
            assert not [cell.coordinate for cell in row if cell.data_type == "f"], sheet.title
    cities = [row["City"] for row in read_table(book["Cities"], "cities")]
    assert {"=HYPERLINK(1)", "@Madrid", "-Bilbao", "تونس", "東京 🗼"} <= set(cities)
    first = read_table(book["Trend"], "thirteen_months")[0]
    assert isinstance(first["Month"], datetime)
    assert isinstance(first["Customers"], int)
    received = read_table(book["Data quality"], "files")[0]["Received (UTC)"]
    assert isinstance(received, datetime)


def test_sheets_are_made_for_reading(book: openpyxl.Workbook, path: Path) -> None:
    for sheet in book:
        assert sheet.freeze_panes, sheet.title
        assert all(table.autoFilter is not None for table in sheet.tables.values()), sheet.title
        widths = {letter: dimension.width for letter, dimension in sheet.column_dimensions.items()}
        assert widths, sheet.title
    with zipfile.ZipFile(path) as archive:
        charts = [name for name in archive.namelist() if name.startswith("xl/charts/chart")]
    assert len(charts) >= 12


def test_about_gives_every_figure_again(book: openpyxl.Workbook, published: Settings) -> None:
    statements = read_table(book["About"], "statements")
    assert len(statements) == 18
    with engine(published).connect() as connection:
        for statement in statements:
            result = connection.execution_options(no_parameters=True).exec_driver_sql(statement["SQL"])
            rows = ["\t".join(result.keys())]
            rows += ["\t".join("" if value is None else str(value) for value in row) for row in result]
            assert len(rows) - 1 == statement["Rows"]
            assert hashlib.sha256("\n".join(rows).encode()).hexdigest() == statement["SHA-256"], statement["Figure"]


def test_terms_are_explained_in_the_words_of_the_sheets(book: openpyxl.Workbook) -> None:
    known = {row["Term"]: row["Meaning"] for row in read_table(book["Terms"], "terms")}
    assert all(known.values())
    events = {row["Event"] for row in read_table(book["Lifecycle events"], "lifecycle_events")}
    segments = {row["Segment"] for row in read_table(book["Segments"], "segments")}
    named = {
        *(f"{event} (event)" for event in events),
        *(f"{segment} (segment)" for segment in segments),
        *(f"{tier} (tier)" for tier in TIERS),
        *(f"{status} (status)" for status in STATUSES),
        *(f"{state} (growth)" for state in ("Returning", "Resurrected", "Dormant")),
        *("Engaged", "Buyers", "Revenue", "Core revenue", "Orders", "Items", "Won back", "Reach", "Monetary", "Window"),
        *("Open month", "Short history", "Thin month"),
    }
    assert named <= set(known)
    assert known["Resurrected (growth)"] == "core purchase in this month, none in the month before, not new"
    assert known["Active (status)"] == "last core purchase at most 90 days ago, and not new"
    assert known["At risk (status)"] == "last core purchase 91 to 180 days ago"


def test_the_same_publication_gives_the_same_bytes(published: Settings, path: Path, tmp_path: Path) -> None:
    again = write_summary(published, MONTH, tmp_path / "again.xlsx")
    assert again.read_bytes() == path.read_bytes()


def test_a_closed_month_is_compared_as_a_whole(published: Settings, tmp_path: Path, customers: pd.DataFrame) -> None:
    book = openpyxl.load_workbook(write_summary(published, OCTOBER, tmp_path / "october.xlsx"))
    assert "Same days" not in book.sheetnames
    dormant = read_table(book["Trend"], "thirteen_months")[-1]["Dormant"]
    october = customers[customers["month"] == OCTOBER]
    assert dormant == (october["growth_state"] == "dormant").sum()
    events = {row["Event"]: row for row in read_table(book["Lifecycle events"], "lifecycle_events")}
    september = customers[customers["month"] == date(2025, 9, 1)]
    before = (september["lifecycle_event"] == "retained").sum()
    change = (october["lifecycle_event"] == "retained").sum() / before - 1
    assert events["Retained"]["Change on month"] == pytest.approx(change, abs=1e-6)
    assert len(charts(book["Lifecycle events"])["Events of October 2025 beside the month before"]) == 2
    change = (october["segment"] == "Lost").sum() / (september["segment"] == "Lost").sum() - 1
    segments = {row["Segment"]: row for row in read_table(book["Segments"], "segments")}
    assert segments["Lost"]["Change on month"] == pytest.approx(change, abs=1e-6)
    change = october["r_score"].notna().sum() / september["r_score"].notna().sum() - 1
    overview = {row["Measure"]: row for row in read_table(book["Overview"], "overview_1")}
    assert overview["Engaged customers"]["Change on month"] == pytest.approx(change, abs=1e-6)
    assert below(book["Stores"], "stores")[6] == pytest.approx(change, abs=1e-6)


def test_the_first_month_has_nothing_to_compare_with(published: Settings, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(write_summary(published, date(2024, 1, 1), tmp_path / "first.xlsx"))
    overview = read_table(book["Overview"], "overview_1")
    assert overview[0]["Jan 2024"] > 0
    assert overview[0]["Dec 2023"] is None


def test_a_month_that_is_not_published_is_named(published: Settings, warehouse: Settings, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="2023-12 is not published"):
        write_summary(published, date(2023, 12, 1), tmp_path / "no.xlsx")
    with pytest.raises(InputError, match="no month is published yet"):
        write_summary(warehouse, None, tmp_path / "no.xlsx")
    assert not list(tmp_path.iterdir())


def test_a_month_that_is_built_again_has_its_summary_written_again(fresh_warehouse: Settings, tmp_path: Path) -> None:
    *masters, _ = write_files(tmp_path / "files")
    sales = tmp_path / "sales_2025.csv"
    load_files(fresh_warehouse, [*masters, write_sales(sales, 2025, until=date(2025, 10, 20))])
    assert refresh(fresh_warehouse).excel == summary_path(fresh_warehouse, OCTOBER)
    earlier = write_summary(fresh_warehouse, date(2024, 6, 1), None)
    unchanged = earlier.read_bytes()
    # fewer customers than the shrink guard lets pass
    fewer = write_customers(tmp_path / "customers_2025-11-10.csv", leave_out=100)
    (held, _) = load_files(fresh_warehouse, [fewer, write_sales(sales, 2025)])
    assert held.status == "held"
    assert refresh(fresh_warehouse).excel == summary_path(fresh_warehouse, MONTH)
    october = openpyxl.load_workbook(summary_path(fresh_warehouse, OCTOBER))
    assert october["Overview"]["A2"].value.startswith("As of 31 October 2025 · amounts"), "it is whole now"
    assert earlier.read_bytes() == unchanged
    assert not summary_path(fresh_warehouse, date(2025, 9, 1)).exists()

    # the publication lacks the rows of a file that is let in later
    approve(fresh_warehouse, fewer.name)
    path = write_summary(fresh_warehouse, None, tmp_path / "summary.xlsx")
    assert fewer.name not in {row["File"] for row in read_table(openpyxl.load_workbook(path)["Data quality"], "files")}
    refresh(fresh_warehouse)
    path = summary_path(fresh_warehouse, MONTH)
    files = {row["File"]: row["Status"] for row in read_table(openpyxl.load_workbook(path)["Data quality"], "files")}
    assert files[fewer.name] == "loaded"
