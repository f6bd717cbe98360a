"""The filters of the customer list, kept in the page's address."""

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard.components import address, known, words
from dashboard.components.cache import ask
from dashboard.data import customers
from dashboard.data.months import Month
from include.warehouse.customer_filter import CHANNELS, CustomerFilter, is_storable, storable

NAMES = ("status", "tier", "segment", "event", "opt_in", "customer_group", "city", "home_store_id", "search")
UNKNOWN = "Unknown"
LONGEST_VALUE = 1_000
LONGEST_SEARCH = 10_000
LONGEST_SHOWN, MOST_SHOWN = 40, 5


def customer_filters(month: Month) -> CustomerFilter:
    """Draws the filters and gives what was chosen; nothing chosen restricts nothing."""
    search = _search()
    statuses = _choice("status", "Status", list(words.STATUS), words.status)
    tiers = _choice("tier", "Tier", known.tiers([month]), words.tier)
    segments = _choice("segment", "Segment", known.segments([month]), str)
    events = _choice("event", "Event of the month", list(words.EVENT), lambda event: words.EVENT[event])
    channels = _choice("opt_in", "Opted in to (all of)", list(CHANNELS), lambda channel: words.CHANNEL[channel])
    stores = ask(customers.store_names)
    groups = _attribute(month, "customer_group", "Customer group", str)
    cities = _attribute(month, "city", "City", str)
    homes = _attribute(month, "home_store_id", "Home store", lambda store: store_label(store, stores))
    st.button("Clear all filters", on_click=_clear, icon=":material/filter_alt_off:", type="tertiary")
    return CustomerFilter(
        month=month.month,
        status=tuple(statuses),
        tier=tuple(tiers),
        event=tuple(events),
        segment=tuple(segments),
        opt_in=tuple(channels),
        customer_group=tuple(value or None for value in groups),
        city=tuple(value or None for value in cities),
        home_store_id=tuple(value or None for value in homes),
        search=search or None,
    )


def _search() -> str:
    address.restore("search", "", lambda given: storable(given[0])[:LONGEST_SEARCH])
    text = st.text_input(
        "Search",
        key="search",
        persist_state="session",
        max_chars=LONGEST_SEARCH,
        placeholder="Customer id or name",
        help=(
            "A part of it, in small or capital letters, with or without accents. "
            "One or two letters are the beginning of an id or of a word of the name."
        ),
        icon=":material/search:",
    )
    text = storable(text).strip()
    address.write("search", [text] if text else [])
    return text


def _attribute(month: Month, name: str, label: str, shown: Callable[[str], str]) -> list[str]:
    """As _choice, for a column of the master, whose unknown value stands in the address as nothing.

    A value that nobody has in this month stays chosen: to drop it would show customers who were not asked for.
    """
    found = [value or "" for value in ask(customers.values, month.month, name)]
    given = [value for value in st.query_params.get_all(name) if len(value) <= LONGEST_VALUE and is_storable(value)]
    options = list(dict.fromkeys([*found, *given, *st.session_state.get(name, [])]))
    return _choice(name, label, options, lambda value: shown(value) if value else UNKNOWN)


def _choice(name: str, label: str, options: Sequence[str], shown: Callable[[str], str]) -> list[str]:
    address.restore(name, [], list)
    asked = st.session_state[name]
    st.session_state[name] = [value for value in asked if value in options]
    _say_unknown(label, [value for value in asked if value not in options], is_all=not st.session_state[name])
    chosen: list[str] = st.multiselect(
        label, options, format_func=shown, key=name, persist_state="session", placeholder="All"
    )
    address.write(name, chosen)
    return chosen


def _say_unknown(label: str, values: Sequence[str], *, is_all: bool) -> None:
    """Says which values a link asks for, or were chosen in another month, that nobody can have in this one."""
    if not values:
        return
    shown = words.listed([f"“{words.plain(value[:LONGEST_SHOWN])}”" for value in values[:MOST_SHOWN]])
    said = "does not exist in this month and is" if len(values) == 1 else "do not exist in this month and are"
    everybody = " Nothing else was asked for here, so this filter now leaves nobody out." if is_all else ""
    st.warning(f"**{label}:** {shown} {said} ignored.{everybody}", icon=":material/filter_alt_off:")


def store_label(store: str, names: dict[str, str]) -> str:
    """A store's id, and its name where it has one."""
    return f"{store} · {names[store]}" if store in names else store


def set_filters(filters: CustomerFilter) -> None:
    """Before the filters are drawn: sets them all."""
    for name in NAMES:
        if name == "search":
            st.session_state[name] = filters.search or ""
        else:
            st.session_state[name] = [value or "" for value in getattr(filters, name)]


def _clear() -> None:
    for name in NAMES:
        st.session_state[name] = "" if name == "search" else []
