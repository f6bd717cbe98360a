"""Rejected rows taken away, mended by hand and sent again, until they are loaded."""

import csv
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from dashboard.data import downloads, health
from dashboard.data import warehouse as data_layer
from dashboard.data.downloads import Prepared
from dashboard.data.reject_files import ADDED_COLUMNS, prepare_rejects
from include.warehouse.database import engine
from include.warehouse.load import LoadResult, load_files
from include.warehouse.settings import Settings
from include.warehouse.users import User
from tests.dashboard.conftest import ADMIN
from tests.fixtures.published import load_and_publish
from tests.fixtures.retailer import write_files

ANALYST = User("analyst@example.org", "Analyst", "analyst")
SELLER = User("seller@example.org", "Seller", "sales")


def file_of(prepared: Prepared) -> Path:
    token, name = prepared.file.url.split("/")[-2:]
    path = downloads.find(token, name)
    assert path is not None
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def notes(settings: Settings) -> list[dict[str, Any]]:
    """What the log of exports holds, without the moments."""
    with engine(settings).connect() as connection:
        found = connection.exec_driver_sql("select * from mart.export_log order by export_id").mappings().all()
    return [{name: value for name, value in row.items() if name not in ("export_id", "exported_at")} for row in found]


def note_of(path: Path, who: str, file_id: int, source: str, *, rows: int, has_contact: bool) -> dict[str, Any]:
    """What the log must say of a file of rejects."""
    return {
        "exported_by": who,
        "month": None,
        "run_id": None,
        "audience_id": None,
        "channel": None,
        "filters": {"rejects_of": source},
        "has_contact": has_contact,
        "file_name": path.name,
        "format": "csv",
        "rows": rows,
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "file_id": file_id,
    }


@pytest.mark.timeout(300)
def test_every_download_of_rejects_is_noted(
    fresh_warehouse: Settings, reading: Callable[[Settings], None], tmp_path: Path
) -> None:
    load_and_publish(fresh_warehouse, tmp_path / "files")
    reading(fresh_warehouse)
    found = health.rejects()
    files = dict(zip(found["file_name"], found["file_id"].astype(int), strict=True))
    master = max(name for name in files if name.startswith("customers"))
    expected = []
    for user, source, rows, has_contact in (
        (ADMIN, "sales_2025.csv", 3, False),
        (ADMIN, master, 1, True),
        (ANALYST, master, 1, False),
        (SELLER, "sales_2025.csv", 0, False),
    ):
        with data_layer.acting_as(user):
            prepared = prepare_rejects(files[source])
        path = file_of(prepared)
        expected.append(note_of(path, user.email, files[source], source, rows=rows, has_contact=has_contact))
        assert notes(fresh_warehouse) == expected
        assert prepared.rows == rows


@pytest.mark.timeout(300)
def test_columns_that_no_contract_knows_and_rows_without_columns_may_be_contact_data(
    fresh_warehouse: Settings, reading: Callable[[Settings], None], tmp_path: Path
) -> None:
    for path in write_files(tmp_path / "files"):
        if path.name == "sales_2025.csv":
            head, *lines = path.read_text(encoding="utf-8").splitlines()
            path.write_text("\n".join([f"{head},note", *(f"{line},call +34 1" for line in lines)]), encoding="utf-8")
        if path.name == "sales_2024.csv":
            path.write_bytes(path.read_bytes().rstrip(b"\n") + b"\nNobody Known,+34 1\n")
        load_files(fresh_warehouse, [path])
    reading(fresh_warehouse)
    found = health.rejects()
    files = dict(zip(found["file_name"], found["file_id"].astype(int), strict=True))
    for user, has_contact in ((ADMIN, True), (ANALYST, False)):
        for source in ("sales_2024.csv", "sales_2025.csv"):
            with data_layer.acting_as(user):
                path = file_of(prepare_rejects(files[source]))
            assert ("+34 1" in path.read_text(encoding="utf-8")) is has_contact
            assert notes(fresh_warehouse)[-1]["has_contact"] is has_contact


def test_the_name_of_a_column_becomes_no_formula(
    fresh_warehouse: Settings, reading: Callable[[Settings], None], tmp_path: Path
) -> None:
    path = tmp_path / "sales_2025.csv"
    header = "transaction_id,transaction_date,customer_id,product_id,quantity,unit_price,=cmd|' /C calc'!A0,plain"
    path.write_text(f"{header}\nT1,2025-01-02,C1,P1,1,1.00,kept;|=1,kept too\n", encoding="utf-8")
    file_id = load_files(fresh_warehouse, [path])[0].file_id
    reading(fresh_warehouse)
    with data_layer.acting_as(ADMIN):
        [row] = read(file_of(prepare_rejects(file_id)))
    assert [name for name in row if name.startswith(("=", "+", "-", "@"))] == []
    assert (row["'=cmd|' /C calc'!A0"], row["plain"]) == ("kept;|'=1", "kept too")


@pytest.mark.parametrize(
    "change",
    [{"file_id": None}, {"file_id": -1}, {"month": "2024-01-01"}, {"run_id": 1}, {"channel": "sms"}, {"rows": None}],
    ids=str,
)
def test_a_note_is_of_a_list_or_of_the_rejects_of_a_file(
    change: dict[str, Any], reading: Callable[[Settings], None], published: Settings
) -> None:
    reading(published)
    note = {"file_id": int(health.rejects()["file_id"].iloc[0]), "filters": {}, "has_contact": False}
    note |= {"file_name": "rejects.csv", "format": "csv", "rows": 1, "bytes": 1, "sha256": "0"}
    with (
        pytest.raises(DBAPIError, match=r"violates (check|foreign key|not-null) |null value"),
        data_layer.change() as to,
    ):
        to.execute(text("select mart.log_export(cast(:note as jsonb))"), {"note": json.dumps(note | change)})


@pytest.mark.timeout(300)
def test_rejects_are_taken_away_mended_sent_again_and_loaded(
    fresh_warehouse: Settings, reading: Callable[[Settings], None], tmp_path: Path
) -> None:
    load_and_publish(fresh_warehouse, tmp_path / "files")
    reading(fresh_warehouse)
    found = health.rejects()
    assert set(found["reason"]) >= {"invalid_date", "unknown_customer", "negative_price", "missing_key"}
    sales = int(found[found["file_name"] == "sales_2025.csv"]["file_id"].iloc[0])
    path = file_of(prepare_rejects(sales))
    rows = {row["transaction_id"]: row for row in read(path)}
    header = (tmp_path / "files" / "sales_2025.csv").read_text(encoding="utf-8").splitlines()[0]
    assert path.read_text(encoding="utf-8-sig").startswith(f"{header},{','.join(ADDED_COLUMNS)}\n")
    assert rows["X2025-2"]["transaction_date"] == "2025-02-30"
    assert rows["X2025-3"]["reasons"].split() == ["negative_price", "unknown_product"]

    rows["X2025-1"]["customer_id"] = "C0100"
    rows["X2025-2"]["transaction_date"] = "2025-02-28"
    rows["X2025-3"] |= {"unit_price": "1.00", "product_id": "P1"}
    mended = tmp_path / path.name
    with mended.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows["X2025-1"]))
        writer.writeheader()
        writer.writerows(rows.values())
    result = load_files(fresh_warehouse, [mended])[0]
    assert result.status == "loaded", result.message
    with engine(fresh_warehouse).connect() as connection:
        lines = connection.exec_driver_sql(
            "select transaction_id, transaction_date from mart.sale_line"
            " where transaction_id like 'X2025-%%' order by 1"
        ).all()
        left = connection.exec_driver_sql(
            f"select count(*) from mart.rejected_records where file_id = {sales} and resolution is null"
        ).scalar_one()
    assert [tuple(line) for line in lines] == [
        ("X2025-1", date(2025, 2, 3)),
        ("X2025-2", date(2025, 2, 28)),
        ("X2025-3", date(2025, 2, 3)),
    ]
    assert left == 0
    assert sales not in set(health.rejects()["file_id"])

    personal = int(found[found["feed"] == "customers"]["file_id"].iloc[0])
    assert "Nobody Known" in file_of(prepare_rejects(personal)).read_text(encoding="utf-8")
    with data_layer.acting_as(ANALYST):
        assert "Nobody" not in file_of(prepare_rejects(personal)).read_text(encoding="utf-8")


@pytest.fixture
def small_shop(fresh_warehouse: Settings, tmp_path: Path) -> Settings:
    """A warehouse with two customers and a product, and with contracts of its own to be edited."""
    for name, content in {
        "customers": "customer_id\nC1\nC2\n",
        "products": "product_id,product_type\nP1,consumable\n",
    }.items():
        (tmp_path / f"{name}.csv").write_text(content, encoding="utf-8")
        load_files(fresh_warehouse, [tmp_path / f"{name}.csv"])
    return replace(fresh_warehouse, contracts=shutil.copytree(fresh_warehouse.contracts, tmp_path / "contracts"))


def edit_sales(settings: Settings, **keys: object) -> None:
    """Changes the contract of sales files."""
    path = settings.contracts / "sales.yml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text(encoding="utf-8")) | keys), encoding="utf-8")


def send_again(settings: Settings, path: Path, correct: Callable[[dict[str, str]], None], **written: Any) -> LoadResult:
    """Corrects the rows of a file of rejects by hand, which leaves its format as it is, and loads it."""
    with path.open(newline="", encoding=written.get("encoding", "utf-8-sig")) as file:
        reader = csv.DictReader(file, delimiter=written.get("delimiter", ","))
        rows = list(reader)
    for row in rows:
        correct(row)
    mended = settings.home / path.name
    with mended.open("w", newline="", encoding=written.get("encoding", "utf-8-sig")) as file:
        writer = csv.DictWriter(file, reader.fieldnames or [], delimiter=written.get("delimiter", ","))
        writer.writeheader()
        writer.writerows(rows)
    return load_files(settings, [mended])[0]


def sold(settings: Settings) -> dict[tuple[str, int], Decimal]:
    """Money of the current lines by their keys."""
    with engine(settings).connect() as connection:
        lines = connection.exec_driver_sql("select transaction_id, line_no, net_amount from mart.sale_line").all()
    return {(line.transaction_id, line.line_no): line.net_amount for line in lines}


def open_rejects(settings: Settings, file_id: int) -> list[int]:
    """Lines of a file that are still rejected."""
    statement = "select line_number from mart.rejected_records where file_id = :id and resolution is null order by 1"
    with engine(settings).connect() as connection:
        return list(connection.execute(text(statement), {"id": file_id}).scalars())


@pytest.mark.parametrize("composed", [False, True])
def test_rejects_without_line_numbers_add_to_their_receipt(
    small_shop: Settings, reading: Callable[[Settings], None], composed: bool
) -> None:
    if composed:
        edit_sales(small_shop, transaction_id_from=["store_id", "transaction_date", "transaction_id"])
    path = small_shop.home / "sales_2025.csv"
    header = "store_id,transaction_id,transaction_date,customer_id,product_id,quantity,unit_price"
    rows = ["T1,2025-01-02,C1,P1,1,1", "T1,2025-01-02,C1,P1,none,2", "T1,2025-01-02,C1,P1,1,4"]
    rows += ["T1,2025-01-32,C1,P1,1,8", ",2025-01-02,C1,P1,1,16", "T1,2025-01-02,C1,P1,1,32,"]
    path.write_text("\n".join([header, *(f"S1,{row}" for row in rows)]) + "\n", encoding="utf-8")
    file_id = load_files(small_shop, [path])[0].file_id
    reading(small_shop)
    receipt = "S1|2025-01-02|T1" if composed else "T1"
    before = {(receipt, 1): Decimal(1), (receipt, 3): Decimal(4)}
    assert sold(small_shop) == before
    assert open_rejects(small_shop, file_id) == [3, 5, 6, 7]

    def correct(row: dict[str, str]) -> None:
        row |= {"store_id": "S1", "transaction_id": "T1", "transaction_date": "2025-01-02", "customer_id": "C1"}
        row |= {"product_id": "P1", "quantity": "1", "unit_price": row["unit_price"] or "32"}

    for _ in range(2):
        taken = file_of(prepare_rejects(file_id))
        result = send_again(small_shop, taken, correct)
        assert (result.status, result.rows["rejected"], result.rows["superseded"]) == ("loaded", 0, 0), result.message
        found = sold(small_shop)
        assert sorted(found.values()) == [1, 2, 4, 8, 16, 32]
        assert before.items() <= found.items()
        assert found[receipt, 2] == 2
    # what had no key, or that of another receipt, is closed by its file alone
    assert open_rejects(small_shop, file_id) == ([5, 6, 7] if composed else [6, 7])


@pytest.mark.parametrize(
    ("contract", "delimiter", "encoding"),
    [({}, ";", "cp1252"), ({}, "\t", "utf-8-sig"), ({"encoding": "cp1252", "delimiter": "tab"}, "\t", "cp1252")],
)
def test_rejects_are_written_as_their_file_was(
    small_shop: Settings,
    reading: Callable[[Settings], None],
    contract: dict[str, str],
    delimiter: str,
    encoding: str,
) -> None:
    edit_sales(small_shop, decimal_mark=",", **contract)
    written = {"delimiter": delimiter, "encoding": encoding}
    header = ["transaction_id", "line_no", "transaction_date", "customer_id", "product_id", "quantity", "unit_price"]
    header += ["store_id", "Año"]
    row = ["T€", "1", "2025-01-02", "C1", "P1", "none", "1,50", "Málaga", 'a"b,c;d\te']
    path = small_shop.home / "sales_2025.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows([header, row])
    # no text in either encoding
    with path.open("ab") as raw:
        raw.write(delimiter.join(["T2", "1", "2025-01-02", "C1", "P1", "1", "2", "\x81", ""]).encode("latin-1") + b"\n")
    file_id = load_files(small_shop, [path])[0].file_id
    assert open_rejects(small_shop, file_id) == [2, 3]
    reading(small_shop)
    taken = file_of(prepare_rejects(file_id))
    with taken.open(encoding=encoding, newline="") as file:
        names, first, second = csv.reader(file, delimiter=delimiter)
    assert (names, first[: len(row)]) == ([*header, *ADDED_COLUMNS], row)
    assert second[len(row) :] == [
        "undecodable",
        "3",
        delimiter.join(["T2", "1", "2025-01-02", "C1", "P1", "1", "2", "\\x81", ""]),
    ]

    def correct(row: dict[str, str]) -> None:
        row |= {"quantity": "1"}

    result = send_again(small_shop, taken, correct, **written)
    assert (result.status, result.rows["loaded"], result.rows["rejected"]) == ("loaded", 1, 1), result.message
    with engine(small_shop).connect() as connection:
        lines = connection.exec_driver_sql("select transaction_id, store_id, net_amount from mart.sale_line").all()
    assert [tuple(line) for line in lines] == [("T€", "Málaga", Decimal("1.50"))]


@pytest.mark.parametrize(
    ("patterns", "named"),
    [
        (["ventas_{year}*.csv", "ventas-{day}*.*"], "ventas-{day}_corrected_{file_id}.csv"),
        (["ventas_{year}.csv", "ventas_{day}.xlsx", "ventas_{day}.txt"], "ventas_{day}.txt"),
        (["ventas_{year}.*"], "rejects_{file_id}.csv"),
    ],
)
def test_rejects_have_a_name_by_the_contract(
    small_shop: Settings, reading: Callable[[Settings], None], patterns: list[str], named: str
) -> None:
    edit_sales(small_shop, files=patterns)
    path = small_shop.home / "ventas_2025.csv"
    header = "transaction_id,transaction_date,customer_id,product_id,quantity,unit_price"
    path.write_text(f"{header}\nT1,2025-01-02,C1,P1,none,2\n", encoding="utf-8")
    file_id = load_files(small_shop, [path])[0].file_id
    reading(small_shop)
    with engine(small_shop).connect() as connection:
        day = connection.exec_driver_sql(
            "select received_at::date from mart.source_file order by file_id desc"
        ).scalar()
    taken = file_of(prepare_rejects(file_id))
    assert taken.name == named.format(day=day, file_id=file_id)
    result = send_again(small_shop, taken, lambda row: row.update(quantity="1"))
    assert result.status == ("refused" if taken.name.startswith("rejects_") else "loaded"), result.message


def test_rejects_of_rejects_are_sent_again_too(small_shop: Settings, reading: Callable[[Settings], None]) -> None:
    path = small_shop.home / "sales_2025.csv"
    path.write_text(
        "transaction_id,transaction_date,customer_id,product_id,quantity,unit_price\nT1,2025-01-02,C1,P1,none,2\n",
        encoding="utf-8",
    )
    file_id = load_files(small_shop, [path])[0].file_id
    reading(small_shop)
    for quantity, fate in (("still none", "rejected"), ("1", "loaded")):
        taken = file_of(prepare_rejects(file_id))
        result = send_again(small_shop, taken, lambda row, quantity=quantity: row.update(quantity=quantity))
        assert (result.status, result.rows[fate]) == ("loaded", 1), result.message
        assert open_rejects(small_shop, file_id) == []
        file_id = result.file_id
    assert sold(small_shop) == {("T1", 1): Decimal(2)}


@pytest.mark.timeout(300)
def test_rejects_of_a_workbook_are_a_workbook_that_can_be_sent_again(
    fresh_warehouse: Settings, reading: Callable[[Settings], None], tmp_path: Path
) -> None:
    for path in write_files(tmp_path / "files"):
        if path.name == "sales_2025.csv":
            book = openpyxl.Workbook()
            with path.open(encoding="utf-8", newline="") as file:
                header, *lines = csv.reader(file)
            lines[-1][header.index("store_id")] = "=1+1"
            for line in ([*header, "=note"], *lines):
                book.worksheets[0].append(line)
            for cells in book.worksheets[0].iter_rows():
                for cell in cells:
                    cell.data_type = "s" if cell.value is not None else cell.data_type
            book.save(path.with_suffix(".xlsx"))
            path.unlink()
    load_files(fresh_warehouse, sorted((tmp_path / "files").iterdir()))
    reading(fresh_warehouse)
    found = health.rejects()
    file_id = int(found[found["file_name"] == "sales_2025.xlsx"]["file_id"].iloc[0])
    path = file_of(prepare_rejects(file_id))
    assert path.suffix == ".xlsx"
    book = openpyxl.load_workbook(path)
    cells = [list(row) for row in book.worksheets[0].iter_rows()]
    assert not [cell for row in cells for cell in row if cell.data_type == "f"]
    names = [cell.value for cell in cells[0]]
    assert names == [*header, "=note", *ADDED_COLUMNS]
    by_id = {row[0].value: dict(zip(names, row, strict=True)) for row in cells[1:]}
    assert {key for key in by_id if key.startswith("X2025")} == {"X2025-1", "X2025-2", "X2025-3"}
    assert by_id[lines[-1][0]]["store_id"].value == "=1+1"
    by_id["X2025-2"]["transaction_date"].value = "2025-02-28"
    book.save(tmp_path / path.name)
    result = load_files(fresh_warehouse, [tmp_path / path.name])[0]
    assert (result.status, result.rows["loaded"]) == ("loaded", 1), result.message
    with engine(fresh_warehouse).connect() as connection:
        day = connection.exec_driver_sql(
            "select transaction_date from mart.sale_line where transaction_id = 'X2025-2'"
        ).scalar_one()
    assert day == date(2025, 2, 28)
