"""The rule set of a month, as the pages explain it."""

from typing import Any

from dashboard.data.warehouse import rows


def rule_set(rule_set: int) -> dict[str, Any]:
    """Parameters of a rule set by name, tiers (best first) and segments (in order) among them as lists of rows."""
    parameters = rows("select * from mart.rule_set where rule_set = :rule_set", rule_set=rule_set)[0]
    tiers = rows(
        "select tier, tier_rank, minimum_total from mart.rule_tier where rule_set = :rule_set order by tier_rank desc",
        rule_set=rule_set,
    )
    segments = rows("select * from mart.rule_segment where rule_set = :rule_set order by position", rule_set=rule_set)
    return parameters | {"tiers": tiers, "segments": segments}


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
    found = rows(
        """
        select
            relname::text || coalesce('.' || attname::text, '') as name,
            coalesce(col_description(relation.oid, attnum), obj_description(relation.oid, 'pg_class')) as meaning
        from pg_class as relation
        cross join lateral (
            select null as attname, null::smallint as attnum
            union all
            select attname, attnum
            from pg_attribute
            where attrelid = relation.oid and attnum > 0 and not attisdropped
        ) as part
        where relnamespace = 'mart'::regnamespace and relkind in ('v', 'm', 'r')
        """
    )
    return {row["name"]: row["meaning"] for row in found if row["meaning"]}


def settings() -> list[dict[str, str]]:
    """The settings that are not business rules: setting, value, description."""
    return rows("select setting, value, description from mart.setting order by setting")
