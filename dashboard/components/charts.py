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


def show(finding: str, explanation: str, chart: go.Figure, key: str, **options: Any) -> Any:
    """Draws a chart below the sentence that it supports; gives its selection where `on_select` is asked for."""
    st.markdown(f"**{finding}**")
    st.caption(explanation)
    return st.plotly_chart(chart, key=key, config=CONFIG, alt=finding, **options)
