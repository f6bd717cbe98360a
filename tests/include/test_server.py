"""The embedded PostgreSQL: found again, restarted after a kill, beside others, and never reachable from outside."""

import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg2
import pytest
from sqlalchemy.engine import make_url

from include.warehouse import server
from include.warehouse.settings import REPOSITORY, Settings, SettingsError, load_settings, normalise_url
from include.warehouse.tuning import server_settings

START = (
    "from include.warehouse import server; from include.warehouse.settings import load_settings;"
    " print(server.ensure_running(load_settings()))"
)


@pytest.fixture
def own_server() -> Iterator[Settings]:
    """A home whose path holds a space and a quote; its server is stopped at the end."""
    folder = Path(tempfile.mkdtemp(prefix="warehouse-test-"))
    settings = replace(load_settings(), home=folder / "a home's path", url=None)
    yield settings
    server.stop(settings)
    shutil.rmtree(folder)


def query(url: str, statement: str) -> object:
    connection = psycopg2.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
    connection.close()
    return row[0] if row else None


def start_elsewhere(settings: Settings) -> "subprocess.Popen[str]":
    environment = os.environ | {"WAREHOUSE_HOME": str(settings.home), "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen([sys.executable, "-c", START], env=environment, stdout=subprocess.PIPE, text=True)


def running(settings: Settings) -> server.Postmaster:
    postmaster = server.find_postmaster(settings)
    assert postmaster, "no server runs"
    return postmaster


def test_two_starting_at_once_get_one_server_that_outlives_them(own_server: Settings) -> None:
    starters = [start_elsewhere(own_server) for _ in range(2)]
    urls = {starter.communicate(timeout=120)[0].strip() for starter in starters}
    assert urls == {server.ensure_running(own_server)}
    assert query(urls.pop(), "select current_user || '@' || current_database()") == "warehouse@warehouse"


def test_starts_again_after_the_server_was_killed(own_server: Settings) -> None:
    url = server.ensure_running(own_server)
    query(url, "create table kept as select 1 as number; select 1")
    postmaster = running(own_server)
    backends = psutil.Process(postmaster.pid).children()
    os.kill(postmaster.pid, signal.SIGSTOP)
    for process in backends:
        # one that has ended by itself in the meantime is none that could hinder
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()
    os.kill(postmaster.pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(postmaster.pid)], timeout=5)
    assert server.ensure_running(own_server) == url
    assert query(url, "select number from kept") == 1
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in backends)


def test_a_lock_file_that_names_a_foreign_process_does_not_hinder(own_server: Settings) -> None:
    url = server.ensure_running(own_server)
    lock_file = own_server.database / "postmaster.pid"
    lines = lock_file.read_text().splitlines()
    server.stop(own_server)
    lock_file.write_text("\n".join([str(os.getpid()), *lines[1:], ""]))
    assert server.ensure_running(own_server) == url
    assert query(url, "select 1") == 1


def test_a_taken_port_is_said_aloud_and_the_new_one_is_kept(
    own_server: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    port = make_url(server.ensure_running(own_server)).port or 0
    server.stop(own_server)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        next_port = make_url(server.ensure_running(own_server)).port or 0
    assert next_port > port > 0
    assert f"Port {port} is taken: PostgreSQL uses {next_port}." in capfd.readouterr().err
    server.stop(own_server)
    assert make_url(server.ensure_running(own_server)).port == next_port


def test_only_this_machine_and_only_with_a_password(own_server: Settings) -> None:
    url = make_url(server.ensure_running(own_server))
    postmaster = running(own_server)
    listening = {c.laddr.ip for c in psutil.Process(postmaster.pid).net_connections() if c.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}
    assert stat.S_IMODE(own_server.secrets.stat().st_mode) == 0o600
    for user in ("postgres", "warehouse", "airflow"):
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(host="127.0.0.1", port=url.port, user=user, password="guess", dbname="warehouse")


def test_rows_are_durable_and_settings_fit_the_machine(own_server: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    url = server.ensure_running(own_server)
    assert "PostgreSQL fitted to" in capfd.readouterr().err
    chosen, _ = server_settings(own_server.home)
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        assert query(url, f"select current_setting('{setting}')") == "on"
    assert query(url, "select current_setting('wal_level')") == "replica"
    shared_buffers = query(url, "select setting::bigint * 8192 from pg_settings where name = 'shared_buffers'")
    assert shared_buffers == min(psutil.virtual_memory().total // 4 // 2**20, 8192) * 2**20
    for setting in ("work_mem", "maintenance_work_mem", "max_connections", "timezone", "jit", "random_page_cost"):
        assert query(url, f"select current_setting('{setting}')") == chosen[setting]


def test_sorts_use_large_pages(own_server: Settings) -> None:
    offered = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if not offered.exists() or "[never]" in offered.read_text():
        pytest.skip("this Linux offers no large pages")
    url = make_url(server.ensure_running(own_server)).set(drivername="postgresql")
    connection = psycopg2.connect(url.render_as_string(hide_password=False))
    with connection, connection.cursor() as cursor:
        cursor.execute("set local work_mem = '64MB'")
        # its rows stay in memory as long as the cursor is open
        cursor.execute("declare sorted cursor for select md5(n::text) from generate_series(1, 200000) as n order by 1")
        cursor.execute("fetch sorted")
        memory = Path(f"/proc/{connection.info.backend_pid}/smaps_rollup").read_text()
    connection.close()
    large = next(line for line in memory.splitlines() if line.startswith("AnonHugePages"))
    assert int(large.split()[1]) > 0


def test_two_homes_run_side_by_side(own_server: Settings, warehouse: Settings) -> None:
    assert make_url(server.ensure_running(own_server)).port != make_url(server.ensure_running(warehouse)).port


def test_runs_for_an_ordinary_user() -> None:
    folder = Path(tempfile.mkdtemp(prefix="warehouse-test-"))
    settings = replace(load_settings(), home=folder / "home", url=None)
    become_ordinary = ""
    if os.geteuid() == 0:
        shutil.chown(folder, 65534, 65534)
        become_ordinary = "import os; os.setgroups([]); os.setgid(65534); os.setuid(65534);"
    imports, call = START.split(";", maxsplit=1)
    try:
        done = subprocess.run(
            [sys.executable, "-c", f"{imports}; {become_ordinary} {call}"],
            env=os.environ | {"WAREHOUSE_HOME": str(settings.home), "PYTHONPATH": str(REPOSITORY)},
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        assert query(done.stdout.strip(), "select 1") == 1
        assert settings.database.stat().st_uid == folder.stat().st_uid != 0
    finally:
        server.stop(settings)
        shutil.rmtree(folder)


def test_a_lost_password_file_is_explained(own_server: Settings) -> None:
    server.ensure_running(own_server)
    server.stop(own_server)
    own_server.secrets.unlink()
    with pytest.raises(server.ServerError, match=r"secrets\.json lacks the database's passwords"):
        server.ensure_running(own_server)


def test_another_postgresql_is_used_as_it_is(fresh_warehouse: Settings) -> None:
    assert server.ensure_running(fresh_warehouse) == fresh_warehouse.url
    server.stop(fresh_warehouse)
    assert query(str(fresh_warehouse.url), "select 1") == 1
    assert not fresh_warehouse.database.exists()
    airflow = server.airflow_url(fresh_warehouse)
    assert airflow == server.airflow_url(fresh_warehouse)
    assert make_url(airflow).database == f"{make_url(str(fresh_warehouse.url)).database}_airflow"


def test_an_unusable_url_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    assert normalise_url("postgres://u:p%40ss@h/d") == "postgresql+psycopg2://u:p%40ss@h/d"
    for url, message in {
        "mysql://u@h/d": "only postgresql://",
        "postgresql://u@h": "names no database",
        "just words": "is not a database URL",
    }.items():
        monkeypatch.setenv("WAREHOUSE_URL", url)
        with pytest.raises(SettingsError, match=message):
            load_settings()
    monkeypatch.setenv("WAREHOUSE_URL", "postgresql://u:secret@127.0.0.1:1/d")
    with pytest.raises(server.ServerError, match="cannot be reached") as raised:
        server.ensure_running(load_settings())
    assert "secret" not in str(raised.value)
