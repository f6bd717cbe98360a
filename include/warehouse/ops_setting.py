"""The table ops.setting: settings that are not business rules, read and changed by an operator."""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

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
    if not is_possible(value):
        raise InputError(f"setting {name} cannot be {value!r}; give {wanted}")
    connection.execute(
        text("update ops.setting set value = :value where setting = :name"), {"name": name, "value": value}
    )


def _is_share(value: str) -> bool:
    try:
        return 0 <= Decimal(value) <= 1
    except InvalidOperation:
        return False


def _is_days(value: str) -> bool:
    return re.fullmatch(r"\d{1,5}", value) is not None


def _is_count(value: str) -> bool:
    return re.fullmatch(r"[1-9]\d{0,3}", value) is not None


def _is_customers(value: str) -> bool:
    return re.fullmatch(r"\d{1,9}", value) is not None


def _is_time_zone(value: str) -> bool:
    try:
        return bool(ZoneInfo(value))
    except (ZoneInfoNotFoundError, ValueError):
        return False


def _is_currency(value: str) -> bool:
    return re.fullmatch(r"[A-Z]{3}", value) is not None


def _is_true_or_false(value: str) -> bool:
    return value in ("true", "false")


SHARE = (_is_share, "a share from 0 to 1, such as 0.05")
DAYS = (_is_days, "a whole number of days")
COUNT = (_is_count, "a whole number from 1 to 9999")
POSSIBLE: dict[str, tuple[Callable[[str], bool], str]] = {
    "shrink_guard_share": SHARE,
    "reject_warning_share": SHARE,
    "drift_warning_share": SHARE,
    "raw_retention_days": DAYS,
    "unpublished_retention_days": DAYS,
    "sign_in_attempts": COUNT,
    "sign_in_lock_minutes": COUNT,
    "prepared_from_customers": (_is_customers, "a whole number of customers"),
    "time_zone": (_is_time_zone, "the name of a time zone, such as Europe/Madrid"),
    "currency": (_is_currency, "a currency code of three capital letters, such as EUR"),
    "prices_include_tax": (_is_true_or_false, "true or false"),
}
