"""Definitions: what every term means, from the rule set in force, the catalog's comments, and the pages' own words."""

from collections.abc import Callable
from typing import Any

import pandas
import streamlit as st

from dashboard.components import address, columns, glossary, tables, words
from dashboard.components.cache import ask
from dashboard.components.page import empty, header
from dashboard.data import rules as data
from dashboard.data.months import Month
from include.warehouse.wording import rules, terms

FIND = "find"
TERM_COLUMNS = ["Term", "Meaning", "From"]
LONGEST_SEARCH = 200


def main() -> None:
    """Draws the rules of the month, then all terms, or those of one kind."""
    month = header("Definitions", "What every term means, and where each meaning comes from.", (FIND,))
    ruled = ask(data.rule_set, month.rule_set)
    _rule_set(month, ruled)
    sections = st.tabs(list(SECTIONS), on_change="rerun", key="part", bind="query-params")
    for section, content in zip(sections, SECTIONS.values(), strict=True):
        if section.open:
            with section:
                content(ruled)


def _all_terms(ruled: dict[str, Any]) -> None:
    address.restore(FIND, "", lambda given: given[0][:LONGEST_SEARCH])
    text = st.text_input(
        "Find a term",
        key=FIND,
        persist_state="session",
        max_chars=LONGEST_SEARCH,
        placeholder="A word of the term or of its meaning",
        icon=":material/search:",
        width=360,
    ).strip()
    address.write(FIND, [text] if text else [])
    known = glossary.terms(ruled)
    found = glossary.find(known, text)
    if not found:
        empty("No term and no meaning has all these words.")
        return
    st.caption(
        f"{len(found)} of {len(known)} terms. *Rule set*: the figures are those of the rule set that computed the"
        " month. *Catalog*: the database's own comment, as it stands there. *Pages*: what the calculation or these"
        " pages fix, in the pages' own words."
    )
    tables.show_texts(pandas.DataFrame([(one.name, one.meaning, one.source) for one in found], columns=TERM_COLUMNS))


def _rule_set(month: Month, ruled: dict[str, Any]) -> None:
    st.markdown(
        f"**{words.month(month.month)} is computed by rule set {ruled['rule_set']}, “{words.plain(ruled['title'])}”**"
    )
    types = words.listed([f"“{words.plain(name)}”" for name in ruled["core_product_types"]])
    st.caption(
        f"A core purchase is a sale of a product of type {types}. The window is {ruled['window_months']} months."
        f" Fewer than {ruled['min_scored_customers']} scored customers make a thin month."
    )


def _statuses(ruled: dict[str, Any]) -> None:
    st.caption("Everybody has exactly one status: the first that fits. The days are those of the rule set.")
    _table({name: rules.status_rule(status, ruled) for status, name in words.STATUS.items()}, "Status", "When")
    scored = words.listed([words.status(status) for status in ruled["scored_statuses"]])
    st.caption(f"Scored, and thereby called engaged: {scored}.")


def _scores(ruled: dict[str, Any]) -> None:
    _table(
        rules.score_rules(ruled),
        "Score",
        "Meaning",
    )
    tiers = [*(row["tier"] for row in ruled["tiers"]), "none"]
    tables.show_texts(
        pandas.DataFrame(
            {
                "Tier": [words.tier(tier) for tier in tiers],
                "Rule": [rules.tier_rule(tier, ruled) for tier in tiers],
            }
        )
    )
    st.caption(f"ABC class: {rules.abc_rule(ruled)}.")


def _segments(ruled: dict[str, Any]) -> None:
    st.caption("Everybody is in exactly one segment: the first whose rule fits.")
    _table({row["segment"]: rules.segment_rule(row, ruled) for row in ruled["segments"]}, "Segment", "Rule")


def _events(_: dict[str, Any]) -> None:
    st.caption(
        "One lifecycle event a month: the first that fits. These rules are part of the calculation; no rule set changes"
        " them, and the words are these pages' own."
    )
    _table({words.EVENT[event]: meaning for event, meaning in terms.EVENTS.items()}, "Lifecycle event", "When")
    _table({words.GROWTH[state]: meaning for state, meaning in terms.GROWTH.items()}, "Growth state", "When")


def _columns(_: dict[str, Any]) -> None:
    st.caption(
        "Every column of `mart.customer_snapshot`, by its comment in the database: one row a customer and month."
    )
    found = ask(data.columns)
    tables.show_texts(
        pandas.DataFrame(
            {
                "Column": [row["column_name"] for row in found],
                "On these pages": [columns.LABELS.get(row["column_name"], "") for row in found],
                "Meaning": [row["meaning"] for row in found],
            }
        ),
    )


def _views(_: dict[str, Any]) -> None:
    _table({row["view_name"]: row["meaning"] for row in ask(data.views)}, "View of mart", "Meaning")
    found = ask(data.settings)
    tables.show_texts(
        pandas.DataFrame(
            {
                "Setting": [row["setting"] for row in found],
                "Value": [row["value"] for row in found],
                "Meaning": [row["description"] for row in found],
            }
        ),
    )


def _table(meanings: dict[str, str], first: str, second: str) -> None:
    tables.show_texts(pandas.DataFrame({first: list(meanings), second: list(meanings.values())}))


SECTIONS: dict[str, Callable[[dict[str, Any]], None]] = {
    "All terms": _all_terms,
    "Status": _statuses,
    "Scores and tier": _scores,
    "Segment": _segments,
    "Event and growth": _events,
    "Columns": _columns,
    "Views and settings": _views,
}
main()
