"""Colours that mean the same thing in the dashboard and in Excel, told apart by people with any colour vision.

Tiers: a subset of Okabe and Ito; statuses: the muted scheme of Paul Tol.
"""

TIER = {
    "platinum": "#0072b2",
    "gold": "#e69f00",
    "silver": "#8b98a5",
    "bronze": "#a85c32",
    "none": "#c9d1d9",
}
# For tiers of a company's own rule set, best first.
OTHER_TIERS = ("#332288", "#009e73", "#cc79a7", "#56b4e9", "#999933", "#882255")

STATUS = {
    "prospect": "#b3bcc5",
    "new": "#44aa99",
    "active": "#117733",
    "at_risk": "#c9a227",
    "lapsed": "#aa4499",
    "lost": "#882255",
}


def tier_colours(tiers: list[str]) -> dict[str, str]:
    """Colour of every tier, `tiers` being all of them, best first."""
    others = iter(OTHER_TIERS * (1 + len(tiers) // len(OTHER_TIERS)))
    return {tier: TIER.get(tier) or next(others) for tier in tiers}
