"""Fixtures that start what is real: PostgreSQL with all migrations, and a browser."""

import fcntl
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import hypothesis
import psycopg2
import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright
from playwright.sync_api import Error as PlaywrightError
from sqlalchemy.engine import make_url

from include.warehouse import server
from include.warehouse.credentials import read_credentials
from include.warehouse.database import engine
from include.warehouse.migrate import migrate
from include.warehouse.settings import Settings, load_settings
from tests.fixtures.published import TEMPLATE, published

__all__ = ["published"]

# the same examples at every run; HYPOTHESIS_PROFILE=search looks for new ones
hypothesis.settings.register_profile("repeatable", derandomize=True, database=None)
hypothesis.settings.register_profile("search", derandomize=False)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

# whoever imports Airflow makes a folder there, else in the home of whoever runs the tests
os.environ.setdefault("AIRFLOW_HOME", str(Path(tempfile.gettempdir()) / "warehouse-test-airflow"))

# these take minutes: they begin first, so that no process is left with one of them at the end
LONG_FILES = (
    "test_dag_runs.py",
    "test_against_oracle.py",
    "test_killed.py",
    "test_browser.py",
    "test_stack.py",
    "test_at_once.py",
    "test_masters_in_any_order.py",
    "test_sent_again.py",
    "test_gate.py",
    "test_benchmark_guard.py",
)
CHROMIUM_ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-sync",
    "--no-first-run",
]
numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets the long files begin first; pytest-xdist gives files to its processes in this order."""
    order = {name: place for place, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


@pytest.fixture(scope="session")
def warehouse() -> Iterator[Settings]:
    """A migrated, empty warehouse on an embedded server of its own; for tests that only read.

    The environment names it too, so that no test can reach the warehouse of whoever runs the tests.
    """
    home = Path(tempfile.mkdtemp(prefix="warehouse-test-"))
    os.environ["WAREHOUSE_HOME"] = str(home)
    os.environ.pop("WAREHOUSE_URL", None)
    settings = load_settings()
    try:
        migrate(settings)
        engine(settings).dispose()
        # its files go with the tests: no loss of power needs to be outlived
        superuser = read_credentials(settings)["superuser_password"]
        for statement in ("alter system set fsync = off", "select pg_reload_conf()"):
            _execute(settings, statement, username=server.SUPERUSER, password=superuser)
        _execute(settings, f"create database {TEMPLATE} template warehouse strategy file_copy")
        yield settings
        engine(settings).dispose()
    finally:
        server.stop(settings)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def new_warehouse(warehouse: Settings, tmp_path: Path) -> Iterator[Callable[..., Settings]]:
    """Gives a further warehouse at each call, with its own database and its own home: a copy of one, else empty."""
    made: list[Settings] = []

    def make(original: Settings | None = None) -> Settings:
        made.append(_make(warehouse, tmp_path / f"home_{len(made)}", original))
        return made[-1]

    yield make
    for settings in made:
        _drop(warehouse, settings)


@pytest.fixture(scope="session")
def passing_warehouse(
    warehouse: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., AbstractContextManager[Settings]]:
    """Like `new_warehouse`, for tests that need many: each is dropped when its `with` block ends."""

    @contextmanager
    def pass_by(original: Settings | None = None) -> Iterator[Settings]:
        made = _make(warehouse, tmp_path_factory.mktemp("home"), original)
        try:
            yield made
        finally:
            _drop(warehouse, made)
            shutil.rmtree(made.home, ignore_errors=True)

    return pass_by


@pytest.fixture
def fresh_warehouse(new_warehouse: Callable[..., Settings]) -> Settings:
    """A migrated, empty warehouse of this test's own; writing to it disturbs no other test."""
    return new_warehouse()


def _make(warehouse: Settings, home: Path, original: Settings | None = None) -> Settings:
    name, template = f"test_{os.getpid()}_{next(numbers)}", TEMPLATE
    home.mkdir(exist_ok=True)
    shutil.copy(warehouse.secrets, home)
    if original:
        # nobody may be connected to a database that is copied
        engine(original).dispose()
        template = make_url(str(original.url)).database
        shutil.copytree(original.home, home, dirs_exist_ok=True)
    _execute(warehouse, f"create database {name} template {template} strategy file_copy")
    url = make_url(server.ensure_running(warehouse)).set(database=name)
    settings = Settings(home=home, url=url.render_as_string(hide_password=False), contracts=warehouse.contracts)
    settings.create_folders()
    return settings


def _drop(warehouse: Settings, settings: Settings) -> None:
    engine(settings).dispose()
    name = make_url(str(settings.url)).database
    try:
        # gives autovacuum, which only a superuser may end, the time to leave
        _execute(warehouse, f"drop database {name}")
    except psycopg2.errors.ObjectInUse:
        _execute(warehouse, f"drop database {name} with (force)")


def _execute(settings: Settings, statement: str, **login: str) -> None:
    """As the owner of the warehouse, unless `login` names another user and password."""
    url = make_url(server.ensure_running(settings)).set(drivername="postgresql", database="postgres", **login)
    connection = psycopg2.connect(url.render_as_string(hide_password=False))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright's driver."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A headless Chromium; installed where the machine has none, a failure where that cannot be done."""
    with (Path(tempfile.gettempdir()) / "warehouse-test-chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = launch_browser(playwright)
    yield found
    found.close()


def launch_browser(playwright: Playwright) -> Browser:
    """The browser that is installed, else one that is installed now."""
    return _launch_installed(playwright) or _launch_after_installing(playwright)


def _launch_installed(playwright: Playwright) -> Browser | None:
    paths = [playwright.chromium.executable_path]
    paths += [path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))]
    for path in paths:
        if not Path(path).exists():
            continue
        try:
            return playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        except PlaywrightError as error:
            print(f"{path} does not start: {error.message}", file=sys.stderr)
    return None


def _launch_after_installing(playwright: Playwright) -> Browser:
    ways = [
        [[sys.executable, "-m", "playwright", "install", "chromium"]],
        [["apt-get", "update"], ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]],
    ]
    failures = []
    for commands in ways:
        for command in commands:
            failure = _run(command)
            if failure:
                failures.append(failure)
                break
        if found := _launch_installed(playwright):
            return found
    pytest.fail("No Chromium is installed and none can be:\n" + "\n".join(failures))


def _run(command: list[str]) -> str | None:
    """Runs a command; gives what went wrong, None if nothing did."""
    print("Installing a browser:", " ".join(command), file=sys.stderr)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=500)
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        return f"{' '.join(command)}: {error}"
    return f"{' '.join(command)}: {done.stderr.strip()[-500:]}" if done.returncode else None
