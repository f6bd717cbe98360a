"""What happens in the warehouse while Airflow works: lines for a person, and whether all that arrived is published."""

import re
import time
from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text

from include.warehouse.arrivals import UNREADABLE, unknown_files, unreadable_files, visible_files
from include.warehouse.console import in_words
from include.warehouse.database import connect
from include.warehouse.settings import Settings

BUILD = "build_customer_snapshot"
STUCK_SECONDS = 180.0
ONE_MONTH = re.compile(r"\d{4}-\d{2}")


class Outcome(Enum):
    """Where the work stands."""

    WORKING = "working"
    PUBLISHED = "published"
    NOTHING = "nothing to publish"
    REFUSED = "refused by the gate"
    FAILED = "failed"


class Watch:
    """Reads `ops` and Airflow's runs; remembers what it has told."""

    def __init__(self, settings: Settings, airflow_database: str) -> None:
        self.settings = settings
        self.airflow: Engine = create_engine(airflow_database, pool_pre_ping=True)
        self.files: dict[int, str] = {}
        self.runs: dict[int, str] = {}
        self.newest_step = 0
        self.failures: set[str] = set()
        self.has_failed = False
        self.unreadable: set[str] = set()
        self.now = "waiting for files"
        self.changed_at = time.monotonic()
        self.news()
        # they still lie there
        self.unreadable.clear()
        with self.airflow.connect() as connection:
            self.failures = {run["run_id"] for run in _failed_runs(connection)}
        # what failed before says nothing of the work of now
        self.has_failed = False

    def news(self) -> list[str]:
        """One line for everything that happened since the last call."""
        # first, for an unusable contract ends it: nothing else is remembered as told
        lines = list(self._inbox_news())
        with connect(self.settings) as connection:
            lines += [*self._file_news(connection), *self._step_news(connection), *self._run_news(connection)]
        with self.airflow.connect() as connection:
            lines += self._failure_news(connection)
        if lines:
            self.changed_at = time.monotonic()
        return lines

    def outcome(self) -> Outcome:
        """Whether everything that arrived is published; FAILED only where nothing has moved for a while."""
        with connect(self.settings) as connection:
            state = _first(connection, WAREHOUSE_STATE)
        with self.airflow.connect() as connection:
            build = _first(connection, BUILD_STATE)
        if self._is_working(state, build):
            stuck = self.has_failed and time.monotonic() - self.changed_at > STUCK_SECONDS
            return Outcome.FAILED if stuck else Outcome.WORKING
        if state["last_status"] == "refused":
            return Outcome.REFUSED
        if build["last_state"] == "failed":
            return Outcome.FAILED
        return Outcome.PUBLISHED if state["is_published"] else Outcome.NOTHING

    def _is_working(self, state: dict[str, Any], build: dict[str, Any]) -> bool:
        if self._waiting_files() or state["is_loading"] or build["is_active"]:
            return True
        newest: datetime | None = state["newest_load"]
        if newest is None:
            return False
        seen = max((moment for moment in (state["known_at"], build["last_start"]) if moment), default=None)
        return seen is None or seen < newest

    def _waiting_files(self) -> bool:
        """Whether a file lies in the inbox that will be taken up, or is being loaded."""
        waiting = set(visible_files(self.settings.inbox)) - set(unknown_files(self.settings))
        return bool(waiting) or any(self.settings.processing.iterdir())

    def _file_news(self, connection: Connection) -> Iterable[str]:
        for file in connection.execute(text("select * from ops.file order by file_id")).mappings():
            if self.files.get(file["file_id"]) == file["status"]:
                continue
            self.files[file["file_id"]] = file["status"]
            if file["status"] == "received":
                self.now = f"loading {file['file_name']}"
            elif file["status"] == "loaded":
                fates = ("received", "loaded", "unchanged", "rejected", "duplicate")
                rows = ", ".join(f"{in_words(file[f'rows_{fate}'])} {fate}" for fate in fates if file[f"rows_{fate}"])
                yield f"{file['file_name']}: {rows}"
            else:
                yield f"{file['file_name']} is {file['status']}: {file['message']}"

    def _inbox_news(self) -> Iterable[str]:
        for path in unreadable_files(self.settings):
            if path.name not in self.unreadable:
                self.unreadable.add(path.name)
                yield f"{path} {UNREADABLE}"

    def _step_news(self, connection: Connection) -> Iterable[str]:
        statement = text(
            "select step_id, run_id, step, detail, seconds, rows from ops.step"
            " where step_id > :newest and run_id is not null order by step_id"
        )
        for step in connection.execute(statement, {"newest": self.newest_step}).mappings():
            self.newest_step = step["step_id"]
            what = " ".join([f"run {step['run_id']}: {step['step']}", *([step["detail"]] if step["detail"] else [])])
            self.now = what
            if not ONE_MONTH.fullmatch(step["detail"] or ""):
                yield f"{what}, {in_words(step['rows'] or 0)} rows, {step['seconds']:.1f} s"

    def _run_news(self, connection: Connection) -> Iterable[str]:
        statement = text("select run_id, kind, status, message from ops.run order by run_id")
        for run in connection.execute(statement).mappings():
            if self.runs.get(run["run_id"]) == run["status"]:
                continue
            self.runs[run["run_id"]] = run["status"]
            if run["status"] == "building":
                self.now = f"run {run['run_id']} is being built"
            else:
                message = f": {run['message']}" if run["message"] else ""
                yield f"run {run['run_id']} ({run['kind']}) is {run['status'].replace('_', ' ')}{message}"
                self.now = "waiting for files"

    def _failure_news(self, connection: Connection) -> Iterable[str]:
        for run in _failed_runs(connection):
            if run["run_id"] in self.failures:
                continue
            self.failures.add(run["run_id"])
            self.has_failed = True
            yield f"Airflow: {run['dag_id']} failed at {run['tasks']}; see its log in the Airflow UI"
        for filename, stacktrace in connection.execute(text("select filename, stacktrace from import_error")):
            if filename not in self.failures:
                self.failures.add(filename)
                self.has_failed = True
                yield f"Airflow cannot read dags/{filename}: {stacktrace.strip().splitlines()[-1]}"


WAREHOUSE_STATE = """
select
    exists (select from ops.file where status = 'received') as is_loading,
    (select max(loaded_at) from ops.file where status = 'loaded') as newest_load,
    (select max(known_at) from ops.run where status = 'published') as known_at,
    exists (select from ops.run where status = 'published') as is_published,
    (
        select status
        from ops.run
        where kind = 'refresh' and status in ('published', 'refused')
        order by run_id desc
        limit 1
    ) as last_status
"""

BUILD_STATE = f"""
select
    coalesce(bool_or(state in ('queued', 'running')), false) as is_active,
    max(start_date) filter (where state in ('success', 'failed')) as last_start,
    (array_agg(state order by start_date desc) filter (where state in ('success', 'failed')))[1] as last_state
from dag_run
where dag_id = '{BUILD}'
"""

FAILED_RUNS = """
select
    dag_run.dag_id,
    dag_run.dag_id || ' ' || dag_run.run_id as run_id,
    coalesce(
        (
            select string_agg(distinct task_instance.task_id, ', ')
            from task_instance
            where
                task_instance.dag_id = dag_run.dag_id
                and task_instance.run_id = dag_run.run_id
                and task_instance.state = 'failed'
        ),
        'no task'
    ) as tasks
from dag_run
where dag_run.state = 'failed'
"""


def _failed_runs(connection: Connection) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(text(FAILED_RUNS)).mappings()]


def _first(connection: Connection, statement: str) -> dict[str, Any]:
    return dict(connection.execute(text(statement)).mappings().one())
