"""The PostgreSQL of the warehouse and the peers: the embedded one with its own settings, a database for each run."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg2
from sqlalchemy.engine import URL, make_url

from include.warehouse import server
from include.warehouse.credentials import read_credentials
from include.warehouse.database import engine
from include.warehouse.migrate import migrate
from include.warehouse.settings import Settings, load_settings

EMPTY = "warehouse"  # migrated, without a row


@dataclass(frozen=True)
class Host:
    """A server below `home`; databases are copies of others, so that every run starts from the same state."""

    home: Path

    @property
    def settings(self) -> Settings:
        """Of the migrated, empty warehouse that the others are copied from."""
        return Settings(home=self.home / "server", url=None, contracts=load_settings().contracts)

    def start(self) -> None:
        """Starts the server and brings the empty warehouse up to date."""
        self.settings.home.mkdir(parents=True, exist_ok=True)
        migrate(self.settings)
        engine(self.settings).dispose()

    def version(self) -> str:
        """PostgreSQL's version."""
        with engine(self.settings).connect() as connection:
            found: str = connection.exec_driver_sql("show server_version").scalar_one()
        engine(self.settings).dispose()
        return found.split(maxsplit=1)[0]

    def stop(self) -> None:
        """Stops the server."""
        server.stop(self.settings)

    def url(self, database: str) -> URL:
        """SQLAlchemy URL of a database, as the warehouse's owner."""
        return make_url(server.ensure_running(self.settings)).set(database=database)

    def warehouse(self, name: str) -> Settings:
        """The warehouse in the database `name`."""
        home = self.home / "homes" / name
        home.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.settings.secrets, home)
        settings = Settings(
            home=home,
            url=self.url(name).render_as_string(hide_password=False),
            contracts=self.settings.contracts,
        )
        settings.create_folders()
        return settings

    def copy(self, name: str, template: str = EMPTY) -> None:
        """Makes the database `name` anew as a copy of another one, with that one's files."""
        self.drop(name)
        self._execute(f"create database {name} owner {server.OWNER} template {template} strategy file_copy")
        if (self.home / "homes" / template).exists():
            shutil.copytree(self.home / "homes" / template, self.home / "homes" / name)

    def create(self, name: str) -> None:
        """Makes the database `name` anew, with nothing in it."""
        self.drop(name)
        self._execute(f"create database {name} owner {server.OWNER}")

    def drop(self, name: str) -> None:
        """Drops a database and its files."""
        self._execute(f"drop database if exists {name} with (force)")
        shutil.rmtree(self.home / "homes" / name, ignore_errors=True)

    def settle(self) -> None:
        """Writes out what earlier runs have left in memory, so that no run pays for another."""
        self._execute("checkpoint")

    def memory(self) -> int:
        """Bytes that the server's processes hold: their own, and the shared memory once."""
        postmaster = server.find_postmaster(self.settings)
        if postmaster is None:
            return 0
        own, shared = 0, 0
        try:
            root = psutil.Process(postmaster.pid)
            for process in [root, *root.children(recursive=True)]:
                status = _status(process.pid)
                own += status.get("RssAnon", 0)
                shared = max(shared, status.get("RssShmem", 0))
        except psutil.NoSuchProcess:
            pass
        return own + shared

    def _execute(self, statement: str) -> None:
        """As the superuser: only that one may end autovacuum in a database that is to be dropped."""
        password = read_credentials(self.settings)["superuser_password"]
        url = self.url("postgres").set(drivername="postgresql", username=server.SUPERUSER, password=password)
        connection = psycopg2.connect(url.render_as_string(hide_password=False))
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
        connection.close()


def _status(pid: int) -> dict[str, int]:
    """Lines of /proc/PID/status that count kilobytes, as bytes."""
    found = {}
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except FileNotFoundError:
        return found
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if value.endswith(" kB"):
            found[name] = int(value.split()[0]) * 1024
    return found


def peak_memory() -> int:
    """The most bytes that this process has held at once (VmHWM, which starts anew with every program)."""
    return _status(os.getpid()).get("VmHWM", 0)
