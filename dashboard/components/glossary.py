"""All terms in one list, each with where its meaning comes from."""

from dataclasses import dataclass
from typing import Any

from dashboard.components import columns, rules, words
from dashboard.components import terms as texts
from dashboard.components.cache import ask
from dashboard.data import rules as data

SNAPSHOT = "customer_snapshot"
PAGES = "Pages"
# terms that a comment of the catalog explains, beside the columns of a customer's month
OF_CATALOG = {
    "Cohort": "month_cohort.cohort",
    "Cohort: customers": "month_cohort.customers",
    "Cut point": "cut_point",
    "Cut point: limit": "cut_point.limit_value",
    "Frozen cut points": "month.is_frozen",
    "Holdout, percent": "audience.holdout_percent",
    "Net amount": "sale_line.net_amount",
    "Open month": "month.is_open",
    "Report month": "month.is_report_month",
    "Short history": "month.short_history",
    "Snapshot": SNAPSHOT,
    "Thin month": "month.thin_month",
}
RETENTIONS = {"Recurring retention": "recurring", "Cumulative retention": "cumulative"}


@dataclass(frozen=True)
class Term:
    """A term, what it means, and whether the rule set, the catalog or the pages say so."""

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
        **{f"{row['segment']} (segment)": rules.segment_rule(row) for row in ruled["segments"]},
    }
    return [Term(name, meaning, f"Rule set {ruled['rule_set']}") for name, meaning in known.items()]


def terms_of_catalog() -> list[Term]:
    """What comments of the database say."""
    comments = ask(data.comments)
    named = OF_CATALOG | {
        columns.LABELS.get(row["column_name"], row["column_name"]): f"{SNAPSHOT}.{row['column_name']}"
        for row in ask(data.columns)
        if row["column_name"] != "month"
    }
    return [Term(name, comments[place], f"Catalog: mart.{place}") for name, place in named.items() if place in comments]


def terms_of_pages() -> list[Term]:
    """What the calculation or the pages fix, whatever the rule set."""
    known = texts.OF_PAGES | {
        **{name: texts.COHORTS[view] for name, view in RETENTIONS.items()},
        **{f"{words.EVENT[event]} (event)": meaning for event, meaning in texts.EVENTS.items()},
        **{f"{words.GROWTH[state]} (growth)": meaning for state, meaning in texts.GROWTH.items()},
    }
    return [Term(name, meaning, PAGES) for name, meaning in known.items()]


def terms(ruled: dict[str, Any]) -> list[Term]:
    """All of them by name."""
    known = [*terms_of_rules(ruled), *terms_of_catalog(), *terms_of_pages()]
    return sorted(known, key=lambda term: term.name.casefold())


def find(known: list[Term], text: str) -> list[Term]:
    """The terms with all words of the text, in name or meaning; where a name has them all, those first."""
    wanted = text.casefold().split()
    found = [one for one in known if all(word in f"{one.name} {one.meaning}".casefold() for word in wanted)]
    return sorted(found, key=lambda one: not all(word in one.name.casefold() for word in wanted))
