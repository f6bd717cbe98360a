"""Customers: who they are by status, tier, segment and more; the list to look through and to take away."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pandas
import streamlit as st

from dashboard.components import address, audiences, charts, colours, columns, known, numbers, take_away, words
from dashboard.components.builder import conditions
from dashboard.components.cache import ask, ask_fresh
from dashboard.components.filters import NAMES, customer_filters, store_label
from dashboard.components.page import empty, header, nobody_known
from dashboard.components.session import signed_in
from dashboard.data import customers, export
from dashboard.data.audience import Audience, SavedAudience
from dashboard.data.customers import Arrangement, Counts
from dashboard.data.months import Month
from include.warehouse.wording import terms

ROWS = 50
ROWS_IN_SIGHT = 20
LONGEST_PAGE = 9
TABS = ("List", "Breakdown", "Compare")
SHOWN_AS = "shown as"
FORMATS = {"csv": "CSV", "xlsx": "Excel"}
ADDRESS = (*NAMES, *audiences.ADDRESS, "where", "sort", "order", "columns", "page")


def main() -> None:
    """Draws filters, counts, breakdown and list."""
    address.follow_link(ADDRESS)
    month = header(
        "Customers", "Filter on the left, look through the list, take exactly these customers with you.", ADDRESS
    )
    opened = audiences.opened()
    notices = st.container()
    with st.sidebar:
        filters = customer_filters(month, notices)
    groups, is_any = conditions(month)
    asked = Audience(filters, groups, is_any)
    unchanged = audiences.unchanged(asked, opened)
    is_changed = unchanged is not opened
    with st.container(horizontal=True, vertical_alignment="bottom"):
        audiences.manage(asked, opened, is_changed)
        half = audiences.half(opened, is_changed)
    audience = Audience(filters, groups, is_any, half=half)
    counts = ask(customers.counts, month.month, audience)
    _counts(counts)
    if counts.customers:
        _export(month, audience, counts, opened, unchanged)
    if st.session_state.pop(audiences.IS_PART_OPENED, False):
        st.session_state[SHOWN_AS] = TABS[0]
    listed, broken_down, compared = st.tabs(TABS, on_change="rerun", key=SHOWN_AS)
    if compared.open:
        with compared:
            audiences.compare(month, opened)
    elif not counts.known:
        nobody_known()
    elif not counts.customers:
        empty("No customer matches these filters. Take one away, or clear them all.")
    elif listed.open:
        with listed:
            _list(month, audience, counts, unchanged)
    elif broken_down.open:
        with broken_down:
            _breakdown(month, audience, counts)


def _counts(counts: Counts) -> None:
    figures = [
        ("Customers", numbers.count(counts.customers), "Customers who match all filters."),
        ("Share of all", numbers.share(counts.customers, counts.known), "Of all known in the month."),
        ("Monetary", numbers.money(counts.monetary), terms.sentence(terms.MONETARY)),
        *(
            (f"Reach by {name}", numbers.count(counts.reach[channel]), terms.sentence(terms.REACH))
            for channel, name in words.CHANNEL.items()
        ),
    ]
    with st.container(horizontal=True, gap="medium"):
        for label, value, meaning in figures:
            # as wide as it is: millions were cut off
            st.metric(label, value, help=meaning, width="content")


def _export(
    month: Month, audience: Audience, counts: Counts, opened: SavedAudience | None, unchanged: SavedAudience | None
) -> None:
    # a list that was changed since is not the saved audience's
    key = unchanged.audience_id if unchanged else None
    with st.container(horizontal=True):
        for file_format, name in FORMATS.items():
            take_away.button(
                f"{name} of {numbers.count(counts.customers)}",
                f"export {file_format}",
                (month, audience),
                partial(export.prepare, audience, file_format, audience_id=key, page_url=st.context.url),
                explanation="Exactly the customers that match, every column of the snapshot, no contact data.",
            )
        with st.popover("For a channel", icon=":material/campaign:"):
            _channel_export(month, audience, opened, key)
    take_away.offered((month, audience))


def _channel_export(month: Month, audience: Audience, opened: SavedAudience | None, key: int | None) -> None:
    channel = st.segmented_control(
        "Channel", list(words.CHANNEL), format_func=lambda name: words.CHANNEL[name], key="export channel"
    )
    st.caption(terms.sentence(terms.CHANNEL_REACH))
    if channel is None:
        return
    reached = replace(audience, channel=channel, half=audiences.campaign_half(audience, opened, key is None))
    found = ask_fresh(customers.total, month.month, reached)
    if not found:
        empty("Nobody of this list may be contacted by this channel.")
        return
    with_contact = signed_in().may_see_contact and st.toggle(
        f"With name and {'e-mail address' if channel == 'email' else 'telephone number'}", key="export contact"
    )
    if with_contact:
        is_dialled = "phone" in export.CONTACT[channel]
        st.caption(
            "Who opted in and gave no address is in the list too, with an empty cell."
            + (f" {terms.sentence(terms.PHONE_IN_CSV)}" if is_dialled else "")
        )
    for file_format, name in FORMATS.items():
        take_away.button(
            f"{name} of {numbers.count(found)}",
            f"export {channel} {file_format}",
            (month, audience),
            partial(
                export.prepare,
                reached,
                file_format,
                with_contact=with_contact,
                audience_id=key,
                page_url=st.context.url,
            ),
        )


def _list(month: Month, audience: Audience, counts: Counts, unchanged: SavedAudience | None) -> None:
    arrangement = _arrangement()
    place = st.container()
    number = _page_number(-(-counts.customers // ROWS), (month.month, audience, arrangement))
    page = ask(customers.page, month.month, audience, arrangement, number, ROWS, listed=counts.customers)
    first = (number - 1) * ROWS + 1
    with place:
        event = st.dataframe(
            columns.in_words(page[list(arrangement.columns)]),
            hide_index=True,
            column_config=columns.configuration(list(arrangement.columns)),
            height=38 + 35 * min(len(page), ROWS_IN_SIGHT),
            on_select="rerun",
            selection_mode="single-row",
            placeholder="",
            key="customer list",
        )
        st.caption(
            f"{numbers.count(first)}–{numbers.count(first + len(page) - 1)} of {numbers.count(counts.customers)},"
            f" sorted by {columns.label(arrangement.sort)}. Tick a row to open the customer."
        )
        _arranged_export(month, audience, arrangement, unchanged)
    chosen = event["selection"]["rows"]
    if chosen:
        _open_customer(month, str(page["customer_id"].iloc[chosen[0]]))


def _arranged_export(
    month: Month, audience: Audience, arrangement: Arrangement, unchanged: SavedAudience | None
) -> None:
    """Draws the buttons for a file of the whole list as it is shown."""
    what = (month, audience, arrangement)
    with st.container(horizontal=True):
        for file_format, name in FORMATS.items():
            take_away.button(
                f"{name} of these columns",
                f"export as shown {file_format}",
                what,
                partial(
                    export.prepare,
                    audience,
                    file_format,
                    arrangement=arrangement,
                    audience_id=unchanged.audience_id if unchanged else None,
                    page_url=st.context.url,
                ),
                explanation="Every page of this list, in its columns and its order.",
            )
    take_away.offered(what)


def _open_customer(month: Month, customer_id: str) -> None:
    st.switch_page("app_pages/customer.py", query_params={"month": f"{month.month:%Y-%m}", "customer": customer_id})


def _arrangement() -> Arrangement:
    """Draws the choice of columns and order."""
    usual = Arrangement()
    offered = [*customers.CHOOSABLE_COLUMNS, *_master_columns()]
    address.restore(
        "columns", list(usual.columns), lambda given: [column for column in dict.fromkeys(given) if column in offered]
    )
    address.restore(
        "sort", usual.sort, lambda given: given[0] if given[0] in customers.CHOOSABLE_COLUMNS else usual.sort
    )
    address.restore("order", "desc", lambda given: given[0] if given[0] in ("asc", "desc") else "desc")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        sort: str = st.selectbox(
            "Sort by",
            customers.CHOOSABLE_COLUMNS,
            format_func=columns.label,
            key="sort",
            persist_state="session",
            width=220,
        )
        order = st.segmented_control(
            "Order",
            ["desc", "asc"],
            format_func=lambda way: "High to low" if way == "desc" else "Low to high",
            key="order",
            persist_state="session",
            required=True,
        )
        with st.popover("Columns", icon=":material/view_column:"):
            chosen: list[str] = st.multiselect(
                "Columns of the list",
                offered,
                format_func=columns.label,
                key="columns",
                persist_state="session",
            )
    address.write("sort", [sort] if sort != usual.sort else [])
    address.write("order", [order] if order == "asc" else [])
    address.write("columns", chosen if tuple(chosen) != usual.columns else [])
    return Arrangement(tuple(chosen or ["customer_id"]), sort, order == "desc")


def _master_columns() -> list[str]:
    """What the list can show of the current master; names for whoever may see them."""
    may_see_names = signed_in().may_see_contact
    return [column for column in customers.MASTER_COLUMNS if may_see_names or column != customers.NAME]


def _page_number(pages: int, listed: tuple[object, ...]) -> int:
    """Draws the page buttons and gives the chosen page: the one of the address, the first for another list."""
    if st.session_state.get("list of pages", listed) != listed:
        st.session_state["page"] = 1
    st.session_state["list of pages"] = listed
    address.restore("page", 1, _page_of)
    number: int = max(1, min(st.session_state["page"], pages))
    if pages > 1:
        number = st.pagination(pages, default=number, key=f"page of {hash(listed)}", max_visible_pages=5)
    st.session_state["page"] = number
    address.write("page", [str(number)] if number > 1 else [])
    return number


def _page_of(given: list[str]) -> int:
    """The page that an address asks for; the first where no list can have it."""
    text = given[0]
    return int(text) if text.isdecimal() and len(text) <= LONGEST_PAGE else 1


def _breakdown(month: Month, audience: Audience, counts: Counts) -> None:
    tiers = known.tiers([month])
    left, right = st.columns(2, gap="large")
    with left:
        by_tier = counts.groups.groupby("value_tier")["customers"].sum().reindex(tiers).dropna()
        colour = colours.tier_colours()
        _bars("tier", by_tier.rename(words.tier), [colour[str(tier)] for tier in by_tier.index], counts.customers)
        by_status = counts.groups.groupby("activity_status")["customers"].sum().reindex(list(words.STATUS)).dropna()
        status_colours = [colours.STATUS[str(status)] for status in by_status.index]
        _bars("status", by_status.rename(words.status), status_colours, counts.customers)
        _attribute_bars(month, audience, "city", "city", counts.customers)
    with right:
        stores = ask(customers.store_names)
        _attribute_bars(month, audience, "customer_group", "customer group", counts.customers)
        _attribute_bars(
            month,
            audience,
            "home_store_id",
            "home store",
            counts.customers,
            shown=lambda store: store_label(store, stores),
        )
        by_segment = counts.groups.groupby("segment")["customers"].sum().sort_values(ascending=False)
        _bars("segment", by_segment, [colours.MAIN] * len(by_segment), counts.customers)


def _attribute_bars(
    month: Month, audience: Audience, attribute: str, label: str, total: int, *, shown: Callable[[str], str] = str
) -> None:
    found = ask(customers.by_attribute, month.month, audience, attribute).set_index("value")["customers"]
    counted = found.rename(lambda value: "Unknown" if pandas.isna(value) else shown(value))
    _bars(label, counted, [colours.MAIN] * len(counted), total)


def _bars(name: str, counted: pandas.Series, colour: list[str], total: int) -> None:
    """Bars of the most frequent values and, where `total` customers are more, one of all others."""
    most = str(counted.idxmax())
    finding = f"{words.plain(most)} is the most frequent {name}: {numbers.share(float(counted.max()), total)}"
    if counted.max() == total:
        finding = f"All have the {name} {words.plain(most)}"
    about = f"Customers by {name}."
    others = total - int(counted.sum())
    if others:
        about = f"Customers by {name}: the {len(counted)} most frequent, and all others together."
        counted = pandas.concat([counted, pandas.Series({"All others": others})])
        colour = [*colour, colours.SOFT]
    # rows are told apart by their place: two values may be called alike
    places, labels = list(range(len(counted))), [charts.text(label) for label in counted.index]
    chart = charts.figure(60 + 28 * len(counted), showlegend=False)
    chart.add_bar(
        x=counted.tolist(),
        y=places,
        orientation="h",
        marker_color=colour,
        text=[f"{numbers.count(value)} · {numbers.share(value, total)}" for value in counted],
        textposition="outside",
        cliponaxis=False,
        customdata=labels,
        hovertemplate="%{customdata}: %{x:,.0f}<extra></extra>",
    )
    chart.update_yaxes(autorange="reversed", tickvals=places, ticktext=labels, showgrid=False, zeroline=False)
    chart.update_xaxes(visible=False, range=[0, 1.35 * float(counted.max())])
    charts.show(finding, about, chart, f"by {name}")


main()
