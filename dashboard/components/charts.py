"""Plotly figures in the dashboard's manner: a title that says the finding, no tool bar, no clutter."""

from typing import Any

import plotly.graph_objects as go
import streamlit as st

CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}


def figure(height: int = 300, **layout: Any) -> go.Figure:
    """An empty figure with the common layout; the theme gives text, grid and background colours."""
    empty = go.Figure()
    empty.update_layout(
        height=height,
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "traceorder": "normal"},
        hoverlabel={"namelength": -1},
        bargap=0.25,
        dragmode=False,
        separators=".,",
    )
    empty.update_xaxes(fixedrange=True, automargin=True)
    empty.update_yaxes(fixedrange=True, automargin=True, tickformat=",")
    empty.update_layout(**layout)
    return empty


def text(value: object) -> str:
    """A value from data as a label or hover text: Plotly would take <b> or <a> in it for its own markup."""
    return str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def name_tag(name: str, **place: Any) -> dict[str, Any]:
    """An annotation that stays readable on any colours: the theme's text on the theme's background."""
    light = st.context.theme.type or "light"
    return {
        "text": text(name),
        "font": {"color": st.get_option(f"theme.{light}.textColor"), "size": 12},
        "bgcolor": st.get_option(f"theme.{light}.backgroundColor"),
        "borderpad": 1,
        "showarrow": False,
        "xref": "paper",
        "yref": "paper",
        **place,
    }


def show(finding: str, explanation: str, chart: go.Figure, key: str, least_width: int = 0, **options: Any) -> Any:
    """Draws a chart below the sentence that it supports; gives its selection where `on_select` is asked for.

    A chart with a `least_width` in pixels scrolls sideways where there is less room.
    """
    st.markdown(f"**{finding}**")
    st.caption(explanation)
    if not least_width:
        return st.plotly_chart(chart, key=key, config=CONFIG, alt=finding, **options)
    # Streamlit fits every chart into its container, so the container is what is made wide
    st.html(
        f"<style>.st-key-{key}_scroll {{ overflow-x: auto; }}"
        f" .st-key-{key}_scroll > div {{ min-width: {least_width}px; }}</style>"
    )
    with st.container(key=f"{key}_scroll"):
        return st.plotly_chart(chart, key=key, config=CONFIG, alt=finding, **options)
