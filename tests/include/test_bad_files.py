"""Files that cannot be used: refused whole with file, line and reason, or held, and the loads after them go on."""

import errno
import os
import re
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import openpyxl
import pytest
from pydantic import ValidationError
from sqlalchemy import NullPool, create_engine, text
from typer.testing import CliRunner

from include.warehouse import arrivals, load
from include.warehouse.cli import app
from include.warehouse.contracts import Contract, load_contracts, match_feed
from include.warehouse.database import connect, engine
from include.warehouse.errors import InputError
from include.warehouse.load import LoadResult, approve, discard, load_files, load_pending
from include.warehouse.reading import excel_sheet, inspection
from include.warehouse.roles import login_url
from include.warehouse.settings import Settings
from include.warehouse.status import read_status
from tests.fixtures.mart_rows import ACCEPTED, mart_rows
from tests.oracle.files import RECEIVED_ON, RefusedFileError, csv_file, identify
from tests.oracle.test_scores import DAYS_WITH_TIME, NO_TIMES

SALES = "transaction_id,line_no,transaction_date,customer_id,product_id,store_id,quantity,unit_price"
CUSTOMERS = 60


@pytest.fixture(scope="module")
def receiving(
    passing_warehouse: Callable[[], AbstractContextManager[Settings]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """Sixty customers, two products, and a line for each customer in 2024; for tests of other years."""
    with passing_warehouse() as settings:
        load_first_files(settings, tmp_path_factory.mktemp("first"))
        yield settings


@pytest.fixture
def loaded(fresh_warehouse: Settings, tmp_path: Path) -> Settings:
    """The same for a test of its own."""
    load_first_files(fresh_warehouse, tmp_path)
    return fresh_warehouse


def load_first_files(settings: Settings, folder: Path) -> None:
    for name, content in {
        "customers_2024-01-01.csv": customers(range(CUSTOMERS)),
        "products_2024-01-01.csv": "product_id,product_type\nP1,consumable\nP2,device\n",
        "sales_2024.csv": sales(range(CUSTOMERS)),
    }.items():
        assert send(settings, folder, name, content).status == "loaded"


def customers(numbers: range) -> str:
    return "customer_id,city\n" + "".join(f"C{number},Madrid\n" for number in numbers)


def sales(numbers: range, price: str = "10.00") -> str:
    return f"{SALES}\n" + "".join(f"T{number},1,2024-03-05,C{number},P1,,1,{price}\n" for number in numbers)


def line_of(year: int) -> str:
    """A file of one line whose receipt no other year has."""
    return f"{SALES}\nR{year},1,{year}-03-05,C1,P1,,1,10.00\n"


def send(
    settings: Settings,
    folder: Path,
    name: str,
    content: str | bytes,
    *,
    effective: date | None = None,
    force: bool = False,
) -> LoadResult:
    """Loads a file of that name from `folder`."""
    path = folder / "sent" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load_files(settings, [path], effective=effective, force=force)[-1]


def put(settings: Settings, name: str, content: str | bytes) -> Path:
    """Puts a file into the inbox, as somebody would who copies it there."""
    path = settings.inbox / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def held_files(settings: Settings) -> list[str]:
    """Names of the files that wait for a decision."""
    with connect(settings) as connection:
        return [str(name) for name in read_status(connection, settings, "")["held"]]


def accepted(settings: Settings) -> dict[str, list[str]]:
    """All that files have brought, and the raw tables beside it: what must not change when a file is refused."""
    found = {view: mart_rows(settings, view) for view in ACCEPTED}
    with engine(settings).connect() as connection:
        found["raw"] = list(
            connection.scalars(
                text("select oid::regclass::text from pg_class where relnamespace = 'raw'::regnamespace order by 1")
            )
        )
        found["diverted"] = list(connection.scalars(text("select u::text from raw.unreadable_row u order by 1")))
    return found


def workbook(rows: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    content = BytesIO()
    book.save(content)
    return content.getvalue()


def zip_with(name: str, content: bytes) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, content)
    return packed.getvalue()


def half_a_sheet() -> bytes:
    """A workbook whose sheet ends in the middle of a row."""
    row: list[object] = ["T1", 1, "2024-03-05", "C1", "P1", None, 1, 10]
    whole = workbook([[*SALES.split(",")], *[row] * 50])
    changed = BytesIO()
    with zipfile.ZipFile(BytesIO(whole)) as old, zipfile.ZipFile(changed, "w") as new:
        for part in old.infolist():
            content = old.read(part)
            new.writestr(part, content[: len(content) // 2] if "worksheets/" in part.filename else content)
    return changed.getvalue()


@dataclass(frozen=True)
class BadFile:
    """A file that must be refused, and what its message must say beside its name."""

    name: str
    content: str | bytes
    says: tuple[str, ...]


LINE = "T1,1,2024-03-05,C1,P1,,1,10.00\n"
BAD_FILES = [
    BadFile("sales_2025.csv", b"", ("empty",)),
    BadFile("sales_2025.csv", "\n \n\n", ("no header",)),
    BadFile("sales_2025.xlsx", workbook([]), ("no header",)),
    BadFile("sales_2025.csv", "transaction_id,line_no\nT1,1\n", ("line 1", "customer_id", "missing")),
    BadFile("sales_2025.csv", f"\n\n{SALES},Quantity\n{LINE}", ("line 3", "two columns", "Quantity")),
    BadFile("sales_2025.csv", f"{SALES},qty,units\n".replace("quantity,", "") + LINE, ("several columns", "quantity")),
    BadFile("sales_2025.csv", f"{SALES}\n{LINE * 3}T2,1,{'9' * 10_000_000},C1,P1,,1,1\n", ("line 5", "1 MB")),
    BadFile("sales_2025.csv", f'{SALES}\n{LINE}T2,1,"2024-03-05,C1,P1,,1,1\n{LINE * 4}', ("line 3", "quote")),
    BadFile("sales_2025.csv", f"{SALES}\n{LINE}".encode("utf-16"), ("UTF-16",)),
    BadFile("sales_2025.csv", zip_with("sales.csv", f"{SALES}\n{LINE}".encode()), (".xlsx",)),
    BadFile("sales_2025.xlsx", zip_with("sales.csv", f"{SALES}\n{LINE}".encode()), ("workbook",)),
    BadFile("sales_2025.xlsx", f"{SALES}\n{LINE}", ("workbook",)),
    BadFile("sales_2025.xlsx", workbook([["transaction_id"], ["T1"]])[:-500], ("workbook",)),
    BadFile("sales_2025.xlsx", half_a_sheet(), ("workbook",)),
    BadFile("sales_2025.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4096), ("workbook", "password")),
    BadFile(
        "sales_2025.csv",
        f"{SALES},{','.join(f'x{number}' for number in range(700))}\n{LINE.strip()}{',a wide column' * 700}\n",
        ("too big", "without columns that its contract does not know"),
    ),
    BadFile("sales_2025.csv.gz", b"\x1f\x8b", ("packed", "unpack")),
    BadFile("sales_2025.xls", b"\xd0\xcf\x11\xe0", (".xlsx",)),
    BadFile("sales_2025.pdf", b"%PDF-1.7", (".csv",)),
    BadFile("sales_2025-02-30.csv", f"{SALES}\n{LINE}", ("2025-02-30", "day")),
    BadFile("customers_2025-13-01.csv", "customer_id,city\nC1,Rome\n", ("2025-13-01", "not a day", "2025-03-01")),
    BadFile("turnover.csv", f"{SALES}\n{LINE}", ("pattern",)),
    BadFile("customers_2025-01-01.csv", "customer_id,city\n" + f"{'C' * 900_000},Rome\nC1,Rome\n", ("customer_id",)),
]


@pytest.mark.parametrize("in_inbox", [False, True], ids=["given", "inbox"])
def test_a_file_that_cannot_be_read_is_refused_whole(
    receiving: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_inbox: bool
) -> None:
    monkeypatch.setattr(arrivals, "STANDSTILL_SECONDS", 0)
    before = accepted(receiving)
    for bad in BAD_FILES:
        if in_inbox:
            put(receiving, bad.name, bad.content)
            (result,) = load_pending(receiving)
            assert not list(receiving.inbox.iterdir())
        else:
            result = send(receiving, tmp_path, bad.name, bad.content)
        message = str(result.message)
        assert (result.file_name, result.status) == (bad.name, "refused"), message
        assert [words for words in (bad.name, *bad.says) if words.lower() not in message.lower()] == [], message
        assert len(message) < 1_000
        folder = receiving.refused / str(result.file_id)
        content = bad.content.encode() if isinstance(bad.content, str) else bad.content
        assert (folder / bad.name).read_bytes() == content
        assert (folder / f"{bad.name}.reason.txt").read_text(encoding="utf-8") == f"{message}\n"
        assert set(result.rows.values()) == {0}
    assert accepted(receiving) == before
    assert not list(receiving.processing.iterdir())
    # nothing is left that would stand in the way of the corrected file
    assert send(receiving, tmp_path, "sales_2025.csv", line_of(2025), force=True).status == "loaded"


def test_rows_of_the_wrong_type_are_rejected_and_the_rest_is_loaded(receiving: Settings, tmp_path: Path) -> None:
    content = "\n".join(
        [
            SALES,
            "R1,1,2023-03-05,C1,P1,,1,10.00",
            "T2,1,yesterday,C1,P1,,1,10.00",
            "T3,one,2023-03-05,C1,P1,,1,10.00",
            "T4,1,2023-03-05,C1,P1,,many,1e3",
            "T5,1,2023-03-05,C1,P1,,1,NaN",
            "T6,1,2023-03-05,C1,P1,,1,10.00,beyond",
            "T7,1,2023-03-05,C\0,P1,,1,10.00",
            "T8,1,2023-03-05,C\U0001f600\u202e,P1,,1,10.00",
            f"T9,1,2023-03-05,C1,P1,,{'9' * 100_000},10.00",
        ]
    )
    result = send(receiving, tmp_path, "sales_2023.csv", content)
    assert result.status == "loaded"
    assert ["8 of 9" in warning for warning in result.warnings] == [True]
    with engine(receiving).connect() as connection:
        rejected = connection.execute(
            text("select line_number, reasons from mart.rejected_records where file_name = 'sales_2023.csv' order by 1")
        ).all()
    assert [(line, list(reasons)) for line, reasons in rejected] == [
        (3, ["invalid_date"]),
        (4, ["invalid_number"]),
        (5, ["invalid_number"]),
        (6, ["invalid_number"]),
        (7, ["wrong_column_count"]),
        (8, ["undecodable"]),
        (9, ["unknown_customer"]),
        (10, ["invalid_number"]),
    ]


def test_a_year_whose_receipts_have_the_numbers_of_another_year_warns(receiving: Settings, tmp_path: Path) -> None:
    """Keys are global: its lines take the place of the other year's, which would go without a word."""
    rows = [f"N{number},1,{{}}-03-05,C{number},P1,,1,10.00" for number in range(20)]
    for name, years, taken in (
        ("sales_2012.csv", [2012] * 20, None),
        # one in twenty is a correction
        ("sales_2013-01-02.csv", [2013], None),
        ("sales_2013.csv", [2013] * 20, "19 of the 19 lines of 2012"),
        ("sales_2012-01-02.csv", [2013, *[2012] * 19], "19 of the 20 lines of 2013"),
    ):
        lines = [row.format(year) for row, year in zip(rows, years, strict=False)]
        result = send(receiving, tmp_path, name, "\n".join([SALES, *lines]))
        assert (result.status, result.rows["rejected"], result.rows["duplicate"]) == ("loaded", 0, 0)
        if taken is None:
            assert result.message is None
        else:
            assert f"warning: it took the place of {taken}, which had the same" in str(result.message)
            assert "transaction_id_from in the contract" in str(result.message)


def test_a_warning_says_what_most_rows_met_with(loaded: Settings, tmp_path: Path) -> None:
    lines = "".join(f"M{number % 3},1,2011-03-05,C1,P1,,1,10.00\n" for number in range(10))
    message = send(loaded, tmp_path, "sales_2011.csv", f"{SALES}\n{lines}").message
    assert message == (
        "warning: 7 of 10 rows are duplicates (more than 20 %): a later row of the file has their"
        " transaction_id and line_no"
    )
    wrong = "".join(f"W{number},1,2010-03-05,C{number}x,P1,,1,'10,00'\n" for number in range(10)).replace("'", '"')
    message = send(loaded, tmp_path, "sales_2010.csv", f"{SALES}\n{wrong}W10,1,2010-03-05,C1x,P1,,1,1\n").message
    assert message == (
        "warning: 11 of 11 rows were rejected (more than 20 %), most often for unknown_customer;"
        " mart.rejected_records has them with their lines"
    )
    head, *rows = customers(range(CUSTOMERS)).splitlines()
    dated = [f"{row},12/31/202{number % 4},{'x' if number < 9 else ''}" for number, row in enumerate(rows)]
    content = "\n".join([f"{head},registration_date,opt_in_sms", *dated, "C9,Madrid,2024-01-01,yes"])
    message = send(loaded, tmp_path, "customers_2024-01-02.csv", content).message
    assert message == (
        "warning: 9 of 10 values of opt_in_sms cannot be read and are unknown (more than 20 %);"
        " 60 of 61 values of registration_date cannot be read and are unknown (more than 20 %)"
    )
    assert send(loaded, tmp_path, "customers_2024-01-02.csv", customers(range(CUSTOMERS))).message is None


def test_errors_and_uncomputed_formulas_of_excel_are_no_values(receiving: Settings, tmp_path: Path) -> None:
    products = [["product_id", "product_type", "unit_cost"], ["P1", "consumable", 1], ["P2", "device", "#N/A"]]
    products += [["#REF!", "device", 1], ["P3", "device", "=C2*2"]]
    assert send(receiving, tmp_path, "products_2024-02-01.xlsx", workbook(products)).rows["rejected"] == 1
    rows = [
        [*SALES.split(","), "discount_amount", "transaction_type", "#REF!", "#REF!"],
        ["R1", 1, "2019-03-05", "C1", "P1", None, 1, 10, None, None, "#N/A"],
        ["T2", 1, "2019-03-05", "C1", "P1", None, 1, 10, "#N/A", None],
        ["T3", 1, "2019-03-05", "C1", "P1", None, 1, 10, None, "#REF!"],
        ["T4", 1, "=TODAY()", "#N/A", "P1", None, 1, "=G2*2", None, None],
        ["#VALUE!", 1, "2019-03-05", "C1", "P1", None, 1, 10, None, None],
        [*["#REF!"] * 5, None, *["#REF!"] * 4],
    ]
    assert send(receiving, tmp_path, "sales_2019.xlsx", workbook(rows)).rows["loaded"] == 1
    with engine(receiving).connect() as connection:
        rejected = connection.execute(
            text(
                "select line_number, reasons from mart.rejected_records where file_name = 'sales_2019.xlsx' order by 1"
            )
        ).all()
        warnings = connection.execute(
            text("select product_id, warnings from mart.products where product_id <> 'P1' order by 1")
        ).all()
    assert [(line, " ".join(reasons)) for line, reasons in rejected] == [
        (3, "invalid_number"),
        (4, "invalid_transaction_type"),
        (5, "invalid_date invalid_number unknown_customer"),
        (6, "missing_transaction_id"),
        (
            7,
            "missing_transaction_id invalid_date invalid_number invalid_transaction_type"
            " unknown_customer unknown_product",
        ),
    ]
    unreadable = "unit_cost cannot be read: "
    assert [tuple(row) for row in warnings] == [("P2", [f"{unreadable}#N/A"]), ("P3", [f"{unreadable}=C2*2"])]


def test_a_day_before_the_calendar_is_outside_a_files_year_and_unreadable_in_a_delta(
    receiving: Settings, tmp_path: Path
) -> None:
    header = SALES.replace(",store_id", "") + "\n"
    for name, reasons in (("sales_2021.csv", ["date_outside_period"]), ("sales_2021-05-01.csv", ["invalid_date"])):
        assert send(receiving, tmp_path, name, header + "T1,1,1899-12-31,C1,P1,1,5\n").status == "loaded"
        with engine(receiving).connect() as connection:
            found = connection.execute(
                text("select reasons from mart.rejected_records where file_name = :name"), {"name": name}
            ).all()
        assert [row.reasons for row in found] == [reasons]


def test_a_file_is_left_alone_while_it_is_written(receiving: Settings) -> None:
    content = line_of(2022)
    with (receiving.inbox / "sales_2022.csv").open("w") as file:
        file.write(content[:-5])
        file.flush()
        assert load_pending(receiving) == []
        time.sleep(arrivals.STANDSTILL_SECONDS * 1.1)
        assert load_pending(receiving) == [], "it stands still, but whoever writes it has not closed it"
        file.write(content[-5:])
    time.sleep(arrivals.STANDSTILL_SECONDS * 0.4)
    assert load_pending(receiving) == [], "the file grew less than two seconds ago"
    time.sleep(arrivals.STANDSTILL_SECONDS * 0.75)
    (result,) = load_pending(receiving)
    assert (result.status, result.rows["loaded"]) == ("loaded", 1)


@pytest.mark.parametrize(("year", "end"), [(2017, "1,10.00\n"), (2016, '"')], ids=["a whole line", "an open quote"])
def test_a_file_that_is_written_to_while_it_is_read_is_read_again(
    receiving: Settings, monkeypatch: pytest.MonkeyPatch, year: int, end: str
) -> None:
    """As by a sender on another machine, whose pauses nobody here can tell from the end."""
    line = line_of(year).splitlines()[1]
    prepare = load.prepare

    def prepare_then_write(*arguments: Any, **options: Any) -> Any:
        try:
            return prepare(*arguments, **options)
        finally:
            (path,) = receiving.processing.glob("*/sales_*.csv")
            path.write_text(f"{SALES}\n{line}\n{line.replace('R', 'S')}\n")

    monkeypatch.setattr(arrivals, "STANDSTILL_SECONDS", 0)
    put(receiving, f"sales_{year}.csv", f"{SALES}\n{line.removesuffix('1,10.00')}{end}")
    with monkeypatch.context() as written:
        written.setattr(load, "prepare", prepare_then_write)
        (result,) = load_pending(receiving)
    assert result.status == "received"
    assert f"sales_{year}.csv was written to while it was read" in str(result.message)
    (result,) = load_pending(receiving)
    assert (result.status, result.rows["loaded"]) == ("loaded", 2)


def test_a_file_dated_in_the_future_is_taken_nevertheless(receiving: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(receiving, "sales_2021.csv", line_of(2021))
    tomorrow = time.time() + 86_400
    os.utime(path, (tomorrow, tomorrow))
    monkeypatch.setattr(arrivals, "STANDSTILL_SECONDS", 0.2)
    time.sleep(0.3)
    assert [result.status for result in load_pending(receiving)] == ["loaded"]


def test_a_contract_can_ask_for_a_marker(receiving: Settings, tmp_path: Path) -> None:
    contracts = tmp_path / "contracts"
    shutil.copytree(receiving.contracts, contracts)
    contract = contracts / "sales.yml"
    contract.write_text(contract.read_text().replace("wait_for_ready_marker: false", "wait_for_ready_marker: true"))
    asking = replace(receiving, contracts=contracts)
    path = put(asking, "sales_2020.csv", line_of(2020))
    an_hour_ago = time.time() - 3_600
    os.utime(path, (an_hour_ago, an_hour_ago))
    other = put(asking, "stores_2024-01-01.csv", "store_id,city\nS1,Madrid\n")
    put(asking, "SALES_2021.CSV.TMP", line_of(2021))
    assert arrivals.finished_files(asking.inbox, load_contracts(asking)) == [other]
    assert arrivals.left_in(asking.inbox, [other]) == ["SALES_2021.CSV.TMP", path.name]
    other.unlink()
    assert load_pending(asking) == []
    path.with_name("SALES_2021.CSV.TMP").unlink()
    path.with_name("sales_2020.csv.ready").touch()
    assert [result.status for result in load_pending(asking)] == ["loaded"]
    assert not list(asking.inbox.iterdir()), "a marker left behind would call the next file complete"


def test_names_that_are_hard_on_a_file_system(receiving: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name in another encoding, and one as long as a name can be, are loaded or refused like any other."""
    monkeypatch.setattr(arrivals, "STANDSTILL_SECONDS", 0)
    long_name = f"sales_2025_{'x' * 240}.csv"
    other_encoding = os.fsdecode(b"customers_a\xf1o_2025-01-01.csv")
    put(receiving, other_encoding, customers(range(CUSTOMERS + 1)))
    put(receiving, long_name, "transaction_id\n")
    results = load_pending(receiving)
    assert {(result.file_name, result.status) for result in results} == {
        ("customers_a_o_2025-01-01.csv", "loaded"),
        (long_name, "refused"),
    }
    assert load_pending(receiving) == []
    assert not list(receiving.inbox.iterdir())


def test_the_inbox_may_lie_on_another_file_system(
    receiving: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared_memory = Path("/dev/shm")
    if not shared_memory.is_dir() or shared_memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("this machine has no second file system that a test may write to")
    monkeypatch.setattr(arrivals, "STANDSTILL_SECONDS", 0)
    with TemporaryDirectory(dir=shared_memory) as mounted:
        home = tmp_path / "home"
        home.mkdir()
        shutil.copy(receiving.secrets, home)
        (home / "inbox").symlink_to(mounted)
        elsewhere = replace(receiving, home=home)
        put(elsewhere, "sales_2018.csv", line_of(2018))
        assert [result.status for result in load_pending(elsewhere)] == ["loaded"]
        assert not list(Path(mounted).iterdir())
        assert len(list(elsewhere.archive.glob("*/sales_2018.csv"))) == 1


def test_a_link_in_the_inbox_is_taken_as_the_file_that_it_names(
    receiving: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "STANDSTILL_SECONDS", 0)
    sent = receiving.home / "sent.csv"
    sent.write_text(line_of(2004))
    (receiving.inbox / "sales_2004.csv").symlink_to("../sent.csv")
    assert [result.status for result in load_pending(receiving)] == ["loaded"]
    assert not list(receiving.inbox.iterdir())
    sent.write_text("another year's")
    [archived] = receiving.archive.glob("*/sales_2004.csv")
    assert archived.read_text() == line_of(2004)


# The shrink guard


def test_a_file_that_withdraws_too_much_is_held_until_somebody_decides(loaded: Settings, tmp_path: Path) -> None:
    before = accepted(loaded)
    held = send(loaded, tmp_path, "sales_2024.csv", sales(range(50)))
    assert held.status == "held"
    assert "10 of the 60 lines of 2024" in str(held.message)
    assert set(held.rows.values()) == {0}
    closing = send(loaded, tmp_path, "customers_2024-06-01.csv", customers(range(50)))
    assert closing.status == "held"
    assert "10 of the 60 current customers" in str(closing.message)
    assert accepted(loaded) == before
    assert held_files(loaded) == ["sales_2024.csv", "customers_2024-06-01.csv"]

    assert discard(loaded, "customers_2024-06-01.csv").status == "discarded"
    assert accepted(loaded) == before
    approved = approve(loaded, "sales_2024.csv")
    assert (approved.status, approved.rows["superseded"], approved.rows["unchanged"]) == ("loaded", 10, 50)
    assert len(mart_rows(loaded, "sale_line")) == 50
    assert held_files(loaded) == []
    assert not list(loaded.held.glob("*/*"))


def test_a_small_loss_passes_and_a_header_alone_does_not(loaded: Settings, tmp_path: Path) -> None:
    assert send(loaded, tmp_path, "sales_2024.csv", sales(range(57))).rows["superseded"] == 3
    assert send(loaded, tmp_path, "sales_2024.csv", f"{SALES}\n").status == "held"
    assert send(loaded, tmp_path, "sales_2024_part2.csv", f"{SALES}\n").status == "loaded", "it withdraws nothing"
    assert len(mart_rows(loaded, "sale_line")) == 57


def test_a_later_file_of_the_period_discards_the_held_one(loaded: Settings, tmp_path: Path) -> None:
    first = send(loaded, tmp_path, "sales_2024.csv", sales(range(10)))
    second = send(loaded, tmp_path, "sales_2024.csv", sales(range(20)))
    assert (first.status, second.status) == ("held", "held")
    for decide in (approve, discard):
        with pytest.raises(InputError, match=f"receipt {first.file_id}"):
            decide(loaded, "sales_2024.csv", first.file_id)
    other_year = sales(range(60)).replace("2024-", "2023-").replace("\nT", "\nU")
    assert send(loaded, tmp_path, "sales_2023.csv", other_year).status == "loaded"
    assert len(held_files(loaded)) == 1
    assert send(loaded, tmp_path, "sales_2024.csv", sales(range(60), price="11.00")).status == "loaded"
    assert held_files(loaded) == []
    with engine(loaded).connect() as connection:
        statuses = connection.scalars(
            text("select status from mart.source_file where file_name = 'sales_2024.csv' order by file_id")
        ).all()
    assert statuses == ["loaded", "discarded", "discarded", "loaded"]


def test_the_command_line_says_held_and_refused_by_its_exit_code(
    loaded: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_HOME", str(loaded.home))
    monkeypatch.setenv("WAREHOUSE_URL", str(loaded.url))

    def run(*arguments: str) -> int:
        return CliRunner().invoke(app, [*arguments, "--json"]).exit_code

    def file(name: str, content: str) -> str:
        (tmp_path / name).write_text(content)
        return str(tmp_path / name)

    assert run("load", file("sales_2024.csv", sales(range(10)))) == 1
    assert run("approve", "sales_2025.csv") == 2, "no such file is held"
    assert run("discard", "sales_2024.csv") == 0
    assert run("discard", "sales_2024.csv") == 2, "it is not held any more"
    assert run("load", file("sales_2024.csv", sales(range(20)))) == 1
    assert run("approve", "sales_2024.csv") == 0
    assert run("load", file("sales_2024.csv", sales(range(4)))) == 1
    (held,) = loaded.held.glob("*/sales_2024.csv")
    held.write_text("")
    assert run("approve", "sales_2024.csv", "--receipt", held.parent.name) == 2, "it is refused now"
    assert run("load", file("sales_2024.csv", sales(range(5))), file("sales_2025.csv", "")) == 2
    assert run("load", str(tmp_path / "sales_1999.csv")) == 2, "there is no such file"
    assert run("load", file("prices.csv", sales(range(20)))) == 2
    assert run("load", file("clients.csv", customers(range(CUSTOMERS))), "--feed", "customers") == 0
    assert run("load", file("clients.csv", customers(range(CUSTOMERS))), "--feed", "people") == 2


# Files that cannot be loaded to their end


def test_a_file_that_cannot_be_finished_keeps_only_its_own_feed_waiting(
    loaded: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "STANDSTILL_SECONDS", 0)
    monkeypatch.setenv("WAREHOUSE_HOME", str(loaded.home))
    monkeypatch.setenv("WAREHOUSE_URL", str(loaded.url))
    with engine(loaded).begin() as connection:
        connection.exec_driver_sql(
            "alter table core.customer_version add constraint full_disk check (customer_id <> 'C666') not valid"
        )
    put(loaded, "customers_2024-06-01.csv", customers(range(CUSTOMERS)) + "C666,Rome\n")
    put(loaded, "customers_2024-07-01.csv", customers(range(CUSTOMERS + 1)))
    put(loaded, "sales_2025.csv", line_of(2025))
    results = {result.file_name: result for result in load_pending(loaded)}
    assert {name: result.status for name, result in results.items()} == {
        "customers_2024-06-01.csv": "received",
        "customers_2024-07-01.csv": "received",
        "sales_2025.csv": "loaded",
    }
    assert "full_disk" in str(results["customers_2024-06-01.csv"].message)
    assert "waits for customers_2024-06-01.csv" in str(results["customers_2024-07-01.csv"].message)

    assert [result.status for result in load_pending(loaded, "sales")] == ["received", "received"], "tried again"
    assert load_pending(loaded, "sales") == [], "what fails again and again is left to its own feed"
    put(loaded, "sales_2023.csv", line_of(2023))
    assert next(result.file_name for result in load_pending(loaded)) == "sales_2023.csv", "and comes last"
    shown = CliRunner().invoke(app, ["status"]).stdout
    receipt = results["customers_2024-06-01.csv"].file_id
    assert f"discard customers_2024-06-01.csv --receipt {receipt}" in shown
    assert "not loaded to its end: customers_2024-07-01.csv" in shown

    assert CliRunner().invoke(app, ["discard", "customers_2024-06-01.csv"]).exit_code == 0
    assert len(list(loaded.archive.glob(f"{receipt}/*"))) == 1
    assert [result.status for result in load_pending(loaded)] == ["loaded"]
    assert len(mart_rows(loaded, "customers")) == CUSTOMERS + 1
    assert not list(loaded.processing.iterdir())
    assert [table for table in accepted(loaded)["raw"] if table.endswith(f"_{receipt}")] == []


def test_a_file_that_ends_its_loads_comes_last(loaded: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(arrivals, "STANDSTILL_SECONDS", 0)
    put(loaded, "sales_2025.csv", line_of(2025))
    for _ in range(2):
        with monkeypatch.context() as patched:
            patched.setattr(load, "accept", killed)
            with pytest.raises(KeyboardInterrupt):
                load_pending(loaded)
    put(loaded, "sales_2025-03-06.csv", line_of(2025))
    put(loaded, "customers_2024-06-01.csv", customers(range(CUSTOMERS + 1)))
    assert [(result.file_name, result.status) for result in load_pending(loaded)] == [
        ("customers_2024-06-01.csv", "loaded"),
        ("sales_2025.csv", "loaded"),
        ("sales_2025-03-06.csv", "loaded"),
    ]


# The same bytes again, and the day from which a master holds


def test_bytes_that_are_in_force_are_skipped(loaded: Settings, tmp_path: Path) -> None:
    again = send(loaded, tmp_path, "sales_2024.csv", sales(range(CUSTOMERS)))
    assert again.status == "skipped"
    assert "sales_2024.csv" in str(again.message)
    forced = send(loaded, tmp_path, "sales_2024.csv", sales(range(CUSTOMERS)), force=True)
    assert (forced.status, forced.rows["unchanged"], forced.rows["loaded"]) == ("loaded", CUSTOMERS, 0)

    corrected = sales(range(CUSTOMERS), price="12.00")
    assert send(loaded, tmp_path, "sales_2024_corrected.csv", corrected).rows["superseded"] == CUSTOMERS
    taken_back = send(loaded, tmp_path, "sales_2024.csv", sales(range(CUSTOMERS)))
    assert (taken_back.status, taken_back.rows["loaded"]) == ("loaded", CUSTOMERS), "it takes the newer one back"

    delta = f"{SALES}\nT1,1,2024-03-05,C1,P2,,1,10.00\n"
    assert send(loaded, tmp_path, "sales_2024-03-06.csv", delta).rows["superseded"] == 1
    assert send(loaded, tmp_path, "sales_2024-03-06.csv", delta).status == "skipped"
    after_delta = send(loaded, tmp_path, "sales_2024.csv", sales(range(CUSTOMERS)))
    assert (after_delta.status, after_delta.rows["superseded"]) == ("loaded", 1), "a delta had touched the year"


def test_a_master_holds_from_the_day_in_its_name_or_given_or_received(loaded: Settings, tmp_path: Path) -> None:
    products = "product_id,product_type,product_name\nP1,consumable,{}\nP2,device,Two\n"
    with engine(loaded).connect() as connection:
        today = connection.execute(text("select (clock_timestamp() at time zone 'UTC')::date")).scalar_one()
    send(loaded, tmp_path, "products_2024-05-01.csv", products.format("May"), effective=date(2024, 7, 1))
    send(loaded, tmp_path, "products.csv", products.format("July"), effective=date(2024, 7, 1))
    send(loaded, tmp_path, "products.csv", products.format("now"))
    send(loaded, tmp_path, "products.csv", products.format("June"), effective=date(2024, 6, 1))
    with engine(loaded).connect() as connection:
        effective = connection.scalars(
            text("select effective_date from mart.source_file where feed = 'products' order by file_id offset 1")
        ).all()
        versions = connection.execute(
            text(
                "select product_name, version_from::text, version_to::text from core.product_version"
                " where product_id = 'P1' and known_to = 'infinity' order by version_from"
            )
        ).all()
    assert list(effective) == [date(2024, 5, 1), date(2024, 7, 1), today, date(2024, 6, 1)]
    assert [tuple(version) for version in versions] == [
        (None, "-infinity", "2024-05-01"),
        ("May", "2024-05-01", "2024-06-01"),
        ("June", "2024-06-01", "2024-07-01"),
        ("July", "2024-07-01", str(today)),
        ("now", str(today), "infinity"),
    ]


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("customers_2025-11-01.csv", date(2025, 11, 1)),
        ("customers_20251101.csv", date(2025, 11, 1)),
        ("customers_2025_11_01_full.csv", date(2025, 11, 1)),
        ("customers2025.11.01.csv", date(2025, 11, 1)),
        ("customers_20251301_2025-11-01.csv", date(2025, 11, 1)),
        ("customers_v2.csv", RECEIVED_ON),
        ("customers_2025_11.csv", RECEIVED_ON),
        ("customers_2025-1101.csv", RECEIVED_ON),
        ("customers_12345678.csv", RECEIVED_ON),
        ("customers_202511010.csv", RECEIVED_ON),
        ("customers_2025-13-01.csv", None),
        ("customers_20250230.csv", None),
        ("customers_2025_00_01.csv", None),
    ],
)
def test_the_day_in_a_masters_name(warehouse: Settings, name: str, day: date | None) -> None:
    contracts = load_contracts(warehouse)
    if day is None:
        for read in (lambda: match_feed(contracts, name), lambda: identify(csv_file(name))):
            with pytest.raises((InputError, RefusedFileError), match=name):
                read()
    else:
        assert (match_feed(contracts, name)[1].day_in_name or RECEIVED_ON) == day
        assert identify(csv_file(name)).effective == day


def test_a_master_without_a_day_is_taken_by_the_day_it_is_received(
    receiving: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "STANDSTILL_SECONDS", 0)
    later = (datetime.now(UTC).date() + timedelta(days=2)).isoformat()
    names = [f"promotions_{later}.csv", "promotions.csv", "promotions_2024-01-01.csv"]
    for name in names:
        (tmp_path / name).write_text("promotion_id\nM1\n")
    results = load_files(receiving, [tmp_path / name for name in names])
    expected = [(names[2], "loaded"), (names[1], "skipped"), (names[0], "skipped")]
    assert [(result.file_name, result.status) for result in results] == expected
    for name in names:
        put(receiving, name, "promotion_id,promotion_name\nM1,One\n")
    assert [result.file_name for result in load_pending(receiving)] == [name for name, _ in expected]


def test_the_files_of_a_year_are_taken_as_they_arrived(receiving: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "STANDSTILL_SECONDS", 0)
    # the minute of arrival; a corrected whole year takes the place of all parts that came before it
    arrived = {
        "promotions.csv": 9,
        "sales_2024_part2.csv": 9,
        "sales_2025_part1.csv": 1,
        "sales_2025_v2.csv": 2,
        "sales_2025_part3.csv": 3,
        # in one moment
        "sales_2026.csv": 5,
        "sales_2026_part0.csv": 5,
        "sales_2026_part2.csv": 5,
        "sales_2026_part10.csv": 5,
        "sales_2025-01-01.csv": 0,
    }
    for name, minute in sorted(arrived.items()):
        os.utime(put(receiving, name, ""), (minute * 60, minute * 60))
    assert [path.name for path in arrivals.pending_files(receiving)] == list(arrived)


def test_a_warning_is_that_of_the_newest_row_also_beside_an_unchanged_one(loaded: Settings, tmp_path: Path) -> None:
    statement = text("select warnings from mart.customers where customer_id = 'C60'")
    found = []
    # the file that comes last is of an earlier day: later ones have spoken
    for day, registered in (("02-01", ""), ("03-01", "soon"), ("05-01", "a@example.com"), ("04-01", "never")):
        content = customers(range(CUSTOMERS)).replace("\n", ",\n").replace("city,", "city,registration_date")
        result = send(loaded, tmp_path, f"customers_2024-{day}.csv", f"{content}C60,Madrid,{registered}\n")
        assert result.rows["loaded"] == (day == "02-01")
        with engine(loaded).connect() as connection:
            found.append(connection.execute(statement).scalar_one())
    unreadable = "registration_date cannot be read"
    assert found == [None, [f"{unreadable}: soon"], *[[f"{unreadable}: a@example.com"]] * 2]
    with create_engine(login_url(loaded, "analyst"), poolclass=NullPool).connect() as connection:
        # whoever may not see addresses is not told what stood there
        assert connection.execute(statement).scalar_one() == [unreadable]


def test_a_file_that_this_user_may_not_read_stays_in_the_inbox(
    loaded: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(loaded, "stores_2024-01-01.csv", "store_id,city\nS1,Madrid\n")
    with monkeypatch.context() as patched:
        patched.setattr(arrivals, "STANDSTILL_SECONDS", 0.0)
        patched.setattr(arrivals, "_may_read", lambda found: found != path)
        assert load_pending(loaded) == []
        assert path.exists()
        assert [arrivals.unreadable_files(loaded, feed) for feed in ("sales", "stores")] == [[], [path]]
        with connect(loaded) as connection:
            assert read_status(connection, loaded, "")["unreadable"] == [path.name]


def test_a_file_that_the_disk_does_not_give_is_not_refused(loaded: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "STANDSTILL_SECONDS", 0.0)
    put(loaded, "stores_2024-01-01.csv", "store_id,city\nS1,Madrid\n")
    put(loaded, "stores_2024-02-01.xlsx", workbook([["store_id", "city"], ["S1", "Sevilla"]]))

    def broken(*arguments: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    for module, name, expected in (
        (inspection, "open_file", ["received", "received"]),
        (excel_sheet.zipfile, "ZipFile", ["loaded", "received"]),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(module, name, broken)
            results = load_pending(loaded)
            assert [result.status for result in results] == expected
            failed = results[expected.index("received")]
            assert f"{failed.file_name} could not be loaded to its end: {os.strerror(errno.EIO)}" in str(failed.message)
    assert [result.status for result in load_pending(loaded)] == ["loaded"]
    with engine(loaded).connect() as connection:
        stores = connection.exec_driver_sql("select status from ops.file where feed = 'stores' order by file_id")
        assert list(stores.scalars()) == ["loaded", "loaded"]


def test_the_next_load_goes_by_an_edited_contract(loaded: Settings, tmp_path: Path) -> None:
    edited = tmp_path / "contracts"
    shutil.copytree(loaded.contracts, edited)
    contract = edited / "sales.yml"
    assert load_contracts(replace(loaded, contracts=edited))["sales"].decimal_mark == "."
    contract.write_text(contract.read_text().replace('decimal_mark: "."', 'decimal_mark: ","'))
    header, first, *lines = sales(range(CUSTOMERS)).replace(",", ";").splitlines()
    prices = [line.replace("10.00", "2,50" if number % 2 else "10,00") for number, line in enumerate(lines)]
    content = "\n".join([header, first, *prices, ""])
    result = send(replace(loaded, contracts=edited), tmp_path, "sales_2024.csv", content)
    assert result.status == "loaded", result.message
    with engine(loaded).connect() as connection:
        found = connection.exec_driver_sql(
            "select unit_price, count(*) from mart.sale_line group by 1 order by 1"
        ).all()
        rejected = connection.exec_driver_sql(
            "select raw_row ->> 'transaction_id', reasons from mart.rejected_records"
        ).all()
    assert [tuple(row) for row in found] == [(Decimal("2.50"), 29), (Decimal(10), 30)]
    # what the line's text says is no number any more
    assert [tuple(row) for row in rejected] == [("T0", ["invalid_number"])]

    contract.write_text(re.sub("date_formats: .*", "date_formats: [YYYYMMDD, DDMMYYYY]", contract.read_text()))
    written = [20250305, "06032025", "20250307 10:30", date(2025, 3, 8), "2025309", "2025-03-10"]
    rows = [[f"R{n}", 1, day, "C1", "P1", None, 1, 10] for n, day in enumerate(written)]
    result = send(replace(loaded, contracts=edited), tmp_path, "sales_2025.xlsx", workbook([SALES.split(","), *rows]))
    assert (result.rows["loaded"], result.rows["rejected"]) == (4, 2)
    with engine(loaded).connect() as connection:
        days = connection.exec_driver_sql(
            "select transaction_date::text from mart.sale_line where transaction_date >= '2025-01-01' order by 1"
        ).scalars()
        assert list(days) == ["2025-03-05", "2025-03-06", "2025-03-07", "2025-03-08"]


def test_the_time_of_day_behind_a_date_is_ignored_however_it_is_written(warehouse: Settings) -> None:
    formats = load_contracts(warehouse)["sales"].date_formats
    read = text("select core.read_date(core.day_text(given.text), :formats) from unnest(:texts) as given (text)")
    with engine(warehouse).connect() as connection:
        for texts, expected in ((DAYS_WITH_TIME, date(2024, 2, 3)), (NO_TIMES, None)):
            days = connection.scalars(read, {"formats": formats, "texts": list(texts)})
            assert dict(zip(texts, days, strict=True)) == dict.fromkeys(texts, expected)


@pytest.mark.parametrize("date_format", ["YYYYMM", "YYYYMMDDD", "YYYYMMDDMM", "YY-MM-DD"])
def test_a_date_format_has_year_month_and_day_once(warehouse: Settings, date_format: str) -> None:
    contract = load_contracts(warehouse)["sales"].model_dump()
    with pytest.raises(ValidationError, match=f"{date_format} is not a date format"):
        Contract.model_validate(contract | {"date_formats": [date_format]})


@pytest.mark.parametrize(
    "row", ["C9,Maria Lopez,maria.lopez@mail.example,+34600111222,Madrid", "Maria Lopez,Maria Lopez,+34600111222"]
)
def test_a_file_without_header_is_refused_without_its_first_customer(
    loaded: Settings, tmp_path: Path, row: str
) -> None:
    """Analysts and viewers read the message, and it goes to logs and into the Excel summary."""
    result = send(loaded, tmp_path, "customers_2024-02-01.csv", f"{row}\n{row}\n")
    assert result.status == "refused"
    message = str(result.message)
    assert "customers_2024-02-01.csv line 1: the required column customer_id" in message
    assert "header" in message
    assert [value for value in row.split(",") if value in message] == []
