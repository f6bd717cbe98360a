"""What a reader chose, kept in the page's address (so that it can be bookmarked) and across pages."""

from collections.abc import Callable, Sequence

import streamlit as st


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


def write(name: str, values: list[str]) -> None:
    """After the widget is drawn: puts its values into the address; none takes the name away."""
    st.session_state[_written(name)] = values
    if values != st.query_params.get_all(name):
        if values:
            st.query_params[name] = values
        else:
            st.query_params.pop(name, None)


def _written(name: str) -> str:
    return f"address of {name}"
