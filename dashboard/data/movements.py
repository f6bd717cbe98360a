"""Who moved from where to where between two months, by tier, status or segment."""

from datetime import date

import pandas

from dashboard.data.audience import NOT_KNOWN_THEN, Condition, Group, to_text
from dashboard.data.frames import frame

DIMENSIONS = {
    "value_tier": "previous_tier",
    "activity_status": "previous_status",
    "segment": "previous_segment",
}
NOT_KNOWN = ""


def movements(earlier: date, later: date, dimension: str) -> pandas.DataFrame:
    """Customers of the later month by their value in both months, one row each.

    Columns: origin (NOT_KNOWN for who was not in the snapshot then), destination, customers, monetary of the later one.
    """
    if dimension not in DIMENSIONS:
        raise ValueError(f"{dimension!r} is not one of {', '.join(DIMENSIONS)}")
    if _follows(earlier, later):
        return frame(
            f"""
            select
                coalesce({DIMENSIONS[dimension]}, '') as origin,
                {dimension} as destination,
                sum(customers)::bigint as customers,
                sum(monetary) as monetary
            from mart.month_movement
            where month = :later
            group by 1, 2
            """,
            later=later,
        )
    return frame(
        """
        select coalesce(origin, '') as origin, destination, customers, monetary
        from mart.movement(:earlier, :later, :dimension)
        """,
        earlier=earlier,
        later=later,
        dimension=dimension,
    )


def _follows(earlier: date, later: date) -> bool:
    return later.year * 12 + later.month - earlier.year * 12 - earlier.month == 1


def link(earlier: date, dimension: str, origin: str, destination: str) -> str:
    """The conditions of the audience builder for exactly the customers of one movement."""
    was = (
        Condition(dimension, "is", (origin,), earlier)
        if origin != NOT_KNOWN
        else Condition(dimension, NOT_KNOWN_THEN, (), earlier)
    )
    return to_text([Group((was, Condition(dimension, "is", (destination,))))], is_any=False)
