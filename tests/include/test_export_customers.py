"""Customer lists: exactly the filtered customers, in files that no spreadsheet mistakes for formulas."""

import csv
import hashlib
import io
import json
import re
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from sqlalchemy import create_engine

from include.warehouse import excel_list
from include.warehouse.customer_filter import CustomerFilter
from include.warehouse.database import engine
from include.warehouse.errors import InputError, WarehouseError
from include.warehouse.export_customers import (
    COLUMNS,
    CONTACT_COLUMNS,
    FORMATS,
    Selection,
    every_column,
    export_customers,
    write_customers,
    write_selection,
)
from include.warehouse.published import published_month
from include.warehouse.roles import login_url
from include.warehouse.settings import Settings
from tests.fixtures.retailer import ODD_CITIES, ODD_IDS, ODD_NAMES

MONTH = date(2025, 11, 1)
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


@pytest.fixture(scope="module")
def customers(published: Settings) -> pd.DataFrame:
    with engine(published).connect() as connection:
        names = pd.read_sql("select customer_id, full_name from mart.customer_contact", connection)
        snapshot = pd.read_sql("select * from mart.customer_snapshot", connection)
    return snapshot.merge(names, on="customer_id")


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def without_apostrophe(text: str) -> str:
    return re.sub(r"""(^|[,;|\t\r\n]["\s]*)'(?=[=+@\t\r\n-])""", r"\1", text)


FILTERS = {
    "everybody": (CustomerFilter(), lambda c: c["month"] == MONTH),
    "an earlier month": (
        CustomerFilter(month=date(2025, 3, 1), status=["active"]),
        lambda c: (c["month"] == date(2025, 3, 1)) & (c["activity_status"] == "active"),
    ),
    "two tiers of two segments": (
        CustomerFilter(tier=["gold", "platinum"], segment=["Champions", "Loyal"]),
        lambda c: (
            (c["month"] == MONTH)
            & c["value_tier"].isin(["gold", "platinum"])
            & c["segment"].isin(["Champions", "Loyal"])
        ),
    ),
    "an event and two channels": (
        CustomerFilter(event=["retained", "none"], opt_in=["email", "sms"]),
        lambda c: (
            (c["month"] == MONTH)
            & c["lifecycle_event"].isin(["retained", "none"])
            & c["opt_in_email"].eq(True)
            & c["opt_in_sms"].eq(True)
        ),
    ),
    "an odd city or an unknown one": (
        CustomerFilter(city=["=HYPERLINK(1)", None]),
        lambda c: (c["month"] == MONTH) & ((c["city"] == "=HYPERLINK(1)") | c["city"].isna()),
    ),
    "an unknown group at one store": (
        CustomerFilter(customer_group=[None], home_store_id=["S1"]),
        lambda c: (c["month"] == MONTH) & c["customer_group"].isna() & (c["home_store_id"] == "S1"),
    ),
    "part of a name": (
        CustomerFilter(search="o'BRIEN"),
        lambda c: (c["month"] == MONTH) & c["full_name"].str.contains("O'Brien", regex=False),
    ),
    "the beginning of a word": (
        CustomerFilter(search="O'"),
        lambda c: (c["month"] == MONTH) & c["full_name"].str.contains("(?:^| )[oO]'", regex=True),
    ),
    "not a letter within an id or a name": (
        CustomerFilter(search="5"),
        lambda c: (
            (c["month"] == MONTH)
            & (c["customer_id"].str.startswith("5") | c["full_name"].str.contains("(?:^| )5", regex=True))
        ),
    ),
    "a wildcard taken as it is": (
        CustomerFilter(search="0%_"),
        lambda c: (c["month"] == MONTH) & c["full_name"].str.contains("0%_", regex=False),
    ),
    "an id that looks like SQL": (
        CustomerFilter(search="'); drop table"),
        lambda c: (c["month"] == MONTH) & c["customer_id"].str.contains("drop table", regex=False),
    ),
    "nobody": (CustomerFilter(search="x" * 10_000), lambda c: c["month"].isna()),
}


@pytest.mark.parametrize("name", FILTERS)
def test_exactly_the_filtered_customers(
    published: Settings, customers: pd.DataFrame, name: str, tmp_path: Path
) -> None:
    filters, condition = FILTERS[name]
    expected = sorted(customers[condition(customers)]["customer_id"])
    assert bool(expected) == (name != "nobody")
    rows = read_csv(export_customers(published, filters, "csv", tmp_path / "list.csv"))
    assert [without_apostrophe(row["customer_id"]) for row in rows] == expected
    book = openpyxl.load_workbook(export_customers(published, filters, "xlsx", tmp_path / "list.xlsx"))
    assert [row[2] for row in book["Customers"].iter_rows(min_row=2, values_only=True) if any(row)] == expected


def test_a_csv_holds_every_value_and_no_formula(published: Settings, customers: pd.DataFrame, tmp_path: Path) -> None:
    path = export_customers(published, CustomerFilter(), "csv", tmp_path / "list.csv", contact=True)
    rows = read_csv(path)
    assert list(rows[0]) == [*COLUMNS, *CONTACT_COLUMNS]
    expected = customers[customers["month"] == MONTH].set_index("customer_id")
    kinds = COLUMNS | CONTACT_COLUMNS
    for row in rows:
        customer = expected.loc[without_apostrophe(row["customer_id"])]
        for column, text in row.items():
            assert kinds[column] != "text" or not text.startswith(DANGEROUS)
            if column in expected.columns and pd.isna(customer[column]):
                assert text == ""
            elif kinds[column] == "flag":
                assert text == str(customer[column]).lower()
            elif kinds[column] == "money":
                assert text == f"{customer[column]:.2f}"
            elif column in expected.columns and kinds[column] in {"text", "date"}:
                assert without_apostrophe(text) == str(customer[column])
    assert {"'=1+1", "'+34600", "'-5", "'@home", "0007", 'a"b,c', "x;'=1+1;y"} <= {row["customer_id"] for row in rows}
    assert {f"'{ODD_NAMES[0]}", *ODD_NAMES[1:]} <= {row["full_name"] for row in rows}
    # as a spreadsheet opens the file that separates by something else
    for delimiter in ";|\t":
        with path.open(encoding="utf-8", newline="") as file:
            cells = [cell for row in csv.reader(file, delimiter=delimiter) for cell in row]
        assert [cell for cell in cells if cell.startswith(DANGEROUS)] == []


def test_excel_cells_have_types_and_text_stays_text(published: Settings, tmp_path: Path) -> None:
    path = export_customers(published, CustomerFilter(), "xlsx", tmp_path / "list.xlsx", contact=True)
    sheet = openpyxl.load_workbook(path)["Customers"]
    assert sheet.freeze_panes == "D2"
    assert sheet.auto_filter.ref == f"A1:AS{sheet.max_row}"
    columns = [cell.value for cell in sheet[1]]
    seen = set()
    for row in sheet.iter_rows(min_row=2):
        cells = dict(zip(columns, row, strict=True))
        assert not [cell.coordinate for cell in row if cell.data_type == "f"]
        assert isinstance(cells["month"].value, datetime)
        assert isinstance(cells["monetary"].value, int | float)
        assert isinstance(cells["is_in_master"].value, bool)
        assert isinstance(cells["customer_id"].value, str)
        seen |= {cells["customer_id"].value, cells["city"].value, cells["full_name"].value}
    assert {*ODD_IDS, *ODD_CITIES, *ODD_NAMES} <= seen


def test_a_full_sheet_continues_on_the_next(
    published: Settings,
    customers: pd.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(excel_list, "ROWS_PER_SHEET", 150)
    book = openpyxl.load_workbook(export_customers(published, CustomerFilter(), "xlsx", tmp_path / "list.xlsx"))
    assert book.sheetnames == ["Customers", "Customers 2", "Customers 3", "About"]
    ids = [row[2] for name in book.sheetnames[:3] for row in book[name].iter_rows(min_row=2, values_only=True)]
    assert ids == sorted(customers[customers["month"] == MONTH]["customer_id"])


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_about_lets_the_list_be_run_again(published: Settings, file_format: str, tmp_path: Path) -> None:
    filters = CustomerFilter(status=["active"], city=["100%_sure"], search="C0")
    path = export_customers(published, filters, file_format, tmp_path / f"list.{file_format}")
    about = json.loads((tmp_path / f"list.{file_format}.about.json").read_text(encoding="utf-8"))
    assert about["filters"] == {"status": ["active"], "city": ["100%_sure"], "search": "C0"}
    assert about["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (about["month"], about["as_of_date"], about["is_open"]) == ("2025-11", "2025-11-17", True)
    with engine(published).connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        again = io.BytesIO()
        with driver.cursor() as cursor:
            cursor.copy_expert(f"copy ({about['sql']}) to stdout with (format csv, header)", again)
    assert again.getvalue().decode().count("\n") - 1 == about["rows"] > 0
    if file_format == "csv":
        assert again.getvalue() == path.read_bytes()
    else:
        sheet = openpyxl.load_workbook(path)["About"]
        shown = {row[0]: row[1] for row in sheet.iter_rows(values_only=True)}
        assert (shown["rows"], shown["sql"]) == (about["rows"], about["sql"])
    export_customers(published, filters, file_format, path)
    assert about["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_contact_data_only_for_who_may_see_it(published: Settings, tmp_path: Path) -> None:
    analyst = create_engine(login_url(published, "analyst"))
    with analyst.connect() as connection:
        with pytest.raises(InputError, match="may not see contact data"):
            write_customers(connection, CustomerFilter(), "csv", tmp_path / "no.csv", contact=True)
        found = write_customers(connection, CustomerFilter(search="O'Brien"), "csv", tmp_path / "name.csv")
        everybody = write_customers(connection, CustomerFilter(), "csv", tmp_path / "all.csv")
    analyst.dispose()
    assert found.rows == 0
    assert everybody.rows == 420
    assert not (tmp_path / "no.csv").exists()
    marketing = create_engine(login_url(published, "dashboard"), connect_args={"options": "-c role=contact_reader"})
    with marketing.connect() as connection:
        written = write_customers(
            connection, CustomerFilter(search="O'Brien"), "csv", tmp_path / "yes.csv", contact=True
        )
    marketing.dispose()
    assert [row["email"] for row in read_csv(written.path)] == ["person2@example.org"]


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("pg_sleep(30) is not null", r"^This took too long and was stopped\. Choose fewer"),
        ("pg_terminate_backend(pg_backend_pid())", r"^The connection to the warehouse was lost\. .* Try again"),
        ("1 / (extract(day from customer.month)::integer - 1) = 1", "the database says: division by zero"),
    ],
)
def test_a_list_that_the_database_does_not_finish_is_explained(
    published: Settings, file_format: str, condition: str, said: str, tmp_path: Path
) -> None:
    pool = create_engine(
        login_url(published, "analyst"), connect_args={"options": "-c statement_timeout=1000"}, hide_parameters=True
    )
    asked = Selection(f"customer.month = %(month)s and {condition}", {"month": MONTH}, {}, every_column())

    def write() -> None:
        with pool.connect() as connection:
            write_selection(connection, published_month(connection, MONTH), asked, file_format, tmp_path / "list")

    with pytest.raises(WarehouseError, match=said):
        write()
    pool.dispose()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (CustomerFilter(status=["activ"]), "status: 'activ' does not exist; choose from prospect, new"),
        (CustomerFilter(tier=["diamond"]), "tier: 'diamond' does not exist; choose from platinum, gold"),
        (CustomerFilter(segment=["Champion"]), "segment: 'Champion' does not exist"),
        (CustomerFilter(event=["gone"]), "event: 'gone' does not exist"),
        (CustomerFilter(opt_in=["fax"]), "opt_in: 'fax' does not exist; choose from email, sms, phone"),
        (CustomerFilter(search="a\0b"), "NUL"),
        (CustomerFilter(month=date(2030, 1, 1)), "2030-01 is not published"),
    ],
)
def test_what_cannot_be_is_named(published: Settings, filters: CustomerFilter, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        export_customers(published, filters, "csv", tmp_path / "no.csv")
    with pytest.raises(InputError, match="format 'pdf' does not exist"):
        export_customers(published, CustomerFilter(), "pdf", tmp_path / "no.pdf")
    with pytest.raises(InputError, match="is a folder"):
        export_customers(published, CustomerFilter(), "csv", tmp_path)
    assert not list(tmp_path.iterdir())


def test_names_tell_lists_apart(published: Settings) -> None:
    one = export_customers(published, CustomerFilter(tier=["gold"]), "csv", None)
    other = export_customers(published, CustomerFilter(tier=["silver"]), "csv", None)
    again = export_customers(published, CustomerFilter(tier=["gold"]), "csv", None)
    assert one == again != other
    assert one.parent == published.exports
    assert one.name.startswith("customers_2025-11_")
