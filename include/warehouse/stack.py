"""`make run`: database, Airflow and dashboard on this machine, sample files in the inbox, until Ctrl-C.

With --once it ends after publication: 0 published, 1 where the gate refused, a file is held or something failed.
"""

import argparse
import fcntl
import json
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from types import FrameType

from rich.console import Console
from rich.status import Status
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from include.warehouse import server
from include.warehouse.airflow_environment import FIRST_PORT as AIRFLOW_PORT
from include.warehouse.airflow_environment import airflow_environment, warehouse_environment
from include.warehouse.child_processes import ChildProcesses
from include.warehouse.database import connect
from include.warehouse.errors import InputError, WarehouseError
from include.warehouse.migrate import migrate
from include.warehouse.sample import write_sample
from include.warehouse.settings import REPOSITORY, Settings, load_settings
from include.warehouse.stack_summary import Addresses, show_summary
from include.warehouse.stack_watch import Outcome, Watch

DASHBOARD_PORT = 8501
AIRFLOW_HEALTH = ("metadatabase", "scheduler", "triggerer", "dag_processor")
AIRFLOW_VERSION = f"apache-airflow {version('apache-airflow')}"
READY_SECONDS = 300.0
STOPPED_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AIRFLOW_PARTS = {
    "api-server": ["api-server"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
}


class Stack:
    """Everything that runs for one home."""

    def __init__(self, settings: Settings, console: Console) -> None:
        self.settings = settings
        self.console = console
        self.processes = ChildProcesses(settings.home, settings.logs)
        self.has_started_database = False

    def start(self) -> tuple[Addresses, Watch]:
        """Brings everything up; what does not depend on one another is done side by side."""
        settings, console = self.settings, self.console
        settings.create_folders()
        left = self.processes.end_left_over()
        if left:
            console.print(f"Ended {left} processes that an earlier run had left.")
        self.has_started_database = left > 0 or (settings.url is None and server.find_postmaster(settings) is None)
        with self._step("Database"):
            server.ensure_running(settings)
        airflow_port = self._free_port(AIRFLOW_PORT, "Airflow")
        environment = airflow_environment(settings, airflow_port)
        airflow = [sys.executable, "-m", "airflow"]
        airflow_database = server.airflow_url(settings)
        with self._step("Warehouse, Airflow's tables and sample files"):
            preparing = None
            if not has_airflow_tables(airflow_database):
                preparing = self.processes.start(
                    "airflow-migrate", [*airflow, "db", "migrate"], environment, REPOSITORY
                )
            migrate(settings)
            drop_sample(settings)
            if preparing:
                self.processes.wait_for(preparing)
                note_airflow_tables(airflow_database)
        watch = Watch(settings, airflow_database)
        dashboard_port = self._free_port(DASHBOARD_PORT, "The dashboard")
        for name, command in AIRFLOW_PARTS.items():
            self.processes.start(f"airflow-{name}", [*airflow, *command], environment, REPOSITORY)
        self.processes.start(
            "dashboard",
            dashboard_command(dashboard_port),
            warehouse_environment(settings),
            REPOSITORY / "dashboard",
        )
        addresses = Addresses(
            airflow=f"http://{server.ADDRESS}:{airflow_port}", dashboard=f"http://{server.ADDRESS}:{dashboard_port}"
        )
        with self._step("Airflow"):
            self._wait_for(f"{addresses.airflow}/api/v2/monitor/health", is_healthy)
        with self._step("Dashboard"):
            self._wait_for(f"{addresses.dashboard}/_stcore/health", lambda answer: answer == "ok")
        return addresses, watch

    def follow(self, watch: Watch, is_over: Callable[[Outcome], bool], *, is_attended: bool) -> Outcome:
        """Tells what happens until `is_over`; raises WarehouseError where a process has ended.

        A contract that cannot be used any more is waited for, or raises InputError where nobody attends to it.
        """
        unusable = ""
        with self.console.status(watch.now) as status:
            while True:
                self.check()
                try:
                    outcome = watch.outcome()
                    self._tell(watch, status)
                except OperationalError:
                    status.update("the database does not answer …")
                except InputError as error:
                    if not is_attended:
                        raise
                    if str(error) != unusable:
                        unusable = str(error)
                        self.console.print(f"  {unusable}", markup=False, soft_wrap=True)
                else:
                    unusable = ""
                    if is_over(outcome):
                        return outcome
                time.sleep(0.5)

    def check(self) -> None:
        """Raises WarehouseError where the database or a process has ended."""
        self.processes.check()
        if self.settings.url is None and server.find_postmaster(self.settings) is None:
            raise WarehouseError(f"PostgreSQL ended; its log {server.log_file(self.settings)} says why")

    def stop(self) -> None:
        """Ends what was started, the database last."""
        _ignore_signals()
        with self.console.status("Stopping …"):
            self.processes.stop()
            if self.has_started_database:
                server.stop(self.settings)

    def _tell(self, watch: Watch, status: Status) -> None:
        for line in watch.news():
            self.console.print(f"  {line}", markup=False, soft_wrap=True)
        status.update(f"{watch.now} …")

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.console.print(f"  {name}: ready after {time.monotonic() - started:.1f} s")

    def _free_port(self, wanted: int, what: str) -> int:
        port = next((port for port in range(wanted, 65_536) if server.is_free(port)), None)
        if port is None:
            raise WarehouseError(f"no port from {wanted} upwards is free on {server.ADDRESS}")
        if port != wanted:
            self.console.print(f"Port {wanted} is taken: {what} uses {port}.")
        return port

    def _wait_for(self, url: str, is_ready: Callable[[str], bool]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            self.processes.check()
            try:
                with urllib.request.urlopen(url, timeout=5) as answer:
                    if is_ready(answer.read().decode()):
                        return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                pass
            time.sleep(0.25)
        raise WarehouseError(f"{url} is not ready after {READY_SECONDS:.0f} s; see the logs in {self.settings.logs}")


def has_airflow_tables(airflow_database: str) -> bool:
    """Whether Airflow's tables are those of the installed version: asking Airflow itself takes ten seconds."""
    statement = "select obj_description(to_regclass('alembic_version'), 'pg_class')"
    with create_engine(airflow_database).connect() as connection:
        noted: str | None = connection.exec_driver_sql(statement).scalar()
    return noted == AIRFLOW_VERSION


def note_airflow_tables(airflow_database: str) -> None:
    """Notes beside Airflow's tables which version made them."""
    with create_engine(airflow_database).begin() as connection:
        connection.exec_driver_sql(f"comment on table alembic_version is '{AIRFLOW_VERSION}'")


def is_healthy(answer: str) -> bool:
    """Whether every part of Airflow reports health."""
    parts = json.loads(answer)
    return all((parts.get(part) or {}).get("status") == "healthy" for part in AIRFLOW_HEALTH)


def dashboard_command(port: int) -> list[str]:
    """The command that serves the dashboard on 127.0.0.1."""
    return [
        *(sys.executable, "-m", "streamlit", "run", str(REPOSITORY / "dashboard" / "server.py")),
        f"--server.address={server.ADDRESS}",
        f"--server.port={port}",
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
    ]


def drop_sample(settings: Settings) -> None:
    """Writes sample files once and moves copies into the inbox, unless files of one's own came first.

    May be repeated after a crash: a file is dropped until it is noted as dropped, and the same bytes are loaded once.
    """
    sample, notes = settings.home / "sample", settings.home / "sample" / ".dropped"
    if not sample.exists():
        with connect(settings) as connection:
            has_files = connection.exec_driver_sql("select exists (select from ops.file)").scalar_one()
        if has_files or any(settings.inbox.iterdir()):
            return
        unfinished = settings.home / "sample.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        write_sample(unfinished)
        unfinished.rename(sample)
    dropped = set(notes.read_text().splitlines()) if notes.exists() else set()
    for path in sorted(sample.glob("*.csv")):
        if path.name in dropped:
            continue
        copy = settings.inbox / f".{path.name}.part"
        shutil.copyfile(path, copy)
        copy.rename(settings.inbox / path.name)
        with notes.open("a") as noted:
            noted.write(f"{path.name}\n")


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Raises InputError where another `make run` uses this home."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / ".stack.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"another `make run` is up in {settings.home}; end it first, or set WAREHOUSE_HOME"
            ) from error
        yield


def run(settings: Settings, once: bool, console: Console) -> int:
    """Runs the stack; gives the exit status."""
    with only_one(settings):
        stack = Stack(settings, console)
        try:
            addresses, watch = stack.start()
            console.print(f"Airflow publishes; look at {addresses.airflow} and {addresses.dashboard}")
            outcome = stack.follow(watch, lambda reached: reached is not Outcome.WORKING, is_attended=not once)
            show_summary(console, settings, addresses)
            if outcome is not Outcome.PUBLISHED:
                console.print(f"The files that arrived are not published: {outcome.value}.", style="bold red")
            if once:
                return 0 if outcome is Outcome.PUBLISHED and not any(settings.held.iterdir()) else 1
            console.print("Everything stays up until Ctrl-C.")
            stack.follow(watch, lambda reached: False, is_attended=True)
        except KeyboardInterrupt:
            console.print("Stopping; run again to resume.")
            return 130 if once else 0
        finally:
            stack.stop()
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # make passes on a SIGTERM that a service manager sends to it and to this: the second would break off the end
    _ignore_signals()
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    for number in STOPPED_BY:
        signal.signal(number, signal.SIG_IGN)


def main() -> None:
    """Reads the command line; an error that a person can act on is printed without a traceback."""
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after publication with a status")
    once = parser.parse_args().once
    # Ctrl-C too: a script in the background begins what it starts with SIGINT ignored
    for number in STOPPED_BY:
        signal.signal(number, _interrupt)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 110
    try:
        status = run(load_settings(), once, console)
    except WarehouseError as error:
        console.print(f"Error: {error}", style="bold red", markup=False)
        status = error.exit_code
    sys.exit(status)


if __name__ == "__main__":
    main()
