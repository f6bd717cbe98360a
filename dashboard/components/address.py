"""What a reader chose, kept in the page's address (so that it can be bookmarked) and across pages."""

from collections.abc import Callable, Sequence
from urllib.parse import urlencode

import streamlit as st

from dashboard.data.links import LONGEST_LINK


def restore(name: str, default: object, read: Callable[[list[str]], object]) -> None:
    """Before the widget with the key `name` is drawn: sets it from a new address, else keeps what was chosen.

    `read` turns the address's values into the widget's value and ignores what it does not know.
    """
    given = st.query_params.get_all(name)
    if given and given != st.session_state.get(_written(name)):
        st.session_state[name] = read(given)
    elif name not in st.session_state:
        st.session_state[name] = default


def follow_link(names: Sequence[str]) -> None:
    """Before the widgets of a page are drawn: an address that brings anything new decides all of `names`.

    What such a link leaves out is then at its default, not at what was chosen before; a plain change of page keeps
    what was chosen.
    """
    given = {name: st.query_params.get_all(name) for name in names}
    if any(values and values != st.session_state.get(_written(name)) for name, values in given.items()):
        for name in names:
            st.session_state.pop(name, None)
            st.session_state.pop(_written(name), None)


def carry(names: Sequence[str]) -> None:
    """Before the widgets of a page are drawn: what was chosen before goes into a bare address all at once.

    Each change of the address is a step of the browser's Back; one by one, every filter would cost a press.
    """
    if any(st.query_params.get_all(name) for name in names):
        return
    kept = {name: st.session_state[_written(name)] for name in names if st.session_state.get(_written(name))}
    if kept:
        st.query_params.update(kept)


def write(name: str, values: list[str]) -> bool:
    """After the widget is drawn: puts its values into the address; none takes the name away.

    Gives whether the address can say them. What is too long for a link is not in it, and holds in this window only.
    """
    is_short = len(urlencode([(name, value) for value in values])) <= LONGEST_LINK
    written = values if is_short else []
    st.session_state[_written(name)] = written
    if written != st.query_params.get_all(name):
        if written:
            st.query_params[name] = written
        else:
            st.query_params.pop(name, None)
    return is_short


def _written(name: str) -> str:
    return f"address of {name}"
