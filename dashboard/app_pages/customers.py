"""Customers: who they are by status, tier, segment and more; the list to look through and to take away."""

from functools import partial

import pandas
import streamlit as st

from dashboard.components import address, charts, colours, columns, numbers, words
from dashboard.components.cache import ask
from dashboard.components.filters import customer_filters
from dashboard.components.page import empty, header
from dashboard.data import customers, export, overview
from dashboard.data.customers import Counts
from dashboard.data.months import Month
from include.warehouse.customer_filter import CustomerFilter

ROWS = 50
ROWS_IN_SIGHT = 20
FORMATS = {"csv": "CSV", "xlsx": "Excel"}


def main() -> None:
    """Draws filters, counts, breakdown and list."""
    month = header("Customers", "Filter on the left, look through the list, take exactly these customers with you.")
    with st.sidebar:
        filters = customer_filters(month)
    counts = ask(customers.counts, month.month, filters)
    _counts(counts)
    if not counts.customers:
        empty("No customer matches these filters. Take one away, or clear them all.")
        return
    _export(filters, counts)
    listed, broken_down = st.tabs(["List", "Breakdown"])
    with listed:
        _list(month, filters, counts)
    with broken_down:
        _breakdown(month, filters, counts)


def _counts(counts: Counts) -> None:
    with st.grid(min_column_width=110):
        st.metric("Customers", numbers.count(counts.customers), help="Customers who match all filters.")
        st.metric("Share of all", numbers.share(counts.customers, counts.known), help="Of everybody known in the month.")
        st.metric("Monetary", numbers.money(counts.monetary), help="Net amount of core lines in the trailing window.")
        for channel, name in words.CHANNEL.items():
            st.metric(
                f"Reach by {name}",
                numbers.count(counts.reach[channel]),
                help="Customers opted in by the master's version valid at the end of the month.",
            )


def _export(filters: CustomerFilter, counts: Counts) -> None:
    with st.container(horizontal=True):
        for file_format, name in FORMATS.items():
            st.download_button(
                f"{name} of {numbers.count(counts.customers)}",
                data=partial(export.customer_list, filters, file_format),
                file_name=export.file_name(filters, file_format),
                mime=export.MIME[file_format],
                on_click="ignore",
                icon=":material/download:",
                key=f"export {file_format}",
                help="Exactly the customers that match the filters, every column of the snapshot, no contact data.",
            )


def _list(month: Month, filters: CustomerFilter, counts: Counts) -> None:
    shown, sort, is_descending = _arrangement()
    place = st.container()
    number = _page_number(-(-counts.customers // ROWS), (filters, sort, is_descending))
    page = ask(customers.page, month.month, filters, tuple(shown), sort, is_descending, ROWS, (number - 1) * ROWS)
    first = (number - 1) * ROWS + 1
    with place:
        st.dataframe(
            columns.in_words(page),
            hide_index=True,
            column_config=columns.configuration(shown),
            height=38 + 35 * min(len(page), ROWS_IN_SIGHT),
            key="customer list",
        )
        st.caption(
            f"{numbers.count(first)}–{numbers.count(first + len(page) - 1)} of {numbers.count(counts.customers)},"
            f" sorted by {columns.label(sort)}."
        )


def _arrangement() -> tuple[list[str], str, bool]:
    """The columns to show, the one to sort by, and whether downwards."""
    address.restore("columns", list(customers.FIRST_COLUMNS), _known_columns)
    address.restore("sort", "monetary", lambda given: given[0] if given[0] in customers.CHOOSABLE_COLUMNS else "monetary")
    address.restore("order", "desc", lambda given: given[0] if given[0] in ("asc", "desc") else "desc")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        sort = st.selectbox(
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
            chosen = st.multiselect(
                "Columns of the list",
                customers.CHOOSABLE_COLUMNS,
                format_func=columns.label,
                key="columns",
                persist_state="session",
            )
    address.write("sort", [sort] if sort != "monetary" else [])
    address.write("order", [order] if order != "desc" else [])
    address.write("columns", chosen if tuple(chosen) != customers.FIRST_COLUMNS else [])
    return chosen or ["customer_id"], sort, order == "desc"


def _known_columns(given: list[str]) -> list[str]:
    return [column for column in given if column in customers.CHOOSABLE_COLUMNS]


def _page_number(pages: int, listed: tuple[object, ...]) -> int:
    """Draws the page buttons and gives the chosen page: the one of the address, the first for another list."""
    if st.session_state.get("list of pages", listed) != listed:
        st.session_state["page"] = 1
    st.session_state["list of pages"] = listed
    address.restore("page", 1, lambda given: int(given[0]) if given[0].isdecimal() else 1)
    number = max(1, min(st.session_state["page"], pages))
    if pages > 1:
        number = st.pagination(pages, default=number, key=f"page of {hash(listed)}", max_visible_pages=5)
    st.session_state["page"] = number
    address.write("page", [str(number)] if number > 1 else [])
    return number


def _breakdown(month: Month, filters: CustomerFilter, counts: Counts) -> None:
    tiers = ask(overview.tiers, month.rule_set)
    left, right = st.columns(2, gap="large")
    with left:
        by_tier = counts.groups.groupby("value_tier")["customers"].sum()
        order = [tier for tier in tiers if tier in by_tier]
        _bars("tier", by_tier[order], [words.tier(tier) for tier in order], [colours.tier_colours(tiers)[t] for t in order])
        by_status = counts.groups.groupby("activity_status")["customers"].sum()
        order = [status for status in words.STATUS if status in by_status]
        _bars("status", by_status[order], [words.status(status) for status in order], [colours.STATUS[s] for s in order])
    with right:
        by_segment = counts.groups.groupby("segment")["customers"].sum().sort_values(ascending=False)
        _bars("segment", by_segment, [str(segment) for segment in by_segment.index], colours.MAIN)
        by_city = ask(customers.by_attribute, month.month, filters, "city").set_index("value")["customers"]
        _bars("city", by_city, ["Unknown" if pandas.isna(city) else str(city) for city in by_city.index], colours.MAIN)


def _bars(name: str, counted: pandas.Series, labels: list[str], colour: str | list[str]) -> None:
    total = int(counted.sum())
    chart = charts.figure(60 + 28 * len(counted), showlegend=False)
    chart.add_bar(
        x=counted.tolist(),
        y=labels,
        orientation="h",
        marker_color=colour,
        text=[f"{numbers.count(value)} · {numbers.share(value, total)}" for value in counted],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:,.0f}<extra></extra>",
    )
    chart.update_yaxes(autorange="reversed")
    chart.update_xaxes(visible=False, range=[0, 1.35 * float(counted.max())])
    top = labels[int(counted.reset_index(drop=True).idxmax())]
    charts.show(f"Most are {top}" if name != "city" else f"Most live in {top}", f"Customers by {name}.", chart, f"by {name}")


main()
