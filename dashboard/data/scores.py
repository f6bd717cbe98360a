"""Scores of a month: the R × F grid, the cut points in words, and how the values are distributed around them."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pandas

from dashboard.data.frames import frame
from dashboard.data.warehouse import rows

METRICS = {"recency": "recency_days", "frequency": "frequency", "monetary": "monetary"}


def grid(month: date) -> pandas.DataFrame:
    """Scored customers by r_score, f_score and segment: customers, monetary, month_amount."""
    return frame(
        """
        select r_score, f_score, segment, customers, monetary, month_amount
        from mart.month_score
        where month = :month
        """,
        month=month,
    )


@dataclass(frozen=True)
class Band:
    """The values of a metric that score `band`: from `lowest` to `highest`, both included, None being open.

    Without a limit of its own nobody was in it when the cut points were made: it is for values that came later.
    """

    band: int
    lowest: Decimal | None
    highest: Decimal | None
    has_limit: bool = True


def bands(month: date) -> dict[str, list[Band]]:
    """The bands of recency, frequency and monetary by the month's stored cut points, the best band first.

    A band without a limit had no values. What is worse than every limit is band 1, whether that band has one or not.
    """
    limits: dict[str, list[tuple[int, Decimal]]] = {metric: [] for metric in METRICS}
    for row in rows(
        """
        select metric, band, limit_value
        from mart.cut_point
        where month = :month and metric <> 'abc'
        order by metric, band desc
        """,
        month=month,
    ):
        limits[row["metric"]].append((row["band"], Decimal(row["limit_value"])))
    return {metric: _bands(metric, found) for metric, found in limits.items()}


def _bands(metric: str, limits: list[tuple[int, Decimal]]) -> list[Band]:
    """`limits`: the bands with their limit value, best first; for recency the largest value, else the smallest."""
    step = Decimal("0.01") if metric == "monetary" else Decimal(1)
    found = []
    better: Decimal | None = None
    for position, (band, limit) in enumerate(limits):
        is_worst = position == len(limits) - 1
        if metric == "recency":
            lowest = Decimal(0) if better is None else better + step
            found.append(Band(band, lowest, None if is_worst and band == 1 else limit))
        else:
            highest = None if better is None else better - step
            found.append(Band(band, None if is_worst and band == 1 else limit, highest))
        better = limit
    if better is None or found[-1].band == 1:
        return found
    if metric == "recency":
        found.append(Band(1, better + step, None, has_limit=False))
    elif metric == "monetary" or better > 0:
        found.append(Band(1, None, better - step, has_limit=False))
    return found


def abc_limits(month: date) -> dict[str, Decimal]:
    """Smallest monetary of class A and of class B, as far as they exist; what is less is class C."""
    return {
        "AB"[2 - row["band"]]: Decimal(row["limit_value"])
        for row in rows(
            "select band, limit_value from mart.cut_point where month = :month and metric = 'abc' order by band desc",
            month=month,
        )
    }


def distribution(month: date, metric: str) -> pandas.DataFrame:
    """Scored customers by value of a metric, money rounded down to whole units: value, customers; in order of value."""
    return frame(
        "select value, customers from mart.month_metric where month = :month and metric = :metric order by value",
        month=month,
        metric=metric,
    )
