"""Small tables of words and numbers that are already written for people."""

from collections.abc import Iterable

import pandas
import streamlit as st

from dashboard.components import words


def show(table: pandas.DataFrame, texts: int = 1, labels: dict[str, str] | None = None) -> None:
    """Draws a whole table: its first `texts` columns to the left, the others, being numbers, to the right.

    `labels` are headings of columns that are not headed by their names.
    """
    headings = {column: column for column in table.columns} | (labels or {})
    configuration = {
        column: st.column_config.TextColumn(headings[column], alignment="left" if position < texts else "right")
        for position, column in enumerate(table.columns)
    }
    st.dataframe(table, hide_index=True, column_config=configuration, height="content", placeholder="")


def beside(name: str, others: Iterable[str]) -> str:
    """The name for a column beside others that anybody may have named: with a space more than any equal one."""
    taken = set(others)
    while name in taken:
        name += " "
    return name


def show_texts(table: pandas.DataFrame) -> None:
    """Draws a whole table of sentences, which may take several lines."""
    st.table(table.map(words.plain), hide_index=True, border="horizontal")
