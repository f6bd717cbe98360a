"""The rule set of definitions §4 and §6, and the decision table that follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

STATUSES = ("prospect", "new", "active", "at_risk", "lapsed", "lost")


@dataclass(frozen=True)
class SegmentRule:
    """One line of the segment table: these statuses, and scores of at least these bands."""

    name: str
    statuses: frozenset[str]
    r_at_least: int = 1
    f_at_least: int = 1
    m_at_least: int = 1

    def matches(self, status: str, r: int, f: int, m: int) -> bool:
        return status in self.statuses and r >= self.r_at_least and f >= self.f_at_least and m >= self.m_at_least


_ANY = frozenset(STATUSES)

DEFAULT_SEGMENTS = (
    SegmentRule("Prospect", frozenset({"prospect"})),
    SegmentRule("Lapsed", frozenset({"lapsed"})),
    SegmentRule("Lost", frozenset({"lost"})),
    SegmentRule("At risk – high value", frozenset({"at_risk"}), m_at_least=4),
    SegmentRule("At risk", frozenset({"at_risk"})),
    SegmentRule("New", frozenset({"new"})),
    SegmentRule("Champions", _ANY, r_at_least=4, f_at_least=4, m_at_least=4),
    SegmentRule("Big spenders", _ANY, m_at_least=5),
    SegmentRule("Loyal", _ANY, f_at_least=4),
    SegmentRule("Promising", _ANY, r_at_least=4),
    SegmentRule("Needs attention", _ANY),
)


@dataclass(frozen=True)
class RuleSet:
    """Every parameter of definitions §4, with its default."""

    version: int = 1
    core_product_types: frozenset[str] = frozenset({"consumable"})
    window_months: int = 12
    new_days: int = 90
    active_days: int = 90
    at_risk_days: int = 180
    lapsed_days: int = 365
    scored_statuses: frozenset[str] = frozenset({"new", "active", "at_risk"})
    score_bands: int = 5
    tenure_bands: tuple[int, ...] = (0, 6, 12, 24, 36)
    weights: tuple[Decimal, Decimal, Decimal, Decimal] = (Decimal(1), Decimal(1), Decimal(1), Decimal(1))
    tiers: tuple[tuple[str, Decimal], ...] = (
        ("platinum", Decimal(17)),
        ("gold", Decimal(14)),
        ("silver", Decimal(10)),
        ("bronze", Decimal(4)),
    )
    segments: tuple[SegmentRule, ...] = DEFAULT_SEGMENTS
    min_scored_customers: int = 100
    abc_percent: tuple[tuple[str, int], ...] = (("A", 70), ("B", 90), ("C", 100))

    def is_core(self, product_type: str | None) -> bool:
        """Words match in any case, as every list of words in the definitions does."""
        return product_type is not None and product_type.casefold() in {t.casefold() for t in self.core_product_types}

    def segment_of(self, status: str, r: int, f: int, m: int) -> str:
        """The first segment that matches; r, f, m are 0 for a customer who is not scored."""
        for rule in self.segments:
            if rule.matches(status, r or 1, f or 1, m or 1):
                return rule.name
        raise ValueError(f"no segment for status {status} and scores {r}{f}{m}")

    def tier_of(self, total: Decimal) -> str:
        """The first tier whose minimum the total reaches."""
        for name, minimum in self.tiers:
            if total >= minimum:
                return name
        raise ValueError(f"no tier for a total of {total}")


@dataclass(frozen=True)
class Decision:
    """The decision table as arrays, indexed by scores 1 … n (index 0 is unused)."""

    score: NDArray[np.object_]  # [r, f, m, t] → '5434'
    total: NDArray[np.object_]  # [r, f, m, t] → weighted sum
    tier: NDArray[np.object_]  # [r, f, m, t] → name
    segment: NDArray[np.object_]  # [status, r, f, m] → name; scores 0 where the status is not scored


@lru_cache(maxsize=16)
def decision_table(rules: RuleSet) -> Decision:
    """Enumerate every cell of the rule set once."""
    bands, tenures = rules.score_bands, len(rules.tenure_bands)
    shape = (bands + 1, bands + 1, bands + 1)
    score = np.full((*shape, tenures + 1), None, dtype=object)
    total = np.full((*shape, tenures + 1), None, dtype=object)
    tier = np.full((*shape, tenures + 1), None, dtype=object)
    segment = np.full((len(STATUSES), *shape), None, dtype=object)
    for r, f, m in product(range(1, bands + 1), repeat=3):
        for t in range(1, tenures + 1):
            score[r, f, m, t] = f"{r}{f}{m}{t}"
            total[r, f, m, t] = sum((w * s for w, s in zip(rules.weights, (r, f, m, t), strict=True)), Decimal(0))
            tier[r, f, m, t] = rules.tier_of(total[r, f, m, t])
    for code, r, f, m in _status_cells(rules):
        segment[code, r, f, m] = rules.segment_of(STATUSES[code], r, f, m)
    return Decision(score, total, tier, segment)


def _status_cells(rules: RuleSet) -> Iterator[tuple[int, int, int, int]]:
    for code, status in enumerate(STATUSES):
        if status not in rules.scored_statuses:
            yield code, 0, 0, 0
            continue
        for r, f, m in product(range(1, rules.score_bands + 1), repeat=3):
            yield code, r, f, m
