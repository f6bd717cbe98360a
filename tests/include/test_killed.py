"""Whatever is killed at whatever step, the next run completes with the same result: no row lost, none doubled.

The command line runs as a process of its own, on a PostgreSQL of its own. Triggers let a run stand still in the middle
of a step. There its process, the database session that serves it, or the whole server is killed, and the same command
is given again; while it begins, what the killed one left in the server still works.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import extensions
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url

from include.warehouse import server
from include.warehouse.credentials import read_credentials
from include.warehouse.database import engine
from include.warehouse.migrate import migrate
from include.warehouse.sample import write_sample
from include.warehouse.settings import REPOSITORY, Settings, load_settings
from tests.fixtures.corrections import write_correction
from tests.fixtures.mart_rows import ACCEPTED, PUBLISHED, assert_same_rows, mart_rows

TEMPLATE = "not_yet_run"
# a busy machine of two processors is slow; nothing is waited for longer than it takes
PATIENCE = 180.0

# Where a run stands still; and in "copy", in the middle of a year's rows.
MOMENTS = {
    "next file": ("before insert on ops.file", "new.file_name = 'sales_2025.csv'"),
    "accept": ("before insert on ops.step", "new.step = 'accept' and new.rows > 1000"),
    "aggregate": ("before insert on crm.customer_month", "new.month = '2025-06-01' and new.customer_id like '%5'"),
    "snapshot": ("before update of scored_at on ops.run_month", "new.month = '2025-06-01'"),
    "gate": ("before insert on ops.conservation", "new.scope is not null"),
    "publish": ("before insert on crm.published_month", "new.month = '2025-10-01'"),
    "excel": ("before insert on ops.step", "new.step = 'excel'"),
}
STAND_STILL = r"""
create schema moment;
create function moment.reached() returns trigger language plpgsql set lock_timeout = 0 as $$
begin
    perform pg_advisory_xact_lock_shared(hashtext(tg_argv[0]));
    return new;
end
$$;
create function moment.watch_copy() returns event_trigger language plpgsql as $$
declare
    v_table text;
begin
    for v_table in
        select c.object_identity from pg_event_trigger_ddl_commands() c where c.object_identity ~ '^raw\.sales_\d+$'
    loop
        execute format(
            'create trigger copy before insert on %s for each row when (new.row_number = 1500)
            execute function moment.reached(''copy'')',
            v_table
        );
    end loop;
end
$$;
create event trigger copy on ddl_command_end when tag in ('CREATE TABLE') execute function moment.watch_copy();
grant all on schema moment to warehouse;
"""

# What must be the same, without numbers and moments of one warehouse's own; what a killed run had loaded is skipped.
FURTHER_STATE = {
    "source_file": """
        select to_jsonb(f) - '{file_id,received_at,loaded_at}'::text[]
        from mart.source_file f where status <> 'skipped'""",
    "snapshot_history": """
        select to_jsonb(h) - '{run_id,published_from,published_until,replaced_by}'::text[]
        from mart.snapshot_history h""",
    "conservation": r"""
        select array[identity, regexp_replace(scope, ' \(\d+\)$', ''), left_value::text, right_value::text]
        from mart.conservation where run_id = (select max(run_id) from mart.publication)""",
    "publication": """
        select array[first_month::text, as_of_date::text, months_built::text, files_known::text]
        from mart.publication""",
    "tables left over": """
        select inhrelid::regclass from pg_inherits
        where inhparent in ('crm.measure'::regclass, 'crm.snapshot_unpublished'::regclass)""",
}


State = dict[str, list[str]]


# The warehouse that is hurt


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small retailer's files, and the same with corrections of the last year."""
    first, corrected = (tmp_path_factory.mktemp(name) for name in ("files", "corrected"))
    for path in write_sample(first, customers=300, months=14, seed=7):
        shutil.copy(path, corrected)
    write_correction(first / "sales_2025.csv", corrected / "sales_2025.csv")
    return first, corrected


@pytest.fixture(scope="module")
def own_server() -> Iterator[Settings]:
    """A home with a server of its own, whose empty warehouse is kept as a template."""
    home = Path(tempfile.mkdtemp(prefix="warehouse-test-"))
    settings = replace(load_settings(), home=home, url=None)
    try:
        migrate(settings)
        triggers = [
            f'create trigger "{name}" {event} for each row when ({condition})'
            f" execute function moment.reached('{name}')"
            for name, (event, condition) in MOMENTS.items()
        ]
        as_superuser(settings, server.OWNER, STAND_STILL, *triggers)
        engine(settings).dispose()
        as_superuser(settings, "postgres", f"create database {TEMPLATE} template {server.OWNER}")
        yield settings
    finally:
        # also after a failure, when it may be recovering
        as_superuser(settings, "postgres")
        engine(settings).dispose()
        server.stop(settings)
        shutil.rmtree(home)


@pytest.fixture
def settings(own_server: Settings, undisturbed: list[State]) -> Settings:
    """The warehouse as it was before the first run."""
    empty(own_server)
    return own_server


@pytest.fixture(scope="module")
def undisturbed(own_server: Settings, folders: tuple[Path, Path]) -> list[State]:
    """What is in the warehouse after the run of each folder that nobody disturbs."""
    states = []
    for folder in folders:
        Run(own_server, folder).completes()
        states.append(state(own_server))
    return states


def empty(settings: Settings) -> None:
    """Takes away all that runs have left, in the database and in the folders."""
    engine(settings).dispose()
    drop = f"drop database if exists {server.OWNER} with (force)"
    create = f"create database {server.OWNER} template {TEMPLATE} owner {server.OWNER} strategy file_copy"
    as_superuser(settings, "postgres", drop, create)
    for folder in (settings.processing, settings.archive, settings.exports):
        shutil.rmtree(folder)


def as_superuser(settings: Settings, database: str, *statements: str) -> None:
    url = make_url(server.ensure_running(settings))
    password = read_credentials(settings)["superuser_password"]
    connection = connect(url.set(username=server.SUPERUSER, password=password, database=database))
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


def connect(url: URL) -> extensions.connection:
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection: extensions.connection = server.when_ready(lambda: psycopg2.connect(address))
    connection.autocommit = True
    return connection


def state(settings: Settings) -> State:
    """Accepted and published rows, books, archived bytes and whatever is left over; all as sorted texts."""
    found: State = {view: mart_rows(settings, view) for view in (*ACCEPTED, *PUBLISHED, "customer_contact")}
    with engine(settings).connect() as connection:
        for name, statement in FURTHER_STATE.items():
            found[name] = sorted(str(row) for row in connection.scalars(text(statement.replace(":", "\\:"))))
        places = connection.scalars(text("select path from ops.file where status = 'loaded'"))
        found["archived"] = sorted(hashlib.sha256((settings.home / place).read_bytes()).hexdigest() for place in places)
    found["in processing"] = [str(path) for path in settings.processing.rglob("*")]
    found["exports"] = sorted(path.name for path in settings.exports.iterdir())
    for name in found["exports"]:
        assert zipfile.ZipFile(settings.exports / name).testzip() is None
    return found


# Runs, and moments in which they stand still


class Run:
    """`run-once` of a folder in a process of its own."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.said_in = settings.home / "said.txt"
        environment = os.environ | {"WAREHOUSE_HOME": str(settings.home), "PYTHONPATH": str(REPOSITORY)}
        environment.pop("WAREHOUSE_URL", None)
        with self.said_in.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "include.warehouse", "run-once", str(folder)],
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=said,
            )

    @property
    def is_over(self) -> bool:
        """Whether the process has ended."""
        return self.process.poll() is not None

    @property
    def said(self) -> str:
        """What a person reads of its errors."""
        return self.said_in.read_text()

    def ends_with(self, status: int) -> None:
        """Waits for the end."""
        assert self.process.wait(timeout=PATIENCE) == status, self.said
        assert "Traceback" not in self.said, self.said

    def completes(self) -> None:
        """Waits for success."""
        self.ends_with(0)


class Moment:
    """While it is held, whoever comes to it stands still."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.connection = connect(make_url(server.ensure_running(settings)))
        self.answer("select pg_advisory_lock(hashtext(%s))", name)

    def answer(self, query: str, *values: object) -> object:
        with self.connection.cursor() as cursor:
            cursor.execute(query, values)
            row = cursor.fetchone()
        return row[0] if row else None

    @property
    def session(self) -> int | None:
        """Process id of the session that stands still."""
        found = self.answer(
            "select min(pid) from pg_stat_activity where pg_backend_pid() = any (pg_blocking_pids(pid))"
        )
        assert found is None or isinstance(found, int)
        return found

    @property
    def keeps_others_waiting(self) -> bool:
        """Whether another session waits for the one that stands still, or has come to the moment as well."""
        query = """
            select count(*) from pg_stat_activity
            where pid <> %s and (%s = any (pg_blocking_pids(pid)) or pg_backend_pid() = any (pg_blocking_pids(pid)))"""
        return self.session is not None and self.answer(query, self.session, self.session) != 0

    def let_go(self) -> None:
        """What stands still goes on."""
        self.connection.close()


def wait_for(is_reached: Callable[[], object], left: Moment | None) -> None:
    """Waits; what an earlier run left standing goes on as soon as the next one waits for it."""
    deadline = time.monotonic() + PATIENCE
    while not is_reached():
        assert time.monotonic() < deadline, f"not within {PATIENCE} s"
        if left and not left.connection.closed and left.keeps_others_waiting:
            left.let_go()
        time.sleep(0.05)
    if left:
        left.let_go()


# Ways to end a run; each gives the moment in which the session in the server still stands, if it does

End = Callable[[Settings, Run, Moment], Moment | None]


def kill_process(settings: Settings, run: Run, moment: Moment) -> Moment | None:
    """As the kernel does when memory runs out; the session in the server goes on."""
    run.process.kill()
    run.ends_with(-signal.SIGKILL)
    return moment


def kill_session(settings: Settings, run: Run, moment: Moment) -> Moment | None:
    """The server ends all sessions then and recovers."""
    os.kill(moment.session or 0, signal.SIGKILL)
    run.ends_with(1)
    assert_says_database_is_gone(run)
    return None


def kill_server(settings: Settings, run: Run, moment: Moment) -> Moment | None:
    """Its sessions notice by themselves; the next run has to start it."""
    postmaster = server.find_postmaster(settings)
    assert postmaster
    os.kill(postmaster.pid, signal.SIGKILL)
    run.ends_with(1)
    assert_says_database_is_gone(run)
    assert server.find_postmaster(settings) is None
    return None


def press_ctrl_c(settings: Settings, run: Run, moment: Moment) -> Moment | None:
    """Ends the session too."""
    run.process.send_signal(signal.SIGINT)
    run.ends_with(130)
    assert_stopped(run, moment)
    return None


def terminate(settings: Settings, run: Run, moment: Moment) -> Moment | None:
    """As a service manager or a container's end does."""
    run.process.send_signal(signal.SIGTERM)
    run.ends_with(143)
    assert_stopped(run, moment)
    return None


def assert_says_database_is_gone(run: Run) -> None:
    errors = [line for line in run.said.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert errors[0].startswith("Error: the database does not answer: ")


def assert_stopped(run: Run, moment: Moment) -> None:
    assert run.said.splitlines()[-1] == "Error: stopped; the same command continues where this one was"
    deadline = time.monotonic() + 5
    while moment.session:
        assert time.monotonic() < deadline, "the session goes on"
        time.sleep(0.02)
    moment.let_go()


# Tests


@pytest.mark.parametrize(
    "interruptions",
    [
        [
            [(kill_process, "copy"), (kill_process, "next file"), (kill_process, "aggregate"), (kill_process, "gate")],
            [(kill_process, "accept"), (kill_process, "snapshot"), (kill_process, "publish"), (kill_process, "excel")],
        ],
        [
            [
                (kill_session, "copy"),
                (kill_server, "accept"),
                (press_ctrl_c, "copy"),
                (kill_session, "gate"),
                (terminate, "aggregate"),
                (kill_server, "snapshot"),
            ]
        ],
    ],
    ids=["killed processes", "lost databases and stopped processes"],
)
def test_the_next_run_completes_with_the_same_result(
    settings: Settings,
    undisturbed: list[State],
    folders: tuple[Path, Path],
    interruptions: list[list[tuple[End, str]]],
) -> None:
    """One run after another is ended, until one is left alone; then the same with the corrected files."""
    for folder, expected, ends in zip(folders, undisturbed, interruptions, strict=False):
        left: Moment | None = None
        for end, name in ends:
            moment = Moment(settings, name)
            run = Run(settings, folder)
            wait_for(lambda run=run, moment=moment: moment.session or run.is_over, left)
            assert not run.is_over, f"it does not come to {name!r}: {run.said}"
            left = end(settings, run, moment)
        run = Run(settings, folder)
        wait_for(lambda run=run: run.is_over, left)
        run.completes()
        found = state(settings)
        for what, rows in expected.items():
            assert_same_rows(found[what], rows, what)
