"""The rule set of a month, as the pages explain it."""

from typing import Any

from dashboard.data.warehouse import connect, rows
from include.warehouse.published import read_rule_set
from include.warehouse.wording import catalog


def rule_set(rule_set: int) -> dict[str, Any]:
    """Parameters of a rule set by name, tiers (best first) and segments (in order) among them as lists of rows."""
    with connect() as connection:
        return read_rule_set(connection, rule_set)


def columns() -> list[dict[str, str]]:
    """Every column of mart.customer_snapshot with its comment from the catalog, in order: column_name, meaning."""
    return rows(
        """
        select attname::text as column_name, col_description(attrelid, attnum) as meaning
        from pg_attribute
        where attrelid = 'mart.customer_snapshot'::regclass and attnum > 0 and not attisdropped
        order by attnum
        """
    )


def views() -> list[dict[str, str]]:
    """Every view of mart with its comment from the catalog: view_name, meaning."""
    return rows(
        """
        select relname::text as view_name, obj_description(oid, 'pg_class') as meaning
        from pg_class
        where relnamespace = 'mart'::regnamespace and relkind in ('v', 'm', 'r')
        order by relname
        """
    )


def comments() -> dict[str, str]:
    """The catalog's comment on every view of mart and each of its columns, by view or view.column."""
    with connect() as connection:
        return catalog.comments(connection)


def settings() -> list[dict[str, str]]:
    """The settings that are not business rules: setting, value, description."""
    return rows("select setting, value, description from mart.setting order by setting")
