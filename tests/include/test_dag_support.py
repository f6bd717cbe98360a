"""What the tasks of the DAGs do beside the warehouse's own steps, without an Airflow."""

import errno
import os
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from sqlalchemy import text

from include.warehouse import arrivals, claims, dag_support, refresh
from include.warehouse.dag_support import changed_feeds, held_receipts, load_feed, plan_run, run_step
from include.warehouse.database import connect
from include.warehouse.errors import WarehouseError
from include.warehouse.load import load_files
from include.warehouse.settings import Settings
from include.warehouse.steps import REFRESH_STEPS

CUSTOMERS = "customer_id,city\nC1,Madrid\nC2,Rome\n"
PRODUCTS = "product_id,product_type\nP1,consumable\n"
SALES = "transaction_id,line_no,transaction_date,customer_id,product_id,quantity,unit_price\n"
LINE = "T{0},1,{1}-01-05,C1,P1,1,10.00\n"


@pytest.fixture
def loaded(fresh_warehouse: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Two customers, one of whom has bought; tasks take it for theirs, and a file for complete at once."""
    monkeypatch.setenv("WAREHOUSE_HOME", str(fresh_warehouse.home))
    monkeypatch.setenv("WAREHOUSE_URL", str(fresh_warehouse.url))
    monkeypatch.setattr(arrivals, "STANDSTILL_SECONDS", 0)
    files = {
        "customers_2025-01-01.csv": CUSTOMERS,
        "products_2025-01-01.csv": PRODUCTS,
        "sales_2025.csv": SALES + LINE.format(1, 2025) + LINE.format(2, 2025),
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    assert {result.status for result in load_files(fresh_warehouse, [tmp_path / name for name in files])} == {"loaded"}
    return fresh_warehouse


def steps_done(settings: Settings, run_id: int) -> list[str]:
    with connect(settings) as connection:
        statement = text("select step from ops.step where run_id = :run_id order by step_id")
        return list(connection.scalars(statement, {"run_id": run_id}))


def task(try_number: int = 1, run_id: str = "scheduled__2025-02-01") -> SimpleNamespace:
    """A task as far as it says who asks for a plan."""
    return SimpleNamespace(dag_id="build_customer_snapshot", run_id=run_id, try_number=try_number)


def put(settings: Settings, name: str, content: str) -> None:
    (settings.inbox / name).write_text(content, encoding="utf-8")


def test_a_file_that_cannot_be_moved_keeps_silent_about_none(loaded: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = claims._move

    def move(path: Path, target: Path) -> None:
        if path.name == "sales_2023.csv":
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        moved(path, target)

    put(loaded, "sales_2022.csv", "transaction_id\nT1\n")
    put(loaded, "sales_2023.csv", SALES + LINE.format(3, 2023))
    put(loaded, "sales_2024.csv", SALES + LINE.format(4, 2024))
    put(loaded, "sales_2025.csv", SALES + LINE.format(1, 2025))
    with monkeypatch.context() as patched:
        patched.setattr(claims, "_move", move)
        with pytest.raises(WarehouseError, match=r"sales_2023\.csv cannot be moved to .*: Operation not permitted"):
            load_feed(loaded, "sales")
    assert [path.name for path in loaded.inbox.iterdir()] == ["sales_2023.csv"]
    assert [receipt["file_name"] for receipt in held_receipts(loaded)] == ["sales_2025.csv"]
    notices = (loaded.logs / "notices.log").read_text(encoding="utf-8")
    assert "sales_2022.csv is refused" in notices
    assert "sales_2025.csv is held" in notices
    with connect(loaded) as connection:
        statuses = connection.execute(
            text("select file_name, status from ops.file where file_name like 'sales_202_.csv'")
        )
        assert sorted(map(tuple, statuses)) == [
            ("sales_2022.csv", "refused"),
            ("sales_2024.csv", "loaded"),
            ("sales_2025.csv", "held"),
            ("sales_2025.csv", "loaded"),
        ]

    assert [result.status for result in load_feed(loaded, "sales")] == ["loaded"]


def test_the_assets_of_a_load_are_those_of_its_files(loaded: Settings) -> None:
    put(loaded, "customers_2025-02-01.csv", CUSTOMERS + "C3,Rome\n")
    put(loaded, "sales_2025.csv", SALES + LINE.format(1, 2025) + LINE.format(2, 2025))
    started = datetime.now(UTC)
    results = load_feed(loaded, "sales")
    assert [(result.feed, result.status) for result in results] == [("customers", "loaded"), ("sales", "skipped")]
    assert changed_feeds(loaded, results, None) == ["customers"]
    assert load_feed(loaded, "sales") == []
    assert changed_feeds(loaded, [], None) == []
    assert changed_feeds(loaded, [], started) == ["customers"], "also where the try that loaded it has failed"
    assert changed_feeds(loaded, [], datetime.now(UTC)) == []


def test_what_failed_after_a_publication_is_done_by_the_next_run(loaded: Settings) -> None:
    run_id = plan_run(loaded, task())
    for step in REFRESH_STEPS:
        step.function(loaded, run_id)
        if step.name == "publish":
            break
    assert refresh.find_plan(loaded, run_id).status == "published"

    loaded.exports.rmdir()
    loaded.exports.write_text("no folder", encoding="utf-8")
    with pytest.raises(FileExistsError):
        plan_run(loaded, task())
    assert steps_done(loaded, run_id)[-2:] == ["vacuum", "users"], "a folder that cannot be written keeps none of them"
    loaded.exports.unlink()
    for _ in range(2):
        with pytest.raises(AirflowSkipException, match=f"nothing has changed since run {run_id}"):
            plan_run(loaded, task())
        assert steps_done(loaded, run_id)[-3:] == ["vacuum", "users", "excel"], "once"
        assert (loaded.exports / "customer_summary_2025-01.xlsx").exists()


def test_a_publication_that_cannot_succeed_is_not_tried_again(loaded: Settings) -> None:
    run_id = plan_run(loaded, task())
    for step in REFRESH_STEPS:
        # somebody has marked the gate as passed
        if step.name == "gate":
            break
        step.function(loaded, run_id)
    with pytest.raises(AirflowFailException, match=f"run {run_id} has not passed the gate.* clear the task plan"):
        run_step.function("publish", run_id)


def test_what_is_left_of_a_cleared_task_takes_nothing_from_the_one_that_follows(loaded: Settings) -> None:
    """Airflow ends the process of a task that was cleared only at its next heartbeat."""
    left_behind = plan_run(loaded, task())
    run_id = plan_run(loaded, task(try_number=2))
    assert refresh.find_plan(loaded, left_behind).status == "abandoned"
    with pytest.raises(AirflowSkipException, match=f"a later try of the same task has planned run {run_id}"):
        plan_run(loaded, task())
    for step in REFRESH_STEPS:
        step.function(loaded, run_id)
    assert refresh.find_plan(loaded, run_id).status == "published"

    put(loaded, "sales_2024.csv", SALES + LINE.format(4, 2024))
    load_feed(loaded, "sales")
    assert plan_run(loaded, task(run_id="scheduled__2025-02-02")) > run_id, "another run's first try is no earlier one"


class RebuildRuns:
    """A task as far as it asks Airflow for runs of rebuild_months; each is the state of the run, its plan and its end.

    After one look all of them have ended.
    """

    def __init__(self, **runs: tuple[str, str | None, str | None]) -> None:
        self.runs = runs
        self.looks = 0

    def get_dr_count(self, dag_id: str, states: list[str]) -> int:
        """How many runs are in one of these states."""
        self.looks += 1
        return sum(run[0] in states and self.looks == 1 for run in self.runs.values())

    def get_task_states(self, dag_id: str, task_ids: list[str]) -> dict[str, dict[str, str | None]]:
        """The states of these tasks, by run."""
        return {name: dict(zip(task_ids, run[1:], strict=True)) for name, run in self.runs.items()}

    def get_dagrun_state(self, dag_id: str, run_id: str) -> str:
        """The state of a run."""
        return self.runs[run_id][0]

    def get_dag(self, dag_id: str) -> SimpleNamespace:
        """The DAG, which is not paused."""
        return SimpleNamespace(is_paused=False)


@pytest.mark.parametrize(
    ("run", "is_waited_for"),
    [
        (("running", None, None), True),
        (("running", "success", None), True),
        (("running", "skipped", "skipped"), False),
        (("queued", None, None), False),
    ],
    ids=["just begun", "building", "inspecting", "not begun"],
)
def test_a_plan_waits_for_months_that_are_built_for_publication(
    monkeypatch: pytest.MonkeyPatch, run: tuple[str, str | None, str | None], *, is_waited_for: bool
) -> None:
    monkeypatch.setattr(dag_support, "REBUILD_PAUSE_SECONDS", 0)
    asked = RebuildRuns(earlier=("success", "success", "success"), inspection=("running", "skipped", None), asked=run)
    dag_support.wait_for_requested_months(asked)
    assert asked.looks == 1 + is_waited_for
