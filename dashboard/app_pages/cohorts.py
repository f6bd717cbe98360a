"""Cohorts: how many customers of each first-purchase month come back, and what they have brought so far."""

import pandas
import plotly.graph_objects as go
import streamlit as st

from dashboard.components import address, charts, colours, numbers, tables, words
from dashboard.components.cache import ask
from dashboard.components.page import empty, header
from dashboard.data import cohorts
from dashboard.data.months import Month

VIEWS = {
    "recurring": "Recurring retention",
    "cumulative": "Cumulative retention",
    "revenue": "Core revenue per customer",
    "total": "Core revenue",
}
MEANINGS = {
    "recurring": "Share of the cohort with a core purchase in that very month.",
    "cumulative": "Share of the cohort that has bought again at least once after its first month, up to that one.",
    "revenue": "Core net amount from the first month up to that one, divided by the customers of the cohort.",
    "total": "Core net amount of the cohort from the first month up to that one.",
}
MOST_COHORTS = 25
# The age in months that a finding speaks of.
QUARTER = 3


def main() -> None:
    """Draws the chosen view as a heat map."""
    month = header(
        "Cohorts", "Customers by the month of their first core purchase: who comes back, and what they bring."
    )
    found = ask(cohorts.cohorts, month.month)
    if found.empty:
        empty("Nobody has bought a core product yet.")
        return
    address.restore("show", "recurring", lambda given: given[0] if given[0] in VIEWS else "recurring")
    view = st.segmented_control(
        "Show", list(VIEWS), format_func=lambda name: VIEWS[name], key="show", persist_state="session", required=True
    )
    view = view or "recurring"
    address.write("show", [view] if view != "recurring" else [])
    _heat_map(month, view, found)


def _heat_map(month: Month, view: str, found: pandas.DataFrame) -> None:
    table = _values(month, view, found)
    newest = table.iloc[-MOST_COHORTS:] if len(table) > MOST_COHORTS else table
    newest = newest.dropna(axis=1, how="all").iloc[::-1]
    sizes = found.drop_duplicates("cohort").set_index("cohort")["customers"]
    shades = newest.drop(columns=[0], errors="ignore") if view == "recurring" else newest
    chart = charts.figure(90 + 24 * len(newest))
    chart.add_trace(
        go.Heatmap(
            z=newest.astype(float).to_numpy(),
            x=[str(k) for k in newest.columns],
            y=[f"{words.short_month(cohort)} · {numbers.count(sizes[cohort])}" for cohort in newest.index],
            text=[[_text(value, view) for value in row] for row in newest.to_numpy()],
            texttemplate="%{text}" if len(newest.columns) <= MOST_COHORTS else None,
            textfont={"color": colours.ON_SEQUENCE},
            zmin=0,
            zmax=float(shades.max().max()) if shades.size else None,
            colorscale=list(colours.SEQUENCE),
            showscale=False,
            hoverongaps=False,
            xgap=1,
            ygap=1,
            hovertemplate="First bought %{y} customers<br>%{x} months later: %{text}<extra></extra>",
        )
    )
    chart.update_xaxes(showgrid=False, side="top", title="months after the first core purchase", type="category")
    chart.update_yaxes(showgrid=False, autorange="reversed", type="category")
    charts.show(_finding(view, table), _explanation(month, view, len(table), len(newest)), chart, "cohorts")
    with st.expander("The same as a table"):
        texts = newest.map(lambda value: _text(value, view)).rename(columns=str)
        texts.insert(0, "Cohort", [words.month(cohort) for cohort in newest.index])
        texts.insert(1, "Customers", [numbers.count(sizes[cohort]) for cohort in newest.index])
        tables.show(texts)


def _values(month: Month, view: str, found: pandas.DataFrame) -> pandas.DataFrame:
    """Cohorts (rows) by k (columns); what cannot be observed yet, an open month included, is missing."""
    table = found.copy()
    running = table.groupby("cohort")["amount"].cumsum().astype(float)
    customers = table["customers"].astype(float)
    table["value"] = {
        "recurring": table["buyers"].astype(float) / customers,
        "cumulative": table["repeated"].astype(float) / customers,
        "revenue": running / customers,
        "total": running,
    }[view]
    if month.is_open:
        age = (month.month.year - pandas.to_datetime(table["cohort"]).dt.year) * 12
        age += month.month.month - pandas.to_datetime(table["cohort"]).dt.month
        table = table[table["k"] < age]
    if view == "cumulative":
        table = table[table["k"] > 0]
    return table.pivot_table(index="cohort", columns="k", values="value")


def _text(value: float, view: str) -> str:
    if pandas.isna(value):
        return ""
    if view in ("recurring", "cumulative"):
        return f"{100 * value:.0f} %"
    return numbers.money(value)


def _finding(view: str, table: pandas.DataFrame) -> str:
    """The average of the third month over all cohorts that have one."""
    if QUARTER not in table.columns:
        return f"{VIEWS[view]} by first-purchase month"
    average = float(table[QUARTER].dropna().mean())
    return {
        "recurring": f"On average {100 * average:.0f} % of a cohort buy in the third month after their first",
        "cumulative": f"On average {100 * average:.0f} % of a cohort have bought again by the third month",
        "revenue": f"On average a customer has brought {numbers.money(average)} by the third month after the first",
        "total": f"On average a cohort has brought {numbers.money(average)} by the third month after its first",
    }[view]


def _explanation(month: Month, view: str, cohorts_found: int, cohorts_shown: int) -> str:
    parts = [MEANINGS[view], "Cells that cannot be observed yet are blank."]
    if month.is_open:
        parts.append(f"{words.month(month.month)} is open, so its cells are blank too.")
    if cohorts_found > cohorts_shown:
        parts.append(f"The newest {cohorts_shown} cohorts of {cohorts_found}; average over all.")
    return " ".join(parts)


main()
