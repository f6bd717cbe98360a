"""The one place that opens a transaction on the warehouse: as whoever has signed in, with the rights of their role.

The login `dashboard` has no rights of its own. Each transaction takes the group role of the user and names the user
(setting warehouse.user); row security in PostgreSQL does the rest.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text

from include.warehouse.database import leave_out_values
from include.warehouse.errors import WarehouseError
from include.warehouse.roles import login_url
from include.warehouse.settings import load_settings, normalise_url
from include.warehouse.users import User

SESSION = "-c default_transaction_read_only=on -c statement_timeout=120000 -c timezone=UTC"
READ = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
WRITE = {"isolation_level": "READ COMMITTED", "postgresql_readonly": False}
# Both end with the transaction, so that a connection comes back to the pool without rights.
NAME_USER = text("select set_config('warehouse.user', :email, true)")
TAKE_ROLE = text(
    "select set_config('warehouse.user', :email, true), set_config('warehouse.customer', :customer, true),"
    " set_config('role', :role, true)"
)

_acting: ContextVar[User | None] = ContextVar("acting user", default=None)
_customer: ContextVar[str | None] = ContextVar("the one customer asked for", default=None)
_who_asks: list[Callable[[], User | None]] = []


class NotSignedIn(WarehouseError):  # noqa: N818 - says what is the case
    """Nobody has signed in for whom a query could be asked."""


@lru_cache(maxsize=1)
def engine() -> Engine:
    """The pool of connections: DASHBOARD_URL, else the login `dashboard`."""
    made = create_engine(
        _url(),
        pool_pre_ping=True,
        # what somebody searched for is personal data: it does not go into the log with an error
        hide_parameters=True,
        pool_size=5,
        max_overflow=15,
        connect_args={"application_name": "dashboard", "options": SESSION},
    )
    event.listen(made, "handle_error", leave_out_values)
    return made


def _url() -> str:
    given = os.environ.get("DASHBOARD_URL")
    if given:
        return normalise_url(given)
    try:
        return login_url(load_settings(), "dashboard")
    except LookupError as error:
        raise WarehouseError(f"{error}; set DASHBOARD_URL to a URL of the login dashboard") from error


def ask_for(find: Callable[[], User | None]) -> None:
    """Says where to look for who has signed in, such as the page's session."""
    _who_asks[:] = [find]


def current_user() -> User:
    """For whom queries are asked: who `acting_as` names, else who has signed in. Raises NotSignedIn."""
    user = _acting.get() or next((found for find in _who_asks if (found := find())), None)
    if user is None:
        raise NotSignedIn("nobody has signed in")
    return user


@contextmanager
def acting_as(user: User) -> Iterator[None]:
    """Asks for `user` in this block, also without a page, as in the process that writes a workbook."""
    token = _acting.set(user)
    try:
        yield
    finally:
        _acting.reset(token)


@contextmanager
def connect() -> Iterator[Connection]:
    """One connection in a read-only transaction, so that all its reads see the same publication."""
    user = current_user()
    with engine().connect().execution_options(**READ) as connection:
        connection.execute(
            TAKE_ROLE, {"email": user.email, "role": user.database_role, "customer": _customer.get() or ""}
        )
        yield connection


@contextmanager
def asking_for(customer_id: str) -> Iterator[None]:
    """Narrows what is asked for in this block to one customer, who then need not be looked up among all of a user's."""
    token = _customer.set(customer_id)
    try:
        yield
    finally:
        _customer.reset(token)


@contextmanager
def change() -> Iterator[Connection]:
    """A transaction in the user's name that may write; committed unless the block fails.

    It reads nothing: the login `dashboard` may only call the functions that are granted to it, and they say who asks by
    access.current_email().
    """
    user = current_user()
    with signing_in() as connection:
        connection.execute(NAME_USER, {"email": user.email})
        yield connection


@contextmanager
def signing_in() -> Iterator[Connection]:
    """A transaction of nobody: the login `dashboard` by itself may only ask for and note sign-ins."""
    with engine().connect().execution_options(**WRITE) as connection, connection.begin():
        yield connection


def rows(statement: str, **parameters: object) -> list[dict[str, Any]]:
    """The rows of a query, column name to value; numeric comes as Decimal."""
    with connect() as connection:
        return [dict(row) for row in connection.execute(text(statement), parameters).mappings()]


def row(statement: str, **parameters: object) -> dict[str, Any]:
    """The one row of a query that always has one."""
    with connect() as connection:
        return dict(connection.execute(text(statement), parameters).mappings().one())
