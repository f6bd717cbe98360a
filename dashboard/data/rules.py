"""The rule set of a month, as the pages explain it."""

from typing import Any

from dashboard.data.warehouse import connect, rows
from include.warehouse.published import read_rule_set, read_tiers
from include.warehouse.wording import catalog


def rule_set(rule_set: int) -> dict[str, Any]:
    """Parameters of a rule set by name, tiers (best first) and segments (in order) among them as lists of rows."""
    with connect() as connection:
        return read_rule_set(connection, rule_set)


def tiers(*rule_sets: int) -> list[str]:
    """Tiers of rule sets: those of the first, best first, then what else each next one has; then none."""
    found = rows(
        """
        select tier
        from mart.rule_tier
        where rule_set = any(:rule_sets)
        order by array_position(:rule_sets, rule_set), tier_rank desc
        """,
        rule_sets=list(rule_sets),
    )
    return [*dict.fromkeys(row["tier"] for row in found), "none"]


def all_tiers() -> list[list[str]]:
    """Tiers, best first, of every rule set that was ever approved, in the order of approval."""
    with connect() as connection:
        return read_tiers(connection)


def best_tiers(rule_set: int) -> list[str]:
    """The best two tiers of a rule set; of two only the best, for both would be everybody who is scored."""
    found = tiers(rule_set)[:-1]
    return found[: 1 if len(found) == 2 else 2]


def segments(*rule_sets: int) -> list[str]:
    """Segments of rule sets: those of the first in its order, then what else each next one has."""
    found = rows(
        """
        select segment
        from mart.rule_segment
        where rule_set = any(:rule_sets)
        order by array_position(:rule_sets, rule_set), position
        """,
        rule_sets=list(rule_sets),
    )
    return list(dict.fromkeys(row["segment"] for row in found))


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
