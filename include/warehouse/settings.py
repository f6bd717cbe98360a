"""Where the warehouse keeps its state and which database it uses."""

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from include.warehouse.errors import InputError

REPOSITORY = Path(__file__).resolve().parents[2]
SQL = REPOSITORY / "sql"

POSTGRESQL_SCHEMES = {"postgres", "postgresql", "postgresql+psycopg2", "postgresql+psycopg"}


class SettingsError(InputError):
    """A setting that cannot be used; the message names it and the remedy."""


@dataclass(frozen=True)
class Settings:
    """All state lives below `home`; `url` is set only when a PostgreSQL of the user's own is used."""

    home: Path
    url: str | None
    contracts: Path

    @property
    def inbox(self) -> Path:
        """Where files arrive."""
        return self.home / "inbox"

    @property
    def processing(self) -> Path:
        """Files that a load has claimed."""
        return self.home / "processing"

    @property
    def archive(self) -> Path:
        """Files that were loaded or skipped."""
        return self.home / "archive"

    @property
    def refused(self) -> Path:
        """Files that could not be read, each with its reason beside it."""
        return self.home / "refused"

    @property
    def held(self) -> Path:
        """Files that wait for approve or discard."""
        return self.home / "held"

    @property
    def exports(self) -> Path:
        """Excel summaries and customer lists."""
        return self.home / "exports"

    @property
    def downloads(self) -> Path:
        """Files that readers of the dashboard take away, until their links expire."""
        return self.exports / "downloads"

    @property
    def logs(self) -> Path:
        """Logs of the database, Airflow and the dashboard."""
        return self.home / "logs"

    @property
    def database(self) -> Path:
        """Data directory of the embedded PostgreSQL."""
        return self.home / "database"

    @property
    def secrets(self) -> Path:
        """Generated passwords and keys (JSON, readable by the owner alone)."""
        return self.home / "secrets.json"

    def create_folders(self) -> None:
        """Creates the folders that files move through, for this user alone but the inbox, where others drop files."""
        self.inbox.mkdir(parents=True, exist_ok=True)
        for folder in (self.processing, self.archive, self.refused, self.held, self.exports, self.logs):
            # customers' names and addresses pass through them
            folder.mkdir(mode=0o700, exist_ok=True)


def load_settings() -> Settings:
    """Reads WAREHOUSE_HOME, WAREHOUSE_URL and WAREHOUSE_CONTRACTS; raises SettingsError for an unusable URL."""
    home = Path(os.environ.get("WAREHOUSE_HOME") or REPOSITORY / ".warehouse")
    contracts = Path(os.environ.get("WAREHOUSE_CONTRACTS") or REPOSITORY / "include" / "contracts" / "feeds")
    url = os.environ.get("WAREHOUSE_URL")
    return Settings(
        home=home.expanduser().resolve(),
        url=normalise_url(url) if url else None,
        contracts=contracts.expanduser().resolve(),
    )


def normalise_url(url: str) -> str:
    """Any spelling of a PostgreSQL URL, as SQLAlchemy wants it for psycopg2."""
    try:
        parsed: URL = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise SettingsError(
            "WAREHOUSE_URL is not a database URL; write postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
        ) from error
    if parsed.drivername not in POSTGRESQL_SCHEMES:
        raise SettingsError(f"WAREHOUSE_URL names {parsed.drivername}; only postgresql:// can be used")
    if not parsed.database:
        raise SettingsError("WAREHOUSE_URL names no database; write postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
    return parsed.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
