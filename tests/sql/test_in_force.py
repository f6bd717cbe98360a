"""Which file is in force for its feed and period: its bytes are skipped when they come again, other bytes are applied.

Each history says what becomes of its files; the oracle and the warehouse must both say so, and agree about all rows.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import text

from include.warehouse.database import engine
from include.warehouse.settings import Settings
from tests.oracle.agreement import assert_accepted_alike
from tests.oracle.compare import assert_same
from tests.oracle.files import ReceivedFile, csv_file
from tests.oracle.model import Oracle
from tests.oracle.warehouse import RealWarehouse

Step = tuple[str, str, str]  # the file's name, its rows, what becomes of it

HEADERS = {"customers": "customer_id,city", "products": "product_id,product_type"}
# every line is the first one of its receipt, of one P1
SALES_HEADER, SALES_BEGINNING = (
    "line_no,product_id,quantity,transaction_id,transaction_date,customer_id,unit_price",
    "1,P1,1,",
)
MASTERS = [("products", "P1,consumable", "loaded"), ("customers_2024-01-01", "C1,Lima", "loaded")]
HISTORIES: dict[str, list[Step]] = {
    "a skipped master is that of its day": [
        ("customers_2024-01-01", "C1,Lima", "loaded"),
        ("customers_2024-03-01", "C1,Lima", "skipped"),
        ("customers_2024-02-01", "C1,Quito", "loaded"),
        ("customers_2024-04-01", "C1,Quito", "loaded"),
        ("customers_2024-03-15", "C1,Lima", "skipped"),
    ],
    "a skipped master comes corrected, as the one before it did": [
        ("customers_2024-01-01", "C1,Lima", "loaded"),
        ("customers_2024-03-01", "C1,Lima", "skipped"),
        ("customers_2024-01-01", "C1,Quito", "loaded"),
        ("customers_2024-03-01", "C1,Quito", "loaded"),
        ("customers_2024-03-01", "C1,Quito", "skipped"),
    ],
    "a delta touches a year when its waiting line is accepted": [
        *MASTERS,
        ("sales_2024", "T1,2024-01-05,C1,10", "loaded"),
        ("sales_2024-02-01", "T2,2024-01-31,C2,10", "loaded"),
        ("sales_2024", "T1,2024-01-05,C1,10", "skipped"),
        ("customers_2024-02-02", "C1,Lima C2,Lima", "loaded"),
        ("sales_2024-02-01", "T2,2024-01-31,C2,10", "skipped"),
        ("sales_2024", "T1,2024-01-05,C1,10", "loaded"),
        ("sales_2024-02-01", "T2,2024-01-31,C2,10", "loaded"),
    ],
    "a delta touches the year of the line that its waiting line replaces": [
        *MASTERS,
        ("sales_2023", "T1,2023-12-31,C1,10", "loaded"),
        ("sales_2024-01-02", "T1,2024-01-02,C2,10", "loaded"),
        ("customers_2024-02-02", "C1,Lima C2,Lima", "loaded"),
        ("sales_2023", "T1,2023-12-31,C1,10", "loaded"),
        ("sales_2024-01-02", "T1,2024-01-02,C2,10", "loaded"),
    ],
    "a yearly file speaks for a delta's lines that still wait": [
        *MASTERS,
        ("sales_2024", "T1,2024-01-05,C1,10", "loaded"),
        ("sales_2024-02-01", "T2,2024-01-31,C2,10", "loaded"),
        ("sales_2024", "T1,2024-01-05,C1,10 T3,2024-01-05,C1,10", "loaded"),
        ("customers_2024-02-02", "C1,Lima C2,Lima", "loaded"),
        ("sales_2024-02-01", "T2,2024-01-31,C2,10", "loaded"),
    ],
    "part 0 is a part": [
        *MASTERS,
        ("sales_2024_part0", "T1,2024-01-05,C1,10 T4,2024-01-05,C1,10", "loaded"),
        ("sales_2024_part1", "T2,2024-01-05,C1,10 T3,2024-01-05,C2,10", "loaded"),
        ("sales_2024_part0", "T1,2024-01-05,C1,11 T5,2024-01-05,C2,10", "loaded"),
        ("sales_2024_part0", "T1,2024-01-05,C1,11 T5,2024-01-05,C2,10", "skipped"),
        ("customers_2024-02-02", "C1,Lima C2,Lima", "loaded"),
        ("sales_2024_part1", "T2,2024-01-05,C1,12", "loaded"),
        ("sales_2024_part0", "T1,2024-01-05,C1,11", "loaded"),
        ("sales_2024", "T1,2024-01-05,C1,11 T5,2024-01-05,C2,10", "loaded"),
        ("sales_2024_part0", "T1,2024-01-05,C1,11", "loaded"),
    ],
    "a part's number is one that can be kept": [
        *MASTERS,
        ("sales_2024_part32767", "T1,2024-01-05,C1,10", "loaded"),
        ("sales_2024_part32768", "T2,2024-01-05,C1,10", "refused"),
        ("sales_2024_part99999999999", "T2,2024-01-05,C1,10", "refused"),
    ],
}


def received(step: Step) -> ReceivedFile:
    """The file of a step."""
    name, rows, _ = step
    feed = name.split("_")[0]
    beginning = SALES_BEGINNING if feed == "sales" else ""
    lines = [HEADERS.get(feed, SALES_HEADER), *(beginning + row for row in rows.split())]
    return csv_file(f"{name}.csv", *lines)


SKIPPED_WITHOUT_ITS_REASON = text(
    "select s.file_name, s.message from ops.file as s where s.status = 'skipped' and not exists ("
    "select from ops.file as l where l.status = 'loaded' and l.feed = s.feed and l.sha256 = s.sha256 and s.message"
    " = format('its bytes equal %s, in force since %s', l.file_name, l.loaded_at::timestamptz(0)))"
)


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES.keys())
def test_what_becomes_of_files(
    passing_warehouse: Callable[[], AbstractContextManager[Settings]], history: list[Step]
) -> None:
    with passing_warehouse() as empty:
        oracle, real = Oracle(), RealWarehouse(empty)
        for step in history:
            real.load(received(step), approved=True)
            oracle.load(received(step), approved=True)
        expected = [status for _, _, status in history]
        assert oracle.source_files()["status"].tolist() == expected
        assert real.frame("source_file order by file_id")["status"].tolist() == expected
        with engine(empty).connect() as connection:
            assert connection.execute(SKIPPED_WITHOUT_ITS_REASON).all() == [], "each names the file that was loaded"
        assert_accepted_alike(oracle, real)
        assert_same(oracle.customers(), real.frame("customers"), ["customer_id"])
