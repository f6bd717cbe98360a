"""Definitions: what every term means, from the rule set in force and the catalog's own comments."""

from typing import Any

import pandas
import streamlit as st

from dashboard.components import columns, rules, tables, terms, words
from dashboard.components.cache import ask
from dashboard.components.page import header
from dashboard.data import rules as data
from dashboard.data.months import Month


def main() -> None:
    """Draws the rules of the month, then the columns and views."""
    month = header(
        "Definitions", "What every term means. Everything here comes from the rule set and the database itself."
    )
    ruled = ask(data.rule_set, month.rule_set)
    _rule_set(month, ruled)
    sections = st.tabs(["Status", "Scores and tier", "Segment", "Event and growth", "Columns", "Views and settings"])
    draw = [_statuses, _scores, _segments, _events, _columns, _views]
    for section, content in zip(sections, draw, strict=True):
        with section:
            content(ruled)


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
    _table(
        {name: rules.status_rule(status, ruled) for status, name in words.STATUS.items()}, "Status", "A customer who"
    )
    scored = words.listed([words.status(status) for status in ruled["scored_statuses"]])
    st.caption(f"Scored, and thereby called engaged: {scored}.")


def _scores(ruled: dict[str, Any]) -> None:
    bands = ruled["score_bands"]
    _table(
        {
            "R, recency": f"days since the last core purchase, in {bands} bands of about equal size; fewer is better",
            "F, frequency": f"core purchases in the window, in {bands} bands of about equal size",
            "M, monetary": f"net amount of core lines in the window, in {bands} bands of about equal size",
            "T, tenure": f"1 to {len(ruled['tenure_bands'])} from"
            f" {words.listed([str(months) for months in ruled['tenure_bands']])} months after the first core purchase",
            "RFMT total": rules.weights(ruled),
            "High spender": f"M = {bands}",
        },
        "Score",
        "Meaning",
    )
    _table(
        {words.tier(row["tier"]): rules.tier_rule(row["tier"], ruled) for row in ruled["tiers"]}
        | {words.tier("none"): "not scored"},
        "Tier",
        "Rule",
    )
    shares = [ruled["abc_share_a"], ruled["abc_share_b"]]
    st.caption(
        "ABC class: scored customers by monetary, from the highest on. A until"
        f" {100 * shares[0]:.0f} % of all their money is reached, B until {100 * shares[1]:.0f} %, C the rest."
    )


def _segments(ruled: dict[str, Any]) -> None:
    st.caption("Everybody is in exactly one segment: the first whose rule fits.")
    _table({row["segment"]: rules.segment_rule(row) for row in ruled["segments"]}, "Segment", "Rule")


def _events(_: dict[str, Any]) -> None:
    st.caption("One lifecycle event a month: the first that fits.")
    _table({words.EVENT[event]: meaning for event, meaning in terms.EVENTS.items()}, "Lifecycle event", "When")
    _table({words.GROWTH[state]: meaning for state, meaning in terms.GROWTH.items()}, "Growth state", "When")


def _columns(_: dict[str, Any]) -> None:
    st.caption("Every column of `mart.customer_snapshot`: one row a customer and month.")
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


main()
