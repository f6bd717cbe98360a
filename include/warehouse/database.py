"""Connections to the warehouse and calls of its routines."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg2
from psycopg2 import extensions
from psycopg2.extras import Json
from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, text

from include.warehouse.interruption import cancel_when_stopped
from include.warehouse.server import ensure_running, when_ready
from include.warehouse.settings import Settings

# a session that waits for hours is not cut off by a firewall, and hears of a server that has gone away
KEEPALIVES = {"keepalives": 1, "keepalives_idle": 60, "keepalives_interval": 15, "keepalives_count": 4}
ROUTINE_NAME = re.compile(r"[a-z_]+\.[a-z][a-z0-9_]*")
# class of codes whose first words quote the value
DATA_EXCEPTION = "22"
PARAMETER_NAME = re.compile(r"[a-z][a-z0-9_]*")


def engine(settings: Settings) -> Engine:
    """The pool of connections as the warehouse's owner; starts the embedded server where that is needed."""
    return _engine(ensure_running(settings))


@cache
def _engine(url: str) -> Engine:
    # the values of a statement that fails may be personal data or a password's hash: they go into no log
    connect_args = {"application_name": "warehouse", **KEEPALIVES}
    made = create_engine(url, pool_pre_ping=True, hide_parameters=True, connect_args=connect_args)
    event.listen(made, "do_connect", _open)
    event.listen(made, "handle_error", leave_out_values)
    return made


def leave_out_values(context: ExceptionContext) -> None:
    """Leaves in the text of an error what is wrong and in which routine, for whoever logs it.

    The driver puts values into the statement itself; the database then quotes a line of it, or the values as a detail.
    """
    error = context.original_exception
    # what nothing was put into, such as a migration, is quoted as it is
    if not context.parameters or not isinstance(error, psycopg2.Error) or not error.diag.message_primary:
        return
    what = error.diag.message_primary
    if str(error.pgcode).startswith(DATA_EXCEPTION):
        what = what.partition(': "')[0]
    hint = [f"HINT:  {error.diag.message_hint}"] if error.diag.message_hint else []
    places = [line for line in str(error.diag.context).splitlines() if line.startswith("PL/pgSQL function ")]
    words = "\n".join([what, *hint, *places])
    error.args = (words,)
    if context.sqlalchemy_exception is not None:
        context.sqlalchemy_exception.args = (f"({type(error).__module__}.{type(error).__name__}) {words}",)


def _open(dialect: object, record: object, arguments: list[Any], options: dict[str, Any]) -> extensions.connection:
    """One connection of the pool: waits for a server that recovers, and is cancelled when the process is stopped."""
    # days and months are those of the files, whatever the server's own time zone
    options = {**options, "options": f"{options.get('options', '')} -c timezone=UTC".strip()}
    connection: extensions.connection = when_ready(lambda: psycopg2.connect(*arguments, **options))
    cancel_when_stopped(connection)
    return connection


@contextmanager
def connect(settings: Settings) -> Iterator[Connection]:
    """One connection: what is pending at the end is committed, on an error rolled back."""
    with engine(settings).connect() as connection:
        yield connection
        connection.commit()


def call(connection: Connection, routine: str, **parameters: object) -> list[dict[str, Any]]:
    """Calls the function or procedure `schema.routine` by parameter names; gives its rows, an empty list if none.

    A dict becomes jsonb, a list an array. The caller owns the transaction.
    Raises LookupError where the warehouse has no such routine.
    """
    if not ROUTINE_NAME.fullmatch(routine):
        raise ValueError(f"{routine!r} is not a routine; write schema.routine")
    for name in parameters:
        if not PARAMETER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a parameter name of {routine}")
    schema_name, routine_name = routine.split(".")
    kind = connection.execute(
        text(
            "select max(prokind::text) from pg_proc"
            " where proname = :routine_name and pronamespace = to_regnamespace(:schema_name)"
        ),
        {"schema_name": schema_name, "routine_name": routine_name},
    ).scalar()
    if kind is None:
        raise LookupError(f"the warehouse has no routine {routine}; run: python -m include.warehouse migrate")
    arguments = ", ".join(f"{name} => :{name}" for name in parameters)
    statement = f"call {routine}({arguments})" if kind == "p" else f"select * from {routine}({arguments})"
    values = {name: Json(value) if isinstance(value, dict) else value for name, value in parameters.items()}
    result = connection.execute(text(statement), values)
    if not result.returns_rows:
        return []
    return [dict(row) for row in result.mappings()]
