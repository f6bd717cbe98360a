"""Masters in any order, older-dated, replaced and held, against the oracle; and what was known stays known."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from sqlalchemy import text

from include.warehouse.database import engine
from include.warehouse.settings import Settings
from tests.oracle.agreement import assert_equal_results
from tests.oracle.files import RECEIVED_ON, csv_file
from tests.oracle.model import Oracle
from tests.oracle.warehouse import RealWarehouse
from tests.oracle.worlds import Arrival, Event, Publication

YEAR = RECEIVED_ON.year - 1
PUBLISHED, RECUT = Publication(), Publication(recut=True)
CUSTOMERS, PRODUCTS = "customer_id,city,registration_date,opt_in_email", "product_id,product_type"
SALES = "transaction_id,line_no,transaction_date,customer_id,product_id,quantity,unit_price"
VERSIONS = {
    table: text(
        f"select to_jsonb(v) - '{{known_from,known_to}}'::text[] from core.{table} v"
        " where known_from <= :known_at and known_to > :known_at order by 1"
    )
    for table in ("customer_version", "product_version")
}


def customers(day: str, *rows: str, approved: bool = True) -> Arrival:
    return Arrival(csv_file(f"customers_{YEAR}-{day}.csv", CUSTOMERS, *rows), approved)


def products(day: str, *rows: str) -> Arrival:
    return Arrival(csv_file(f"products_{YEAR}-{day}.csv", PRODUCTS, *rows))


def sales(*rows: str) -> Arrival:
    """Lines of one receipt each; of that whose number stands before the row, where one does."""
    numbered = (row.rpartition(":")[::2] for row in rows)
    lines = (f"T{key or number},1,{YEAR}-{row},1,5" for number, (key, row) in enumerate(numbered))
    return Arrival(csv_file(f"sales_{YEAR}.csv", SALES, *lines))


ANYBODY = customers("01-01", f"C1,Lima,{YEAR - 1}-12-01,1", "C2,,,")
STORIES: dict[str, tuple[Event, ...]] = {
    "a new customer without any date appears in the next publication": (
        products("01-01", "P1,consumable"),
        customers("01-01", "C1,,,"),
        sales("01-10,C1,P1", "03-10,C1,P1"),
        PUBLISHED,
        customers("01-05", "C1,,,", "C2,,,"),
        PUBLISHED,
    ),
    "an older file changes the type of a product that a later one leaves out": (
        products("01-01", "P1,consumable", "P2,consumable"),
        products("03-01", "P2,consumable"),
        ANYBODY,
        sales("01-03,C1,P2", "03-10,C1,P1", "05-10,C1,P2"),
        PUBLISHED,
        products("02-01", "P1,device", "P2,consumable"),
        PUBLISHED,
        RECUT,
    ),
    "whom a file of the same day leaves out begins with the next file": (
        products("01-01", "P1,device", "P2,consumable"),
        customers("01-01", "C1,Lima,,1", "C2,Lima,,1"),
        sales("01-10,C1,P1", "03-10,C2,P2"),
        PUBLISHED,
        products("01-01", "P2,consumable"),
        customers("01-01", "C2,Lima,,1"),
        PUBLISHED,
        products("05-01", "P1,consumable", "P2,consumable"),
        customers("05-01", "C1,Quito,,1", "C2,Lima,,1"),
        PUBLISHED,
    ),
    "all closed versions that follow keep the last attributes": (
        products("05-01", "P3,consumable"),
        products("03-01", "P1,consumable", "P3,consumable"),
        products("02-01", "P1,consumable", "P3,consumable"),
        products("03-01", "P3,consumable"),
        ANYBODY,
        sales("04-10,C1,P1", "06-10,C1,P1"),
        PUBLISHED,
        products("02-01", "P1,device", "P3,consumable"),
        PUBLISHED,
    ),
    "of two waiting rows of a key the last one counts, whichever master comes first": (
        products("01-01", "P1,consumable"),
        customers("01-01", "C1,,,"),
        sales("01-10,C1,P1", "8:02-10,C2,P1", "8:02-20,C1,P2", "9:03-10,C1,P2", "9:03-20,C2,P1"),
        customers("02-01", "C1,,,", "C2,,,"),
        PUBLISHED,
        products("02-01", "P1,consumable", "P2,consumable"),
        PUBLISHED,
    ),
    "a held master is not discarded by an older one": (
        ANYBODY,
        products("01-01", "P1,consumable"),
        sales("01-10,C1,P1"),
        customers("03-01", "C1,Quito,,", approved=False),
        customers("02-01", "C1,Lima,,", "C2,,,"),
        PUBLISHED,
        customers("04-01", "C1,Lima,,", "C2,,,"),
        PUBLISHED,
    ),
}


@st.composite
def stories(draw: DrawFn) -> list[Event]:
    """Few keys and few days, so that files meet; a year of sales somewhere between them."""
    days = st.sampled_from(("01-01", "02-01", "03-01", "05-01"))
    cities = st.sampled_from(("Lima", "Quito", ""))
    dates = st.sampled_from(("", "", f"{YEAR - 1}-12-01", f"{YEAR}-04-10"))
    keys = st.sets(st.sampled_from((1, 2, 3, 4)), min_size=1).map(sorted)
    bought = [f"0{1 + number % 6}-{10 + number},C{1 + number % 3},P{1 + number % 4}" for number in range(16)]
    events: list[Event] = []
    for _ in range(draw(st.integers(4, 8))):
        if draw(st.booleans()):
            rows = [f"C{key},{draw(cities)},{draw(dates)},1" for key in draw(keys)]
            events.append(customers(draw(days), *rows, approved=draw(st.integers(0, 3)) < 3))
        else:
            rows = [f"P{key},{draw(st.sampled_from(('consumable', 'device')))}" for key in draw(keys)]
            events.append(products(draw(days), *rows))
        if draw(st.integers(0, 3)) == 3:
            events.append(draw(st.sampled_from((PUBLISHED, RECUT))))
    # the same receipts again further down, of others
    again = st.tuples(st.integers(0, 15), st.integers(1, 4), st.integers(1, 4))
    bought += ["{}:06-28,C{},P{}".format(*row) for row in draw(st.lists(again, max_size=4))]
    events.insert(draw(st.integers(0, len(events) // 2)), sales(*bought))
    return [*events, PUBLISHED]


def play(events: list[Event], empty: Settings) -> None:
    """Every publication is compared, and at the end what was known of the masters after each file."""
    oracle, real = Oracle(), RealWarehouse(empty)
    known: list[tuple[datetime, list[object]]] = []

    def versions(known_at: datetime) -> list[object]:
        with engine(empty).connect() as connection:
            return [connection.execute(each, {"known_at": known_at}).scalars().all() for each in VERSIONS.values()]

    for event in events:
        event.happen(oracle)
        event.happen(real)
        if isinstance(event, Publication):
            assert_equal_results(oracle, real)
        with engine(empty).connect() as connection:
            now = connection.execute(text("select clock_timestamp()")).scalar_one()
        known.append((now, versions(now)))
    for then, rows in known:
        assert versions(then) == rows


@pytest.mark.parametrize("story", STORIES)
def test_story(passing_warehouse: Callable[[], AbstractContextManager[Settings]], story: str) -> None:
    with passing_warehouse() as empty:
        play(list(STORIES[story]), empty)


def test_a_recut_of_all_months_aggregates_all_facts_again(
    passing_warehouse: Callable[[], AbstractContextManager[Settings]],
) -> None:
    oracle = Oracle()
    with passing_warehouse() as empty:
        real = RealWarehouse(empty)
        for event in (
            products("01-01", "P1,consumable"),
            ANYBODY,
            sales("01-10,C1,P1", "02-10,C2,P1", "05-10,C1,P1"),
            PUBLISHED,
        ):
            event.happen(oracle)
            event.happen(real)
        with engine(empty).begin() as connection:
            connection.execute(text("update crm.customer_month set core_cents = 0, core_orders = 0"))
        for warehouse in (oracle, real):
            RECUT.happen(warehouse)
        assert_equal_results(oracle, real)


@given(events=stories())
@settings(
    max_examples=10,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_any_order(passing_warehouse: Callable[[], AbstractContextManager[Settings]], events: list[Event]) -> None:
    with passing_warehouse() as empty:
        play(events, empty)
