"""The filters of the customer list, kept in the page's address."""

from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.components import address, known, words
from dashboard.components.cache import ask
from dashboard.components.session import signed_in
from dashboard.data import customers
from dashboard.data.months import Month
from include.warehouse.customer_filter import CHANNELS, CustomerFilter, is_storable, storable

NAMES = ("status", "tier", "segment", "event", "opt_in", "customer_group", "city", "home_store_id", "search")
UNKNOWN = "Unknown"
LONGEST_VALUE = 1_000
LONGEST_SEARCH = 10_000
LONGEST_SHOWN, MOST_SHOWN = 40, 5
SEARCH = (
    "A part of it, in small or capital letters, with or without accents. "
    "One or two letters are the beginning of an id or of a word of the name."
)
SEARCH_BY_ID = (
    "A part of it, in small or capital letters; one or two letters are its beginning. Your role sees no names, and so"
    " finds nobody by a name."
)


def customer_filters(month: Month, notices: DeltaGenerator) -> CustomerFilter:
    """Draws the filters and gives what was chosen; nothing chosen restricts nothing.

    In `notices` stands which of the chosen values nobody has in this month.
    """
    search = _search()
    statuses = _choice(notices, "status", "Status", list(words.STATUS), _among(words.STATUS))
    tiers = _choice(notices, "tier", "Tier", known.tiers([month]), words.tier)
    segments = _choice(notices, "segment", "Segment", known.segments([month]), str)
    events = _choice(notices, "event", "Event of the month", list(words.EVENT), _among(words.EVENT))
    channels = _choice(notices, "opt_in", "Opted in to (all of)", list(CHANNELS), _among(words.CHANNEL))
    stores = ask(customers.store_names)
    groups = _attribute(month, notices, "customer_group", "Customer group", str)
    cities = _attribute(month, notices, "city", "City", str)
    homes = _attribute(month, notices, "home_store_id", "Home store", lambda store: store_label(store, stores))
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
    may_see_names = signed_in().may_see_contact
    text = st.text_input(
        "Search",
        key="search",
        persist_state="session",
        max_chars=LONGEST_SEARCH,
        placeholder="Customer id or name" if may_see_names else "Customer id",
        help=SEARCH if may_see_names else SEARCH_BY_ID,
        icon=":material/search:",
    )
    text = storable(text).strip()
    _write("search", [text] if text else [])
    return text


def _attribute(month: Month, notices: DeltaGenerator, name: str, label: str, shown: Callable[[str], str]) -> list[str]:
    """As _choice, for a column of the master, whose unknown value stands in the address as nothing."""
    found = [value or "" for value in ask(customers.values, month.month, name)]
    return _choice(notices, name, label, found, shown)


def _choice(
    notices: DeltaGenerator, name: str, label: str, options: Sequence[str], shown: Callable[[str], str]
) -> list[str]:
    """Draws a filter; a chosen value that nobody has in this month stays chosen, and `notices` say so meanwhile.

    To drop it would show, and give away, customers who were not asked for.
    """
    address.restore(name, [], lambda given: [_readable(value) for value in given])

    def in_words(value: str) -> str:
        return shown(value) if value else UNKNOWN

    st.session_state[name] = asked = list(st.session_state[name])
    chosen: list[str] = st.multiselect(
        label,
        list(dict.fromkeys([*options, *asked])),
        format_func=in_words,
        key=name,
        persist_state="session",
        placeholder="All",
    )
    _write(name, chosen)
    nobodys = [value for value in chosen if value not in options]
    if nobodys:
        values = words.listed([f"“{words.plain(_brief(in_words(value)))}”" for value in nobodys[:MOST_SHOWN]], "or")
        nobody = "none of your customers has" if signed_in().is_restricted else "nobody has"
        notices.warning(
            f"**{label}:** {nobody} {values} in this month. What is chosen stays until you take it out of the filter.",
            icon=":material/filter_alt:",
        )
    return chosen


def _write(name: str, values: list[str]) -> None:
    if not address.write(name, values):
        st.caption("Too long for a link; it holds in this window only.")


def _among(known: dict[str, str]) -> Callable[[str], str]:
    """The words of values, of which an address may name others."""
    return lambda value: known.get(value, value)


def _readable(value: str) -> str:
    """A value of an address as a filter can ask for it: what no text of the database can hold finds nobody."""
    return "".join(one if is_storable(one) else "\N{REPLACEMENT CHARACTER}" for one in value[:LONGEST_VALUE])


def _brief(value: str) -> str:
    return value if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}…"


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
