"""Rules in words."""

from decimal import Decimal
from typing import Any

from include.warehouse.wording import words

SCORES = ("r", "f", "m", "t")
# of a value that came after the limits were made
NO_LIMIT_REACHED = "reaches no limit, hence band 1"


def status_rule(status: str, rules: dict[str, Any]) -> str:
    """When a customer has an activity status."""
    active, at_risk, lapsed = rules["active_days"], rules["at_risk_days"], rules["lapsed_days"]
    return {
        "prospect": "has never bought a core product",
        "new": f"first core purchase at most {rules['new_days']} days ago, the last at most {active}",
        "active": f"last core purchase at most {active} days ago, and not new",
        "at_risk": f"last core purchase {active + 1} to {at_risk} days ago",
        "lapsed": f"last core purchase {at_risk + 1} to {lapsed} days ago",
        "lost": f"last core purchase more than {lapsed} days ago",
    }[status]


def tier_rule(tier: str, rules: dict[str, Any]) -> str:
    """When a scored customer has a tier."""
    better: Decimal | None = None
    for row in rules["tiers"]:
        if row["tier"] == tier:
            upper = "" if better is None else f" and below {better.normalize():f}"
            return f"weighted total of R, F, M and T of at least {row['minimum_total'].normalize():f}{upper}"
        better = row["minimum_total"]
    return "not scored"


def tier_reason(customer: dict[str, Any], rules: dict[str, Any]) -> str:
    """Why a customer has their tier: the total and what the tier asks for."""
    rule = tier_rule(customer["value_tier"], rules)
    total = customer["rfmt_total"]
    return rule if total is None else f"{weights(rules)} = {total.normalize():f}; {rule}"


def bands(score: str, rules: dict[str, Any]) -> int:
    """How many bands a score has, the best being the highest."""
    return len(rules["tenure_bands"]) if score == "t" else int(rules["score_bands"])


def good_band(rules: dict[str, Any]) -> int:
    """The lowest of the best bands: two of five, and of other numbers as near to that share as can be."""
    return 1 + bands("r", rules) - max(1, round(bands("r", rules) * 0.4))


def segment_rule(segment: dict[str, Any], rules: dict[str, Any]) -> str:
    """What a row of mart.rule_segment asks for."""
    parts = [f"status {words.listed([words.status(status) for status in segment['statuses']], 'or')}"]
    for score in SCORES:
        low, high = segment[f"{score}_from"], segment[f"{score}_to"]
        name = score.upper()
        if low is not None and low == high:
            parts.append(f"{name} = {low}")
        elif low is not None and (high is None or high >= bands(score, rules)):
            parts.append(f"{name} ≥ {low}")
        elif low is not None:
            parts.append(f"{name} {low} to {high}")
        elif high is not None:
            parts.append(f"{name} ≤ {high}")
    return ", ".join(parts)


def segment_reason(customer: dict[str, Any], rules: dict[str, Any]) -> str:
    """Why a customer has their segment: what its rule asks for."""
    (segment,) = (row for row in rules["segments"] if row["segment"] == customer["segment"])
    return f"first rule that fits: {segment_rule(segment, rules)}"


def weights(rules: dict[str, Any]) -> str:
    """The weighted sum of the scores as a formula."""
    named = [(score.upper(), rules[f"weight_{score}"]) for score in SCORES]
    return " + ".join(name if weight == 1 else f"{weight.normalize():f} × {name}" for name, weight in named)


def score_rules(rules: dict[str, Any]) -> dict[str, str]:
    """What each score says."""
    count = bands("r", rules)
    return {
        "R, recency": f"days since the last core purchase, in {count} bands of about equal size; fewer is better",
        "F, frequency": f"core purchases in the window, in {count} bands of about equal size",
        "M, monetary": f"net amount of core lines in the window, in {count} bands of about equal size",
        "T, tenure": f"1 to {bands('t', rules)} from"
        f" {words.listed([str(months) for months in rules['tenure_bands']])} months after the first core purchase",
        "RFMT total": weights(rules),
        "High spender": f"M = {count}",
    }


def abc_rule(rules: dict[str, Any]) -> str:
    """How scored customers are divided by what they bring."""
    a, b = (f"{(100 * rules[f'abc_share_{name}']).normalize():f} %" for name in "ab")
    return (
        f"scored customers by monetary, from the highest on: A until {a} of all their money is reached, B until {b},"
        " C the rest"
    )


def core_purchase(rules: dict[str, Any]) -> str:
    """Which purchases count as engagement."""
    types = words.listed([f"“{name}”" for name in rules["core_product_types"]], "or")
    return (
        f"a sale of a product of type {types}, on its transaction date; goods returned later still count as purchased,"
        " returns lower the money alone"
    )


def engaged(rules: dict[str, Any]) -> str:
    """Who is scored."""
    statuses = words.listed([words.status(status) for status in rules["scored_statuses"]], "or")
    return f"customers whose status is scored: {statuses}"
