"""The table ops.setting: settings that are not business rules, read and changed by an operator."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from include.warehouse.errors import InputError


def read_settings(connection: Connection) -> list[dict[str, Any]]:
    """All settings: name, value and description."""
    rows = connection.execute(text("select setting, value, description from ops.setting order by setting"))
    return [dict(row) for row in rows.mappings()]


def read_setting(connection: Connection, name: str) -> str:
    """The value of one setting; raises InputError for a name that is none."""
    value = connection.execute(text("select value from ops.setting where setting = :name"), {"name": name}).scalar()
    if value is None:
        names = ", ".join(row["setting"] for row in read_settings(connection))
        raise InputError(f"there is no setting {name}; settings are {names}")
    return str(value)


def change_setting(connection: Connection, name: str, value: str) -> None:
    """Sets a value; raises InputError where the setting does not exist or cannot have it."""
    read_setting(connection, name)
    is_possible, wanted = POSSIBLE[name]
    if not is_possible(connection, value):
        raise InputError(f"setting {name} cannot be {value!r}; give {wanted}")
    connection.execute(
        text("update ops.setting set value = :value where setting = :name"), {"name": name, "value": value}
    )


def in_time_zone(connection: Connection, moment: datetime) -> datetime:
    """A moment without an offset as one of the warehouse's time zone."""
    statement = "select cast(:moment as timestamp) at time zone value from ops.setting where setting = 'time_zone'"
    known: datetime = connection.execute(text(statement), {"moment": moment}).scalar_one()
    return known


def _matching(pattern: str) -> Callable[[Connection, str], bool]:
    return lambda connection, value: re.fullmatch(pattern, value) is not None


def _is_time_zone(connection: Connection, value: str) -> bool:
    # the database reckons with it, and knows other names than Python does
    known = text("select exists (select from pg_timezone_names where name = :value)")
    return bool(connection.execute(known, {"value": value}).scalar_one())


# digits as [0-9]: \d is those of every script, which the database does not read
SHARE = (_matching(r"0?\.[0-9]{1,9}|0|1(\.0{1,9})?"), "a share from 0 to 1, such as 0.05")
DAYS = (_matching("[0-9]{1,5}"), "a whole number of days")
COUNT = (_matching("[1-9][0-9]{0,3}"), "a whole number from 1 to 9999")
POSSIBLE: dict[str, tuple[Callable[[Connection, str], bool], str]] = {
    "shrink_guard_share": SHARE,
    "reject_warning_share": SHARE,
    "drift_warning_share": SHARE,
    "raw_retention_days": DAYS,
    "unpublished_retention_days": DAYS,
    "sign_in_attempts": COUNT,
    "sign_in_lock_minutes": COUNT,
    "prepared_from_customers": (_matching("[0-9]{1,9}"), "a whole number of customers"),
    "time_zone": (_is_time_zone, "the name of a time zone, such as Europe/Madrid"),
    "currency": (_matching("[A-Z]{3}"), "a currency code of three capital letters, such as EUR"),
    "prices_include_tax": (_matching("true|false"), "true or false"),
}
