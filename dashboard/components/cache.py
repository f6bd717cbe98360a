"""Answers of the data layer, kept until something new is published, and shared only by users who see the same."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import streamlit as st

from dashboard.components.session import signed_in
from dashboard.data.months import Publication, publication

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def ask(query: Callable[Arguments, Answer], *arguments: Arguments.args, **named: Arguments.kwargs) -> Answer:
    """The answer of a query on the published state: the same query on the same publication is answered from memory."""
    answer: Answer = _answer(_name(query), current(), signed_in().scope, arguments, tuple(named.items()), query)
    return answer


def ask_fresh(query: Callable[Arguments, Answer], *arguments: Arguments.args, **named: Arguments.kwargs) -> Answer:
    """The answer of a query on the accepted state, which changes between publications: at most ten seconds old."""
    answer: Answer = _fresh_answer(_name(query), signed_in().scope, arguments, tuple(named.items()), query)
    return answer


def current() -> Publication | None:
    """The publication in force, read once in a run of a page."""
    if "publication" not in st.session_state:
        st.session_state["publication"] = publication()
    found: Publication | None = st.session_state["publication"]
    return found


def forget_publication() -> None:
    """At the beginning of a run: look again which publication is in force."""
    st.session_state.pop("publication", None)


def _name(query: Callable[..., Any]) -> str:
    return f"{query.__module__}.{query.__qualname__}"


@st.cache_data(ttl="6h", max_entries=2000, show_spinner=False)
def _answer(
    name: str,
    published: Publication | None,
    scope: tuple[str, ...],
    arguments: tuple[Any, ...],
    named: tuple[tuple[str, Any], ...],
    _query: Callable[..., Any],
) -> Any:
    return _query(*arguments, **dict(named))


@st.cache_data(ttl=10, max_entries=200, show_spinner=False)
def _fresh_answer(
    name: str,
    scope: tuple[str, ...],
    arguments: tuple[Any, ...],
    named: tuple[tuple[str, Any], ...],
    _query: Callable[..., Any],
) -> Any:
    return _query(*arguments, **dict(named))
