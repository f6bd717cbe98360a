"""Movements: who went from which tier, status or segment to which between two months, and the customers behind it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas
import plotly.graph_objects as go
import streamlit as st

from dashboard.components import address, charts, colours, known, numbers, tables, words
from dashboard.components.cache import ask
from dashboard.components.page import empty, header, nobody_known
from dashboard.data import months as calendar
from dashboard.data import movements
from dashboard.data.months import Month

# Pixels of a flow chart: between its nodes, enough for a line of text; above and below; a node's width.
GAP = 24
MARGIN = 16
THICKNESS = 14
DIMENSIONS = {"value_tier": "Tier", "activity_status": "Status", "segment": "Segment"}
MEASURES = {"customers": "Customers", "monetary": "Money"}


@dataclass(frozen=True)
class Dimension:
    """What customers move between: its values in order, those of earlier rules alone last, their words and colours."""

    name: str
    values: list[str]
    word: Callable[[str], str]
    colour: dict[str, str]


def main() -> None:
    """Draws the selectors, the flows and the matrix."""
    month = header(
        "Movements",
        "Who went from where to where between two months. Click a cell to open its customers.",
        ("by", "from", "measure"),
    )
    earlier_months = [other for other in ask(calendar.months) if other.month < month.month]
    if not earlier_months:
        empty("Movements compare two months; this is the first.")
        return
    name, earlier, measure = _choose(earlier_months)
    found = ask(movements.movements, earlier.month, month.month, name)
    if found.empty:
        nobody_known()
        return
    dimension = _dimension(name, [month, earlier])
    _flows(month, earlier, dimension, found, measure)
    _matrix(month, earlier, dimension, found, measure)


def _choose(earlier_months: list[Month]) -> tuple[str, Month, str]:
    earlier = {f"{other.month:%Y-%m}": other for other in earlier_months}
    keys = list(earlier)
    address.restore("by", "value_tier", lambda given: given[0] if given[0] in DIMENSIONS else "value_tier")
    address.restore("from", keys[0], lambda given: given[0] if given[0] in keys else keys[0])
    address.restore("measure", "customers", lambda given: given[0] if given[0] in MEASURES else "customers")
    if st.session_state["from"] not in keys:
        st.session_state["from"] = keys[0]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.segmented_control(
            "Move between",
            list(DIMENSIONS),
            format_func=lambda value: DIMENSIONS[value],
            key="by",
            persist_state="session",
            required=True,
        )
        chosen: str = st.selectbox(
            "Since",
            keys,
            format_func=lambda key: words.month(earlier[key].month),
            key="from",
            persist_state="session",
            width=200,
        )
        measure = st.segmented_control(
            "Show",
            list(MEASURES),
            format_func=lambda value: MEASURES[value],
            key="measure",
            persist_state="session",
            required=True,
        )
    address.write("by", [name] if name and name != "value_tier" else [])
    address.write("from", [chosen] if chosen != keys[0] else [])
    address.write("measure", [measure] if measure and measure != "customers" else [])
    return name or "value_tier", earlier[chosen], measure or "customers"


def _dimension(name: str, months: list[Month]) -> Dimension:
    if name == "value_tier":
        return Dimension(name, known.tiers(months), words.tier, colours.tier_colours())
    if name == "activity_status":
        return Dimension(name, list(words.STATUS), words.status, colours.STATUS)
    segments = known.segments(months)
    return Dimension(name, segments, str, colours.segment_colours(segments))


def _flows(month: Month, earlier: Month, dimension: Dimension, found: pandas.DataFrame, measure: str) -> None:
    moved = found[(found["origin"] != found["destination"]) & (found["origin"] != movements.NOT_KNOWN)]
    if moved.empty:
        empty("Nobody moved between these months.")
        return
    finding = _finding(month, earlier, dimension, moved, measure)
    moved = moved[moved[measure] > 0]
    if moved.empty:
        empty("Who moved between these months has no money in the window.")
        return
    origins = [value for value in dimension.values if value in set(moved["origin"])]
    destinations = [value for value in dimension.values if value in set(moved["destination"])]
    colour = [dimension.colour.get(value, colours.SOFT) for value in origins + destinations]
    shown = numbers.money if measure == "monetary" else numbers.count
    most = max(len(origins), len(destinations))
    height = max(380, 2 * MARGIN + 2 * GAP * most)
    gap = GAP / (height - 2 * MARGIN)
    left = _centres(moved.groupby("origin")[measure].sum().reindex(origins), gap, most)
    right = _centres(moved.groupby("destination")[measure].sum().reindex(destinations), gap, most)
    chart = charts.figure(height)
    chart.add_trace(
        go.Sankey(
            node={
                "label": [charts.text(dimension.word(value)) for value in origins + destinations],
                "color": colour,
                "x": [0.001] * len(origins) + [0.999] * len(destinations),
                "y": left + right,
                "pad": GAP,
                "thickness": THICKNESS,
                "line": {"width": 0},
                "hovertemplate": "%{label}<extra></extra>",
            },
            link={
                "source": [origins.index(value) for value in moved["origin"]],
                "target": [len(origins) + destinations.index(value) for value in moved["destination"]],
                "value": moved[measure].astype(float).tolist(),
                "color": [_faint(dimension.colour.get(value, colours.SOFT)) for value in moved["origin"]],
                "customdata": [shown(value) for value in moved[measure]],
                "hovertemplate": "%{source.label} → %{target.label}: %{customdata}<extra></extra>",
            },
            # Plotly writes names on the ribbons; ours have a ground of their own
            textfont={"color": "rgba(0,0,0,0)", "shadow": "none"},
            valueformat=",",
        )
    )
    chart.update_layout(
        margin={"l": 4, "r": 4, "t": MARGIN, "b": MARGIN},
        annotations=[
            *_name_tags(dimension, origins, left, x=0, xanchor="left", xshift=THICKNESS + 6),
            *_name_tags(dimension, destinations, right, x=1, xanchor="right", xshift=-THICKNESS - 6),
        ],
    )
    charts.show(
        finding,
        f"From {words.month(earlier.month)} on the left to {words.month(month.month)} on the right;"
        " who stayed is left out.",
        chart,
        "flows",
    )


def _centres(sizes: pandas.Series, gap: float, most: int) -> list[float]:
    """Heights of the nodes of one side, from 0 at the top to 1; `most` is how many the fuller side has."""
    scale = (1 - gap * (most - 1)) / float(sizes.sum())
    # the side with fewer nodes stands in the middle
    above = gap * (most - len(sizes)) / 2
    centres = []
    for size in sizes.astype(float):
        centres.append(min(max(above + size * scale / 2, 0.001), 0.999))
        above += size * scale + gap
    return centres


def _name_tags(dimension: Dimension, values: list[str], centres: list[float], **place: object) -> list[dict[str, Any]]:
    return [
        charts.name_tag(dimension.word(value), y=1 - centre, yanchor="middle", **place)
        for value, centre in zip(values, centres, strict=True)
    ]


def _finding(month: Month, earlier: Month, dimension: Dimension, moved: pandas.DataFrame, measure: str) -> str:
    is_money = measure == "monetary"
    if dimension.name != "value_tier":
        top = moved.sort_values(measure).iloc[-1]
        way = words.plain(f"{dimension.word(top['origin'])} to {dimension.word(top['destination'])}")
        if is_money:
            return f"{way} was the move with the most money: {numbers.money(top['monetary'])}"
        return f"{way} was the most frequent move: {numbers.counted(top['customers'], 'customer')}"
    scored = moved[(moved["origin"] != "none") & (moved["destination"] != "none")]
    ladders = [known.tiers([one]) for one in (month, earlier)]
    moves = zip(scored["origin"], scored["destination"], strict=True)
    steps = pandas.Series([_steps_up(*move, ladders) for move in moves], index=scored.index, dtype=int)
    up, down, others = (float(scored[measure][chosen].sum()) for chosen in (steps > 0, steps < 0, steps == 0))
    apart = "tiers that the rules of neither month compare"
    if is_money:
        sentence = f"Customers with {numbers.money(up)} moved up a tier, with {numbers.money(down)} moved down"
        return f"{sentence}, with {numbers.money(others)} between {apart}" if others else sentence
    sentence = f"{numbers.counted(up, 'customer')} moved up a tier, {numbers.count(down)} moved down"
    return f"{sentence}, {numbers.count(others)} between {apart}" if others else sentence


def _steps_up(origin: str, destination: str, ladders: list[list[str]]) -> int:
    """Tiers up on the first ladder (best first) that has both, as lifecycle events count; 0 where none has."""
    for ladder in ladders:
        if origin in ladder and destination in ladder:
            return ladder.index(origin) - ladder.index(destination)
    return 0


def _matrix(month: Month, earlier: Month, dimension: Dimension, found: pandas.DataFrame, measure: str) -> None:
    table = found.pivot_table(index="origin", columns="destination", values=measure, aggfunc="sum")
    origins = [value for value in [*dimension.values, movements.NOT_KNOWN] if value in table.index]
    destinations = [value for value in dimension.values if value in table.columns]
    table = table.reindex(index=origins, columns=destinations)
    st.markdown(f"**{_stayed(found, measure)}**")
    st.caption(
        f"Rows: {words.month(earlier.month)}. Columns: {words.month(month.month)}."
        + (" Money: net amount of core lines in the later month's window." if measure == "monetary" else "")
    )
    shown = table.copy()
    start = tables.beside("From", destinations)
    shown.insert(0, start, [dimension.word(value) if value else "Not yet known" for value in origins])
    largest = float(table.max().max() or 1)
    styled = shown.style.format(
        lambda value: "" if pandas.isna(value) else (numbers.money if measure == "monetary" else numbers.count)(value),
        subset=destinations,
    ).map(lambda value: colours.shade(value, largest), subset=destinations)
    event = st.dataframe(
        styled,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-cell",
        height="content",
        placeholder="",
        key=f"matrix {dimension.name} {earlier.month} {month.month} {measure}",
        column_config={
            start: st.column_config.Column("From", alignment="left"),
            **{value: st.column_config.Column(dimension.word(value), alignment="right") for value in destinations},
        },
    )
    cells = event["selection"]["cells"]
    if cells:
        row, column = cells[0]
        if column in destinations:
            _open(month, earlier, dimension, origins[row], column)


def _stayed(found: pandas.DataFrame, measure: str) -> str:
    whole = float(found[measure].sum())
    if not whole:
        return "Nobody has money in the later month's window"
    share = numbers.share(float(found[measure][found["origin"] == found["destination"]].sum()), whole)
    return f"{share}{' of the money is with customers who' if measure == 'monetary' else ''} stayed where they were"


def _open(month: Month, earlier: Month, dimension: Dimension, origin: str, destination: str) -> None:
    st.switch_page(
        "app_pages/customers.py",
        query_params={
            "month": f"{month.month:%Y-%m}",
            "where": movements.link(earlier.month, dimension.name, origin, destination),
        },
    )


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.45)"


main()
