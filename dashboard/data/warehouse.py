"""Reads of the warehouse: the role `dashboard`, schema mart, read-only transactions."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import pandas
from sqlalchemy import Connection, Engine, create_engine, text

from include.warehouse.database import engine as owner_engine
from include.warehouse.roles import login_url
from include.warehouse.settings import load_settings, normalise_url

SESSION = "-c default_transaction_read_only=on -c statement_timeout=120000"


@lru_cache(maxsize=1)
def engine() -> Engine:
    """The pool of connections: DASHBOARD_URL, else the role `dashboard`, else the owner where that has no password."""
    return create_engine(
        _url(),
        pool_pre_ping=True,
        pool_size=5,
        max_overflow=15,
        connect_args={"application_name": "dashboard", "options": SESSION},
    )


def _url() -> str:
    given = os.environ.get("DASHBOARD_URL")
    if given:
        return normalise_url(given)
    settings = load_settings()
    try:
        return login_url(settings, "dashboard")
    except LookupError:
        return owner_engine(settings).url.render_as_string(hide_password=False)


@contextmanager
def connect() -> Iterator[Connection]:
    """One connection in a read-only transaction, so that all its reads see the same publication."""
    with engine().connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        yield connection


def rows(statement: str, **parameters: object) -> list[dict[str, Any]]:
    """The rows of a query, column name to value; numeric comes as Decimal."""
    with connect() as connection:
        return [dict(row) for row in connection.execute(text(statement), parameters).mappings()]


def row(statement: str, **parameters: object) -> dict[str, Any]:
    """The one row of a query that always has one."""
    with connect() as connection:
        return dict(connection.execute(text(statement), parameters).mappings().one())


def frame(statement: str, **parameters: object) -> pandas.DataFrame:
    """The rows of a query for drawing: numeric becomes float, whole numbers with gaps stay whole."""
    with connect() as connection:
        found = pandas.read_sql_query(text(statement), connection, params=parameters)
    return found.convert_dtypes(convert_string=False, convert_floating=False)
