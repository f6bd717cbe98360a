"""Rule sets that a company could write for itself, against what the definitions say of them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.warehouse import rules
from include.warehouse.database import engine
from include.warehouse.settings import Settings
from tests.oracle.agreement import assert_equal_results
from tests.oracle.facts import first_day, month_number
from tests.oracle.files import csv_file
from tests.oracle.model import Oracle
from tests.oracle.rule_strategies import as_document, rule_sets
from tests.oracle.rules import RuleSet
from tests.oracle.strategies import worlds
from tests.oracle.warehouse import RealWarehouse
from tests.oracle.worlds import Arrival, Publication, World

RuleSetFile = dict[str, Any]
Activate = Callable[[Callable[[RuleSetFile], Any], date], None]

MASTERS = (
    csv_file("products_2024-01-01.csv", "product_id,product_type", "P1,consumable"),
    csv_file("customers_2024-01-01.csv", "customer_id", "C1", "C2"),
)
SALES = "transaction_id,transaction_date,customer_id,product_id,quantity,unit_price"


@pytest.fixture
def activate(fresh_warehouse: Settings, tmp_path: Path) -> Activate:
    """Lets the default rules, after one change to the file's content, decide the months from one on."""

    def activate(change: Callable[[RuleSetFile], Any], from_month: date) -> None:
        content = yaml.safe_load(rules.DEFAULT.read_text(encoding="utf-8"))
        change(content)
        decide(fresh_warehouse, content, tmp_path / "changed.yml", from_month)

    return activate


def decide(settings: Settings, content: RuleSetFile, path: Path, from_month: date) -> int:
    """Lets rules, written to `path`, decide the months from one on; gives their version."""
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with engine(settings).begin() as connection:
        version = rules.draft(connection, path)
        rules.approve(connection, version)
        rules.activate(connection, version, from_month)
    return version


def test_the_first_days_of_a_month_count_core_products_in_any_case(
    fresh_warehouse: Settings, activate: Activate
) -> None:
    activate(lambda content: content.update(core_product_types=["CONSUMABLE"]), date(2024, 1, 1))
    warehouse = RealWarehouse(fresh_warehouse)
    bought = ("T1,2024-01-03,C2,P1,1,5", "T2,2024-02-03,C1,P1,1,5", "T3,2024-03-10,C1,P1,1,5")
    for file in (*MASTERS, csv_file("sales_2024.csv", SALES, *bought)):
        warehouse.load(file)
    warehouse.publish()
    (february,) = warehouse.frame("month_to_day").to_dict("records")
    assert (february["month"], february["new_customers"], february["engaged"]) == (date(2024, 2, 1), 1, 2)


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


@given(world=worlds(), first=rule_sets(), data=st.data())
@settings(
    max_examples=6,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_any_world_under_any_rules(
    passing_warehouse: Callable[[], AbstractContextManager[Settings]],
    tmp_path: Path,
    world: World,
    first: RuleSet,
    data: st.DataObject,
) -> None:
    second = data.draw(rule_sets(fewest_tiers=len(first.tiers)))
    first_received = next(event.file.received_on for event in world.events if isinstance(event, Arrival))
    change = month_number(first_received) - data.draw(st.integers(1, 14))
    with passing_warehouse() as empty:
        versions = [
            replace(rule_set, version=decide(empty, as_document(rule_set), tmp_path / "rules.yml", since))
            for rule_set, since in ((first, date(1950, 1, 1)), (second, first_day(change)))
        ]
        oracle, real = Oracle(lambda month: versions[month >= change]), RealWarehouse(empty)
        for event in world.events:
            event.happen(oracle)
            event.happen(real)
            if isinstance(event, Publication):
                assert_equal_results(oracle, real)
