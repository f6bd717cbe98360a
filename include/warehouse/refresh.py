"""Building and publishing months: each function is one step, can be repeated, and calls procedures of the database."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg2 import errors as database_errors
from psycopg2.extras import Json
from sqlalchemy import Connection, text
from sqlalchemy.exc import InternalError, OperationalError

from include.warehouse.database import engine
from include.warehouse.errors import InputError, NotPublishableError, WarehouseError
from include.warehouse.locks import give_up_lock, take_lock, try_lock
from include.warehouse.settings import Settings
from include.warehouse.step_log import record_step

SESSIONS = max(1, min(4, os.cpu_count() or 1))
MONTHS_A_BATCH = 12
PUBLICATION_TRIES = 60
# statements that were planned without the new months have begun by then
PLANNING_SECONDS = 0.25
BUILD_MEMORY = "256MB"

_has_refresh_lock: ContextVar[bool] = ContextVar("has_refresh_lock", default=False)


@dataclass(frozen=True)
class Plan:
    """What a run will build; `run_id` also where there is nothing to do, `is_requested` where months were asked for."""

    run_id: int
    status: str
    is_requested: bool
    months: list[date]
    report_month: date | None
    message: str | None


@contextmanager
def refresh_lock(settings: Settings, *, waits: bool = True) -> Iterator[bool]:
    """One refresh at a time: the next waits; a killed process gives the lock up. Gives whether this one may go on.

    One that does not wait may not go on while another holds the lock.
    """
    if _has_refresh_lock.get():
        yield True
        return
    with engine(settings).connect() as connection:
        if waits:
            take_lock(connection, "refresh")
        elif not try_lock(connection, "refresh"):
            yield False
            return
        token = _has_refresh_lock.set(True)
        try:
            yield True
        finally:
            _has_refresh_lock.reset(token)
            give_up_lock(connection, "refresh")


def plan(
    settings: Settings,
    *,
    from_month: date | None = None,
    recut: bool = False,
    requested_by: str = "command line",
    attempt: int = 1,
) -> Plan:
    """Derives which months and customers have to be computed; an unfinished run is taken over.

    Not that of a later `attempt` of the same `requested_by`: what is left of an earlier one plans nothing.

    Raises InputError for a `from_month` after the last month.
    """
    with refresh_lock(settings), _step(settings, "plan") as (connection, done):
        requested = {"from": from_month.isoformat() if from_month else None, "recut": recut, "attempt": attempt}
        try:
            run_id = connection.execute(
                text("select crm.plan_refresh(:requested, :requested_by)"),
                {"requested": Json(requested), "requested_by": requested_by},
            ).scalar_one()
        except InternalError as error:
            if not isinstance(error.orig, database_errors.RaiseException):
                raise
            raise InputError(_database_message(error)) from error
        found = _plan(connection, run_id)
        done(run_id=run_id, rows=len(found.months))
    return found


def find_plan(settings: Settings, run_id: int) -> Plan:
    """The plan of a run."""
    with engine(settings).connect() as connection:
        return _plan(connection, run_id)


def is_refused_already(settings: Settings) -> bool:
    """Whether the gate refused just what waits for publication, so that building it again would end the same.

    Months that a person asked for, perhaps only to try, say nothing of what waits.
    """
    with engine(settings).connect() as connection:
        return bool(
            connection.execute(
                text(
                    "select status = 'refused' and not crm.has_changed_since(known_at) from ops.run"
                    " where kind = 'refresh'"
                    " and (status = 'published' or status = 'refused' and not crm.asks_for_months(requested))"
                    " order by run_id desc limit 1"
                )
            ).scalar()
        )


def aggregate(settings: Settings, run_id: int) -> int:
    """Brings the customer-month facts up to date for the run; gives the rows of the months aggregated. Loads wait."""
    with refresh_lock(settings), _step(settings, "aggregate") as (connection, done):
        take_lock(connection, "load")
        try:
            connection.execute(text("call crm.settle_plan(:run_id)"), {"run_id": run_id})
            connection.execute(text("call crm.prepare_facts(:run_id)"), {"run_id": run_id})
            connection.commit()
            chunks = connection.execute(
                text("select fact_set_id, from_month from crm.fact_chunk where run_id = :run_id order by 2"),
                {"run_id": run_id},
            ).all()
            connection.commit()
            _in_sessions(
                settings,
                [
                    (
                        "call crm.aggregate_chunk(:run_id, :fact_set_id, :month)",
                        {"fact_set_id": chunk[0], "month": chunk[1]},
                    )
                    for chunk in chunks
                ],
                run_id,
            )
            connection.execute(text("call crm.know_customers(:run_id)"), {"run_id": run_id})
            connection.execute(text("call crm.resume_build(:run_id)"), {"run_id": run_id})
            connection.commit()
        finally:
            give_up_lock(connection, "load")
        done(run_id=run_id, rows=len(chunks))
    return len(chunks)


def month_batches(settings: Settings, run_id: int) -> list[list[str]]:
    """The months to build, in order, a year a batch (ISO dates)."""
    months = [month.isoformat() for month in find_plan(settings, run_id).months]
    return [months[start : start + MONTHS_A_BATCH] for start in range(0, len(months), MONTHS_A_BATCH)]


def build_months(settings: Settings, run_id: int, months: list[str]) -> int:
    """Builds the snapshot rows of consecutive months; gives their number.

    One session computes measures and cut points month after month, then keys; others score what is ready, each its part
    of the customers.
    Earlier months of the run that a crash of the server has taken away are built again first.
    """
    started = time.monotonic()
    with refresh_lock(settings), _in_words():
        with engine(settings).begin() as connection:
            connection.execute(text("call crm.resume_build(:run_id)"), {"run_id": run_id})
            missing = connection.scalars(
                text(
                    "select month from ops.run_month where run_id = :run_id and month < :first"
                    " and rows_mode <> 'remove' and scored_at is null"
                ),
                {"run_id": run_id, "first": min(months)},
            )
            months = sorted([*(month.isoformat() for month in missing), *months])
            parts = connection.execute(
                text("select parts from ops.run where run_id = :run_id"), {"run_id": run_id}
            ).scalar_one()
        with ExitStack() as stack:
            # a part of a month reads the same part of the month before: one session does both, in their order
            sessions = [stack.enter_context(ThreadPoolExecutor(max_workers=1)) for _ in range(parts)]
            scored: list[list[Future[int]]] = []
            for month in months:
                _build(settings, "measures", "select crm.build_measures(:run_id, :month)", run_id, month)
                scored.append(
                    [session.submit(_score, settings, run_id, month, part) for part, session in enumerate(sessions)]
                )
                _raise_failure(scored)
            for month, following in zip(months, [*scored[1:], scored[-1]], strict=True):
                # the next month's scores read this one: its key would have to wait for them
                for future in following:
                    future.result()
                _build(settings, "key", "select crm.build_key(:run_id, :month)", run_id, month)
            rows = sum(future.result() for futures in scored for future in futures)
    with engine(settings).begin() as connection:
        record_step(
            connection,
            step="snapshot",
            run_id=run_id,
            detail=f"{months[0][:7]} to {months[-1][:7]}",
            seconds=time.monotonic() - started,
            rows=rows,
        )
    return rows


def _score(settings: Settings, run_id: int, month: str, part: int) -> int:
    statement = "select crm.build_scores(:run_id, :month, cast(:part as smallint))"
    return _build(settings, "scores", statement, run_id, month, part=part)


def _raise_failure(scored: list[list[Future[int]]]) -> None:
    """Raises what one of them has met with, so that no work is added to a build that has failed."""
    for future in (future for futures in scored for future in futures if future.done()):
        future.result()


def summarize(settings: Settings, run_id: int) -> int:
    """Counts and sums of every month as it will be after publication; gives the number of months."""
    with refresh_lock(settings), _step(settings, "summary") as (connection, done):
        connection.execute(text("call crm.require_building(:run_id)"), {"run_id": run_id})
        connection.commit()
        months = find_plan(settings, run_id).months
        _in_sessions(
            settings, [("call crm.summarize_month(:run_id, :month)", {"month": month}) for month in months], run_id
        )
        done(run_id=run_id, rows=len(months))
    return len(months)


def publish(settings: Settings, run_id: int) -> None:
    """Makes a run that has passed the gate what readers see, in one transaction; new months are attached before it.

    Readers are never kept waiting, nor do their open transactions keep it: a table that cannot be exchanged at once is
    changed row by row. Where another lock is not to be had, that of an ANALYZE, the transaction is tried again.

    Raises NotPublishableError for a run that the gate has not passed, or that other rules have overtaken.
    """
    with refresh_lock(settings), _step(settings, "publish") as (connection, done):
        for attempt in range(1, PUBLICATION_TRIES + 1):
            try:
                connection.execute(text("set local lock_timeout = '100ms'"))
                attached = connection.execute(
                    text("select crm.attach_new_months(:run_id)"), {"run_id": run_id}
                ).scalar_one()
                connection.commit()
                if attached:
                    time.sleep(PLANNING_SECONDS)
                connection.execute(text("set local lock_timeout = '100ms'"))
                connection.execute(text("set local enable_mergejoin = off"))
                connection.execute(text("call crm.publish_run(:run_id)"), {"run_id": run_id})
                connection.commit()
                break
            except OperationalError as error:
                connection.rollback()
                if not isinstance(error.orig, database_errors.LockNotAvailable):
                    raise
                if attempt == PUBLICATION_TRIES:
                    raise WarehouseError(
                        f"run {run_id} could not be published: another session, such as an ANALYZE, has locked the"
                        " snapshot for a minute; let it end and clear the publish step"
                    ) from error
                time.sleep(1.0)
            except InternalError as error:
                if not isinstance(error.orig, database_errors.RaiseException):
                    raise
                raise NotPublishableError(_database_message(error)) from error
        connection.execute(text("call crm.drop_run_tables(:run_id)"), {"run_id": run_id})
        done(run_id=run_id)


def finish_dry_run(settings: Settings, run_id: int) -> None:
    """Ends a run that is not to be published; its rows stay for inspection until the retention time."""
    with refresh_lock(settings), _in_words(), engine(settings).begin() as connection:
        connection.execute(text("call crm.finish_dry_run(:run_id)"), {"run_id": run_id})


def vacuum(settings: Settings, run_id: int) -> int:
    """Lets pages be answered from indexes alone, by good plans; gives the number of tables.

    Only a VACUUM notes that everybody sees all rows of a block. Readers have the months already; autovacuum would come
    too, but not before a fifth of a month has changed, and never for the statistics of the months together; new
    months it would read all at once.
    """
    with refresh_lock(settings), _step(settings, "vacuum") as (connection, done):
        tables = connection.scalars(
            text("select relation::text from crm.tables_to_vacuum(:run_id) as relation"), {"run_id": run_id}
        ).all()
        connection.commit()
        with engine(settings).connect().execution_options(isolation_level="AUTOCOMMIT") as own:
            for table in tables:
                own.exec_driver_sql(f"vacuum (skip_locked, truncate off) {table}")
        connection.execute(text("call crm.analyze_published(:run_id)"), {"run_id": run_id})
        connection.execute(text("call crm.analyze_snapshot()"))
        done(run_id=run_id, rows=len(tables))
    return len(tables)


def summarize_users(settings: Settings, run_id: int) -> int:
    """Prepares the figures of users who see many customers, but not all; gives the number of users' months."""
    with refresh_lock(settings), _step(settings, "users") as (connection, done):
        months = _summarize_users(connection)
        done(run_id=run_id, rows=months)
    return months


def summarize_changed_users(settings: Settings) -> None:
    """Prepares the figures of users who have come or changed, unless a refresh is under way: it does so at its end."""
    with refresh_lock(settings, waits=False) as may_go_on:
        if may_go_on:
            with engine(settings).connect() as connection:
                _summarize_users(connection)


def _summarize_users(connection: Connection) -> int:
    connection.execute(text(f"set local work_mem = '{BUILD_MEMORY}'"))
    months = connection.execute(text("select crm.summarize_users()")).scalar_one()
    connection.commit()
    return int(months)


def rebuild(settings: Settings, month: date, known_at: datetime) -> dict[str, Any]:
    """Computes a month as it would have been computed from what was known then; publishes nothing.

    Every month is decided by the rule set that decided it in the newest publication of what was known until then; one
    not yet published, by the rule set active now.

    Gives run_id, month, known_at, rule_set, rows, customers by status and tier, and how many rows differ from the
    published month. The rows stay in crm.snapshot_unpublished under the run until the retention time. Raises
    InputError for a month that was not known.
    """
    with refresh_lock(settings):
        try:
            with engine(settings).begin() as connection:
                run_id = connection.execute(
                    text("select crm.plan_rebuild(:month, :known_at)"), {"month": month, "known_at": known_at}
                ).scalar_one()
        except InternalError as error:
            raise InputError(_database_message(error)) from error
        aggregate(settings, run_id)
        for batch in month_batches(settings, run_id):
            build_months(settings, run_id, batch)
        with engine(settings).begin() as connection:
            return dict(connection.execute(text("select crm.finish_rebuild(:run_id)"), {"run_id": run_id}).scalar_one())


def _plan(connection: Connection, run_id: int) -> Plan:
    run = connection.execute(
        text(
            "select status, report_month, message, crm.asks_for_months(requested) as is_requested"
            " from ops.run where run_id = :run_id"
        ),
        {"run_id": run_id},
    ).one_or_none()
    if run is None:
        raise InputError(f"there is no run {run_id}; see: python -m include.warehouse status")
    months = connection.scalars(
        text("select month from ops.run_month where run_id = :run_id and rows_mode <> 'remove' order by month"),
        {"run_id": run_id},
    )
    return Plan(run_id, run.status, run.is_requested, list(months), run.report_month, run.message)


def _build(settings: Settings, step: str, statement: str, run_id: int, month: str, **parameters: int) -> int:
    started = time.monotonic()
    with engine(settings).begin() as connection:
        connection.execute(text(f"set local work_mem = '{BUILD_MEMORY}'"))
        rows = connection.execute(text(statement), {"run_id": run_id, "month": month, **parameters}).scalar_one()
        if rows:
            record_step(
                connection, step=step, run_id=run_id, detail=month[:7], seconds=time.monotonic() - started, rows=rows
            )
    return int(rows)


def _in_sessions(settings: Settings, statements: list[tuple[str, dict[str, Any]]], run_id: int) -> None:
    """Runs independent statements, each in a transaction of its own, in as many sessions as there are processors."""

    def run(statement: str, parameters: dict[str, Any]) -> None:
        with engine(settings).begin() as connection:
            connection.execute(text(f"set local work_mem = '{BUILD_MEMORY}'"))
            connection.execute(text(statement), {"run_id": run_id, **parameters})

    with ThreadPoolExecutor(max_workers=SESSIONS) as sessions:
        for future in [sessions.submit(run, statement, parameters) for statement, parameters in statements]:
            future.result()


@contextmanager
def _step(settings: Settings, name: str) -> Iterator[tuple[Connection, Callable[..., None]]]:
    """A connection for one step, and a function that takes what its record in ops.step says."""
    started = time.monotonic()
    facts: dict[str, Any] = {}

    def done(**found: Any) -> None:
        facts.update(found)

    with engine(settings).connect() as connection:
        with _in_words():
            yield connection, done
        record_step(connection, step=name, seconds=time.monotonic() - started, **facts)
        connection.commit()


@contextmanager
def _in_words() -> Iterator[None]:
    """What a routine of the database has raised becomes an error for a person."""
    try:
        yield
    except InternalError as error:
        raise WarehouseError(_database_message(error)) from error


def _database_message(error: InternalError) -> str:
    diagnosis = getattr(error.orig, "diag", None)
    return str(getattr(diagnosis, "message_primary", None) or error.orig)
