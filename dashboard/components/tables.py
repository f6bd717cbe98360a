"""Small tables of words and numbers that are already written for people."""

import pandas
import streamlit as st

from dashboard.components import words


def show(table: pandas.DataFrame, texts: int = 1) -> None:
    """Draws a whole table: its first `texts` columns to the left, the others, being numbers, to the right."""
    configuration = {
        column: st.column_config.TextColumn(column, alignment="left" if position < texts else "right")
        for position, column in enumerate(table.columns)
    }
    st.dataframe(table, hide_index=True, column_config=configuration, height="content", placeholder="")


def show_texts(table: pandas.DataFrame) -> None:
    """Draws a whole table of sentences, which may take several lines."""
    st.table(table.map(words.plain), hide_index=True, border="horizontal")
