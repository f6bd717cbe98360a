"""Terms, each with where its meaning comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from include.warehouse.wording import rules, terms, words

# terms of months and amounts that a comment of the catalog explains
OF_CATALOG = {
    "Frozen cut points": "month.is_frozen",
    "Net amount": "sale_line.net_amount",
    "Open month": "month.is_open",
    "Report month": "month.is_report_month",
    "Short history": "month.short_history",
    "Thin month": "month.thin_month",
}


@dataclass(frozen=True)
class Term:
    """A term, what it means, and who says so: the rule set, the catalog, or these texts."""

    name: str
    meaning: str
    source: str


def terms_of_rules(ruled: dict[str, Any]) -> list[Term]:
    """What the rule set decides, with its figures."""
    months = ruled["window_months"]
    known = {
        "Core purchase": rules.core_purchase(ruled),
        "Engaged": rules.engaged(ruled),
        "Window": f"the {months} months up to and with the one that is shown",
        "Thin month: limit": f"fewer than {ruled['min_scored_customers']} scored customers",
        "ABC class: shares": rules.abc_rule(ruled),
        **{f"{name} (rule)": rule for name, rule in rules.score_rules(ruled).items()},
        **{f"{words.status(name)} (status)": rules.status_rule(name, ruled) for name in words.STATUS},
        **{f"{words.tier(row['tier'])} (tier)": rules.tier_rule(row["tier"], ruled) for row in ruled["tiers"]},
        f"{words.tier('none')} (tier)": "not scored",
        **{f"{row['segment']} (segment)": rules.segment_rule(row, ruled) for row in ruled["segments"]},
    }
    return [Term(name, meaning, f"Rule set {ruled['rule_set']}") for name, meaning in known.items()]


def terms_of_catalog(comments: Mapping[str, str], places: Mapping[str, str]) -> list[Term]:
    """What comments of the database say: `places` are the terms with the view or view.column that explains each."""
    known = {name: place for name, place in places.items() if place in comments}
    return [Term(name, comments[place], f"Catalog: mart.{place}") for name, place in known.items()]


def terms_of_figures(source: str) -> list[Term]:
    """What the calculation fixes, whatever the rule set."""
    known = terms.OF_FIGURES | {
        **{f"{words.EVENT[event]} (event)": meaning for event, meaning in terms.EVENTS.items()},
        **{f"{words.GROWTH[state]} (growth)": meaning for state, meaning in terms.GROWTH.items()},
    }
    return [Term(name, meaning, source) for name, meaning in known.items()]


def by_name(known: list[Term]) -> list[Term]:
    """The terms in the order of an index."""
    return sorted(known, key=lambda term: term.name.casefold())
