"""Hypothesis strategies for rule sets as a company might write them (definitions §4), and their files."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from operator import mul
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from .rules import STATUSES, RuleSet, SegmentRule

TIERS = ("bronze", "silver", "gold", "platinum", "regular", "vip")
WEIGHTS = [Decimal(weight) for weight in ("0", "0.5", "1", "1.25", "2")]
CORE_TYPES = [frozenset(types) for types in (["consumable"], ["CONSUMABLE"], ["consumable", "Device"], ["device"])]


@st.composite
def rule_sets(draw: DrawFn) -> RuleSet:
    """Rule sets that can be proved; two of them may share all, some or no names of tiers, in any order."""
    active_days = draw(st.sampled_from([1, 0, 10, 30, 90]))
    at_risk_days = active_days + draw(st.sampled_from([1, 20, 60, 90]))
    scored = frozenset(draw(st.sets(st.sampled_from(STATUSES[1:]), min_size=1)))
    bands = draw(st.sampled_from([5, 2, 3, 4, 7, 9]))
    tenure_bands = tuple(sorted({0, *draw(st.sets(st.sampled_from([1, 2, 3, 6, 12]), max_size=4))}))
    weights = tuple(draw(st.sampled_from(WEIGHTS)) for _ in range(3))
    weights = (*weights, draw(st.sampled_from(WEIGHTS if any(weights) else WEIGHTS[1:])))
    cells = product(*[range(1, bands + 1)] * 3, range(1, len(tenure_bands) + 1))
    totals = sorted({sum(map(mul, weights, cell), Decimal(0)) for cell in cells})
    names = draw(st.lists(st.sampled_from(TIERS), min_size=1, max_size=min(4, len(totals)), unique=True))
    # a tier that no total reaches cannot be proved
    others = len(names) - 1
    places = draw(st.sets(st.integers(1, max(1, len(totals) - 1)), min_size=others, max_size=others))
    minimums = [totals[0], *(totals[place] for place in sorted(places))]
    return RuleSet(
        core_product_types=draw(st.sampled_from(CORE_TYPES)),
        window_months=draw(st.sampled_from([12, 1, 2, 3, 14])),
        new_days=draw(st.sampled_from([1, 0, 5, 20, 45, 90, 120, 365])),
        active_days=active_days,
        at_risk_days=at_risk_days,
        lapsed_days=at_risk_days + draw(st.sampled_from([1, 30, 185])),
        scored_statuses=scored,
        score_bands=bands,
        tenure_bands=tenure_bands,
        weights=weights,
        tiers=tuple(reversed(list(zip(names, minimums, strict=True)))),
        segments=(
            SegmentRule("Resting", frozenset(STATUSES) - scored),
            SegmentRule("Top", scored, m_at_least=bands),
            SegmentRule("Rest", scored),
        ),
        min_scored_customers=draw(st.sampled_from([0, 1, 3])),
        abc_percent=(
            ("A", draw(st.sampled_from([70, 10, 50]))),
            ("B", draw(st.sampled_from([90, 71, 99]))),
            ("C", 100),
        ),
    )


def as_document(rules: RuleSet) -> dict[str, Any]:
    """The content of the rule set's file."""
    limits = {"r_from": "r_at_least", "f_from": "f_at_least", "m_from": "m_at_least"}
    return {
        "title": "of a test",
        "core_product_types": sorted(rules.core_product_types),
        "window_months": rules.window_months,
        "new_days": rules.new_days,
        "active_days": rules.active_days,
        "at_risk_days": rules.at_risk_days,
        "lapsed_days": rules.lapsed_days,
        "scored_statuses": sorted(rules.scored_statuses),
        "score_bands": rules.score_bands,
        "tenure_bands": list(rules.tenure_bands),
        "weights": dict(zip("rfmt", map(str, rules.weights), strict=True)),
        "tiers": [{"tier": tier, "minimum_total": str(minimum)} for tier, minimum in rules.tiers],
        "segments": [
            {"segment": segment.name, "statuses": sorted(segment.statuses)}
            | {limit: getattr(segment, name) for limit, name in limits.items() if getattr(segment, name) > 1}
            for segment in rules.segments
        ],
        "min_scored_customers": rules.min_scored_customers,
        "abc_shares": {name: str(Decimal(percent) / 100) for name, percent in rules.abc_percent[:2]},
    }
