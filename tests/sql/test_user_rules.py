"""Rule sets that a company could write for itself, against what the definitions say of them."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.warehouse import rules
from include.warehouse.database import engine
from include.warehouse.errors import VerificationError
from include.warehouse.first_days import FIRST_DAYS
from include.warehouse.maintenance import verify_conservation
from include.warehouse.settings import Settings
from tests.oracle.agreement import assert_equal_results
from tests.oracle.facts import first_day, month_number
from tests.oracle.files import csv_file
from tests.oracle.model import Oracle
from tests.oracle.rule_strategies import rule_sets
from tests.oracle.rules import RuleSet
from tests.oracle.strategies import worlds
from tests.oracle.warehouse import RealWarehouse, bring_into_force
from tests.oracle.worlds import Activation, Arrival, Event, Publication, World

RuleSetFile = dict[str, Any]
Activate = Callable[[Callable[[RuleSetFile], Any], date], None]

MASTERS = (
    csv_file("products_2024-01-01.csv", "product_id,product_type", "P1,consumable"),
    csv_file("customers_2024-01-01.csv", "customer_id", "C1", "C2"),
)
SALES = "transaction_id,transaction_date,customer_id,product_id,quantity,unit_price"


@pytest.fixture
def activate(fresh_warehouse: Settings) -> Activate:
    """Lets the default rules, after one change to the file's content, decide the months from one on."""

    def activate(change: Callable[[RuleSetFile], Any], from_month: date) -> None:
        content = yaml.safe_load(rules.DEFAULT.read_text(encoding="utf-8"))
        change(content)
        bring_into_force(fresh_warehouse, content, from_month)

    return activate


def play(events: Sequence[Event], empty: Settings) -> RealWarehouse:
    """Everything that happens, to the oracle and to the warehouse; compared after each publication."""
    oracle, real = Oracle(), RealWarehouse(empty)
    for event in events:
        event.happen(oracle)
        event.happen(real)
        if isinstance(event, Publication):
            assert_equal_results(oracle, real)
    return real


def test_the_first_days_of_a_month_count_core_products_in_any_case(
    fresh_warehouse: Settings, activate: Activate
) -> None:
    activate(lambda content: content.update(core_product_types=["CONSUMABLE"]), date(2024, 1, 1))
    warehouse = RealWarehouse(fresh_warehouse)
    bought = ("T1,2024-01-03,C2,P1,1,5", "T2,2024-02-03,C1,P1,1,5", "T3,2024-03-10,C1,P1,1,5")
    for file in (*MASTERS, csv_file("sales_2024.csv", SALES, *bought[:2])):
        warehouse.load(file)
    warehouse.publish()
    (january,) = warehouse.frame("month_to_day").to_dict("records")
    assert (january["month"], january["new_customers"], january["engaged"]) == (date(2024, 1, 1), 1, 1)
    warehouse.load(csv_file("sales_2024.csv", SALES, *bought))
    warehouse.publish()
    (february,) = warehouse.frame("month_to_day").to_dict("records")
    assert (february["month"], february["new_customers"], february["engaged"]) == (date(2024, 2, 1), 1, 2)


def test_the_first_days_of_a_month_are_what_it_counted_itself_though_other_core_products_came_with_it(
    fresh_warehouse: Settings, activate: Activate
) -> None:
    days = {"new_days": 30, "active_days": 30, "at_risk_days": 60, "lapsed_days": 90}
    activate(lambda content: content.update(days, core_product_types=["consumable"]), date(2023, 10, 1))
    activate(lambda content: content.update(days, core_product_types=["Device"]), date(2024, 3, 1))
    warehouse = RealWarehouse(fresh_warehouse)
    # P3 becomes a device on the way
    types = "product_id,product_type"
    for file in (
        csv_file("products_2023-01-01.csv", types, "P1,consumable", "P2,device", "P3,consumable", "P4,accessory"),
        csv_file("products_2024-01-20.csv", types, "P1,consumable", "P2,device", "P3,device", "P4,accessory"),
        csv_file("customers_2023-01-01.csv", "customer_id", *(f"C{customer}" for customer in range(40))),
    ):
        warehouse.load(file)
    sold = sorted(
        (date(2023, 10, 1) + timedelta(days=customer * 4 + visit * (9 + customer * 3)), customer, visit)
        for customer in range(40)
        for visit in range(3 + customer % 5)
    )
    sold += [(date(2024, 3, 10), 0, 90), (date(2024, 4, 10), 0, 91)]

    def publish(until: date) -> None:
        for year in (2023, 2024):
            rows = (
                f"T{customer}-{visit},{day},C{customer},P{1 + (customer + visit) % 4},1,5"
                for day, customer, visit in sold
                if day.year == year and day <= until
            )
            warehouse.load(csv_file(f"sales_{year}.csv", SALES, *rows))
        warehouse.publish()

    publish(date(2024, 3, 10))
    statement = """
        select
            count(r_score) as engaged,
            count(*) filter (where growth_state = 'new') as new,
            count(*) filter (where lifecycle_event in ('recovered', 'reactivated')) as won_back,
            count(*) filter (where lifecycle_event = 'lost') as lost,
            sum(month_amount) as revenue
        from mart.customer_snapshot
        where month = '2024-03-01' and as_of_date = '2024-03-10'
        """
    with engine(fresh_warehouse).connect() as connection:
        march = dict(connection.exec_driver_sql(statement).mappings().one())
    assert min(march.values()) > 0, march

    publish(date(2024, 4, 10))
    (prepared,) = warehouse.frame("month_to_day").to_dict("records")
    assert (prepared["month"], prepared["days"]) == (date(2024, 3, 1), 10)
    names = {"new": "new_customers", "revenue": "month_amount"}
    assert {name: prepared[names.get(name, name)] for name in march} == march
    statement = FIRST_DAYS.format(month="date '2024-03-01'", through="date '2024-03-10'")
    with engine(fresh_warehouse).connect() as connection:
        counted = connection.exec_driver_sql(statement).mappings().one()
    assert dict(counted) == march | {"months": 1}


def test_a_tier_that_other_rules_rank_otherwise_is_still_the_same_tier(
    fresh_warehouse: Settings, activate: Activate
) -> None:
    def add_lowest_tier(content: RuleSetFile) -> None:
        content["tiers"][-1]["minimum_total"] = 5
        content["tiers"].append({"tier": "iron", "minimum_total": 4})

    activate(add_lowest_tier, date(2024, 2, 1))
    warehouse = RealWarehouse(fresh_warehouse)
    bought = ("T1,2024-01-03,C1,P1,1,5", "T2,2024-02-03,C1,P1,1,5")
    for file in (*MASTERS, csv_file("sales_2024.csv", SALES, *bought)):
        warehouse.load(file)
    warehouse.publish()
    rows = warehouse.frame("customer_snapshot where customer_id = 'C1' order by month")
    assert rows["value_tier"].tolist() == ["silver", "silver"]
    assert rows["lifecycle_event"].tolist() == ["first_purchase", "retained"]

    # rules that decide no published month yet are in no dimension of these months
    activate(lambda content: content["segments"][-1].update(segment="Others"), date(2030, 1, 1))
    segments = warehouse.frame("dim_segment")
    assert (set(segments["rule_set"]), "Others" in set(segments["segment"])) == ({2}, False)


def test_two_tiers_are_compared_by_one_rule_set(fresh_warehouse: Settings) -> None:
    """The only customer always has a total of 10, and changes the tier with the rules."""
    own_tiers = {
        # the rules of the month before have silver and gold
        2: (("platinum", 17), ("gold", 4)),
        # no rules have gold and vip
        3: (("vip", 10), ("regular", 4)),
        # the rules of both months have both tiers
        4: (("vip", 17), ("regular", 4)),
        # and where they rank them otherwise, the month's own decide
        5: (("regular", 17), ("vip", 4)),
    }
    sold = [f"T{month},2024-0{month}-10,C1,P1,1,5" for month in (1, 2, 3, 4)] + ["T5,2024-05-31,C1,P1,1,5"]
    late = (*sold, "T6,2024-03-11,C1,P1,1,5")
    real = play(
        (
            *map(Arrival, MASTERS),
            *(
                Activation(RuleSet(tiers=tuple((tier, Decimal(total)) for tier, total in tiers)), date(2024, month, 1))
                for month, tiers in own_tiers.items()
            ),
            Arrival(csv_file("sales_2024.csv", SALES, *sold)),
            Publication(),
            # from March on computed again, behind a February that stays
            Arrival(csv_file("sales_2024.csv", SALES, *late)),
            Publication(),
        ),
        fresh_warehouse,
    )
    rows = real.frame("customer_snapshot where customer_id = 'C1' order by month")
    assert rows["value_tier"].tolist() == ["silver", "gold", "vip", "regular", "vip"]
    assert rows["lifecycle_event"].tolist() == ["first_purchase", "upgraded", "retained", "downgraded", "downgraded"]


@pytest.mark.parametrize(
    ("late", "from_month", "publication"),
    [
        # months of the first rules' front, one of them the first of a chunk; and restated months
        ("2025-02-20", date(2025, 4, 1), Publication()),
        ("2025-01-20", date(2025, 4, 1), Publication()),
        ("2025-01-20", date(2025, 3, 1), Publication(True, date(2025, 3, 1))),
    ],
)
def test_late_sales_count_once_when_other_core_products_come_into_force(
    fresh_warehouse: Settings, late: str, from_month: date, publication: Publication
) -> None:
    sold = tuple(f"T{month},2025-0{month}-10,C1,P1,1,10" for month in (1, 2, 3))
    both = RuleSet(core_product_types=frozenset({"consumable", "device"}))
    real = play(
        (
            *map(Arrival, MASTERS),
            Arrival(csv_file("sales_2025.csv", SALES, *sold)),
            Publication(),
            Activation(both, from_month),
            Arrival(csv_file("sales_2025.csv", SALES, *sold, f"T9,{late},C1,P1,1,10", "T4,2025-04-30,C1,P1,1,10")),
            publication,
        ),
        fresh_warehouse,
    )
    (april,) = real.frame("customer_snapshot where customer_id = 'C1' and month = '2025-04-01'").to_dict("records")
    assert (april["frequency"], april["monetary"]) == (5, 50)

    # the facts of rules are money that must add up also in the months that other rules decide
    with engine(fresh_warehouse).begin() as connection:
        connection.exec_driver_sql(
            "insert into crm.customer_month select * from crm.customer_month"
            " where month = '2025-02-01' and fact_set_id = (select max(fact_set_id) from crm.fact_set)"
        )
    with pytest.raises(VerificationError, match=r"\(core types consumable, device\)"):
        verify_conservation(fresh_warehouse)


@given(world=worlds(), first=rule_sets(), data=st.data())
@settings(
    max_examples=6,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_any_world_under_any_rules(
    passing_warehouse: Callable[[], AbstractContextManager[Settings]],
    world: World,
    first: RuleSet,
    data: st.DataObject,
) -> None:
    second = data.draw(rule_sets())
    first_received = next(event.file.received_on for event in world.events if isinstance(event, Arrival))
    change = month_number(first_received) - data.draw(st.integers(1, 14))
    events: list[Event] = [Activation(first, date(1950, 1, 1)), *world.events]
    events.insert(data.draw(st.integers(1, len(world.events))), Activation(second, first_day(change)))
    with passing_warehouse() as empty:
        play(events, empty)
