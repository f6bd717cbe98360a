"""Colours that mean the same thing on every page, told apart by people with any colour vision, in light and dark.

Those of tiers and statuses are Excel's as well; growth: the muted scheme of Paul Tol.
"""

import pandas

from dashboard.components.cache import ask
from dashboard.data import rules
from include.warehouse import palette
from include.warehouse.palette import STATUS

__all__ = ["STATUS", "tier_colours"]

GROWTH = {
    "returning": "#1f6f8b",
    "new": "#44aa99",
    "resurrected": "#88ccee",
    "dormant": "#cc6677",
}

MAIN = "#1f6f8b"
SOFT = "#9fb8c4"
RISE = "#1b7f5c"
FALL = "#b5502c"

# From no customers to many, and the numbers on top: at least 6 to 1 in contrast on every shade.
SEQUENCE = ("#eff6f9", "#d3e6ee", "#b0d2e0", "#8bbcd0", "#6aa7c0")
ON_SEQUENCE = "#14232b"


# For segments, which companies define themselves: in the order of the rule set, again from the start when used up.
SEGMENTS = (
    "#b3bcc5",
    "#aa4499",
    "#882255",
    "#cc6677",
    "#ddcc77",
    "#44aa99",
    "#6a4fcf",
    "#0072b2",
    "#117733",
    "#88ccee",
    "#999933",
)


def tier_colours() -> dict[str, str]:
    """Colour of every tier of all rule sets, none among them."""
    return palette.tier_colours(ask(rules.all_tiers))


def segment_colours(segments: list[str]) -> dict[str, str]:
    """Colour of every segment of a rule set, `segments` being all of them in its order."""
    return {segment: SEGMENTS[position % len(SEGMENTS)] for position, segment in enumerate(segments)}


def shade(value: float, largest: float) -> str:
    """CSS of a table's cell: the stronger the larger, faint enough for the text of either light."""
    if pandas.isna(value) or value <= 0:
        return ""
    return f"background-color: rgba(47, 138, 170, {0.06 + 0.5 * (value / largest) ** 0.5:.2f})"
