"""Saved audiences on the page of customers: opened by a link, saved, shared, split, and compared."""

from dataclasses import replace
from decimal import Decimal

import streamlit as st

from dashboard.components import address, numbers, words
from dashboard.components.builder import check_answerable, drafts_of, stop_at_link
from dashboard.components.cache import ask
from dashboard.components.filters import NAMES, set_filters
from dashboard.components.session import signed_in
from dashboard.data import saved
from dashboard.data.audience import (
    AUDIENCE,
    Audience,
    AudienceError,
    Condition,
    Group,
    Half,
    SavedAudience,
    asks_the_same,
    to_text,
)
from dashboard.data.months import Month
from include.warehouse.wording import terms

ADDRESS = ("audience", "half", "changed")
# Whether a part of a comparison is opened: its customers are listed, not compared once more.
IS_PART_OPENED = "part of a comparison is opened"
HALVES = {"all": "Everybody", "rest": "Without holdout", "held": "Holdout only"}
PARTS = {
    "both": ("In both", "in", "in"),
    "first": ("Only in the first", "in", "not_in"),
    "second": ("Only in the second", "not_in", "in"),
}


def opened() -> SavedAudience | None:
    """Before the filters are drawn: the audience of the address, its conditions set once when it is opened."""
    address.restore("audience", None, lambda given: _key(given[0]))
    key = st.session_state["audience"]
    found = None
    if key is not None:
        try:
            found = saved.find(key)
        except AudienceError as error:
            stop_at_link(f"The audience of this link cannot be opened: {words.plain(error)}.")
    if found and st.session_state.get("audience that is set") != key:
        # a link that says more than the audience's key shows what it says
        if not any(st.query_params.get_all(name) for name in (*NAMES, "where", "changed")):
            _set(found)
        _note_open(found)
    elif found is None:
        st.session_state["audience that is set"] = None
    address.write("audience", [str(key)] if found else [])
    return found


def _key(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        stop_at_link("The audience of this link cannot be read.")
    return int(text)


def _note_open(one: SavedAudience) -> None:
    """Keeps which audience was opened, and as of when: another window may save it meanwhile."""
    st.session_state["audience that is set"] = one.audience_id
    st.session_state["audience as of"] = one.changed_at


def _set(one: SavedAudience) -> None:
    set_filters(one.audience.filters)
    st.session_state["where"] = drafts_of(one.audience.groups, one.audience.is_any)


def unchanged(audience: Audience, one: SavedAudience | None) -> SavedAudience | None:
    """The open audience while the page asks for just what was saved; the address says where it asks for another."""
    is_changed = one is not None and not asks_the_same(audience, one.audience)
    # without this word an address with no filter would mean the saved audience, not everybody
    address.write("changed", ["yes"] if is_changed else [])
    return None if is_changed else one


def half(one: SavedAudience | None, is_changed: bool) -> Half | None:
    """Draws the choice of the holdout's halves, where the open audience has a holdout and is as it was saved."""
    if one is None or not one.holdout_percent or is_changed:
        address.write("half", [])
        if one and one.holdout_percent:
            st.session_state["half"] = "all"
            st.caption(f"The holdout of {_percent(one)} % belongs to the saved audience and is not applied here.")
        return None
    address.restore("half", "all", lambda given: given[0] if given[0] in HALVES else "all")
    chosen = st.segmented_control(
        f"Holdout of {_percent(one)} %",
        list(HALVES),
        format_func=lambda name: HALVES[name],
        key="half",
        persist_state="session",
        required=True,
        help=terms.sentence(terms.HOLDOUT_IS_STABLE),
    )
    address.write("half", [chosen] if chosen and chosen != "all" else [])
    if chosen in (None, "all"):
        return None
    return Half(one.audience_id, one.holdout_percent, chosen == "held")


def _percent(one: SavedAudience) -> str:
    return f"{one.holdout_percent.normalize():f}"


def campaign_half(audience: Audience, one: SavedAudience | None, is_changed: bool) -> Half | None:
    """A campaign leaves the holdout of the open audience out unless somebody says otherwise.

    Once the audience was changed, only if somebody says so.
    """
    if audience.half:
        if audience.half.is_holdout:
            st.warning("These are the customers who are held out of campaigns.", icon=":material/front_hand:")
        return audience.half
    if one is None or not one.holdout_percent:
        return None
    label = f"Leave out the holdout of {_percent(one)} %"
    if is_changed:
        label += f" of “{words.plain(one.name)}” as it was saved"
    is_left_out = st.toggle(
        label, value=not is_changed, key=f"leave out the holdout{' as saved' if is_changed else ''}"
    )
    return Half(one.audience_id, one.holdout_percent, is_holdout=False) if is_left_out else None


def manage(audience: Audience, one: SavedAudience | None, is_changed: bool) -> None:
    """Draws what can be done with saved audiences: open, save, share, delete."""
    asked = replace(audience, half=None, channel=None)
    name = f"Audience: {words.plain(one.name)}{' (changed)' if is_changed else ''}" if one else "Audiences"
    with st.popover(name, icon=":material/bookmark:", key="audiences"):
        _open(one)
        _save(asked, one)
        if one:
            _share(one, is_changed)
            _delete(one)
    if one and (is_changed or one.changed_at != st.session_state["audience as of"]):
        st.button(
            "Go back to what was saved",
            icon=":material/undo:",
            type="tertiary",
            on_click=_set_open,
            args=(one,),
            key="go back",
        )


def _open(one: SavedAudience | None) -> None:
    known = {other.audience_id: other for other in saved.audiences()}
    if not known:
        st.caption("No audience is saved yet. Set filters and conditions, then save them under a name.")
        return
    chosen = st.selectbox(
        "Open",
        list(known),
        index=list(known).index(one.audience_id) if one and one.audience_id in known else None,
        format_func=lambda key: known[key].label if key in known else str(key),
        placeholder="A saved audience",
        key=f"audience to open {one.audience_id if one else ''}",
    )
    if chosen is not None and (one is None or chosen != one.audience_id):
        _set_open(known[chosen])
        st.rerun()


def _set_open(one: SavedAudience) -> None:
    for name in (*NAMES, *ADDRESS, "where"):
        address.write(name, [])
    st.session_state["half"] = "all"
    st.session_state["audience"] = one.audience_id
    _note_open(one)
    _set(one)


def _save(audience: Audience, one: SavedAudience | None) -> None:
    is_mine = one is not None and one.owner == signed_in().email
    as_of = st.session_state["audience as of"] if one else None
    key = f"{one.audience_id} {as_of}" if one else "new"
    with st.form(f"save {key}", border=False):
        name = st.text_input("Name", value=one.name if one else "", max_chars=saved.LONGEST_NAME, key=f"name {key}")
        percent = st.number_input(
            "Holdout, %",
            min_value=0.0,
            max_value=float(saved.MOST_HELD_OUT),
            value=float(one.holdout_percent) if one else 0.0,
            step=5.0,
            format="%.2f",
            key=f"holdout {key}",
            help=terms.sentence(terms.HOLDOUT),
        )
        is_saved = is_mine and st.form_submit_button("Save changes", icon=":material/save:")
        is_new = st.form_submit_button("Save as new", icon=":material/bookmark_add:")
    if not (is_saved or is_new):
        return
    try:
        share = Decimal(f"{percent:.2f}")
        as_opened = replace(one, changed_at=as_of) if one and is_saved else None
        audience_id = saved.save(as_opened, name, audience, share)
    except AudienceError as error:
        st.error(f"Not saved: {words.plain(error)}.")
        return
    st.session_state["audience"] = audience_id
    _note_open(saved.find(audience_id))
    st.rerun()


def _share(one: SavedAudience, is_changed: bool) -> None:
    st.caption("Share this audience by its link; who opens it sees the customers that they may see.")
    if saved.asks_for_contact(one):
        st.caption(
            "It asks, by itself or through an audience that it uses, for a name, an address or a number. Such an"
            " audience opens only for its owner and for who sees the contact data of all customers."
        )
    if is_changed:
        st.caption(
            "The link means the audience as it was saved. To share what is shown now, save it or copy the address."
        )
    st.code(f"{st.context.url or ''}?audience={one.audience_id}", language=None, wrap_lines=True)


def _delete(one: SavedAudience) -> None:
    """Draws the button of the owner, who is asked again: it cannot be undone, and others may build on it."""
    if one.owner != signed_in().email:
        return
    asked = f"deletion of audience {one.audience_id}"
    if not st.session_state.get(asked):
        st.button(
            "Delete this audience",
            icon=":material/delete:",
            type="tertiary",
            on_click=_ask_for_deletion,
            args=(asked, True),
        )
        return
    st.warning(f"“{words.plain(one.name)}” cannot be had again once it is deleted.", icon=":material/delete:")
    users = saved.built_on(one.audience_id)
    if users:
        named = words.listed([f"“{words.plain(other.name)}” ({words.plain(other.owner)})" for other in users])
        st.warning(f"**Audiences that use it would stop working:** {named}.", icon=":material/link_off:")
    with st.container(horizontal=True):
        is_sure = st.button("Delete for good", type="primary", key=f"delete {one.audience_id}")
        st.button("Keep it", on_click=_ask_for_deletion, args=(asked, False), key=f"keep {one.audience_id}")
    if is_sure:
        saved.delete(one.audience_id)
        st.session_state.pop(asked)
        st.session_state["audience"] = None
        st.rerun()


def _ask_for_deletion(asked: str, is_asked: bool) -> None:
    st.session_state[asked] = is_asked


def compare(month: Month, one: SavedAudience | None) -> None:
    """Draws the overlap and the differences of two saved audiences, each part to be opened."""
    known = {other.audience_id: other for other in saved.audiences()}
    if len(known) < 2:
        st.caption("Save two audiences to compare them: who is in both, and who only in one.")
        return
    keys = list(known)
    first = one.audience_id if one and one.audience_id in known else keys[0]
    with st.container(horizontal=True):
        chosen = [
            st.selectbox(
                label,
                keys,
                index=keys.index(value),
                format_func=lambda key: known[key].label,
                key=f"compare {label} {first}",
                width=280,
            )
            for label, value in (("First", first), ("Second", next(key for key in keys if key != first)))
        ]
    if chosen[0] == chosen[1]:
        st.caption("Choose two different audiences.")
        return
    try:
        pair = [saved.complete(known[key].audience, (key,)) for key in chosen]
        for audience in pair:
            check_answerable(audience.groups)
    except AudienceError as error:
        st.error(f"These audiences cannot be compared: {words.plain(error)}.")
        return
    found = ask(saved.compare, month.month, *pair)
    names = [known[key].name for key in chosen]
    total = sum(part.customers for part in found.values())
    finding = f"{numbers.share(found['both'].customers, total)} of {numbers.count(total)} customers are in both"
    st.markdown(f"**{finding if total else 'Nobody is in either of them in this month'}**")
    st.caption(f"First: {words.plain(names[0])}. Second: {words.plain(names[1])}.")
    for column, (name, (label, *operators)) in zip(st.columns(len(PARTS)), PARTS.items(), strict=True):
        with column, st.container(border=True):
            st.metric(label, numbers.count(found[name].customers))
            st.caption(f"{numbers.money(found[name].monetary)} in the window")
            conditions = tuple(
                Condition(AUDIENCE, operator, (str(key),)) for operator, key in zip(operators, chosen, strict=True)
            )
            link = to_text([Group(conditions)], is_any=False)
            is_empty = not found[name].customers
            if st.button("Open", key=f"open {name}", icon=":material/arrow_forward:", disabled=is_empty):
                st.session_state[IS_PART_OPENED] = True
                st.switch_page("app_pages/customers.py", query_params={"month": f"{month.month:%Y-%m}", "where": link})
