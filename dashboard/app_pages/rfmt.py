"""RFMT: how the month scores recency, frequency, monetary and tenure, and where its cut points lie."""

from math import ceil
from textwrap import wrap
from typing import Any

import pandas
import plotly.graph_objects as go
import streamlit as st

from dashboard.components import charts, colours, numbers, tables, words
from dashboard.components.cache import ask
from dashboard.components.page import empty, header
from dashboard.components.session import signed_in
from dashboard.data import scores
from dashboard.data.months import Month
from dashboard.data.rules import rule_set
from dashboard.data.scores import Band
from include.warehouse.wording import rules

BARS = 48
# How far a distribution is drawn, as a multiple of the best (for recency the worst) cut point.
REACH = {"recency": 2.5, "frequency": 2.5, "monetary": 3.0}
UNITS = {"recency": "days since the last core purchase", "frequency": "core purchases", "monetary": "core net amount"}
# What is counted, where it is not money.
THINGS = {"recency": "day", "frequency": "purchase"}


def main() -> None:
    """Draws grid, bands and distributions."""
    month = header("RFMT", "How recency, frequency, monetary and tenure are scored this month.")
    grid = ask(scores.grid, month.month)
    if grid.empty:
        if signed_in().is_restricted:
            empty("None of your customers is scored in this month: none of them is engaged.")
        else:
            empty("Nobody is scored in this month: there is no engaged customer yet.")
        return
    ruled = ask(rule_set, month.rule_set)
    _grid(grid, ruled)
    st.divider()
    bands = ask(scores.bands, month.month)
    _bands(month, bands, ruled)
    st.divider()
    for column, metric in zip(st.columns(3, gap="large"), scores.METRICS, strict=True):
        with column:
            _distribution(month, metric, bands[metric])


def _grid(grid: pandas.DataFrame, ruled: dict[str, Any]) -> None:
    cells = grid.groupby(["r_score", "f_score"])[["customers", "monetary"]].sum()
    top = grid.sort_values("customers").groupby(["r_score", "f_score"])["segment"].last()
    bands = range(1, 1 + rules.bands("r", ruled))
    counts, texts = [], []
    for r_score in bands:
        counts.append([_cell(cells, r_score, f_score, "customers") for f_score in bands])
        texts.append(
            [
                f"<b>{numbers.count(_cell(cells, r_score, f_score, 'customers'))}</b><br>"
                f"{numbers.short_money(_cell(cells, r_score, f_score, 'monetary'))}"
                f"<br>{_in_lines(top.get((r_score, f_score), ''))}"
                for f_score in bands
            ]
        )
    chart = charts.figure(460)
    chart.add_trace(
        go.Heatmap(
            z=counts,
            x=[f"F {band}" for band in bands],
            y=[f"R {band}" for band in bands],
            text=texts,
            texttemplate="%{text}",
            textfont={"size": 11, "color": colours.ON_SEQUENCE},
            colorscale=list(colours.SEQUENCE),
            showscale=False,
            xgap=3,
            ygap=3,
            hovertemplate="%{y}, %{x}<br>%{text}<extra></extra>",
        )
    )
    chart.update_xaxes(showgrid=False, side="top")
    chart.update_yaxes(showgrid=False)
    good = rules.good_band(ruled)
    best = grid[(grid["r_score"] >= good) & (grid["f_score"] >= good)]
    customers = numbers.share(float(best["customers"].sum()), float(grid["customers"].sum()))
    money = numbers.share(float(best["monetary"].sum()), float(grid["monetary"].sum()))
    charts.show(
        f"{customers} of engaged customers buy often and recently, and bring {money} of the money",
        "Scored customers by recency (up is more recent) and frequency (right is more often): how many, their"
        f" money in the window, and the most frequent segment. Often and recently: R and F of at least {good}.",
        chart,
        "grid",
    )


def _in_lines(segment: str) -> str:
    """The name in lines that fit into a cell on a telephone."""
    return "<br>".join(charts.text(line) for line in wrap(segment, width=11))


def _cell(cells: pandas.DataFrame, r_score: int, f_score: int, measure: str) -> float:
    return float(cells[measure].get((r_score, f_score), 0))


def _bands(month: Month, bands: dict[str, list[Band]], ruled: dict[str, Any]) -> None:
    st.markdown(f"**What the scores mean in {words.month(month.month)}**")
    st.caption("The bands are cut so that each holds about as many scored customers; equal values score alike.")
    tenure = ruled["tenure_bands"]
    highest = max(rules.bands(score, ruled) for score in rules.SCORES)
    table = []
    for score in range(highest, 0, -1):
        line = {"Score": str(score)}
        for metric, found in bands.items():
            line[words.METRIC[metric]] = next((in_words(metric, band) for band in found if band.band == score), "–")
        line["Tenure"] = _tenure_in_words(tenure, score)
        table.append(line)
    tables.show(pandas.DataFrame(table), texts=5)
    limits = ask(scores.abc_limits, month.month)
    if limits:
        classes = [f"{name} from {numbers.money(float(limit), 2)}" for name, limit in limits.items()]
        st.caption(f"ABC class by monetary: {', '.join(classes)}, C below.")


def in_words(metric: str, band: Band) -> str:
    """A band as a sentence has it: 6 to 9 purchases."""
    low, high = band.lowest, band.highest
    if low is None and high is None:
        return "any value"
    if metric == "frequency" and high == 0:
        return "no purchase"
    if low is None:
        return f"up to {_in_units(metric, float(high or 0))}"
    if high is None:
        return f"{_in_units(metric, float(low))} or more"
    return _between(metric, float(low), float(high))


def _between(metric: str, low: float, high: float) -> str:
    """6 to 9 purchases, or the one number that both are."""
    if low == high:
        return _in_units(metric, low)
    first = numbers.money(low, 2) if metric == "monetary" else numbers.count(low)
    return f"{first} to {_in_units(metric, high)}"


def _in_units(metric: str, value: float) -> str:
    """26 days, 1 purchase or €1,234.50."""
    return numbers.money(value, 2) if metric == "monetary" else numbers.counted(value, THINGS[metric])


def _tenure_in_words(tenure: list[int], score: int) -> str:
    if score > len(tenure):
        return "–"
    first = tenure[score - 1]
    return (
        f"{numbers.counted(first, 'month')} or more"
        if score == len(tenure)
        else f"{first} to {tenure[score] - 1} months"
    )


def _distribution(month: Month, metric: str, bands: list[Band]) -> None:
    if sum(band.has_limit for band in bands) < 2:
        empty(f"{words.METRIC[metric]} tells nobody apart in this month.")
        return
    cuts = _cuts(metric, bands)
    found = ask(scores.distribution, month.month, metric)
    left, right = _range_drawn(metric, cuts, found)
    width = max(1, ceil((right - left) / BARS))
    bar = found["value"] // width
    inside = found[(bar >= left // width) & (bar <= right // width)].groupby(bar)["customers"].sum()
    beyond = int(found["customers"].sum() - inside.sum())
    starts = [int(number) * width for number in inside.index]
    chart = charts.figure(260, showlegend=False, bargap=0.05)
    chart.add_bar(
        x=[start + width / 2 for start in starts],
        y=inside.tolist(),
        width=width * 0.95,
        marker_color=colours.MAIN,
        customdata=[_range(metric, start, width) for start in starts],
        hovertemplate="%{customdata}: %{y:,.0f} customers<extra></extra>",
    )
    for cut in cuts:
        chart.add_vline(x=cut, line_color=colours.FALL, line_dash="dot", line_width=1.5)
    chart.update_xaxes(tickprefix=numbers.currency_prefix() if metric == "monetary" else "", tickformat=",")
    charts.show(
        f"{words.METRIC[metric]}: the customer in the middle has {_range(metric, _middle(found), 1)}",
        f"Scored customers by {UNITS[metric]}; dotted lines are the cut points."
        + (f" {numbers.counted(beyond, 'customer')} beyond the edges." if beyond else ""),
        chart,
        f"distribution of {metric}",
    )


def _cuts(metric: str, bands: list[Band]) -> list[float]:
    """Where one band ends and the next begins."""
    if metric == "recency":
        return [float(band.highest) + 1 for band in bands if band.highest is not None]
    return [float(band.lowest) for band in bands if band.lowest is not None]


def _range_drawn(metric: str, cuts: list[float], found: pandas.DataFrame) -> tuple[int, int]:
    """The least and the greatest value that are drawn: from 0, or from the lowest below it, but no farther than up."""
    lowest, highest = int(found["value"].min()), int(found["value"].max())
    right = int(max(cuts) * REACH[metric]) if max(cuts) > 0 else highest
    return min(0, lowest if right <= 0 else max(lowest, -right)), right


def _range(metric: str, start: int, width: int) -> str:
    if metric == "monetary":
        return f"{numbers.money(start)} to {numbers.money(start + width)}"
    return _between(metric, start, start + width - 1)


def _middle(found: pandas.DataFrame) -> int:
    """Value that half of the customers do not exceed; money rounded down."""
    running = found["customers"].cumsum()
    return int(found["value"][running * 2 >= found["customers"].sum()].iloc[0])


main()
