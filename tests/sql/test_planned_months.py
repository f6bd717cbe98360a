"""Which months a publication has and by whose rules, where files and rule sets are unlike the usual."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from include.warehouse import rules
from include.warehouse.database import connect, engine
from include.warehouse.errors import NotPublishableError
from include.warehouse.load import approve, load_files
from include.warehouse.refresh import aggregate, plan, publish, rebuild
from include.warehouse.settings import Settings
from include.warehouse.steps import REFRESH_STEPS, refresh

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:soda_core", "ignore::DeprecationWarning:soda_postgres"
)

FIGURES = ("month_summary", "month_movement", "month_score", "month_metric", "month_cohort", "month_to_day")
HEADER = "transaction_id,transaction_date,customer_id,product_id,quantity,unit_price\n"


def load(settings: Settings, folder: Path, **files: str) -> list[str]:
    """Loads files written from their names and texts, one after the other; gives what became of each."""
    states = []
    for name, content in files.items():
        path = folder / f"{name.replace('_to_', '-')}.csv"
        path.write_text(content, encoding="utf-8")
        states += [result.status for result in load_files(settings, [path])]
    return states


def rows(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with engine(settings).connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def activate(settings: Settings, folder: Path, from_month: date) -> tuple[int, str]:
    """Lets rules by which devices are core products too decide from a month on; gives their number and what is said."""
    path = folder / "rules.yml"
    default = rules.DEFAULT.read_text(encoding="utf-8")
    changed = default.replace("new_days: 90", "new_days: 60").replace("[consumable]", "[consumable, device]")
    path.write_text(changed, encoding="utf-8")
    with connect(settings) as connection:
        rule_set_id = rules.draft(connection, path)
        rules.approve(connection, rule_set_id)
        return rule_set_id, rules.activate(connection, rule_set_id, from_month)


@pytest.fixture
def masters(fresh_warehouse: Settings, tmp_path: Path) -> Settings:
    """A warehouse that knows one customer and one product."""
    load(
        fresh_warehouse,
        tmp_path,
        customers="customer_id\nC1\n",
        products="product_id,product_type\nP1,consumable\n",
    )
    return fresh_warehouse


def test_the_last_line_of_all_takes_the_last_month_away(masters: Settings, tmp_path: Path) -> None:
    sale = "T1,2025-01-10,C1,P1,1,10\n"
    load(masters, tmp_path, sales_2025=HEADER + sale)
    refresh(masters)
    # a run that is never published meets a customer of whom neither registration nor sale is known
    load(masters, tmp_path, customers="customer_id\nC1\nN1\n")
    aggregate(masters, plan(masters).run_id)
    load(masters, tmp_path, sales_2025=HEADER + sale + sale.replace("T1,2025-01", "T2,2025-02"))
    run_id = rebuild(masters, date(2025, 1, 1), datetime.now(UTC))["run_id"]
    assert rows(
        masters, f"select customer_id from crm.snapshot_unpublished where run_id = {run_id} and month = '2025-01-01'"
    ) == [("C1",)]

    assert load(masters, tmp_path, sales_2025=HEADER) == ["held"]
    approve(masters, "sales_2025.csv")
    assert refresh(masters).is_published
    assert rows(masters, "select * from mart.customer_snapshot") == []
    assert [table for table in FIGURES if rows(masters, f"select from crm.{table}")] == []
    assert rows(masters, "select month, customer_id, month_amount from mart.snapshot_history") == [
        (date(2025, 1, 1), "C1", 10)
    ]
    assert not refresh(masters).is_published
    load(masters, tmp_path, sales_2025=HEADER + sale.replace("2025-01", "2025-02"))
    refresh(masters)
    assert rows(masters, "select month, customer_id from mart.customer_snapshot order by customer_id") == [
        (date(2025, 2, 1), "C1"),
        (date(2025, 2, 1), "N1"),
    ]


def test_other_rules_come_to_a_published_month_only_on_request(masters: Settings, tmp_path: Path) -> None:
    def line(month: int) -> str:
        return f"T{month},2025-0{month}-10,C1,P1,1,10\n"

    def rule_sets() -> dict[int, int]:
        found = rows(masters, "select month, rule_set from mart.customer_snapshot where customer_id = 'C1'")
        return {month.month: rule_set for month, rule_set in found}

    def correct(last_month: int, extra: str = "") -> None:
        sales = "".join(line(month) for month in range(1, last_month + 1))
        load(masters, tmp_path, sales_2025=HEADER + sales + extra)
        refresh(masters)

    correct(3)
    [(known_at,)] = rows(masters, "select known_at from mart.publication")
    in_march = "select (to_jsonb(s) - 'run_id')::text from {} s where month = '2025-03-01'"
    then = rows(masters, in_march.format("crm.snapshot"))
    second, _ = activate(masters, tmp_path, date(2025, 2, 1))
    assert not refresh(masters).is_published
    correct(3, "T9,2025-03-20,C1,P1,1,10\n")
    assert rule_sets() == {1: 1, 2: 1, 3: 1}
    correct(4, "T9,2025-02-20,C1,P1,1,10\n")
    assert rule_sets() == {1: 1, 2: 1, 3: 1, 4: second}
    refresh(masters, from_month=date(2025, 3, 1), recut=True)
    assert rule_sets() == {1: 1, 2: 1, 3: second, 4: second}
    correct(5, "T9,2025-02-20,C1,P1,1,10\n")
    assert rule_sets() == {1: 1, 2: 1, 3: second, 4: second, 5: second}

    facts = (
        "select inhrelid::regclass::text from pg_inherits where inhparent = 'crm.customer_month'::regclass"
        " union all select fact_set_id::text from crm.fact_set order by 1"
    )
    before = rows(masters, facts)
    assert len(before) == 12, "five months and a row for each of two choices of core product types"
    assert rebuild(masters, date(2025, 5, 1), datetime.now(UTC))["rule_set"] == second
    assert rows(masters, facts) == before, "a rebuild leaves no facts of either"
    rebuilt = rebuild(masters, date(2025, 3, 1), known_at)
    assert rebuilt["rule_set"] == 1, "the rules of then, though others have restated the month since"
    assert rows(masters, in_march.format("crm.snapshot_unpublished") + f" and run_id = {rebuilt['run_id']}") == then


def test_rules_activated_while_a_new_month_is_built_decide_it(masters: Settings, tmp_path: Path) -> None:
    january = "T1,2025-01-10,C1,P1,1,10\n"
    load(masters, tmp_path, sales_2025=HEADER + january)
    refresh(masters)
    load(masters, tmp_path, sales_2025=HEADER + january + "T2,2025-02-10,C1,P1,1,10\n")
    run_id = plan(masters).run_id
    # before the facts are taken the run is planned again
    second, _ = activate(masters, tmp_path, date(2025, 2, 1))
    for step in REFRESH_STEPS[:4]:
        step.function(masters, run_id)
    planned = f"select rule_set_id from ops.run_month where run_id = {run_id} order by month"
    assert rows(masters, planned) == [(1,), (second,)]
    third, said = activate(masters, tmp_path, date(2025, 2, 1))
    assert said == (
        f"rule set {third} decides months from 2025-02; rule set {second} is retired; run {run_id}, not yet published,"
        " was planned by other rules and is refused at the end; start a new refresh"
    )
    refused = f"run {run_id} was planned by other rules: rule set {third} decides 2025-02 since; start a new refresh"
    with pytest.raises(NotPublishableError, match=refused):
        publish(masters, run_id)
    assert refresh(masters).is_published
    assert rows(masters, "select rule_set from mart.month order by month") == [(1,), (third,)]


def test_every_month_is_planned_whatever_the_time_zone_of_server_and_session(masters: Settings, tmp_path: Path) -> None:
    """In Paraguay 1 October 2017 began at one o'clock: months counted from there end an hour after the last one."""
    database = make_url(str(masters.url)).database
    with connect(masters) as connection:
        connection.execute(text(f"alter database {database} set timezone = 'America/Asuncion'"))
    engine(masters).dispose()
    assert rows(masters, "show timezone") == [("UTC",)]
    load(masters, tmp_path, sales_2017="".join([HEADER, *(f"T{m},2017-{m}-10,C1,P1,1,10\n" for m in (10, 11, 12))]))
    with engine(masters).connect() as connection:
        connection.execute(text("set time zone 'America/Asuncion'"))
        run_id = connection.execute(text("select crm.plan_refresh('{}', 'a test')")).scalar_one()
        planned = "select count(*) from ops.run_month where run_id = :run_id"
        assert connection.execute(text(planned), {"run_id": run_id}).scalar_one() == 3
    refresh(masters)
    assert rows(masters, "select to_char(month, 'MM') from mart.month order by 1") == [("10",), ("11",), ("12",)]


def test_rows_of_white_space_are_not_data(masters: Settings, tmp_path: Path) -> None:
    blank = " , ,\t,\u00a0, , \n"
    load(
        masters,
        tmp_path,
        customers_2030_to_01_to_01="customer_id,city\nC1,Lima\n , \n",
        sales_2025=HEADER + blank + "T1,2025-01-10,C1,P1,1,10\n" + blank,
    )
    counted = rows(
        masters,
        "select feed, rows_received, rows_loaded, rows_rejected from mart.source_file"
        " where file_name in ('sales_2025.csv', 'customers_2030-01-01.csv') order by feed desc",
    )
    assert counted == [("sales", 1, 1, 0), ("customers", 1, 1, 0)]


def test_a_day_before_the_calendar_cannot_be_read(masters: Settings, tmp_path: Path) -> None:
    lines = "T1,0202-01-10,C1,P1,1,10\nT2,2025-01-10,C1,P1,1,10\nT3,9999-12-31,C1,P1,1,10\n"
    name = "sales_2025-01-10"
    (tmp_path / f"{name}.csv").write_text(HEADER + lines, encoding="utf-8")
    load_files(masters, [tmp_path / f"{name}.csv"])
    found = rows(masters, "select raw_row ->> 'transaction_id', reasons from mart.rejected_records order by 1")
    assert found == [("T1", ["invalid_date"]), ("T3", ["future_date"])]
    assert refresh(masters).is_published
