"""The warehouse against the oracle: any world of files and publications gives the same rows, column by column."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

from hypothesis import HealthCheck, given, settings

from include.warehouse.settings import Settings
from tests.oracle.agreement import assert_equal_results, assert_same_reach
from tests.oracle.files import RECEIVED_ON, csv_file
from tests.oracle.model import Oracle
from tests.oracle.strategies import worlds
from tests.oracle.warehouse import RealWarehouse
from tests.oracle.worlds import Arrival, Publication, World


def play(world: World, empty: Settings) -> None:
    """Everything that happens, to the oracle and to the warehouse; compared after each publication."""
    oracle, real = Oracle(), RealWarehouse(empty)
    for event in world.events:
        event.happen(oracle)
        event.happen(real)
        if isinstance(event, Publication):
            assert_equal_results(oracle, real)
        assert_same_reach(oracle, real)


def test_who_is_missing_from_a_corrected_master_begins_with_a_later_one(
    passing_warehouse: Callable[[], AbstractContextManager[Settings]],
) -> None:
    header, both = "customer_id,city,opt_in_email", ("C1,Lima,1", "C2,Lima,1")
    later = (RECEIVED_ON + timedelta(days=9)).isoformat()
    sales = ("transaction_id,transaction_date,customer_id,product_id,quantity,unit_price,transaction_type",)
    sales += tuple(f"T{number},{RECEIVED_ON.year - 1}-03-0{number},C{number},P1,1,5,sale" for number in (1, 2, 3))
    for afterwards in (("C1,Lima,1", "C2,Quito,1", "C3,Lima,1"), ("C1,Lima,1", "C2,Lima,1", "C3,Quito,0")):
        events = (
            Arrival(csv_file("products.csv", "product_id,product_type", "P1,consumable")),
            Arrival(csv_file("customers.csv", header, *both, "C3,Lima,1")),
            Arrival(csv_file(f"customers_{later}.csv", header, *afterwards)),
            Arrival(csv_file(f"sales_{RECEIVED_ON.year - 1}.csv", *sales)),
            Publication(recut=False, recut_from=None),
            Arrival(csv_file("customers.csv", header, "C1,Lima,1")),
            Publication(recut=False, recut_from=None),
        )
        with passing_warehouse() as empty:
            play(World(events=events), empty)


@given(world=worlds())
@settings(
    max_examples=12,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_any_world(passing_warehouse: Callable[[], AbstractContextManager[Settings]], world: World) -> None:
    with passing_warehouse() as empty:
        play(world, empty)
