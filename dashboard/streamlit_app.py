"""The dashboard's entrance: sign-in, pages, navigation and what readers see when the warehouse cannot answer.

Served by dashboard/server.py.
"""

import logging
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st
from sqlalchemy.exc import DBAPIError
from streamlit.navigation.page import StreamlitPage

from dashboard.app_pages.sign_in import sign_in
from dashboard.components import session
from dashboard.components.cache import forget_publication
from include.warehouse.users import User
from include.warehouse.wording import failures

PAGES = Path(__file__).parent / "app_pages"

log = logging.getLogger(__name__)


def main() -> None:
    """Draws the page that the reader is on, or in its place the sign-in."""
    st.set_page_config(page_title="Customer warehouse", page_icon=PAGES.parent / "icon.svg", layout="wide")
    forget_publication()
    title = "sign-in"
    try:
        user = session.check()
        page = st.navigation(_pages(user), position="top" if user else "hidden")
        title = page.title
        if user:
            session.remember()
            page.run()
        else:
            sign_in()
    except DBAPIError as error:
        log.exception("page %s", title)
        what, remedy = failures.explained(error.orig)
        st.error(f"**{what}** {remedy}", icon=":material/error:")
    # Streamlit's own rerun, stop and change of page are no Exception and pass
    except Exception:
        moment = datetime.now(UTC)
        log.exception("page %s, %s", title, _written(moment))
        st.error(_undrawn(moment), icon=":material/error:")


def _pages(user: User | None) -> dict[str, list[StreamlitPage]]:
    """The pages; before somebody has signed in too, so that their addresses are known."""
    pages = [
        st.Page(PAGES / "overview.py", title="Overview", icon=":material/insights:", default=True),
        st.Page(PAGES / "customers.py", title="Customers", icon=":material/groups:", url_path="customers"),
        st.Page(PAGES / "movements.py", title="Movements", icon=":material/sync_alt:", url_path="movements"),
        st.Page(PAGES / "cohorts.py", title="Cohorts", icon=":material/stacked_line_chart:", url_path="cohorts"),
        st.Page(PAGES / "rfmt.py", title="RFMT", icon=":material/grid_on:", url_path="rfmt"),
        st.Page(PAGES / "customer.py", title="Customer", icon=":material/person:", url_path="customer"),
        st.Page(PAGES / "data_health.py", title="Data health", icon=":material/health_and_safety:", url_path="health"),
        st.Page(PAGES / "definitions.py", title="Definitions", icon=":material/menu_book:", url_path="definitions"),
    ]
    out = st.Page(_sign_out, title="Sign out", icon=":material/logout:", url_path="sign-out")
    return {"": pages, user.full_name if user else "Account": [out]}


def _sign_out() -> None:
    session.end()
    st.switch_page(PAGES / "overview.py")


def _undrawn(moment: datetime) -> str:
    return (
        "**This page could not be drawn.** Reload it, or choose another month or other filters; the other pages are not"
        " affected. If it stays so, tell an administrator that it happened on"
        f" {_written(moment)}: the dashboard's log says there what went wrong."
    )


def _written(moment: datetime) -> str:
    """The same for readers and in the log, where administrators look for it."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


main()
