"""All terms in one list, each with where its meaning comes from."""

from typing import Any

from dashboard.components import columns
from dashboard.components.cache import ask
from dashboard.data import rules as data
from include.warehouse.wording import glossary
from include.warehouse.wording import terms as texts
from include.warehouse.wording.glossary import Term

SNAPSHOT = "customer_snapshot"
PAGES = "Pages"
# terms that a comment of the catalog explains, beside the columns of a customer's month
OF_CATALOG = glossary.OF_CATALOG | {
    "Cohort": "month_cohort.cohort",
    "Cohort: customers": "month_cohort.customers",
    "Cut point": "cut_point",
    "Cut point: limit": "cut_point.limit_value",
    "Holdout, percent": "audience.holdout_percent",
    "Snapshot": SNAPSHOT,
}
RETENTIONS = {"Recurring retention": "recurring", "Cumulative retention": "cumulative"}


def terms_of_catalog() -> list[Term]:
    """What comments of the database say."""
    named = OF_CATALOG | {
        columns.LABELS.get(row["column_name"], row["column_name"]): f"{SNAPSHOT}.{row['column_name']}"
        for row in ask(data.columns)
        if row["column_name"] != "month"
    }
    return glossary.terms_of_catalog(ask(data.comments), named)


def terms_of_pages() -> list[Term]:
    """What the calculation or the pages fix, whatever the rule set."""
    known = texts.OF_PAGES | {name: texts.COHORTS[view] for name, view in RETENTIONS.items()}
    return [*glossary.terms_of_figures(PAGES), *(Term(name, meaning, PAGES) for name, meaning in known.items())]


def terms(ruled: dict[str, Any]) -> list[Term]:
    """All of them by name."""
    return glossary.by_name([*glossary.terms_of_rules(ruled), *terms_of_catalog(), *terms_of_pages()])


def find(known: list[Term], text: str) -> list[Term]:
    """The terms with all words of the text, in name or meaning; where a name has them all, those first."""
    wanted = text.casefold().split()
    found = [one for one in known if all(word in f"{one.name} {one.meaning}".casefold() for word in wanted)]
    return sorted(found, key=lambda one: not all(word in one.name.casefold() for word in wanted))
