"""What the DAGs share: their defaults, assets, notices, and the tasks that build and publish months.

A task calls one step of the warehouse and logs one line on it. Reading the DAGs needs no database.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import Asset, Context, TaskGroup, XComArg, chain, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from include.warehouse.errors import (
    GateRefused,
    InputError,
    NotPublishableError,
    VerificationError,
    WarehouseError,
)
from include.warehouse.settings import Settings, load_settings

if TYPE_CHECKING:
    from include.warehouse.load import LoadResult

log = logging.getLogger(__name__)

QUIET_SECONDS = 60.0
REBUILD_DAG = "rebuild_months"
PLAN_TASK, LAST_TASK = "plan", "publish.excel"
ENDED = ("success", "failed", "skipped", "upstream_failed", "removed")
REBUILD_PAUSE_SECONDS = 2.0
LONGEST_REBUILD_SECONDS = 2 * 3600.0


def notify_failure(context: Context) -> None:
    """Task-level failure callback: a notice that names the task, its run and what to do."""
    instance, error = context["task_instance"], context.get("exception")
    # a refusal says itself what to do: the same task would end the same
    remedy = "" if isinstance(error, AirflowFailException) else "; see its log, then clear the task"
    notice(
        f"{instance.dag_id}.{instance.task_id} failed in {instance.run_id} (try {instance.try_number}): {error}{remedy}"
    )


DEFAULT_ARGS: dict[str, Any] = {
    "owner": "data-engineering",
    "retries": 3,
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=5),
    "on_failure_callback": notify_failure,
}

CUSTOMER_SNAPSHOT = Asset(name="customer_snapshot", uri="warehouse://mart/customer_snapshot", group="warehouse")


def feed_asset(feed: str) -> Asset:
    """The accepted rows of a feed; an event of it says that a load changed them."""
    return Asset(name=feed, uri=f"warehouse://core/{feed}", group="warehouse")


def notice(text: str) -> None:
    """Writes a line that an operator should see to the log and to <home>/logs/notices.log."""
    log.warning("%s", text)
    path = load_settings().logs / "notices.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as notices:
        notices.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ} {' '.join(text.split())}\n")


def log_step(step: str, seconds: float, **facts: object) -> None:
    """The one log line of a step: what it worked on, rows and seconds."""
    described = " ".join(f"{name}={value}" for name, value in facts.items() if value is not None)
    log.info("step=%s %s seconds=%.1f", step, described, seconds)


@contextmanager
def step_of(name: str, **facts: object) -> Iterator[dict[str, object]]:
    """Times a step and logs its line; facts such as `rows` are added to the dict that it gives.

    A refusal of the gate, bad input and a failed verification fail the task at once: trying again would not help.
    """
    started = time.monotonic()
    found: dict[str, object] = dict(facts)
    try:
        yield found
    except (GateRefused, InputError, VerificationError) as error:
        raise AirflowFailException(str(error)) from error
    log_step(name, time.monotonic() - started, **found)


@contextmanager
def step_of_run(name: str, warehouse_run: int, **facts: object) -> Iterator[dict[str, object]]:
    """As step_of; skips the task where its run is published already, or another took over and publishes the same.

    A step of a refused or dry run fails at once, and the publication of one that other rules have overtaken: only a new
    plan helps. So does a step of a run that a person asked for and another took over: what was asked for is not part of
    the other.
    """
    from include.warehouse.refresh import find_plan

    with step_of(name, run=warehouse_run, **facts) as found:
        try:
            yield found
        except InputError:
            raise
        except WarehouseError as error:
            run = find_plan(load_settings(), warehouse_run)
            status = run.status
            if status == "abandoned" and run.is_requested:
                raise AirflowFailException(f"{error}; clear the whole run to ask for its months again") from error
            if status in ("abandoned", "published"):
                raise AirflowSkipException(f"run {warehouse_run} is {status}; nothing is left to do in it") from error
            if status in ("refused", "rebuilt") or isinstance(error, NotPublishableError):
                raise AirflowFailException(f"{error}; clear the task plan, and all after it, to build anew") from error
            raise


def log_load(result: "LoadResult") -> None:
    """The log line of one file, and a notice where a person has to look."""
    log_step("load", result.seconds, file=result.file_name, feed=result.feed, status=result.status, **result.rows)
    for warning in result.warnings:
        notice(f"{result.file_name}: {warning}")
    if result.status in ("refused", "held"):
        notice(f"{result.file_name} is {result.status}: {result.message}")


def load_feed(settings: Settings, feed: str) -> list["LoadResult"]:
    """Loads what is pending for a feed, and says of every file what became of it.

    Fails the task, to be tried again, where a file could not be loaded to its end; what could be is loaded.
    """
    from include.warehouse.load import load_pending

    with step_of("load_files", feed=feed) as facts:
        results = load_pending(settings, feed)
        for result in results:
            log_load(result)
        facts["files"] = len(results)
        unfinished = [str(result.message) for result in results if result.status == "received"]
        if unfinished:
            raise WarehouseError("; ".join(unfinished))
    return results


def changed_feeds(settings: Settings, results: list["LoadResult"], since: datetime | None) -> list[str]:
    """The feeds of which this load has loaded a file, or with `since` any load has since then, in order.

    A load for one feed takes masters of others along.
    """
    from sqlalchemy import text

    from include.warehouse.database import connect

    if since is None:
        return sorted({str(result.feed) for result in results if result.status == "loaded"})
    with connect(settings) as connection:
        statement = text(
            "select distinct feed from ops.file where status = 'loaded' and loaded_at >= :since order by 1"
        )
        return list(connection.scalars(statement, {"since": since}))


def wait_for_quiet_inbox(settings: Settings) -> None:
    """Lets files that arrived together be loaded together, so that they make one publication; at most a minute."""
    from include.warehouse.arrivals import pending_files

    deadline = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < deadline and (pending_files(settings) or any(settings.processing.glob("*"))):
        time.sleep(0.5)


def wait_for_requested_months(task_instance: Any) -> None:
    """Lets a run of rebuild_months end that builds months for publication, also a dry one: a plan would take it over.

    Not for ever: one that is paused, or takes longer than two hours, is taken over, and a notice says so.
    """
    deadline = time.monotonic() + LONGEST_REBUILD_SECONDS
    asked = _runs_for_publication(task_instance)
    if asked:
        log.info("waiting for the end of %s, which is under way: %s", REBUILD_DAG, ", ".join(asked))
    while asked:
        is_paused = task_instance.get_dag(REBUILD_DAG).is_paused
        if is_paused or time.monotonic() > deadline:
            why = "is paused" if is_paused else f"did not end within {LONGEST_REBUILD_SECONDS / 3600:.0f} hours"
            notice(
                f"{REBUILD_DAG} {why}: {', '.join(asked)} is not waited for any longer; to have its months, clear the"
                " whole run"
            )
            return
        time.sleep(REBUILD_PAUSE_SECONDS)
        asked = _runs_for_publication(task_instance)


def _runs_for_publication(task_instance: Any) -> list[str]:
    """The runs of rebuild_months under way that a plan would take over; one that only inspects skips its own plan."""
    if not task_instance.get_dr_count(REBUILD_DAG, states=["running"]):
        return []
    states = task_instance.get_task_states(REBUILD_DAG, task_ids=[PLAN_TASK, LAST_TASK])
    return [
        run_id
        for run_id, state in states.items()
        if state.get(PLAN_TASK) != "skipped"
        and state.get(LAST_TASK) not in ENDED
        and task_instance.get_dagrun_state(REBUILD_DAG, run_id) == "running"
    ]


def was_cleared(task_instance: Any) -> bool:
    """Whether a person has cleared the task: that raises its number of tries, a retry does not."""
    return bool(task_instance.max_tries > task_instance.task.retries)


def held_receipts(settings: Settings) -> list[dict[str, Any]]:
    """The held files: file_id, file_name, feed and message."""
    from sqlalchemy import text

    from include.warehouse.database import connect

    with connect(settings) as connection:
        rows = connection.execute(
            text(
                "select file_id, file_name, feed, message from mart.source_file where status = 'held' order by file_id"
            )
        )
        return [dict(row) for row in rows.mappings()]


def skip_unless_held(settings: Settings, file_name: str, file_id: int | None) -> None:
    """Skips the task where the file was decided elsewhere, or discarded by a later one, in the meantime.

    A question is about one receipt: a later file of the same name is another question.
    """
    held = [receipt for receipt in held_receipts(settings) if receipt["file_name"] == file_name]
    if not held or file_id not in (None, *(receipt["file_id"] for receipt in held)):
        raise AirflowSkipException(f"{file_name} is not held any more; see mart.source_file")


def require_decided(result: "LoadResult", status: str) -> None:
    """Fails the task where a decided file ended otherwise: its question is over, so nobody would look at it again."""
    if result.status != status:
        raise AirflowFailException(f"{result.file_name} is {result.status}, not {status}: {result.message}")


def plan_run(settings: Settings, task_instance: Any, *, from_month: date | None = None, recut: bool = False) -> int:
    """Plans a run and gives its number; skips the task, and with it the rest, where nothing waits for publication."""
    from include.warehouse import refresh

    with step_of("plan") as facts:
        planned = refresh.plan(
            settings,
            from_month=from_month,
            recut=recut,
            requested_by=f"{task_instance.dag_id} {task_instance.run_id}",
            attempt=task_instance.try_number,
        )
        facts.update(run=planned.run_id, status=planned.status, months=len(planned.months))
    if planned.status == "nothing_to_do":
        skip_build(settings, str(planned.message))
    return planned.run_id


def skip_build(settings: Settings, why: str) -> NoReturn:
    """Skips the task, and with it the rest; before that, does what failed after the last publication."""
    from include.warehouse.steps import complete_publication

    missing: list[str] = []
    with step_of("complete") as facts:
        complete_publication(settings, on_step=lambda step: missing.append(step.name))
        facts["steps"] = ",".join(missing) or "none"
    raise AirflowSkipException(why)


@task
def run_step(name: str, warehouse_run: int) -> None:
    """Runs one step of the warehouse's list of steps."""
    from include.warehouse.gate import GateResult
    from include.warehouse.steps import REFRESH_STEPS

    step = next(step for step in REFRESH_STEPS if step.name == name)
    with step_of_run(name, warehouse_run) as facts:
        outcome = step.function(load_settings(), warehouse_run)
        if isinstance(outcome, int):
            facts["rows"] = outcome
        elif isinstance(outcome, GateResult):
            facts.update(checks=outcome.checks, warned=len(outcome.warned))
            for warning in outcome.warned:
                notice(f"run {warehouse_run}: check {warning} warns; see mart.check_result")
        elif isinstance(outcome, Path):
            facts["file"] = outcome.name


@task
def aggregate_facts(warehouse_run: int) -> list[list[str]]:
    """Runs the step `aggregate`; gives the months to build in batches, in order.

    A run that only takes months away has one empty batch: with none at all the tasks after it would be skipped.
    """
    from include.warehouse import refresh

    settings = load_settings()
    with step_of_run("aggregate", warehouse_run) as facts:
        facts["rows"] = refresh.aggregate(settings, warehouse_run)
    return refresh.month_batches(settings, warehouse_run) or [[]]


@task(max_active_tis_per_dagrun=1)
def build_months(warehouse_run: int, months: list[str]) -> None:
    """Builds one batch of months; a month needs the one before, so one batch runs at a time."""
    from include.warehouse import refresh

    if months:
        with step_of_run("snapshot", warehouse_run, months=f"{months[0]}..{months[-1]}") as facts:
            facts["rows"] = refresh.build_months(load_settings(), warehouse_run, months)


def build_and_publish(planned: Any, approval: XComArg | None = None) -> None:
    """The tasks from a planned run to its publication; `approval` is a task that may keep it from being published."""
    with TaskGroup("build", tooltip="Months into unpublished tables"):
        batches = aggregate_facts.override(task_id="aggregate")(planned)
        snapshot = build_months.override(task_id="snapshot").partial(warehouse_run=planned).expand(months=batches)
        summary = run_step.override(task_id="summary")("summary", planned)
    with TaskGroup("audit", tooltip="Soda contracts and accounting identities"):
        gate = run_step.override(task_id="gate")("gate", planned)
    with TaskGroup("publish", tooltip="Readers see the new months at once"):
        publish = run_step.override(task_id="publish", outlets=[CUSTOMER_SNAPSHOT])("publish", planned)
        vacuum = run_step.override(task_id="vacuum")("vacuum", planned)
        users = run_step.override(task_id="users")("users", planned)
        excel = run_step.override(task_id="excel")("excel", planned)
    chain(snapshot, summary, gate, *([approval] if approval else []), publish, vacuum, users, excel)
