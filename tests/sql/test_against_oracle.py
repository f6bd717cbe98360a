"""The warehouse against the oracle: any world of files and publications gives the same rows, column by column."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.data.audience import Audience
from include.warehouse.customer_filter import CHANNELS, CustomerFilter
from include.warehouse.settings import Settings
from tests.oracle.agreement import assert_accepted_alike
from tests.oracle.compare import assert_same
from tests.oracle.files import ReceivedFile
from tests.oracle.model import Oracle
from tests.oracle.strategies import worlds
from tests.oracle.warehouse import RealWarehouse
from tests.oracle.worlds import Arrival, Publication, World


def today() -> date:
    """The day on which the warehouse receives files; midnight changes it."""
    return datetime.now(UTC).date()


def assert_equal_results(oracle: Oracle, real: RealWarehouse) -> None:
    """Every result that the definitions describe, accepted and published."""
    assert_accepted_alike(oracle, real)
    assert_same(oracle.customers(), real.frame("customers"), ["customer_id"])
    assert_same(oracle.products(), real.frame("products"), ["product_id"])
    assert_same(oracle.stores(), real.frame("stores"), ["store_id"])
    assert_same(oracle.promotions(), real.frame("promotion_details"), ["promotion_id"])
    assert_same(oracle.months(), real.frame("month"), ["month"])
    assert_same(oracle.snapshot(), real.frame("customer_snapshot"), ["month", "customer_id"])
    assert_same(score_limits(oracle), real.frame("cut_point where metric <> 'abc'"), ["month", "metric", "band"])


def assert_same_reach(oracle: Oracle, real: RealWarehouse) -> None:
    """Who may be written to: opted in by the newest master, published or not, of the customers of any month."""
    customers, snapshot = oracle.customers(), oracle.snapshot()
    for channel in CHANNELS:
        is_reached = customers["is_in_master"].eq(True) & customers[f"opt_in_{channel}"].eq(True)
        reached = set(customers[is_reached]["customer_id"])
        for first_day, rows in snapshot.groupby("month"):
            month = pd.Timestamp(first_day).date()
            found = real.audience(Audience(CustomerFilter(month=month), channel=channel), month)
            assert found == reached & set(rows["customer_id"]), (channel, month)


def score_limits(oracle: Oracle) -> pd.DataFrame:
    """Limits of the score bands by the warehouse's names; those of abc are compared by the classes they give."""
    limits = oracle.cut_points()
    limits = limits[limits["metric"] != "abc"].copy()
    limits["band"] = limits["band"].astype(int)
    limits["limit_value"] = limits["limit_value"].astype(object)
    is_money = limits["metric"] == "m"
    limits.loc[is_money, "limit_value"] = limits.loc[is_money, "limit_value"].map(lambda cents: Decimal(cents) / 100)
    limits["metric"] = limits["metric"].map({"r": "recency", "f": "frequency", "m": "monetary"})
    return limits


def play(world: World, empty: Settings) -> None:
    """Everything that happens, to the oracle and to the warehouse; compared after each publication."""
    oracle, real = Oracle(), RealWarehouse(empty)
    for event in world.events:
        event.happen(oracle)
        event.happen(real)
        if isinstance(event, Publication):
            assert_equal_results(oracle, real)
        assert_same_reach(oracle, real)


def arrival(name: str, *lines: str) -> Arrival:
    """A file of today, approved where the shrink guard holds it."""
    content = "\n".join(lines).encode() + b"\n"
    file = ReceivedFile(name=name, content=content, received_on=today(), effective=None, force=False)
    return Arrival(file=file, approved=True)


def test_who_is_missing_from_a_corrected_master_begins_with_a_later_one(
    passing_warehouse: Callable[[], AbstractContextManager[Settings]],
) -> None:
    header, both = "customer_id,city,opt_in_email", ("C1,Lima,1", "C2,Lima,1")
    later = (today() + timedelta(days=9)).isoformat()
    sales = ("transaction_id,transaction_date,customer_id,product_id,quantity,unit_price,transaction_type",)
    sales += tuple(f"T{number},{today().year - 1}-03-0{number},C{number},P1,1,5,sale" for number in (1, 2, 3))
    for afterwards in (("C1,Lima,1", "C2,Quito,1", "C3,Lima,1"), ("C1,Lima,1", "C2,Lima,1", "C3,Quito,0")):
        events = (
            arrival("products.csv", "product_id,product_type", "P1,consumable"),
            arrival("customers.csv", header, *both, "C3,Lima,1"),
            arrival(f"customers_{later}.csv", header, *afterwards),
            arrival(f"sales_{today().year - 1}.csv", *sales),
            Publication(recut=False, recut_from=None),
            arrival("customers.csv", header, "C1,Lima,1"),
            Publication(recut=False, recut_from=None),
        )
        with passing_warehouse() as empty:
            play(World(events=events), empty)


@given(world=st.builds(today).flatmap(worlds))
@settings(
    max_examples=20,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_any_world(passing_warehouse: Callable[[], AbstractContextManager[Settings]], world: World) -> None:
    with passing_warehouse() as empty:
        play(world, empty)
