"""Cohorts: how many customers of each first-purchase month come back, and what they have brought so far."""

import pandas
import plotly.graph_objects as go
import streamlit as st

from dashboard.components import address, charts, colours, numbers, words
from dashboard.components.cache import ask
from dashboard.components.page import empty, header
from dashboard.components.session import signed_in
from dashboard.data import cohorts
from dashboard.data.months import Month
from include.warehouse.wording import terms

VIEWS = {
    "recurring": "Recurring retention",
    "cumulative": "Cumulative retention",
    "revenue": "Core revenue per customer",
    "total": "Core revenue",
}
# Pixels a cell of the map needs for its text, and what the names beside the rows need.
CELL = 40
NAMES = 120
SHARES = ("recurring", "cumulative")
# The age in months that a finding speaks of.
QUARTER = 3


def main() -> None:
    """Draws the chosen view as a heat map."""
    month = header(
        "Cohorts",
        "Customers by the month of their first core purchase: who comes back, and what they bring.",
        ("show",),
    )
    found = ask(cohorts.cohorts, month.month)
    if found.empty:
        nobody = "None of your customers has" if signed_in().is_restricted else "Nobody has"
        empty(f"{nobody} bought a core product yet.")
        return
    address.restore("show", "recurring", lambda given: given[0] if given[0] in VIEWS else "recurring")
    view = st.segmented_control(
        "Show", list(VIEWS), format_func=lambda name: VIEWS[name], key="show", persist_state="session", required=True
    )
    view = view or "recurring"
    address.write("show", [view] if view != "recurring" else [])
    st.caption("  \n".join(f"**{VIEWS[name]}**: {terms.COHORTS[name]}." for name in SHARES))
    _heat_map(month, view, found)


def _heat_map(month: Month, view: str, found: pandas.DataFrame) -> None:
    table = _values(month, view, found)
    if table.empty:
        empty(_nothing_yet(month, view))
        return
    newest = table.dropna(axis=1, how="all").iloc[::-1]
    sizes = found.drop_duplicates("cohort").set_index("cohort")["customers"]
    shades = newest.drop(columns=[0], errors="ignore") if view == "recurring" else newest
    chart = charts.figure(90 + 24 * len(newest))
    chart.add_trace(
        go.Heatmap(
            z=newest.astype(float).to_numpy(),
            x=[str(k) for k in newest.columns],
            y=[f"{words.short_month(cohort)} · {numbers.count(sizes[cohort])}" for cohort in newest.index],
            text=[[_text(value, view) for value in row] for row in newest.to_numpy()],
            customdata=[[_exact(value, view) for value in row] for row in newest.to_numpy()],
            texttemplate="%{text}",
            textfont={"color": colours.ON_SEQUENCE, "size": 11},
            zmin=0,
            zmax=float(shades.max().max()) if shades.size else None,
            colorscale=list(colours.SEQUENCE),
            showscale=False,
            hoverongaps=False,
            xgap=1,
            ygap=1,
            hovertemplate="First bought %{y} customers<br>%{x} months later: %{customdata}<extra></extra>",
        )
    )
    chart.update_xaxes(showgrid=False, side="top", type="category")
    chart.update_yaxes(showgrid=False, autorange="reversed", type="category")
    width = NAMES + CELL * len(newest.columns)
    charts.show(_finding(view, table), _explanation(month, view), chart, "cohorts", least_width=width)
    with st.expander("The same as a table"):
        _table(view, newest, sizes)


def _nothing_yet(month: Month, view: str) -> str:
    """Why there is no cell at all."""
    reason = f"{words.month(month.month)} is open: a month is shown once it is whole." if month.is_open else ""
    if view == "cumulative":
        reason = f"{reason} Nobody can have bought again before the month after the first has ended."
    return f"Nothing can be observed yet. {reason.strip()}"


def _table(view: str, newest: pandas.DataFrame, sizes: pandas.Series) -> None:
    texts = newest.map(lambda value: _in_table(value, view)).rename(columns=str)
    texts.insert(0, "Cohort", [words.month(cohort) for cohort in newest.index])
    texts.insert(1, "Customers", [numbers.count(sizes[cohort]) for cohort in newest.index])
    # Streamlit fits a column to its first rows, which are blank for the later ages
    width = 70 if view in SHARES else 100
    columns = {
        str(age): st.column_config.TextColumn(str(age), alignment="right", width=width) for age in newest.columns
    }
    columns["Cohort"] = st.column_config.TextColumn("Cohort", pinned=True)
    columns["Customers"] = st.column_config.TextColumn("Customers", alignment="right")
    st.dataframe(texts, hide_index=True, column_config=columns, height="content")


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
    """What stands in a cell."""
    if pandas.isna(value):
        return ""
    return f"{100 * value:.0f} %" if view in SHARES else numbers.short_money(value)


def _exact(value: float, view: str) -> str:
    """What a cell says when it is pointed at."""
    if pandas.isna(value):
        return ""
    return f"{100 * value:.1f} %" if view in SHARES else numbers.money(value, 2)


def _in_table(value: float, view: str) -> str:
    """What stands in the table, where there is room for whole amounts."""
    return _text(value, view) if pandas.isna(value) or view in SHARES else numbers.money(value)


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


def _explanation(month: Month, view: str) -> str:
    parts = ["Columns: months after the first core purchase.", "Cells that cannot be observed yet are blank."]
    if view not in SHARES:
        # both retentions are explained above, whichever is shown
        parts.insert(0, f"{VIEWS[view]}: {terms.COHORTS[view]}.")
    if month.is_open:
        parts.append(f"{words.month(month.month)} is open, so its cells are blank too.")
    return " ".join(parts)


main()
