"""Bands by mid-rank, ABC classes, and the limits that stand for them (definitions §5)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Shares = tuple[tuple[str, int], ...]  # class and cumulative percent, best first


@dataclass(frozen=True)
class CutPoints:
    """The limits of one month: band or class → limit value. R is in days, F in purchases, M and ABC in cents."""

    r: dict[int, int] = field(default_factory=dict)
    f: dict[int, int] = field(default_factory=dict)
    m: dict[int, int] = field(default_factory=dict)
    abc: dict[str, int] = field(default_factory=dict)


def mid_rank_limits(values: Integers, bands: int) -> dict[int, int]:
    """The smallest value in each band that any value falls into; a larger value is better."""
    distinct, equal = np.unique(values, return_counts=True)
    below = np.cumsum(equal) - equal
    band = 1 + bands * (2 * below + equal) // (2 * max(len(values), 1))
    limits: dict[int, int] = {}
    for value, each in zip(distinct.tolist(), band.tolist(), strict=True):
        limits.setdefault(each, value)
    return limits


def band_by_limits(values: Integers, limits: dict[int, int]) -> Integers:
    """The highest band whose limit the value reaches, else 1."""
    band = np.ones(len(values), dtype=np.int64)
    for each, limit in sorted(limits.items()):
        band[values >= limit] = each
    return band


def abc_limits(values: Integers, percent: Shares) -> dict[str, int]:
    """The smallest value in each class but the last; only positive values take part."""
    positive = values[values > 0]
    distinct, count = np.unique(positive, return_counts=True)
    above, total = 0, int(positive.sum())
    limits: dict[str, int] = {}
    for value, equal in zip(distinct[::-1].tolist(), count[::-1].tolist(), strict=True):
        reached = next(name for name, share in percent if 100 * above < share * total)
        if reached != percent[-1][0]:
            limits[reached] = value
        above += value * equal
    return limits


def class_by_limits(value: Integers, limits: dict[str, int], percent: Shares) -> NDArray[np.object_]:
    """The best class whose limit a positive value reaches, else the last; None where nothing was spent."""
    classes = np.full(len(value), percent[-1][0], dtype=object)
    for name, _ in reversed(percent[:-1]):
        if name in limits:
            classes[value >= limits[name]] = name
    classes[value <= 0] = None
    return classes


def cut_points(recency: Integers, frequency: Integers, monetary: Integers, bands: int, percent: Shares) -> CutPoints:
    """The limits of a month from the values of its scored customers."""
    recency_limits = mid_rank_limits(-recency, bands)
    return CutPoints(
        r={band: -limit for band, limit in recency_limits.items()},
        f=mid_rank_limits(frequency, bands),
        m=mid_rank_limits(monetary, bands),
        abc=abc_limits(monetary, percent),
    )


def recency_band(recency: Integers, limits: dict[int, int]) -> Integers:
    """As band_by_limits, for a measure whose smaller values are better."""
    return band_by_limits(-recency, {band: -limit for band, limit in limits.items()})
