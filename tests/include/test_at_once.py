"""Loads, refreshes and readers at the same time: one waits for the other, and nobody sees a mixture."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from include.warehouse import arrivals, refresh, steps
from include.warehouse.database import engine
from include.warehouse.errors import WarehouseError
from include.warehouse.load import load_files, load_pending
from include.warehouse.migrations import FOLDER as MIGRATIONS
from include.warehouse.sample import write_sample
from include.warehouse.settings import REPOSITORY, Settings
from tests.fixtures.corrections import write_correction, write_until
from tests.fixtures.mart_rows import assert_same_mart, mart_rows

# Soda's own use of what it calls deprecated
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:soda_core", "ignore::DeprecationWarning:soda_postgres"
)

MONTHS = 14

PassingWarehouse = Callable[..., AbstractContextManager[Settings]]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Files of a small retailer, masters first."""
    return write_sample(tmp_path_factory.mktemp("sample"), customers=150, months=MONTHS, seed=5)


@pytest.fixture(scope="module")
def loaded(passing_warehouse: PassingWarehouse, sample: list[Path]) -> Iterator[Settings]:
    """A warehouse to which nothing has happened but one load of the sample; for reading and for copies."""
    with passing_warehouse() as settings:
        load_files(settings, sample)
        yield settings


@pytest.fixture(scope="module")
def undisturbed(passing_warehouse: PassingWarehouse, loaded: Settings) -> Iterator[Settings]:
    """The same after one refresh that nobody disturbed."""
    with passing_warehouse(loaded) as settings:
        steps.refresh(settings)
        yield settings


@pytest.fixture(scope="module")
def corrected(
    passing_warehouse: PassingWarehouse, sample: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """Published until an open August; what came later and corrections of what came before are loaded."""
    *earlier, year_2025 = sample
    folder = tmp_path_factory.mktemp("corrected")
    with passing_warehouse() as settings:
        load_files(settings, [*earlier, write_until(year_2025, folder / "until" / "sales_2025.csv", "2025-08-20")])
        steps.refresh(settings)
        load_files(settings, [write_correction(year_2025, folder / "sales_2025.csv")])
        yield settings


def command(settings: Settings, *arguments: str) -> "subprocess.Popen[str]":
    """Starts the command line as a process of its own."""
    environment = os.environ | {
        "WAREHOUSE_HOME": str(settings.home),
        "WAREHOUSE_URL": str(settings.url),
        "PYTHONPATH": str(REPOSITORY),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "include.warehouse", *arguments, "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def holding(settings: Settings, lock: str) -> Iterator[Callable[[int], None]]:
    """Holds a lock of the warehouse; gives a function that returns once so many sessions wait for it."""
    with engine(settings).connect() as connection:
        connection.execute(text("select pg_advisory_lock(ops.lock_key(:lock))"), {"lock": lock})

        def wait_for(sessions: int) -> None:
            deadline = time.monotonic() + 120
            while time.monotonic() < deadline:
                waiting = connection.execute(
                    text(
                        "select count(*) from pg_locks where locktype = 'advisory' and not granted"
                        " and database = (select oid from pg_database where datname = current_database())"
                    )
                ).scalar_one()
                if waiting >= sessions:
                    return
                time.sleep(0.05)
            raise TimeoutError(f"{waiting} of {sessions} sessions wait for the {lock} lock")

        yield wait_for
        connection.execute(text("select pg_advisory_unlock(ops.lock_key(:lock))"), {"lock": lock})


def values(settings: Settings, statement: str) -> list[object]:
    with engine(settings).connect() as connection:
        return list(connection.scalars(text(statement)))


# Loads


def test_two_loads_wait_for_each_other_and_both_are_in(
    fresh_warehouse: Settings, loaded: Settings, sample: list[Path]
) -> None:
    masters, years = sample[:-2], sample[-2:]
    both = fresh_warehouse
    load_files(both, masters)
    with holding(both, "load") as wait_for:
        loads = [command(both, "load", str(year)) for year in years]
        wait_for(2)
        assert values(both, "select count(*) from ops.file where feed = 'sales'") == [0]
    answers = [load.communicate(timeout=120) for load in loads]
    results = [json.loads(output)["files"][0] for output, _ in answers]
    assert [result["status"] for result in results] == ["loaded", "loaded"]
    for _, errors in answers:
        assert re.search(r"waiting for the lock of load: process \d+ of the database holds it \(warehouse on ", errors)
    # a load's steps lie between the other's, never within; masters of one load are copied ahead
    overlapping = values(
        both,
        "with step as (select s.* from ops.step s join ops.file f on f.file_id = s.file_id and f.feed = 'sales')"
        " select a.step_id from step a join step b on b.file_id <> a.file_id"
        " and b.started_at < a.started_at + make_interval(secs => a.seconds - 0.002)"
        " and b.started_at > a.started_at + interval '2 milliseconds'",
    )
    assert overlapping == []
    assert mart_rows(both, "sale_line") == mart_rows(loaded, "sale_line")
    assert mart_rows(both, "rejected_records") == mart_rows(loaded, "rejected_records")


def test_two_that_empty_one_inbox_load_each_file_once(
    fresh_warehouse: Settings, sample: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "STANDSTILL_SECONDS", 0)
    for path in sample:
        (fresh_warehouse.inbox / path.name).write_bytes(path.read_bytes())
    with ThreadPoolExecutor(2) as pool, holding(fresh_warehouse, "load") as wait_for:
        loads = [pool.submit(load_pending, fresh_warehouse) for _ in range(2)]
        wait_for(2)
    results = [result for load in loads for result in load.result()]
    assert sorted(result.file_name for result in results) == sorted(path.name for path in sample)
    assert {result.status for result in results} == {"loaded"}
    assert len(mart_rows(fresh_warehouse, "source_file")) == len(sample)


# A load while a refresh builds


@pytest.mark.parametrize("has_published", [False, True], ids=["first build", "later build"])
def test_a_load_during_a_build_belongs_to_the_next_publication(
    new_warehouse: Callable[..., Settings], sample: list[Path], tmp_path: Path, has_published: bool
) -> None:
    """Files of both years are corrected after the run has taken stock of them."""
    *masters, year_2024, year_2025 = sample
    busy = new_warehouse()
    load_files(busy, [*masters, year_2024])
    if has_published:
        steps.refresh(busy)
    load_files(busy, [year_2025])
    calm = new_warehouse(busy)

    corrections = [write_correction(path, tmp_path / f"{path.stem}_again.csv") for path in (year_2024, year_2025)]
    run_id = refresh.plan(busy).run_id
    refresh.aggregate(busy, run_id)
    assert {result.status for result in load_files(busy, corrections)} == {"loaded"}
    for step in steps.REFRESH_STEPS[1:]:
        step.function(busy, run_id)
    steps.refresh(calm)
    for view in ("customer_snapshot", "month", "month_summary", "cut_point"):
        assert mart_rows(busy, view) == mart_rows(calm, view), f"{view} shows more than the run had known"

    load_files(calm, corrections)
    for warehouse in (busy, calm):
        assert steps.refresh(warehouse).is_published
    assert_same_mart(busy, calm)


# Refreshes


def test_two_refreshes_make_one_publication(new_warehouse: Callable[..., Settings], loaded: Settings) -> None:
    warehouse = new_warehouse(loaded)
    with holding(warehouse, "refresh") as wait_for:
        refreshes = [command(warehouse, "refresh") for _ in range(2)]
        wait_for(2)
    answers = [json.loads(one.communicate(timeout=180)[0]) for one in refreshes]
    assert [one.returncode for one in refreshes] == [0, 0]
    assert sorted(answer["status"] for answer in answers) == ["nothing_to_do", "published"]
    assert values(warehouse, "select status from ops.run order by run_id") == ["published", "nothing_to_do"]


def test_a_run_that_another_took_over_says_so_and_publishes_nothing(
    new_warehouse: Callable[..., Settings], loaded: Settings, undisturbed: Settings
) -> None:
    """A scheduler runs the steps one by one; between two of them somebody else plans, in the end also publishes."""
    taken_over = new_warehouse(loaded)
    to_publish = steps.REFRESH_STEPS[:5]
    for number, step in enumerate(to_publish):
        run_id = refresh.plan(taken_over).run_id
        for earlier in to_publish[:number]:
            earlier.function(taken_over, run_id)
        if step.name == "publish":
            steps.refresh(taken_over)
        else:
            refresh.plan(taken_over)
        with pytest.raises(WarehouseError, match=f"run {run_id} is "):
            step.function(taken_over, run_id)
    assert values(taken_over, "select status from ops.run order by run_id")[-2:] == ["abandoned", "published"]
    assert_same_mart(taken_over, undisturbed)


def test_customers_scored_in_parts_are_those_scored_at_once(
    new_warehouse: Callable[..., Settings],
    loaded: Settings,
    undisturbed: Settings,
    sample: list[Path],
    tmp_path: Path,
) -> None:
    """In how many parts follows from the size; here three of them build everything, then what a correction touches."""
    in_parts, in_one = new_warehouse(loaded), new_warehouse(undisturbed)
    build_in_parts(in_parts, 3)
    assert_same_mart(in_parts, in_one)

    corrected = write_correction(
        next(path for path in sample if path.stem == "sales_2024"), tmp_path / "sales_2024.csv"
    )
    for warehouse in (in_parts, in_one):
        load_files(warehouse, [corrected])
    steps.refresh(in_one)
    build_in_parts(in_parts, 3)
    assert values(in_parts, "select distinct cardinality(parts_scored) from ops.run_month") == [3]
    assert_same_mart(in_parts, in_one)


def test_a_month_that_failed_is_not_built_upon(
    new_warehouse: Callable[..., Settings], loaded: Settings, undisturbed: Settings
) -> None:
    """Later months wait behind it in the same session: they fail too, and all are built when the step is repeated."""
    disturbed = new_warehouse(loaded)
    run_id = refresh.plan(disturbed).run_id
    refresh.aggregate(disturbed, run_id)
    with engine(disturbed).begin() as connection:
        connection.execute(text(FAILING_MONTH))
    with pytest.raises(WarehouseError, match="no space for 2025-03"):
        steps.build_snapshot(disturbed, run_id)
    assert values(disturbed, "select max(month)::text from ops.run_month where scored_at is not null") == ["2025-02-01"]
    with engine(disturbed).begin() as connection:
        connection.execute(text("drop function fail_once cascade"))
    for step in steps.REFRESH_STEPS[1:]:
        step.function(disturbed, run_id)
    assert_same_mart(disturbed, undisturbed)


def test_a_repeated_step_waits_for_the_session_that_a_killed_one_left(
    new_warehouse: Callable[..., Settings], loaded: Settings, undisturbed: Settings
) -> None:
    disturbed = new_warehouse(loaded)
    run_id = refresh.plan(disturbed).run_id
    refresh.aggregate(disturbed, run_id)
    with engine(disturbed).connect() as left, ThreadPoolExecutor(1) as pool:
        first_month = "select crm.build_measures(:run_id, month) from ops.run_month order by month limit 1"
        assert left.execute(text(first_month), {"run_id": run_id}).scalar_one() > 0
        repeated = pool.submit(steps.build_snapshot, disturbed, run_id)
        waits = "select exists (select from pg_stat_activity where pg_backend_pid() = any (pg_blocking_pids(pid)))"
        deadline = time.monotonic() + 120
        while not left.execute(text(waits)).scalar_one():
            assert time.monotonic() < deadline
            assert not repeated.done()
            time.sleep(0.05)
        left.commit()
        repeated.result()
    for step in steps.REFRESH_STEPS[2:]:
        step.function(disturbed, run_id)
    assert_same_mart(disturbed, undisturbed)


FAILING_MONTH = """
create function fail_once() returns trigger language plpgsql as $$
begin
    -- the months behind it are waiting by then
    perform pg_sleep(2);
    raise exception 'no space for 2025-03';
end
$$;
create trigger fail_once before update of scored_at on ops.run_month
for each row when (new.month = '2025-03-01') execute function fail_once();
"""


def build_in_parts(warehouse: Settings, parts: int) -> None:
    run_id = refresh.plan(warehouse).run_id
    with engine(warehouse).begin() as connection:
        connection.execute(
            text("update ops.run set parts = :parts where run_id = :run_id"), {"parts": parts, "run_id": run_id}
        )
    for step in steps.REFRESH_STEPS:
        step.function(warehouse, run_id)


# Readers

ONE_PUBLICATION = """
select count(*)
from mart.month m
join (select month, sum(customers) as customers from mart.month_summary group by month) as y on y.month = m.month
full join (select month, count(*) as customers from mart.customer_snapshot group by month) as s on s.month = m.month
where s.customers is distinct from y.customers
"""


class Reader(threading.Thread):
    """Reads again and again; keeps the longest wait and how often two views did not belong together."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.is_over = threading.Event()
        self.longest = 0.0
        self.reads = 0
        self.mixtures = 0

    def run(self) -> None:
        with engine(self.settings).connect() as connection:
            while not self.is_over.is_set():
                started = time.monotonic()
                self.mixtures += connection.execute(text(ONE_PUBLICATION)).scalar_one()
                connection.commit()
                self.longest = max(self.longest, time.monotonic() - started)
                self.reads += 1


@pytest.mark.parametrize(
    ("is_left_open", "recut"),
    [(True, False), (True, True), (False, True)],
    ids=["open transaction", "open transaction, recut", "recut"],
)
def test_readers_and_a_publication_do_not_wait_for_each_other(
    new_warehouse: Callable[..., Settings], corrected: Settings, is_left_open: bool, recut: bool
) -> None:
    watched, unwatched = new_warehouse(corrected), new_warehouse(corrected)
    totals = text("select count(*), sum(month_amount) from mart.customer_snapshot")
    reader = Reader(watched)
    with engine(watched).connect() as somebody:
        # an analyst who leaves a query window open
        before = somebody.execute(totals).one()
        if not is_left_open:
            somebody.commit()
        reader.start()
        try:
            assert steps.refresh(watched, recut=recut).is_published
        finally:
            reader.is_over.set()
            reader.join()
        assert somebody.execute(totals).one() != before
    steps.refresh(unwatched, recut=recut)
    assert_same_mart(watched, unwatched)
    assert reader.reads > 10
    assert reader.mixtures == 0
    assert reader.longest < 1.5


def test_a_run_stopped_between_attaching_and_showing_its_months(
    new_warehouse: Callable[..., Settings], sample: list[Path], tmp_path: Path
) -> None:
    """Any step of it can be repeated; where another run takes over, what it attached hinders no later correction."""
    *others, year = sample
    stopped = new_warehouse()
    load_files(stopped, [*others, write_until(year, tmp_path / "november" / year.name, "2025-11-30")])
    whole = new_warehouse(stopped)
    plan = refresh.plan(stopped)
    for step in steps.REFRESH_STEPS[:4]:
        step.function(stopped, plan.run_id)
    attach = text("select crm.attach_new_months(:run_id)")
    for repeated_from in (3, 1, 4):
        with engine(stopped).begin() as connection:
            connection.execute(attach, {"run_id": plan.run_id})
        with engine(stopped).connect() as connection:
            assert connection.execute(text("select count(*) from mart.customer_snapshot")).scalar_one() == 0
        for step in steps.REFRESH_STEPS[repeated_from:4]:
            step.function(stopped, plan.run_id)
    for step in steps.REFRESH_STEPS[4:]:
        step.function(stopped, plan.run_id)
    steps.refresh(whole)
    assert_same_mart(stopped, whole)

    for warehouse in (stopped, whole):
        load_files(warehouse, [year])
    left = refresh.plan(stopped).run_id
    for step in steps.REFRESH_STEPS[:4]:
        step.function(stopped, left)
    with engine(stopped).begin() as connection:
        assert connection.execute(attach, {"run_id": left}).scalar_one() == 1
    with engine(stopped).connect() as somebody:
        # a query window that is left open: tables cannot be exchanged
        somebody.execute(text("select count(*) from mart.customer_snapshot"))
        assert steps.refresh(stopped).is_published
    steps.refresh(whole)
    assert_same_mart(stopped, whole)
    of_runs = "select month::text || ' by ' || run_id || ': ' || count(*) from crm.snapshot group by month, run_id"
    before = sorted(map(str, values(stopped, of_runs)))
    assert not any(f" by {left}: " in rows for rows in before)
    # as earlier versions left it
    with engine(stopped).begin() as connection:
        connection.execute(
            text("update crm.snapshot set run_id = :run_id where month = '2025-12-01'"), {"run_id": left}
        )
        connection.exec_driver_sql((MIGRATIONS / "0030_run_of_published_rows.sql").read_text(encoding="utf-8"))
    assert sorted(map(str, values(stopped, of_runs))) == before

    for warehouse in (stopped, whole):
        load_files(warehouse, [write_correction(year, tmp_path / year.name)])
        assert steps.refresh(warehouse).is_published
    assert_same_mart(stopped, whole)
    kept = "select month::text || ' ' || customer_id from mart.snapshot_history order by 1"
    assert values(stopped, kept) == values(whole, kept)
    assert values(stopped, "select true from mart.snapshot_history where month = '2025-12-01' limit 1")
