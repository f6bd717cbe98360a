"""The gate on a really built run: what is sound passes, every corruption is refused by name with the rows at fault."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url

from include.warehouse import gate, maintenance, refresh, steps
from include.warehouse.database import engine
from include.warehouse.errors import GateRefused, VerificationError, WarehouseError
from include.warehouse.load import load_files
from include.warehouse.settings import Settings, normalise_url
from tests.fixtures.retailer import lines, write_files, write_sales

# Soda's own use of what it calls deprecated
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:soda_core", "ignore::DeprecationWarning:soda_postgres"
)


def execute(settings: Settings, statement: str) -> None:
    with engine(settings).begin() as connection:
        connection.execution_options(no_parameters=True).exec_driver_sql(statement)


def query(settings: Settings, statement: str, **values: object) -> list[Any]:
    with engine(settings).connect() as connection:
        return list(connection.execute(text(statement), values).all())


def build(settings: Settings, from_month: date | None = None) -> int:
    """Everything up to the gate; gives the run."""
    run_id = refresh.plan(settings, from_month=from_month).run_id
    refresh.aggregate(settings, run_id)
    steps.build_snapshot(settings, run_id)
    refresh.summarize(settings, run_id)
    return run_id


@pytest.fixture(scope="module")
def accepted(
    passing_warehouse: Callable[..., AbstractContextManager[Settings]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """The small retailer's files, accepted; for copies."""
    with passing_warehouse() as settings:
        results = load_files(settings, write_files(tmp_path_factory.mktemp("retailer") / "files"))
        assert {result.status for result in results} == {"loaded"}
        yield settings


@pytest.fixture
def loaded(accepted: Settings, new_warehouse: Callable[..., Settings]) -> Settings:
    """The same for a test of its own."""
    return new_warehouse(accepted)


@dataclass(frozen=True)
class Corruption:
    """A change of one table behind the warehouse's back, and the checks that must refuse it."""

    table: str
    change: str
    checks: set[str]
    rows: int | None = None


ONE_ROW = "month = '2025-05-01' and customer_id = 'C0100'"
ONE_SCORED = (
    "(month, customer_id) = (select month, customer_id from crm.snapshot_unpublished where r_score > 1 limit 1)"
)
ONE_LAPSED = (
    "(month, customer_id) = (select month, customer_id from crm.snapshot_unpublished where activity_status = 'lapsed'"
    " limit 1)"
)
ONE_LINE = "(transaction_id, line_no) = ('T100-3', 1)"
SNAPSHOT = "crm.snapshot_unpublished"

CORRUPTIONS = [
    Corruption(SNAPSHOT, f"set segment = 'Nobody' where {ONE_ROW}", {"snapshot_unpublished.decided"}, 1),
    Corruption(SNAPSHOT, f"set value_tier = 'none' where {ONE_SCORED}", {"snapshot_unpublished.decided"}, 1),
    Corruption(SNAPSHOT, f"set activity_status = 'asleep' where {ONE_ROW}", {"snapshot_unpublished.decided"}, 1),
    Corruption(SNAPSHOT, f"set t_score = null where {ONE_SCORED}", {"snapshot_unpublished.complete_scores"}, 1),
    Corruption(SNAPSHOT, f"set customer_id = 'C7777' where {ONE_ROW}", {"snapshot_unpublished.known_customers"}, 2),
    Corruption(SNAPSHOT, f"set customer_id = '' where {ONE_ROW}", {"snapshot_unpublished.customer_id.missing"}, 1),
    Corruption(
        SNAPSHOT, f"set recency_days = recency_days + 1 where {ONE_SCORED}", {"snapshot_unpublished.recency"}, 1
    ),
    Corruption(SNAPSHOT, f"set as_of_date = '2025-05-05' where {ONE_ROW}", {"snapshot_unpublished.as_of_of_month"}, 1),
    Corruption(SNAPSHOT, f"set r_score = r_score - 1 where {ONE_SCORED}", {"snapshot_unpublished.decided"}, 1),
    Corruption(SNAPSHOT, f"set rfmt_total = rfmt_total + 1 where {ONE_SCORED}", {"snapshot_unpublished.decided"}, 1),
    Corruption(SNAPSHOT, f"set is_high_spender = true where {ONE_LAPSED}", {"snapshot_unpublished.decided"}, 1),
    Corruption(
        SNAPSHOT,
        f"set activity_status = 'lost', tenure_months = tenure_months + 1 where {ONE_LAPSED}",
        {"snapshot_unpublished.status_dates", "snapshot_unpublished.tenure"},
        1,
    ),
    Corruption(
        SNAPSHOT,
        f"set first_core_date = null where {ONE_SCORED}",
        {"snapshot_unpublished.status_dates", "snapshot_unpublished.tenure"},
        1,
    ),
    Corruption(
        SNAPSHOT, f"set last_purchase_date = '2030-01-01' where {ONE_ROW}", {"snapshot_unpublished.ordered_dates"}
    ),
    Corruption(SNAPSHOT, f"set frequency = -1 where {ONE_ROW}", {"snapshot_unpublished.not_negative"}, 1),
    Corruption(
        SNAPSHOT, f"set growth_state = 'asleep' where {ONE_ROW}", {"snapshot_unpublished.growth_state.invalid"}, 1
    ),
    Corruption(
        SNAPSHOT,
        "set growth_state = 'returning' where growth_state = 'new' and month = '2025-01-01'",
        {"snapshot_unpublished.growth_state_dates"},
    ),
    Corruption(
        SNAPSHOT, f"set lifecycle_event = 'won' where {ONE_ROW}", {"snapshot_unpublished.lifecycle_event.invalid"}
    ),
    Corruption(SNAPSHOT, f"set abc_class = 'D' where {ONE_SCORED}", {"snapshot_unpublished.abc_class.invalid"}, 1),
    Corruption(SNAPSHOT, f"set last_scored_month = null where {ONE_SCORED}", {"snapshot_unpublished.last_scored"}, 1),
    Corruption(
        SNAPSHOT,
        "set opt_in_sms = true where not is_in_master and month = '2025-10-01'",
        {"snapshot_unpublished.closed_opt_in"},
    ),
    Corruption(
        SNAPSHOT,
        f"delete where {ONE_ROW}",
        {"snapshot_unpublished.as_many_as_summed", "snapshot_unpublished.known_customers"},
        1,
    ),
    Corruption(
        "crm.month_summary",
        "set first_appearances = first_appearances + 1 where month = '2025-02-01' and first_appearances > 0",
        {"conservation.customers_carried"},
    ),
    Corruption(
        "crm.month_summary",
        "set month_cents = month_cents + 1 where month = '2025-02-01' and growth_state = 'new'",
        {"conservation.month_amount"},
    ),
    Corruption(
        "crm.month_summary",
        "delete where month = '2025-02-01' and growth_state = 'dormant'",
        {"conservation.buyers_carried", "conservation.segments", "snapshot_unpublished.as_many_as_summed"},
    ),
    Corruption(
        "crm.customer_month",
        "delete where month = '2025-02-01' and core_orders > 0",
        {"conservation.buyers_by_growth", "conservation.current_amount", "conservation.month_core_amount"},
    ),
    Corruption(
        "core.sale_line",
        f"delete where {ONE_LINE}",
        {"conservation.rows_loaded", "conservation.current_lines", "conservation.current_amount"},
    ),
    Corruption(
        "core.sale_line",
        f"set net_cents = net_cents + 1 where {ONE_LINE}",
        {"conservation.amount_loaded", "conservation.current_amount"},
    ),
    Corruption("core.sale_line", f"set line_no = 2 where {ONE_LINE}", {"sale_line.one_line_a_key"}, 2),
    Corruption("core.sale_line", f"set customer_id = 'C7777' where {ONE_LINE}", {"sale_line.known_customer"}, 1),
    Corruption("core.sale_line", f"set product_id = 'P7777' where {ONE_LINE}", {"sale_line.known_product"}, 1),
    Corruption("core.sale_line", f"set is_return = not is_return where {ONE_LINE}", {"sale_line.net_amount_sign"}, 1),
    Corruption("core.sale_line", f"set quantity = 0 where {ONE_LINE}", {"sale_line.quantity_sign"}, 1),
    Corruption("core.sale_line", f"set file_id = 7777 where {ONE_LINE}", {"conservation.rows_loaded"}),
    Corruption(
        "ops.rejected_record",
        "delete where natural_key = array['X2024-1', '1']",
        {"conservation.rows_rejected", "conservation.amount_rejected"},
    ),
    Corruption(
        "core.customer_version",
        "set version_to = '2025-09-30' where version_to = '2025-10-01' and customer_id = 'C0419'",
        {"customer_version.whole_time"},
        1,
    ),
    Corruption(
        "core.product_version",
        "set version_from = '2024-01-01' where product_id = 'P3'",
        {"product_version.whole_time"},
    ),
]


def corrupt(settings: Settings, corruption: Corruption) -> None:
    """Changes the table, keeping a copy to repair it from."""
    verb = "update" if corruption.change.startswith("set") else "delete from"
    table, change = corruption.table, corruption.change.removeprefix("delete ")
    execute(settings, f"create table public.backup as select * from {table}")
    with engine(settings).begin() as connection:
        assert connection.exec_driver_sql(f"{verb} {table} {change}").rowcount > 0, corruption


def repair(settings: Settings, corruption: Corruption) -> None:
    with engine(settings).connect() as connection:
        columns = connection.exec_driver_sql(
            "select string_agg(quote_ident(attname), ', ') from pg_attribute where attrelid = %s::regclass"
            " and attnum > 0 and not attisdropped and attgenerated = ''",
            (corruption.table,),
        ).scalar_one()
    execute(
        settings,
        f"delete from {corruption.table};"
        f" insert into {corruption.table} ({columns}) overriding system value select {columns} from public.backup;"
        " drop table public.backup",
    )


def test_a_sound_run_passes_every_check_and_is_published(loaded: Settings) -> None:
    run_id = build(loaded)
    # an address that says nothing but by its query is as good for the gate as for all other steps
    url = make_url(str(loaded.url))
    parts = {"host": url.host, "port": url.port, "user": url.username, "password": url.password}
    by_query = {name: str(value) for name, value in parts.items()}
    spelt = URL.create(url.drivername, database=url.database, query=by_query).render_as_string()
    elsewhere = replace(loaded, url=normalise_url(spelt))
    result = steps.audit(elsewhere, run_id)
    engine(elsewhere).dispose()
    checks = [check.name for contract in gate.ORDER for check in gate.read_checks(contract)]
    assert (result.is_ok, result.failed, result.checks) == (True, [], len(checks))
    written = query(loaded, "select check_name, outcome from ops.check_result where run_id = :run_id", run_id=run_id)
    assert {row.check_name for row in written} == set(checks)
    assert {row.outcome for row in written} <= {"passed", "warned"}

    identities = query(
        loaded, "select distinct identity, is_ok from ops.conservation where run_id = :run_id", run_id=run_id
    )
    contract = yaml.safe_load((gate.CONTRACTS / "ops" / "conservation.yml").read_text(encoding="utf-8"))
    checked = {check["failed_rows"]["name"] for check in contract["checks"] if "failed_rows" in check}
    assert {(row.identity, row.is_ok) for row in identities} == {(identity, True) for identity in checked}

    refresh.publish(loaded, run_id)
    assert query(loaded, "select count(*) from crm.published_month")[0][0] == 23


def test_the_archive_is_proved_altered_files_first(loaded: Settings) -> None:
    paths = [loaded.home / row.path for row in query(loaded, "select path from ops.file order by file_id")]
    assert maintenance.verify_archive(loaded) == len(paths) > 2
    last = paths.pop()
    last.write_bytes(last.read_bytes() + b"\n")
    for path in paths:
        path.unlink()
    expected = rf"1 with other bytes \(archive/{last.parent.name}/{last.name}\).*; {len(paths)} missing \(archive/"
    with pytest.raises(VerificationError, match=expected):
        maintenance.verify_archive(loaded)
    for path in paths:
        path.with_name("moved.txt").write_text("on the shelf\n", encoding="utf-8")
    with pytest.raises(VerificationError, match=r"1 with other bytes[^;]*; restore them from a backup$"):
        maintenance.verify_archive(loaded)
    last.write_bytes(last.read_bytes()[:-1])
    assert maintenance.verify_archive(loaded) == 1


def test_conservation_is_the_money_of_the_files(loaded: Settings) -> None:
    """Both sides of the total identities equal what the files' lines add up to."""
    run_id = build(loaded)
    gate.audit(loaded, run_id)
    amount = sum(line.amount for line in lines())
    totals = {
        row.identity: (row.left_value, row.right_value)
        for row in query(
            loaded, "select * from ops.conservation where run_id = :run_id and scope = 'total'", run_id=run_id
        )
    }
    assert totals["net amount of current lines = customer-months"] == (amount, amount)
    assert totals["customer-months = month_amount of published months"] == (amount, amount)
    assert totals["amount loaded = current lines + superseded lines"] == (amount, amount)
    count = len(list(lines()))
    assert totals["current lines = rows loaded - rows superseded"] == (count, count)


def test_every_corruption_is_refused_by_name_with_its_rows(loaded: Settings) -> None:
    run_id = build(loaded)
    missed = {}
    for corruption in CORRUPTIONS:
        corrupt(loaded, corruption)
        result = gate.audit(loaded, run_id)
        kept = {
            row.check_name: row.rows
            for row in query(
                loaded,
                "select check_name, count(*) as rows from ops.failed_row where run_id = :run_id group by check_name",
                run_id=run_id,
            )
        }
        found = set(result.failed)
        rows_are_right = all(
            kept.get(name, 0) == (corruption.rows or kept.get(name, 0)) > 0 for name in corruption.checks
        )
        if not corruption.checks <= found or result.is_ok or not rows_are_right:
            missed[f"{corruption.table} {corruption.change}"] = (corruption.checks - found, kept)
        repair(loaded, corruption)
    assert missed == {}
    assert gate.audit(loaded, run_id).is_ok, "a repaired run passes"


def test_a_customer_twice_in_a_month_is_found_without_the_index_that_forbids_it(loaded: Settings) -> None:
    run_id = build(loaded)
    table = f"crm.snapshot_{run_id}_2025_05"
    execute(
        loaded,
        f"alter table {table} drop constraint snapshot_{run_id}_2025_05_pkey;"
        f" insert into {table} select * from {table} where customer_id = 'C0100'",
    )
    assert "snapshot_unpublished.one_row_a_customer" in gate.audit(loaded, run_id).failed


def test_a_refusal_leaves_readers_on_the_last_good_state(loaded: Settings, tmp_path: Path) -> None:
    steps.refresh(loaded)
    before = query(loaded, "select * from crm.snapshot order by month, customer_id")
    published = query(loaded, "select run_id, max(published_at) from crm.published_month group by run_id")

    load_files(loaded, [write_sales(tmp_path / "sales_2025.csv", 2025, without="T100-8")])
    run_id = build(loaded)
    maintenance.verify_conservation(loaded)
    assert {
        row.rows_mode for row in query(loaded, "select rows_mode from ops.run_month where run_id = :id", id=run_id)
    } == {"touched"}
    execute(
        loaded,
        f"update crm.snapshot_unpublished set segment = 'Nobody' where run_id = {run_id} and customer_id = 'C0100'",
    )
    with pytest.raises(
        GateRefused, match=r"snapshot_unpublished\.decided failed; see mart\.check_result and mart\.failed_row"
    ):
        steps.audit(loaded, run_id)
    assert query(loaded, "select status, message from ops.run where run_id = :id", id=run_id) == [
        ("refused", "refused by the gate: snapshot_unpublished.decided failed")
    ]
    with pytest.raises(WarehouseError, match="refused"):
        refresh.publish(loaded, run_id)
    assert query(loaded, "select * from crm.snapshot order by month, customer_id") == before
    assert query(loaded, "select run_id, max(published_at) from crm.published_month group by run_id") == published
    maintenance.verify_conservation(loaded)
    altered = f"update crm.snapshot set month_cents = month_cents {{}} where {ONE_ROW}"
    execute(loaded, altered.format("+ 1"))
    with pytest.raises(VerificationError, match="amount known at publication = published month_amount"):
        maintenance.verify_conservation(loaded)
    execute(loaded, altered.format("- 1"))

    assert refresh.is_refused_already(loaded), "building it again would end the same"
    asked_for = 'update ops.run set requested = \'{"from": "2025-01-01"}\' where run_id = '
    execute(loaded, f"{asked_for}{run_id}")
    assert not refresh.is_refused_already(loaded), "what was asked for says nothing of what waits"

    steps.refresh(loaded)
    assert not refresh.is_refused_already(loaded)
    with pytest.raises(WarehouseError, match="is not the newest"):
        gate.audit(loaded, run_id)
    maintenance.verify_conservation(loaded)
    execute(loaded, "update crm.customer_month set amount_cents = amount_cents + 1 where month = '2025-02-01'")
    with pytest.raises(VerificationError, match="net amount of current lines = customer-months"):
        maintenance.verify_conservation(loaded)

    tables = ("month_summary", "month_movement", "month_score", "month_metric", "month_cohort")
    figures = " union ".join(f"select '{table}', run_id from crm.{table}" for table in tables)
    kept = {row for row in query(loaded, figures) if row.run_id != run_id}
    assert len(query(loaded, figures)) > len(kept), "to inspect the refused run"
    execute(loaded, f"update ops.run set started_at = '-infinity' where run_id = {run_id}")
    assert maintenance.drop_expired_runs(loaded)
    assert set(query(loaded, figures)) == kept


def test_a_correction_passes_though_core_is_looked_at_only_where_it_changed(loaded: Settings, tmp_path: Path) -> None:
    steps.refresh(loaded)
    # as if the clock had been an hour ahead then: what comes after is later still
    execute(
        loaded,
        "update ops.run set known_at = known_at + interval '1 hour', published_at = published_at + interval '1 hour';"
        " update crm.published_month set published_at = published_at + interval '1 hour'",
    )
    load_files(loaded, [write_sales(tmp_path / "sales_2025.csv", 2025, without="T100-8")])
    run_id = build(loaded)
    assert gate.audit(loaded, run_id).is_ok
    execute(loaded, f"delete from crm.snapshot_unpublished where run_id = {run_id} and {ONE_ROW}")
    assert gate.audit(loaded, run_id).failed == [
        "snapshot_unpublished.as_many_as_summed",
        "snapshot_unpublished.known_customers",
    ]

    steps.refresh(loaded, from_month=date(2025, 5, 1))
    maintenance.verify_conservation(loaded)
    publications = query(loaded, "select run_id, is_current, published_at from mart.publication order by run_id")
    assert [row.is_current for row in publications] == [False, True]
    history = query(loaded, "select distinct published_from < published_until from crm.snapshot_history")
    assert history == [(True,)]


def test_a_new_line_of_an_old_key_is_found_in_a_later_run(loaded: Settings, tmp_path: Path) -> None:
    steps.refresh(loaded)
    load_files(loaded, [write_sales(tmp_path / "sales_2025.csv", 2025, without="T100-8")])
    run_id = build(loaded)
    execute(
        loaded,
        "insert into core.sale_line select customer_id, transaction_id, line_no, date '2024-06-01', product_id,"
        " store_id, promotion_id, quantity, unit_price, discount_amount, is_return, net_cents, file_id, source_part,"
        f" (select known_at from ops.run where run_id = {run_id}) from core.sale_line"
        " where (transaction_id, line_no) = ('T101-1', 1)",
    )
    assert "sale_line.one_line_a_key" in gate.audit(loaded, run_id).failed


def test_what_is_loaded_while_the_run_is_built_belongs_to_the_next_run(loaded: Settings, tmp_path: Path) -> None:
    run_id = build(loaded)
    load_files(loaded, [write_sales(tmp_path / "sales_2025.csv", 2025, without="T100-8")])
    result = gate.audit(loaded, run_id)
    assert (result.is_ok, result.failed) == (True, [])

    # cleared without what comes after it, this step plans the run anew
    refresh.aggregate(loaded, run_id)
    with pytest.raises(WarehouseError, match="has not passed the gate"):
        refresh.publish(loaded, run_id)


def test_drift_warns_and_does_not_block(loaded: Settings) -> None:
    execute(loaded, "update ops.setting set value = '0.0001' where setting = 'drift_warning_share'")
    run_id = build(loaded)
    result = gate.audit(loaded, run_id)
    assert (result.is_ok, result.warned) == (True, ["month_summary.drift"])
    months = query(loaded, "select distinct failed_row ->> 'month' from ops.failed_row where run_id = :id", id=run_id)
    assert ("2025-10-01",) in months
    assert ("2025-11-01",) not in months, "the open month cannot be compared"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda contract: contract["checks"].append(
            {"failed_rows": {"name": "Spoilt", "qualifier": "spoilt", "expression": "no_such_column > 0"}}
        ),
        lambda contract: contract.update(dataset="warehouse/${var.database}/crm/no_such_table"),
    ],
)
def test_a_contract_that_cannot_be_evaluated_blocks(
    loaded: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[dict[str, Any]], None]
) -> None:
    shutil.copytree(gate.CONTRACTS, tmp_path / "soda")
    monkeypatch.setattr(gate, "CONTRACTS", tmp_path / "soda")
    path = tmp_path / "soda" / "crm" / "month_summary.yml"
    contract = yaml.safe_load(path.read_text(encoding="utf-8"))
    spoil(contract)
    path.write_text(yaml.safe_dump(contract), encoding="utf-8")
    run_id = build(loaded)
    with pytest.raises(GateRefused, match=r"month_summary\..* could not be evaluated; .* mend the contract"):
        steps.audit(loaded, run_id)
    outcomes = query(
        loaded,
        "select distinct outcome from ops.check_result where run_id = :id and contract = 'crm/month_summary'",
        id=run_id,
    )
    assert ("not_evaluated",) in outcomes
    with pytest.raises(WarehouseError, match="refused by the gate"):
        refresh.publish(loaded, run_id)


def test_a_server_in_trouble_refuses_nothing(loaded: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when it is restarted between two contracts, or has no time or disc left: the run passes at the next try."""
    run_id = build(loaded)
    verify = gate._verify_contract

    def lose_session(data_source: Any, contract: str, variables: Mapping[str, str]) -> list[gate.Outcome]:
        if contract == gate.NEEDS_IDENTITIES:
            pid = data_source.execute_query("select pg_backend_pid()").rows[0][0]
            query(loaded, "select pg_terminate_backend(:pid, 10000)", pid=pid)
        return verify(data_source, contract, variables)

    def run_out_of_time(data_source: Any, contract: str, variables: Mapping[str, str]) -> list[gate.Outcome]:
        if contract != "core/promotion_version":
            return verify(data_source, contract, variables)
        data_source.execute_update("set statement_timeout = '50ms'")
        with engine(loaded).begin() as connection:
            connection.exec_driver_sql("lock table core.promotion_version")
            outcomes = verify(data_source, contract, variables)
        data_source.execute_update("set statement_timeout = 0")
        return outcomes

    for trouble, reason in ((lose_session, "terminating connection"), (run_out_of_time, "statement timeout")):
        with monkeypatch.context() as patched:
            patched.setattr(gate, "_verify_contract", trouble)
            with pytest.raises(WarehouseError, match=rf"could not evaluate all checks: .*{reason}") as raised:
                steps.audit(loaded, run_id)
            assert not isinstance(raised.value, GateRefused), "a task is tried again"
        assert query(loaded, "select status from ops.run where run_id = :id", id=run_id) == [("building",)]
    assert steps.audit(loaded, run_id).is_ok


def test_what_a_dry_run_built_stays_to_be_looked_at(loaded: Settings) -> None:
    steps.refresh(loaded)
    run_id = build(loaded, from_month=date(2025, 11, 1))
    rows = query(loaded, "select count(*) from crm.snapshot_unpublished where run_id = :id", id=run_id)
    assert refresh.plan(loaded).status == "nothing_to_do"
    assert gate.audit(loaded, run_id).is_ok, "a plan that has nothing to do takes nothing over"
    for _ in range(2):
        refresh.finish_dry_run(loaded, run_id)
    maintenance.verify_conservation(loaded)
    refresh.plan(loaded, from_month=date(2025, 11, 1))
    assert query(loaded, "select count(*) from crm.snapshot_unpublished where run_id = :id", id=run_id) == rows
    assert rows[0][0] > 400
    with pytest.raises(WarehouseError, match=rf"run {run_id} is rebuilt: a dry run"):
        refresh.publish(loaded, run_id)


def test_a_run_that_another_takes_over_is_not_refused(loaded: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when somebody asks for months while the gate of the waiting files begins."""
    run_id = build(loaded)
    import_soda = gate._soda

    def plan_elsewhere() -> bool:
        with refresh.refresh_lock(loaded, waits=False) as may_go_on:
            if may_go_on:
                refresh.plan(loaded, from_month=date(2025, 9, 1))
            return may_go_on

    def import_while_another_plans() -> Any:
        with ThreadPoolExecutor() as elsewhere:
            assert not elsewhere.submit(plan_elsewhere).result(), "the gate keeps the run's tables from it"
        return import_soda()

    def import_while_the_lock_is_lost() -> Any:
        execute(loaded, f"update ops.run set status = 'abandoned', message = 'taken over' where run_id = {run_id}")
        return import_soda()

    monkeypatch.setattr(gate, "_soda", import_while_the_lock_is_lost)
    with pytest.raises(WarehouseError, match=rf"run {run_id} is abandoned \(taken over\)"):
        gate.audit(loaded, run_id)
    assert query(
        loaded, "select status, (select count(*) from ops.check_result) from ops.run where run_id = :id", id=run_id
    ) == [("abandoned", 0)]
    execute(loaded, f"update ops.run set status = 'building' where run_id = {run_id}")
    monkeypatch.setattr(gate, "_soda", import_while_another_plans)
    assert gate.audit(loaded, run_id).is_ok


def test_a_run_that_is_not_built_is_not_judged(loaded: Settings) -> None:
    run_id = refresh.plan(loaded, from_month=date(2025, 1, 1)).run_id
    with pytest.raises(WarehouseError, match="is not built"):
        gate.audit(loaded, run_id)
    with pytest.raises(WarehouseError, match="there is no run 7777"):
        gate.audit(loaded, 7777)
