"""The Excel summary: its figures against pandas and the source files, its cells as Excel sees them."""

import hashlib
import zipfile
from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from include.warehouse.database import engine
from include.warehouse.errors import InputError
from include.warehouse.settings import Settings
from include.warehouse.summary import write_summary
from tests.fixtures.retailer import LAST_DAY, lines

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
    "Newly lost": "lost",
    "Newly lapsed": "lapsed",
    "Newly at risk": "at_risk",
}


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


def read_table(sheet: Worksheet, name: str) -> list[dict[str, Any]]:
    """The rows of a named table by its headers."""
    rows = [[cell.value for cell in row] for row in sheet[sheet.tables[name].ref]]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def below(sheet: Worksheet, name: str) -> list[Any]:
    """The line under a table: its total."""
    _, _, _, last_row = openpyxl.utils.range_boundaries(sheet.tables[name].ref)
    return [cell.value for cell in sheet[last_row + 1]]


def test_tiers_by_status(book: openpyxl.Workbook, report: pd.DataFrame) -> None:
    expected = report.groupby(["value_tier", "activity_status"]).size()
    table = read_table(book["Tiers"], "tier_by_status")
    assert [row["Value tier"] for row in table] == ["platinum", "gold", "silver", "bronze", "none"]
    for row in table:
        for title, status in STATUSES.items():
            assert row[title] == expected.get((row["Value tier"], status), 0)
        of_tier = report[report["value_tier"] == row["Value tier"]]
        assert row["Core sales, 12-month window"] == pytest.approx(float(of_tier["monetary"].sum()), abs=0.001)
    assert below(book["Tiers"], "tier_by_status")[7] == len(report)


def test_lifecycle_events_of_an_open_month_show_no_change(book: openpyxl.Workbook, customers: pd.DataFrame) -> None:
    counted = customers.groupby(["month", "lifecycle_event"]).size()
    table = read_table(book["Lifecycle events"], "lifecycle_events")
    for row in table:
        event = EVENTS.get(row["Event"], row["Event"].lower())
        assert row["Nov 2025"] == counted.get((MONTH, event), 0)
        assert (row["Oct 2025"] or 0) == counted.get((OCTOBER, event), 0)
        assert row["Change on month"] is None
    assert sum(row["Nov 2025"] for row in table) == below(book["Lifecycle events"], "lifecycle_events")[1]


def test_segments_and_reach(book: openpyxl.Workbook, report: pd.DataFrame) -> None:
    for row in read_table(book["Segments"], "segments"):
        of_segment = report[report["segment"] == row["Segment"]]
        assert row["Nov 2025"] == len(of_segment)
        assert row["Opted in: e-mail"] == (of_segment["opt_in_email"] == True).sum()  # noqa: E712 - null is not True
    engaged = report[report["r_score"].notna()]
    for row in read_table(book["Opt-in reach"], "reach_by_channel")[:3]:
        consent = report[f"opt_in_{row['Channel']}"]
        assert row["Opted in"] == (consent == True).sum()  # noqa: E712
        assert row["Declined"] == (consent == False).sum()  # noqa: E712
        assert row["Unknown"] == consent.isna().sum()
        assert row["Engaged, opted in"] == (engaged[f"opt_in_{row['Channel']}"] == True).sum()  # noqa: E712


def test_movements_between_months(book: openpyxl.Workbook, customers: pd.DataFrame) -> None:
    october = customers[customers["month"] == OCTOBER].set_index("customer_id")["value_tier"]
    november = customers[customers["month"] == MONTH].set_index("customer_id")["value_tier"]
    moved = pd.DataFrame({"source": october.reindex(november.index).fillna("(first month)"), "target": november})
    expected = moved.groupby(["source", "target"]).size()
    for row in read_table(book["Tier movements"], "tier_movements_customers"):
        for tier in ("platinum", "gold", "silver", "bronze", "none"):
            assert (row[tier] or 0) == expected.get((row["From \\ to"], tier), 0)


@pytest.mark.parametrize(
    ("sheet", "column", "title"),
    [
        ("Customer groups", "customer_group", "Customer group"),
        ("Cities", "city", "City"),
        ("Stores", "home_store_id", "Home store"),
    ],
)
def test_breakdowns(book: openpyxl.Workbook, report: pd.DataFrame, sheet: str, column: str, title: str) -> None:
    named = report.assign(**{column: report[column].fillna("(unknown)")}).groupby(column)
    rows = read_table(book[sheet], sheet.lower().replace(" ", "_"))
    assert {row[title] for row in rows} == set(named.groups)
    for row in rows:
        group = named.get_group(row[title])
        assert row["Customers"] == len(group)
        assert row["Engaged"] == group["r_score"].notna().sum()
        assert row["Sales of the month"] == pytest.approx(float(group["month_amount"].sum()), abs=0.001)


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
        assert Decimal(str(row["Sales"])) == whole[row["Month"].date()]
    assert trend[-1]["Dormant"] is None
    table = read_table(book["Same days"], "same_days")
    assert [row["Month"] for row in table] == [row["Month"] for row in trend]
    for row in table:
        month = row["Month"].date()
        assert Decimal(str(row["Sales"])) == same_days[month]
        assert row["Orders"] == len(orders[month])
        assert row["Buyers"] == len(buyers[month])
    overview = {row["Measure"]: row for row in read_table(book["Overview"], "overview_2")}
    assert Decimal(str(overview["Sales"]["Oct 2025"])) == same_days[OCTOBER]
    change = same_days[MONTH] / same_days[OCTOBER] - 1
    assert overview["Sales"]["Change on month"] == pytest.approx(float(change), abs=1e-6)
    assert "Dormant" not in {
        row["Measure"] for name in (1, 2, 3) for row in read_table(book["Overview"], f"overview_{name}")
    }


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
    assert len(statements) == 17
    with engine(published).connect() as connection:
        for statement in statements:
            result = connection.execution_options(no_parameters=True).exec_driver_sql(statement["SQL"])
            rows = ["\t".join(result.keys())]
            rows += ["\t".join("" if value is None else str(value) for value in row) for row in result]
            assert len(rows) - 1 == statement["Rows"]
            assert hashlib.sha256("\n".join(rows).encode()).hexdigest() == statement["SHA-256"], statement["Figure"]


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
