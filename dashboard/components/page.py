"""Top of every page: title, month selector, and what a reader should know about the month."""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date

import streamlit as st

from dashboard.components import address, words
from dashboard.components.cache import ask
from dashboard.components.session import signed_in
from dashboard.data import months
from dashboard.data.months import Month

REPORT_MONTH = "report"
# Title of the page that was opened, and what was asked for in place of a month that is published.
NOT_PUBLISHED = "month that is not published"
LONGEST_SHOWN = 40


def header(title: str, subtitle: str, kept: Sequence[str] = ()) -> Month:
    """Draws title and month selector; gives the chosen month. Stops the page while nothing is published.

    `kept` are the page's own names in the address, beside the month.
    """
    address.carry(["month", *kept])
    published = ask(months.months)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    left.title(title, anchor=False)
    left.caption(subtitle)
    if not published:
        nothing_published()
    with right:
        chosen = _select_month(published, title)
    _say_not_published(published[0])
    _flags(chosen, published[0])
    return chosen


def title_only(title: str, subtitle: str) -> None:
    """Top of a page that does not depend on a month."""
    st.title(title, anchor=False)
    st.caption(subtitle)


def nothing_published() -> None:
    """What a page shows before the first publication."""
    st.info(
        "**Nothing is published yet.** The first months appear here by themselves once sales, customers, products"
        " and stores have arrived and passed the checks. *Data health* shows what has arrived so far.",
        icon=":material/hourglass_empty:",
    )
    st.stop()


def empty(message: str) -> None:
    """What stands in place of a chart or list that has nothing to show."""
    st.info(message, icon=":material/search_off:")


def nobody_known() -> None:
    """What stands in place of a page about a month in which the reader has no customers."""
    if signed_in().is_restricted:
        empty("None of your customers are known in this month. Who is yours comes from the customer master.")
    else:
        empty("Nobody is known in this month.")


def _select_month(published: list[Month], title: str) -> Month:
    by_key = {f"{month.month:%Y-%m}": month for month in published}
    report = published[0]
    # a link to the month that is the latest today still means that month when another has come
    options = [REPORT_MONTH, *by_key]
    address.restore("month", REPORT_MONTH, lambda given: given[0])
    if st.session_state["month"] not in options:
        st.session_state[NOT_PUBLISHED] = (title, st.session_state["month"])
        st.session_state["month"] = REPORT_MONTH
    elif st.session_state["month"] != REPORT_MONTH or st.session_state.get(NOT_PUBLISHED, (title,))[0] != title:
        st.session_state.pop(NOT_PUBLISHED, None)
    key = st.selectbox(
        "Month",
        options,
        format_func=lambda option: words.month(by_key[option].month) if option in by_key else _latest(report),
        key="month",
        persist_state="session",
    )
    address.write("month", [] if key == REPORT_MONTH else [key])
    return by_key.get(key, report)


def _say_not_published(report: Month) -> None:
    """Says until another month or page is chosen that the one which was asked for is not the one that is shown."""
    if NOT_PUBLISHED not in st.session_state:
        return
    _, asked = st.session_state[NOT_PUBLISHED]
    try:
        name = words.month(date.fromisoformat(f"{asked}-01"))
    except ValueError:
        name = f"“{words.plain(asked[:LONGEST_SHOWN])}”"
    st.warning(
        f"**{name} is no published month.** This is {words.month(report.month)}, the latest.",
        icon=":material/calendar_month:",
    )


def _latest(report: Month) -> str:
    return f"{words.month(report.month)} (latest)"


def _flags(month: Month, report: Month) -> None:
    notes = []
    if month.is_open:
        notes.append(f":material/schedule: **Open month**: it runs until {words.day(month.as_of_date)} so far.")
    if month.short_history:
        notes.append(":material/history: **Short history**: the trailing window is not yet filled.")
    if month.thin_month:
        notes.append(":material/group_off: **Few scored customers**: scores of this month say little.")
    if not month.is_report_month:
        notes.append(f":material/calendar_month: An earlier month; the latest is {words.month(report.month)}.")
    if notes:
        st.caption("  \n".join(notes))


def same_days(month: Month, other: date, year: bool = True) -> str:
    """How a comparison with another month is named: Oct 2025, or 1–21 Oct 2025 where `month` is open."""
    name = f"{other:%b %Y}" if year else f"{other:%b}"
    return f"1–{min(month.as_of_date.day, monthrange(other.year, other.month)[1])} {name}" if month.is_open else name
