"""Pages deep within a long list: a histogram of what the list is sorted by says among which customers they are.

To sort half a million customers for fifty of them takes longer than to look through all customers twice.
"""

from dataclasses import dataclass, field
from typing import Any

from dashboard.data.audience_sql import Asked
from dashboard.data.warehouse import connect
from include.warehouse.export_customers import COLUMNS

# From so many customers on before a page.
FAR = 50_000


@dataclass(frozen=True)
class Place:
    """Where a page is: among the customers of `condition`, of whom `offset` stand before it.

    `is_tied` says that all of them are sorted by one value, so that only their ids decide.
    """

    offset: int
    condition: str = "true"
    parameters: dict[str, Any] = field(default_factory=dict)
    is_tied: bool = False


def place(asked: Asked, conditions: str, offset: int, limit: int, *, sort: str, column: str, direction: str) -> Place:
    """Where the page is of `limit` customers after `offset`, in a list of those `asked` for by `conditions`.

    It is sorted by `column`, which shows COLUMNS[sort]; `direction` says how.
    """
    bucket = _bucket(sort, column)
    with connect() as connection:
        found = connection.exec_driver_sql(
            f"""
            with counted as (
                select
                    {bucket} as bucket,
                    count(*) as customers
                from {asked.rows}
                where {conditions}
                group by 1
            ),
            running as (
                select
                    bucket,
                    customers,
                    sum(customers) over (order by bucket {direction}) - customers as before
                from counted
            )
            select
                min(bucket) as lowest,
                max(bucket) as highest,
                coalesce(bool_or(bucket is null), false) as has_unknown,
                coalesce(min(before), 0)::bigint as before,
                coalesce(sum(customers), 0)::bigint as customers
            from running
            where before < %(offset)s + %(limit)s and before + customers > %(offset)s
            """,
            asked.parameters | {"offset": offset, "limit": limit},
        ).one()
    conditions_of_place = [f"{bucket} between %(lowest)s and %(highest)s"] if found.lowest is not None else []
    conditions_of_place += [f"{column} is null"] if found.has_unknown else []
    is_one_bucket = found.lowest == found.highest and found.has_unknown == (found.lowest is None)
    return Place(
        offset=offset - found.before,
        condition=f"({' or '.join(conditions_of_place) or 'false'})",
        parameters={"lowest": found.lowest, "highest": found.highest},
        # few are sorted in no time, and PostgreSQL would look for them in the order of the ids
        is_tied=is_one_bucket and (bucket == column or not found.lowest) and found.customers >= FAR,
    )


def _bucket(sort: str, column: str) -> str:
    """SQL of a value that rises with `column` and of which there are few; zero and the unknown have their own.

    Amounts share a bucket where they differ by less than about one per cent.
    """
    kind = COLUMNS[sort]
    if kind in ("money", "number"):
        number = f"{column}::double precision"
        return f"sign({number}) * ceil(ln(1 + abs({number})) * 100)"
    return f"{column}::int" if kind == "flag" else column
