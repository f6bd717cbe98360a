"""Buttons that prepare a file on the server's disk, and the link by which it is taken away."""

from collections.abc import Callable
from datetime import UTC, datetime

import streamlit as st

from dashboard.components import numbers, words
from dashboard.data.downloads import Download, Prepared
from include.warehouse.errors import WarehouseError

PREPARED = "prepared file"


def button(
    label: str, key: str, what: object, prepare: Callable[[], Prepared], *, explanation: str | None = None
) -> None:
    """Draws the button that prepares a file of `what`, anything that is equal while the file would be the same."""
    if st.button(label, key=key, icon=":material/download:", help=explanation):
        try:
            with st.spinner("Writing the file …"):
                prepared = prepare()
        except WarehouseError as error:
            st.session_state.pop(PREPARED, None)
            st.error(f"**Nothing was written.** {words.plain(error)}", icon=":material/error:")
            return
        st.session_state[PREPARED] = (what, prepared, True)


def offered(what: object) -> None:
    """Draws the link to the file that was prepared last, if it is one of `what`; a new one begins by itself."""
    of_what, prepared, is_new = st.session_state.get(PREPARED, (None, None, False))
    if of_what != what or prepared is None or prepared.file.expires < datetime.now(UTC).timestamp():
        return
    st.session_state[PREPARED] = (of_what, prepared, False)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        until = datetime.fromtimestamp(prepared.file.expires, UTC)
        rows = "" if prepared.rows is None else f" · {numbers.counted(prepared.rows, 'row')}"
        size = numbers.size(prepared.file.size)
        st.markdown(
            # as code: of an e-mail address in a name Markdown would make a link
            f"`{prepared.file.name}`{rows} · {size} · the link holds until {until:%H:%M} UTC"
        )
        st.link_button("Download", _address(prepared.file), icon=":material/download:", type="primary")
        if prepared.about:
            st.link_button("About this file", _address(prepared.about), icon=":material/info:", type="tertiary")
    if is_new:
        st.iframe(_address(prepared.file), height=1)


def _address(file: Download) -> str:
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}{file.url}" if base else file.url
