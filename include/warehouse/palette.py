"""Colours that mean the same thing in the dashboard and in Excel, told apart by people with any colour vision.

Tiers: a subset of Okabe and Ito; statuses: the muted scheme of Paul Tol.
"""

from collections import Counter
from collections.abc import Sequence

TIER = {
    "platinum": "#0072b2",
    "gold": "#e69f00",
    "silver": "#8b98a5",
    "bronze": "#a85c32",
    "none": "#c9d1d9",
}
# For tiers of a company's own rule sets: each differs from every other and from those above by at least 16 in CIELAB
# (CIE76), also for who sees no red, no green or no blue.
OWN_TIERS = (
    "#543cb4",
    "#009e73",
    "#56b4e9",
    "#882255",
    "#efd28f",
    "#6c543c",
    "#7f20df",
    "#c0a159",
    "#a3dcb4",
    "#813181",
    "#c9621d",
    "#8b63e9",
)

STATUS = {
    "prospect": "#b3bcc5",
    "new": "#44aa99",
    "active": "#117733",
    "at_risk": "#c9a227",
    "lapsed": "#aa4499",
    "lost": "#882255",
}


def tier_colours(rule_sets: Sequence[Sequence[str]]) -> dict[str, str]:
    """Colour of every tier of all rule sets, given in order of approval: a later rule set changes no earlier colour.

    Once all are used they are used again, but by two tiers of one rule set only where it has more than there are.
    """
    found = dict(TIER)
    for tiers in rule_sets:
        for tier in tiers:
            if tier not in found:
                beside = Counter(found[other] for other in tiers if other in found)
                found[tier] = _least_used(beside, Counter(found.values()))
    return found


def _least_used(beside: Counter[str], anywhere: Counter[str]) -> str:
    return min(OWN_TIERS, key=lambda colour: (beside[colour], anywhere[colour]))
