"""Brings a database to the state of this checkout, in one transaction.

The order: migrations (tables), procedures (frozen), routines and views (re-applied when their text changes), roles and
grants, feed contracts, the default rule set, the first user of the dashboard.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg2 import errors
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from include.warehouse import contracts, rules
from include.warehouse.database import connect
from include.warehouse.errors import WarehouseError
from include.warehouse.migrations import FOLDER as MIGRATIONS
from include.warehouse.migrations import VERSIONS
from include.warehouse.roles import ensure_roles
from include.warehouse.settings import SQL, Settings
from include.warehouse.users import ensure_first_admin

PROCEDURES = SQL / "procedures"
RELEASED = PROCEDURES / "released.txt"
PROCEDURE_NAME = re.compile(r"(?P<name>[a-z][a-z0-9_]*)_v(?P<version>[1-9][0-9]*)")
ROUTINE_IN_TEXT = re.compile(r"^create or replace (?:function|procedure) ([a-z_]+)\.([a-z0-9_]+)", re.MULTILINE)
NOT_THERE_YET = (errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction, errors.UndefinedObject)
OTHER_COLUMNS = (errors.InvalidTableDefinition,)
# another text of it stood in the project for hours, and warehouses were made with it: 0024 makes the same of both
EARLIER_TEXTS = {
    "0020_search_without_accents.sql": "2469836cdc18339680bd1fea075e53068c0d5ddd9fd98d8be5c822a2e30453ba",
}


class MigrationError(WarehouseError):
    """The checkout and the database do not fit together; the message names the file and the remedy."""


@dataclass(frozen=True)
class Source:
    """One file of sql/procedures, sql/routines or sql/views."""

    kind: str
    schema_name: str
    name: str
    path: Path

    @property
    def text(self) -> str:
        """The SQL as it stands in the file."""
        return self.path.read_text(encoding="utf-8")

    @property
    def sha256(self) -> str:
        """What the registry compares."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def key(self) -> tuple[str, str, str]:
        """Key in ops.routine."""
        return self.kind, self.schema_name, self.name

    @property
    def label(self) -> str:
        """The file, as messages name it."""
        return str(self.path.relative_to(SQL.parent))


def migrate(settings: Settings) -> list[str]:
    """Applies what is missing or changed; gives one line for each thing done, none when all was in place.

    Two at once wait for each other. Raises MigrationError where an applied migration or a released procedure changed.
    """
    settings.create_folders()
    with connect(settings) as connection, rights_explained(connection):
        connection.exec_driver_sql("select pg_advisory_xact_lock(hashtextextended('warehouse.migrate', 0))")
        done = _apply_migrations(connection)
        connection.exec_driver_sql("set local check_function_bodies = off")
        done += _apply_sources(connection)
        done += ensure_roles(connection, settings)
        contracts.sync(connection, settings)
        rules.ensure_default(connection)
        done += ensure_first_admin(connection, settings)
    return done


@contextmanager
def rights_explained(connection: Connection) -> Iterator[None]:
    """Raises MigrationError, with what an administrator has to do, where the connected user lacks a right."""
    try:
        yield
    except (DBAPIError, MigrationError) as error:
        cause = error.__cause__ if isinstance(error, MigrationError) else error
        if not (isinstance(cause, DBAPIError) and isinstance(cause.orig, errors.InsufficientPrivilege)):
            raise
        connection.rollback()
        who = connection.exec_driver_sql(
            "select quote_ident(current_user) as user_name, quote_ident(current_database()) as database_name,"
            " (select pg_get_userbyid(nspowner) from pg_namespace"
            " where nspname = 'ops' and pg_get_userbyid(nspowner) <> current_user) as owner"
        ).one()
        remedy = (
            f"its tables are those of {who.owner}: name that user in WAREHOUSE_URL"
            if who.owner
            else f"let an administrator run: alter database {who.database_name} owner to {who.user_name}"
        )
        raise MigrationError(
            f"user {who.user_name} lacks a right in database {who.database_name}"
            f" ({cause.orig.diag.message_primary}); {remedy}"
        ) from error


def has_tables(connection: Connection) -> bool:
    """Whether the database was ever migrated; needs no right in it."""
    statement = (
        "select exists (select from pg_class where relnamespace = to_regnamespace('ops') and relname = 'setting')"
    )
    return bool(connection.exec_driver_sql(statement).scalar_one())


def not_applied(connection: Connection) -> list[str]:
    """Migrations, procedures, routines and views of this checkout that a migrated database has not, or not as here."""
    applied = _applied_migrations(connection)
    installed = _installed(connection)
    return [
        *(f"sql/migrations/{path.name}" for path in sorted(MIGRATIONS.glob("*.sql")) if path.name not in applied),
        *(source.label for source in _all_sources() if installed.get(source.key) != source.sha256),
    ]


def _apply_migrations(connection: Connection) -> list[str]:
    from alembic import command
    from alembic.config import Config

    unlisted = {path.stem for path in MIGRATIONS.glob("*.sql")} - {path.stem for path in VERSIONS.glob("*.py")}
    if unlisted:
        names = ", ".join(f"sql/migrations/{name}.sql" for name in sorted(unlisted))
        raise MigrationError(f"not in the ledger: {names}; run: python -m include.warehouse.migrations")
    connection.exec_driver_sql((VERSIONS.parent / "ledger.sql").read_text(encoding="utf-8"))
    before = _applied_migrations(connection)
    for file_name, sha256 in before.items():
        path = MIGRATIONS / file_name
        if not path.exists() or sha256 not in (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            EARLIER_TEXTS.get(file_name),
        ):
            raise MigrationError(
                f"sql/migrations/{file_name} was applied to this database and is different now;"
                " restore it and put the change into a new migration"
            )
    configuration = Config()
    configuration.set_main_option("script_location", str(VERSIONS.parent).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, "head")
    connection.exec_driver_sql("comment on table ops.alembic_version is 'The newest applied migration.'")
    connection.exec_driver_sql("comment on column ops.alembic_version.version_num is 'Its number.'")
    return [f"migration {name}" for name in sorted(_applied_migrations(connection).keys() - before.keys())]


def _applied_migrations(connection: Connection) -> dict[str, str]:
    rows = connection.exec_driver_sql("select file_name, sha256 from ops.migration order by file_name")
    return {row.file_name: row.sha256 for row in rows}


def _apply_sources(connection: Connection) -> list[str]:
    """Applies changed procedures, routines and views; one that needs another waits until that one is there."""
    sources = _all_sources()
    _check_released(sources)
    done = _drop_vanished(connection, {source.key for source in sources})
    while pending := _to_apply(connection, sources):
        waiting = {source: error for source in pending if (error := _apply(connection, source))}
        if len(waiting) == len(pending):
            raise waiting[pending[0]]
        done += [f"{source.kind} {source.schema_name}.{source.name}" for source in pending if source not in waiting]
    return done


def _to_apply(connection: Connection, sources: list[Source]) -> list[Source]:
    """What is not installed as it stands in its file; a view also where dropping another one took it along."""
    installed = _installed(connection)
    return [
        source
        for source in sources
        if installed.get(source.key) != source.sha256
        or (source.kind == "view" and not _view_exists(connection, source))
    ]


def _view_exists(connection: Connection, view: Source) -> bool:
    name = f"{view.schema_name}.{view.name}"
    return connection.execute(text("select to_regclass(:name)"), {"name": name}).scalar() is not None


def _apply(connection: Connection, source: Source) -> MigrationError | None:
    """Applies one file; gives the error where something that it needs is not there yet."""
    try:
        with connection.begin_nested():
            for schema_name, name in ROUTINE_IN_TEXT.findall(source.text):
                _drop_overloads(connection, schema_name, name)
            _execute(connection, source)
        return None
    except MigrationError as error:
        cause = error.__cause__.orig if isinstance(error.__cause__, DBAPIError) else None
        if isinstance(cause, NOT_THERE_YET):
            return error
        if source.kind != "view" or not isinstance(cause, OTHER_COLUMNS):
            raise
    with connection.begin_nested():
        _drop_view(connection, source.schema_name, source.name)
        _execute(connection, source)
    return None


def _drop_overloads(connection: Connection, schema_name: str, name: str) -> None:
    """Drops a routine before its text is applied again, so that a changed signature leaves no second one behind.

    One that others depend on stays: create or replace renews it.
    """
    try:
        with connection.begin_nested():
            _drop_routine(connection, schema_name, name)
    except DBAPIError as error:
        if not isinstance(error.orig, errors.DependentObjectsStillExist):
            raise


def _drop_routine(connection: Connection, schema_name: str, name: str) -> None:
    overloads = connection.execute(
        text(
            "select oid::regprocedure::text from pg_proc"
            " where pronamespace = to_regnamespace(:schema_name) and proname = :name"
        ),
        {"schema_name": schema_name, "name": name},
    ).scalars()
    for overload in overloads.all():
        connection.execution_options(no_parameters=True).exec_driver_sql(f"drop routine {overload}")


def _drop_view(connection: Connection, schema_name: str, name: str) -> None:
    connection.exec_driver_sql(f"drop view if exists {schema_name}.{name} cascade")


def _drop_vanished(connection: Connection, wanted: set[tuple[str, str, str]]) -> list[str]:
    """Drops routines and views whose file is gone; procedures stay, because an old month may be rebuilt by them."""
    done = []
    for kind, schema_name, name in sorted(_installed(connection).keys() - wanted):
        if kind == "procedure":
            continue
        if kind == "view":
            _drop_view(connection, schema_name, name)
        else:
            _drop_routine(connection, schema_name, name)
        connection.execute(
            text("delete from ops.routine where kind = :kind and schema_name = :schema_name and routine_name = :name"),
            {"kind": kind, "schema_name": schema_name, "name": name},
        )
        done.append(f"dropped {kind} {schema_name}.{name}")
    return done


def _check_released(sources: list[Source]) -> None:
    """Makes sure that no procedure is unversioned and no released one changed or vanished."""
    procedures = [source for source in sources if source.kind == "procedure"]
    released = read_released()
    for name in released.keys() - {_released_name(procedure) for procedure in procedures}:
        raise MigrationError(f"sql/procedures/{name} is released but missing; restore it")
    for procedure in procedures:
        match = PROCEDURE_NAME.fullmatch(procedure.name)
        if not match:
            raise MigrationError(f"{procedure.label} has no version; name it {procedure.name}_v1.sql")
        if released.get(_released_name(procedure), procedure.sha256) != procedure.sha256:
            successor = f"{match['name']}_v{int(match['version']) + 1}.sql"
            raise MigrationError(f"{procedure.label} is released and must not change; restore it and write {successor}")


def read_released() -> dict[str, str]:
    """The released procedures, file name below sql/procedures to SHA-256 (the format of sha256sum)."""
    lines = RELEASED.read_text(encoding="utf-8").splitlines() if RELEASED.exists() else []
    return {name: sha256 for sha256, name in (line.split(maxsplit=1) for line in lines if line)}


def _released_name(source: Source) -> str:
    return str(source.path.relative_to(PROCEDURES))


def _all_sources() -> list[Source]:
    return [
        *_sources("procedure", PROCEDURES),
        *_sources("routine", SQL / "routines"),
        *_sources("view", SQL / "views"),
    ]


def _sources(kind: str, folder: Path) -> list[Source]:
    """The files <folder>/<schema>/<name>.sql in the order of their names."""
    return [
        Source(kind=kind, schema_name=path.parent.name, name=path.stem, path=path)
        for path in sorted(folder.glob("*/*.sql"))
    ]


def _installed(connection: Connection) -> dict[tuple[str, str, str], str]:
    rows = connection.exec_driver_sql("select kind, schema_name, routine_name, sha256 from ops.routine")
    return {(row.kind, row.schema_name, row.routine_name): row.sha256 for row in rows}


def _execute(connection: Connection, source: Source) -> None:
    try:
        connection.execution_options(no_parameters=True).exec_driver_sql(source.text)
    except DBAPIError as error:
        raise MigrationError(f"{source.label} cannot be applied: {str(error.orig).strip()}") from error
    connection.execute(
        text(
            "insert into ops.routine (kind, schema_name, routine_name, sha256)"
            " values (:kind, :schema_name, :name, :sha256)"
            " on conflict (kind, schema_name, routine_name)"
            " do update set sha256 = excluded.sha256, applied_at = clock_timestamp()"
        ),
        {"kind": source.kind, "schema_name": source.schema_name, "name": source.name, "sha256": source.sha256},
    )
