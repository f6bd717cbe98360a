"""The same year again: rows that say what the current lines say are matched, not judged, and no fate differs.

The oracle judges every row of every file; the warehouse only those whose texts differ.
"""

import csv
import io
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from sqlalchemy import text

from include.warehouse.database import engine
from include.warehouse.settings import Settings
from tests.oracle.agreement import assert_accepted_alike
from tests.oracle.files import COLUMNS as FEED_COLUMNS
from tests.oracle.files import RECEIVED_ON, SALES, ReceivedFile
from tests.oracle.model import Oracle
from tests.oracle.warehouse import RealWarehouse

YEAR = RECEIVED_ON.year - 1
COLUMNS = list(FEED_COLUMNS[SALES])
PLACE = {column: position for position, column in enumerate(COLUMNS)}
Row = list[str]

OTHER_TEXTS = {
    # of the same value, of another one, of none
    "transaction_id": ("t1", " T2 ", "", "T900"),
    "line_no": ("01", "+1", "1.0", "2", "02", "", "x", "77"),
    "transaction_date": (
        f"15/03/{YEAR}",
        f"{YEAR}-03-15 10:30:00",
        f"{YEAR - 1}-12-31",
        "2O24",
        "",
        f"{YEAR + 1}-12-31",
    ),
    "customer_id": ("C2", " C1", "C99", ""),
    "product_id": ("P2", "P1 ", "P99", ""),
    "store_id": ("S1", "S9", ""),
    "quantity": ("2", "2.0", "+2", "02", "-2", "0", "1e3", "0.50", ".5"),
    "unit_price": ("5", "5.00", "5.005", "-5", "", "x"),
    "discount_amount": ("", "0", "0.00", "1", "-1", "999", "x"),
    "promotion_id": ("", "M1", "M9"),
    "transaction_type": ("", "SALE", "return", "Return", "gift"),
}
MASTERS = {
    "customers": ("customer_id", ("C1", "C2", "C3"), ("C99",)),
    "products": ("product_id,product_type", ("P1,consumable", "P2,device"), ("P99,consumable",)),
    "stores": ("store_id", ("S1",), ("S9",)),
    "promotions": ("promotion_id", ("M1",), ("M9",)),
}


def clean_row(number: int) -> Row:
    """One of the lines with which every year begins: two lines a receipt."""
    return [
        f"T{number // 2}",
        str(number % 2 + 1),
        f"{YEAR}-{number % 12 + 1:02}-15",
        f"C{number % 3 + 1}",
        f"P{number % 2 + 1}",
        ("", "S1")[number % 5 == 0],
        ("1", "2", "0.50")[number % 3],
        ("5", "5.00", "9.99")[number % 3],
        ("", "0", "0.50")[number % 7 % 3],
        ("", "M1")[number % 6 == 0],
        ("sale", "sale", "", "return")[number % 4],
    ]


def encoded(name: str, rows: list[Row], header: list[str]) -> ReceivedFile:
    """The rows as a CSV file."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return ReceivedFile(name, target.getvalue().encode(), RECEIVED_ON)


def master(feed: str, *, is_complete: bool) -> ReceivedFile:
    """A master's file, with or without the key that some lines wait for."""
    header, known, missing = MASTERS[feed]
    rows = known + missing if is_complete else known
    return encoded(f"{feed}.csv", [row.split(",") for row in rows], header.split(","))


@st.composite
def changed(draw: DrawFn, rows: list[Row], fewest: int = 20) -> list[Row]:
    """The rows with a few changes, as a till or a hand makes them; as few as `fewest` stay."""
    rows = [list(row) for row in rows]
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(rows) - 1))
        kind = draw(st.sampled_from(("text", "text", "text", "copy", "copy", "drop", "new", "blank", "swap", "cut")))
        if kind == "text":
            column = draw(st.sampled_from(COLUMNS))
            if len(rows[at]) == len(COLUMNS):
                rows[at][PLACE[column]] = draw(st.sampled_from(OTHER_TEXTS[column]))
        elif kind == "copy":
            rows.insert(draw(st.integers(0, len(rows))), list(rows[at]))
        elif kind == "drop" and len(rows) > fewest:
            del rows[at]
        elif kind == "new":
            rows.append(clean_row(100 + draw(st.integers(0, 3))))
        elif kind == "blank":
            rows.insert(at, [""] * len(COLUMNS))
        elif kind == "swap":
            rows[at], rows[-1] = rows[-1], rows[at]
        elif kind == "cut":
            rows.insert(at, ["T0", "1"])
    return rows


@st.composite
def continued(draw: DrawFn, rows: list[Row]) -> list[Row]:
    """The rows, and some more below them: new ones, earlier ones again as they were or changed, blank and cut ones."""
    more = [clean_row(100 + draw(st.integers(0, 800))) for _ in range(draw(st.integers(1, 4)))]
    again = [list(draw(st.sampled_from(rows))) for _ in range(draw(st.sampled_from((0, 0, 0, 0, 1))))]
    return rows + draw(changed(more, fewest=1)) + again


@st.composite
def histories(draw: DrawFn, next_year: Callable[[list[Row]], st.SearchStrategy[list[Row]]]) -> list[ReceivedFile]:
    """Files in order: masters, a year, then the year again and again; deltas, parts, masters, earlier files between."""
    late = draw(st.sets(st.sampled_from(("stores", "promotions"))))
    files = [master(feed, is_complete=False) for feed in MASTERS if feed not in late]
    rows = [clean_row(number) for number in range(24)]
    for number in range(draw(st.integers(3, 6))):
        rows = draw(changed(rows) if number == 0 else next_year(rows))
        files.append(encoded(f"sales_{YEAR}.csv", rows, COLUMNS))
        between = draw(st.sampled_from(("nothing", "again", "delta", "waiting", "part", "master", "other year")))
        if between == "delta":
            lines = [draw(st.sampled_from(rows)) for _ in range(draw(st.integers(1, 3)))]
            files.append(encoded(f"sales_{YEAR}-12-{number + 1:02}.csv", draw(changed(lines)), COLUMNS))
        elif between == "waiting":
            line = clean_row(200 + number)
            line[PLACE["customer_id"]] = "C99"
            files.append(encoded(f"sales_{YEAR}-12-{number + 1:02}.csv", [line], COLUMNS))
            files.append(master("customers", is_complete=True))
        if between in ("again", "waiting"):
            files.append(draw(st.sampled_from(files)))
        elif between == "part":
            files.append(encoded(f"sales_{YEAR}_part{draw(st.integers(0, 1))}.csv", draw(changed(rows[:3])), COLUMNS))
        elif between == "master":
            files.append(master(draw(st.sampled_from(sorted(MASTERS))), is_complete=draw(st.booleans())))
        elif between == "other year":
            other = [list(row) for row in rows[:2] if len(row) == len(COLUMNS)]
            for row in other:
                row[PLACE["transaction_date"]] = f"{YEAR - 1}-05-05"
            files.append(encoded(f"sales_{YEAR - 1}.csv", other, COLUMNS))
    return files


def assert_oracle_agrees(settings: Settings, files: list[ReceivedFile]) -> None:
    """Loads the files one by one; after each, every fate, reject and line is that of the oracle."""
    oracle, real = Oracle(), RealWarehouse(settings)
    for file in files:
        oracle.load(file, approved=True)
        real.load(file, approved=True)
        assert_accepted_alike(oracle, real)


FEW = settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@given(files=histories(changed))
@FEW
def test_a_year_sent_again_is_accepted_as_if_every_row_were_judged(
    passing_warehouse: Callable[[], AbstractContextManager[Settings]], files: list[ReceivedFile]
) -> None:
    with passing_warehouse() as empty:
        assert_oracle_agrees(empty, files)


@given(files=histories(lambda rows: st.one_of(continued(rows), continued(rows), changed(rows))))
@FEW
def test_a_year_that_goes_on_is_accepted_as_if_every_row_were_judged(
    passing_warehouse: Callable[[], AbstractContextManager[Settings]], files: list[ReceivedFile]
) -> None:
    with passing_warehouse() as empty:
        assert_oracle_agrees(empty, files)


def test_only_differing_rows_are_judged(passing_warehouse: Callable[[], AbstractContextManager[Settings]]) -> None:
    rows = [clean_row(number) for number in range(24)]
    with passing_warehouse() as empty:
        real = RealWarehouse(empty)
        for feed in MASTERS:
            real.load(master(feed, is_complete=False))
        real.load(encoded(f"sales_{YEAR}.csv", rows, COLUMNS))
        rows[5][PLACE["quantity"]] = "7"
        later = encoded(f"sales_{YEAR}.csv", [*rows, clean_row(100)], COLUMNS)
        real.load(later)
        with engine(empty).begin() as connection:
            file_id = connection.execute(text("select max(file_id) from ops.file")).scalar_one()
            # as acceptance found it, before the file itself became the current lines
            assert connection.execute(text("select core.can_match_sales(:id)"), {"id": file_id}).scalar_one()
            connection.execute(text("call core.judge_differing_sales(:id)"), {"id": file_id})
            assert connection.execute(text("select count(*) from pg_temp.sale_line_judged")).scalar_one() == 0
            assert connection.execute(text("select lines from pg_temp.sale_line_matched")).scalar_one() == 25
        counts = real.frame("source_file order by file_id").iloc[-1]
        assert (counts["rows_received"], counts["rows_unchanged"], counts["rows_loaded"]) == (25, 23, 2)
        assert counts["rows_superseded"] == 1


def continued_file(settings: Settings) -> int | None:
    """Of the last file: which one it was accepted as going on from, if any."""
    with engine(settings).begin() as connection:
        found: int | None = connection.execute(
            text("select continues_file_id from ops.file order by file_id desc limit 1")
        ).scalar_one()
        return found


def dirty_year() -> bytes:
    """A year with one of each: duplicate, reject, waiting row, record over two lines, cut and undecodable record."""
    rows = [clean_row(number) for number in range(24)]
    rows[3][PLACE["quantity"]] = "none"
    rows[4][PLACE["product_id"]] = "P99"
    rows[5][PLACE["customer_id"]] = "two\nlines"
    rows[6][PLACE["unit_price"]] = " "
    rows.insert(2, ["T0", "1"])
    rows += [list(rows[8]), ["", "", *rows[9][2:]], ["T0", "1"], [""] * len(COLUMNS)]
    return encoded("", rows, COLUMNS).content + b"T77,1,\x81,C1,P1,,1,5,,,sale\n"


def test_of_a_year_that_goes_on_only_what_follows_and_the_rejects_are_judged(
    passing_warehouse: Callable[[], AbstractContextManager[Settings]],
) -> None:
    year = f"sales_{YEAR}.csv"

    def and_then(earlier: ReceivedFile, rows: list[Row]) -> ReceivedFile:
        more = encoded("", rows, COLUMNS).content.partition(b"\n")[2]
        return replace(earlier, content=earlier.content + more)

    eleven = ReceivedFile(year, dirty_year(), RECEIVED_ON)
    twelve = and_then(eleven, [clean_row(100), clean_row(101), ["T0", "1"], ["T100", "x", *clean_row(0)[2:]]])
    last = and_then(twelve, [["T0", "1"], clean_row(102), ["T101", "x", *clean_row(0)[2:]]])
    with passing_warehouse() as empty:
        oracle, real = Oracle(), RealWarehouse(empty)
        for file in (*(master(feed, is_complete=False) for feed in MASTERS), eleven):
            oracle.load(file)
            real.load(file)
        before = real.frame("source_file order by file_id").iloc[-1]
        assert (before["rows_rejected"], before["rows_duplicate"]) == (8, 1)
        oracle.load(master("products", is_complete=True))
        real.load(master("products", is_complete=True))
        # what is rejected before and can be read, and what follows and can be read
        for file, copied in ((twelve, 4 + 3), (last, 5 + 2)):
            oracle.load(file)
            real.load(file)
            assert_accepted_alike(oracle, real)
            assert continued_file(empty) is not None
            with engine(empty).begin() as connection:
                newest = "select count(*) from raw.sales where file_id = (select max(file_id) from ops.file)"
                assert connection.execute(text(newest)).scalar_one() == copied
        # read as a whole, it brings the same
        real.load(replace(last, force=True))
        assert continued_file(empty) is None
        counts = real.frame("source_file order by file_id").iloc[-2:]
        for column in ("received", "rejected", "duplicate"):
            assert counts[f"rows_{column}"].nunique() == 1, column
            assert counts[f"amount_{column}"].nunique() == 1, column
        rejects = real.frame(
            "rejected_records where file_id >= (select max(file_id) - 1 from mart.source_file)"
            " order by file_id, line_number"
        )
        first, second = (rejects[rejects["file_id"] == file_id] for file_id in sorted(set(rejects["file_id"])))
        for column in ("line_number", "raw_row", "reasons", "amount"):
            assert first[column].astype(str).tolist() == second[column].astype(str).tolist(), column


def test_a_year_is_read_as_a_whole_where_its_first_rows_may_meet_with_other_fates(
    passing_warehouse: Callable[[], AbstractContextManager[Settings]], tmp_path: Path
) -> None:
    year = f"sales_{YEAR}.csv"
    rows = [clean_row(number) for number in range(24)]

    def execute(real: RealWarehouse, statement: str) -> None:
        with engine(real.settings).begin() as connection:
            connection.execute(text(statement))

    def edited(real: RealWarehouse) -> None:
        contracts = shutil.copytree(real.settings.contracts, tmp_path / "contracts")
        sales = yaml.safe_load((contracts / "sales.yml").read_text())
        sales["date_formats"].append("MM-DD-YYYY")
        (contracts / "sales.yml").write_text(yaml.safe_dump(sales))
        real.settings = replace(real.settings, contracts=contracts)

    def updated(real: RealWarehouse) -> None:
        execute(real, "update ops.routine set sha256 = 'another' where routine_name = 'judge_sales'")

    def corrupted(real: RealWarehouse) -> None:
        execute(real, "update core.sale_line set net_cents = net_cents + 1 where transaction_id = 'T1'")

    def delta(real: RealWarehouse) -> None:
        real.load(encoded(f"sales_{YEAR}-12-01.csv", [clean_row(50)], COLUMNS))

    def first_stores(real: RealWarehouse) -> None:
        real.load(master("stores", is_complete=True))

    def nothing(_: RealWarehouse) -> None:
        pass

    follows, again = [clean_row(100)], [list(rows[7])]
    for between, more, is_continued in (
        (nothing, follows, True),
        (nothing, again, False),
        (edited, follows, False),
        (updated, follows, False),
        (corrupted, follows, False),
        (delta, follows, False),
        (first_stores, follows, False),
    ):
        with passing_warehouse() as empty:
            real = RealWarehouse(empty)
            for feed in MASTERS.keys() - {"stores"}:
                real.load(master(feed, is_complete=False))
            real.load(encoded(year, rows, COLUMNS))
            between(real)
            real.load(encoded(year, rows + more, COLUMNS), approved=True)
            assert (continued_file(empty) is not None) == is_continued, between.__name__
            assert real.frame("source_file order by file_id").iloc[-1]["rows_received"] == 25, between.__name__


def test_a_waiting_row_that_says_what_the_current_line_says_is_unchanged(
    passing_warehouse: Callable[[], AbstractContextManager[Settings]],
) -> None:
    rows = [clean_row(number) for number in range(24)]
    waits = rows[5]
    waits[PLACE["store_id"]] = "S9"
    for later in (f"sales_{YEAR}-12-01.csv", f"sales_{YEAR}_part2.csv"):
        files = [
            master("customers", is_complete=True),
            master("products", is_complete=True),
            # no master of stores yet: every store is accepted
            encoded(f"sales_{YEAR}_part1.csv", rows, COLUMNS),
            master("stores", is_complete=False),
            encoded(later, [waits, clean_row(100)], COLUMNS),
            master("stores", is_complete=True),
            encoded(f"sales_{YEAR}_part2.csv", [clean_row(101)], COLUMNS),
        ]
        with passing_warehouse() as empty:
            oracle, real = Oracle(), RealWarehouse(empty)
            for file in files:
                oracle.load(file, approved=True)
                real.load(file, approved=True)
                assert_accepted_alike(oracle, real)
            counts = real.frame(f"source_file where file_name = '{later}' order by file_id").iloc[0]
            assert (counts["rows_unchanged"], counts["rows_loaded"], counts["rows_rejected"]) == (1, 1, 0)


def test_a_year_closes_the_rejects_of_its_deltas_also_those_without_a_day(
    passing_warehouse: Callable[[], AbstractContextManager[Settings]],
) -> None:
    cut, undated, keyless, of_another_year = ["T0", "1"], clean_row(50), clean_row(51), clean_row(52)
    undated[PLACE["transaction_date"]] = "soon"
    keyless[PLACE["transaction_id"]] = keyless[PLACE["transaction_date"]] = ""
    of_another_year[PLACE["transaction_date"]] = f"{YEAR - 1}-12-31"
    of_another_year[PLACE["quantity"]] = "x"
    rows = [clean_row(number) for number in range(24)]
    first, other, year = (f"sales_{name}.csv" for name in (f"{YEAR}-01-02", f"{YEAR - 1}-12-31", YEAR))
    files = [
        *(master(feed, is_complete=False) for feed in MASTERS),
        encoded(first, [cut, undated, keyless, of_another_year], COLUMNS),
        encoded(other, [cut], COLUMNS),
        # deltas withdraw nothing, and a day has several: this one does not speak for the rows of the first
        encoded(first, [clean_row(53)], COLUMNS),
        encoded(year, rows, COLUMNS),
    ]
    with passing_warehouse() as empty:
        oracle, real = Oracle(), RealWarehouse(empty)
        for file in files:
            oracle.load(file, approved=True)
            real.load(file, approved=True)
            assert_accepted_alike(oracle, real)
            if file.name != year:
                assert not real.frame("rejected_records where resolved_by is not null").size
        rejects = real.frame("rejected_records order by file_name desc, line_number")
        assert list(zip(rejects["file_name"], rejects["resolved_by"], strict=True)) == [
            *[(first, year)] * 3,
            (first, None),
            (other, None),
        ]


def test_words_mean_what_the_contract_says_also_when_the_year_comes_again(
    passing_warehouse: Callable[[], AbstractContextManager[Settings]], tmp_path: Path
) -> None:
    contracts = tmp_path / "contracts"

    def meaning(settings: Settings, sale: list[str], back: list[str]) -> Settings:
        """The settings with a contract of these words, in an order of the two that decides nothing."""
        shutil.copytree(settings.contracts, contracts, dirs_exist_ok=True)
        sales = yaml.safe_load((contracts / "sales.yml").read_text())
        sales["columns"]["transaction_type"]["words"] = {"return": back, "sale": sale}
        (contracts / "sales.yml").write_text(yaml.safe_dump(sales))
        return replace(settings, contracts=contracts)

    written = ("Venta", "V", "", "DEVOLUCIÓN", " d ", "d", "sale", "vente")
    rows = [clean_row(number) for number in range(24)]
    for row, word in zip(rows, written, strict=False):
        row[PLACE["transaction_type"]] = word
    for row in rows[len(written) :]:
        row[PLACE["transaction_type"]] = "v"
    with passing_warehouse() as empty:
        own = meaning(empty, ["V", "venta"], ["D", "devolución"])
        real = RealWarehouse(own)
        for feed in MASTERS:
            real.load(master(feed, is_complete=False))
        real.load(encoded(f"sales_{YEAR}.csv", rows, COLUMNS))

        def types() -> list[str | None]:
            lines = real.frame("sale_line").set_index(["transaction_id", "line_no"])["transaction_type"]
            return [lines.get((row[0], int(row[1]))) for row in rows[: len(written)]]

        assert types() == ["sale", "sale", "sale", "return", "return", "return", None, None]
        rejects = real.frame("rejected_records")
        assert [list(reasons) for reasons in rejects["reasons"]] == [["invalid_transaction_type"]] * 2
        # matched by their texts, whatever word says it; one row comes in addition
        real.load(encoded(f"sales_{YEAR}.csv", [*rows, [*clean_row(100)[:-1], "VENTA"]], COLUMNS))
        counts = real.frame("source_file order by file_id").iloc[-1]
        assert (counts["rows_unchanged"], counts["rows_loaded"], counts["rows_rejected"]) == (22, 1, 2)
        # the same texts, of which some mean the opposite now
        meaning(empty, ["v", "d"], ["devolución", "vente"])
        real.load(encoded(f"sales_{YEAR}.csv", rows, COLUMNS), approved=True)
        assert types() == [None, "sale", "sale", "return", "sale", "sale", None, "return"]
        counts = real.frame("source_file order by file_id").iloc[-1]
        assert (counts["rows_unchanged"], counts["rows_loaded"], counts["rows_rejected"]) == (19, 3, 2)


def test_a_composed_receipt_is_one_however_its_day_is_written(
    passing_warehouse: Callable[[], AbstractContextManager[Settings]], tmp_path: Path
) -> None:
    header = ["store_id", "transaction_date", "transaction_id", "customer_id", "product_id", "quantity", "unit_price"]
    rest = ["C1", "P1", "1", "5"]
    with passing_warehouse() as empty:
        contracts = shutil.copytree(empty.contracts, tmp_path / "contracts")
        sales = yaml.safe_load((contracts / "sales.yml").read_text())
        sales["transaction_id_from"] = header[:3]
        (contracts / "sales.yml").write_text(yaml.safe_dump(sales))
        real = RealWarehouse(replace(empty, contracts=contracts))
        for feed in MASTERS:
            real.load(master(feed, is_complete=False))
        day, till = f"{YEAR}-03-01", [["S1", f"{YEAR}-03-01 10:15:{second}", "7", *rest] for second in ("02", "09")]
        real.load(encoded(f"sales_{YEAR}.csv", [*till, ["S1", day, "7|8", *rest]], header))
        written_otherwise = [["S1", f"01/03/{YEAR}", "7", *rest], ["S1", day, "8", *rest]]
        real.load(encoded(f"sales_{day}.csv", written_otherwise, header))
        lines = real.frame("sale_line")
        receipt = f"S1|{day}|"
        assert sorted(zip(lines["transaction_id"], lines["line_no"], strict=True)) == [
            (f"{receipt}7", 1),
            (f"{receipt}7", 2),
            (f"{receipt}7\\|8", 1),
            (f"{receipt}8", 1),
        ]
        counts = real.frame("source_file order by file_id").iloc[-1]
        assert (counts["rows_unchanged"], counts["rows_loaded"], counts["rows_rejected"]) == (1, 1, 0)
