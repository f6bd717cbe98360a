"""The audience builder: conditions in and/or groups, kept in the address as a link to share."""

from dataclasses import dataclass, field
from datetime import date
from itertools import chain, count, groupby
from typing import Any, Literal, NoReturn

import streamlit as st

from dashboard.components import address, columns, known, numbers, words
from dashboard.components.cache import ask
from dashboard.components.filters import NAMES, set_filters
from dashboard.components.session import signed_in
from dashboard.data import customers, saved
from dashboard.data import months as calendar
from dashboard.data.audience import (
    CONTACT_FIELDS,
    FIELDS,
    FIRST_DAY,
    LARGEST_NUMBER,
    LAST_DAY,
    LIST_OPERATORS,
    LONGEST_VALUE,
    MOST_CONDITIONS,
    NOT_KNOWN_THEN,
    OPERATORS,
    AudienceError,
    Condition,
    Group,
    check,
    fields_asked,
    from_text,
    look_up,
    months_asked,
    to_text,
    values_wanted,
)
from dashboard.data.months import Month
from dashboard.data.rules import best_tiers, rule_set, tiers
from include.warehouse.customer_filter import CustomerFilter
from include.warehouse.export_customers import COLUMNS
from include.warehouse.wording import rules

HIDDEN: Literal["collapsed"] = "collapsed"
OPERATOR_WORDS = {
    "is": "is one of",
    "is_not": "is none of",
    "is_unknown": "is unknown",
    "is_known": "is known",
    "at_least": "is at least",
    "at_most": "is at most",
    "between": "is between",
    "equals": "is exactly",
    "since": "is on or after",
    "until": "is on or before",
    "is_yes": "is yes",
    "is_no": "is no",
    "contains": "contains",
    "begins_with": "begins with",
    NOT_KNOWN_THEN: "customer was not known yet",
    "in": "is in",
    "not_in": "is not in",
    "held_out": "is held out of",
    "not_held_out": "is in, not held out of",
}
MATCH_WORDS = {"all": "all of these", "any": "any of these"}
GROUP_WORDS = {"all": "All groups", "any": "Any group"}
identities = count(1)


@dataclass
class Draft:
    """A condition as it stands on the page, possibly without its values yet."""

    column: str = "activity_status"
    operator: str = "is"
    values: list[str] = field(default_factory=list)
    month: date | None = None
    identity: int = field(default_factory=lambda: next(identities))


@dataclass
class DraftGroup:
    """A group as it stands on the page."""

    conditions: list[Draft]
    is_any: bool = False
    is_excluded: bool = False
    identity: int = field(default_factory=lambda: next(identities))


@dataclass
class Drafts:
    """All groups as they stand on the page."""

    groups: list[DraftGroup] = field(default_factory=list)
    is_any: bool = False


def conditions(month: Month) -> tuple[tuple[Group, ...], bool]:
    """Draws the builder; gives its complete groups and whether any of them is enough."""
    address.restore("where", Drafts(), _read)
    drafts: Drafts = st.session_state["where"]
    number = sum(len(group.conditions) for group in drafts.groups)
    label = f"Conditions ({number})" if number else "More conditions: any column, any month, and/or groups"
    with st.expander(label, icon=":material/tune:", expanded=bool(number)):
        _presets(month)
        if len(drafts.groups) > 1:
            drafts.is_any = _match("match groups", "A customer must match", drafts.is_any, GROUP_WORDS)
        for position, group in enumerate(drafts.groups, 1):
            _group(month, drafts, group, position)
        st.button("Add a group", on_click=_add_group, icon=":material/add:", disabled=number >= MOST_CONDITIONS)
        complete = _complete(drafts)
        left_out = number - sum(len(group.conditions) for group in complete)
        if left_out:
            verbs = "has no value yet and is" if left_out == 1 else "have no value yet and are"
            st.caption(f":material/pending: {numbers.counted(left_out, 'condition')} {verbs} left out.")
        link = to_text(complete, drafts.is_any) if complete else ""
        if not address.write("where", [link] if link else []):
            st.caption("These conditions are too long for a link; they hold in this window only.")
    try:
        asked = look_up(complete, saved.find)
        check_answerable(asked)
    except AudienceError as error:
        # to go on without the condition would show, and give away, other customers than were asked for
        st.error(f"These conditions cannot be answered: {words.plain(error)}.", icon=":material/link_off:")
        st.stop()
    return asked, drafts.is_any


def check_answerable(groups: tuple[Group, ...]) -> None:
    """Raises AudienceError where the groups, or the saved audiences in them, ask for what the reader cannot be told.

    That is a month that is not published, or contact data that the reader may not see: of none it would be true.
    """
    if CONTACT_FIELDS & fields_asked(groups) and not signed_in().may_see_contact:
        raise AudienceError("they ask for a name, an address or a number, and your role sees none")
    unknown = sorted(months_asked(groups) - _published())
    if unknown:
        named = words.listed([_month_name(month) for month in unknown])
        raise AudienceError(f"{named} {'is' if len(unknown) == 1 else 'are'} not published")


def _published() -> set[date]:
    return {month.month for month in ask(calendar.months)}


def _month_name(month: date) -> str:
    """January 0001: of a year that has no four figures too."""
    return f"{month:%B} {month.year:04}"


def _read(given: list[str]) -> Drafts:
    try:
        groups, is_any = from_text(given[0])
    except AudienceError as error:
        # everybody, ready to be taken away, is not what the link meant
        stop_at_link(f"This link cannot be answered: {words.plain(error)}.")
    return drafts_of(groups, is_any)


def stop_at_link(message: str) -> NoReturn:
    """Says in place of customers that a link cannot be answered, and offers the page without it."""
    st.error(message, icon=":material/link_off:")
    st.button("Start afresh with all customers", on_click=_start_afresh, icon=":material/restart_alt:")
    st.stop()


def _start_afresh() -> None:
    set_filters(CustomerFilter())
    st.session_state["where"] = Drafts()
    st.session_state["audience"] = None
    for name in (*NAMES, "where", "audience"):
        address.write(name, [])


def drafts_of(groups: tuple[Group, ...], is_any: bool = False) -> Drafts:
    """Groups as the page edits them."""
    return Drafts(
        groups=[
            DraftGroup(
                conditions=[
                    Draft(item.field, item.operator, list(item.values), item.month) for item in group.conditions
                ],
                is_any=group.is_any,
                is_excluded=group.is_excluded,
            )
            for group in groups
        ],
        is_any=is_any,
    )


def _complete(drafts: Drafts) -> tuple[Group, ...]:
    """The groups without the conditions that still lack a value."""
    groups = []
    for group in drafts.groups:
        complete = []
        for draft in group.conditions:
            condition = Condition(draft.column, draft.operator, tuple(draft.values), draft.month)
            try:
                check(condition)
            except AudienceError:
                continue
            complete.append(condition)
        if complete:
            groups.append(Group(tuple(complete), group.is_any, group.is_excluded))
    return tuple(groups)


def _presets(month: Month) -> None:
    presets = {
        "Win back": _once_best(month, "lapsed", "lost"),
        "High value slipping": _slipping(month),
        "New and worth keeping": [
            Group((Condition("activity_status", "is", ("new",)), Condition("frequency", "at_least", ("2",))))
        ],
    }
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Begin with", width="content")
        for name, preset in presets.items():
            st.button(name, on_click=_set_preset, args=(preset,), type="tertiary", key=f"preset {name}")


def _slipping(month: Month) -> list[Group]:
    """Who is at risk and of high value: by their score, or where nobody at risk is scored, by their last tier."""
    ruled = ask(rule_set, month.rule_set)
    if "at_risk" not in ruled["scored_statuses"]:
        return _once_best(month, "at_risk")
    is_valuable = Condition("m_score", "at_least", (str(rules.good_band(ruled)),))
    return [Group((Condition("activity_status", "is", ("at_risk",)), is_valuable))]


def _once_best(month: Month, *statuses: str) -> list[Group]:
    """Who has one of these statuses and was in a best tier of the rules by which they were scored last."""
    status = Condition("activity_status", "is", statuses)
    scored_by = list(reversed(known.months(month.month)))
    best = {other.rule_set: ask(best_tiers, other.rule_set) for other in scored_by}
    named = list(dict.fromkeys(chain.from_iterable(reversed(best.values()))))
    if all(set(found) == set(named).intersection(ask(tiers, decided_by)) for decided_by, found in best.items()):
        return [Group((status, Condition("last_scored_tier", "is", tuple(named))))]
    # a best tier of some rules is a lower one of others: each by the months that they decide
    groups = []
    for decided_by, run in groupby(scored_by, lambda other: other.rule_set):
        decided = [f"{other.month}" for other in run]
        when = Condition("last_scored_month", "between", (decided[0], decided[-1]))
        groups.append(Group((status, Condition("last_scored_tier", "is", tuple(best[decided_by])), when)))
    return groups


def _group(month: Month, drafts: Drafts, group: DraftGroup, position: int) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Group {position}**", width="content")
            group.is_any = _match(f"match {group.identity}", "Match", group.is_any, MATCH_WORDS, collapsed=True)
            group.is_excluded = st.toggle(
                "Exclude these customers", value=group.is_excluded, key=f"exclude {group.identity}"
            )
            _group_count(month, group)
        for draft in list(group.conditions):
            _condition(month, group, draft)
        with st.container(horizontal=True):
            key = group.identity
            st.button("Add a condition", on_click=_add_condition, args=(group,), key=f"add {key}", type="tertiary")
            st.button("Remove group", on_click=drafts.groups.remove, args=(group,), key=f"drop {key}", type="tertiary")


def _group_count(month: Month, group: DraftGroup) -> None:
    complete = _complete(Drafts([group]))
    if complete:
        alone = Group(complete[0].conditions, complete[0].is_any)
        try:
            asked = look_up((alone,), saved.find)
            check_answerable(asked)
            counted = ask(customers.group_counts, month.month, asked)[0]
        except AudienceError:
            return
        st.badge(f"{numbers.count(counted)} customers", color="gray")


def _condition(month: Month, group: DraftGroup, draft: Draft) -> None:
    names = _fields(draft)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        draft.column = st.selectbox(
            "Column",
            names,
            index=names.index(draft.column),
            format_func=columns.label,
            key=f"field {draft.identity}",
            width=200,
            label_visibility=HIDDEN,
        )
        draft.month = _month(draft)
        draft.operator = _operator(draft)
        draft.values = _values(month, draft)
        st.button(
            "",
            icon=":material/close:",
            help="Remove this condition",
            on_click=_remove_condition,
            args=(group, draft),
            key=f"remove {draft.identity}",
            type="tertiary",
        )


def _fields(draft: Draft) -> list[str]:
    """What a condition can be about for the reader, and what this one is about already."""
    may_see_contact = signed_in().may_see_contact
    return [name for name in FIELDS if may_see_contact or name not in CONTACT_FIELDS or name == draft.column]


def _month(draft: Draft) -> date | None:
    """The month in which the condition is asked; None for the one that is shown."""
    if FIELDS[draft.column].is_master or FIELDS[draft.column].kind == "audience":
        return None
    published = _published()
    options: list[date | None] = [None, *sorted(published, reverse=True)]
    if draft.month and draft.month not in published:
        # another month in its place would be another question
        options.append(draft.month)
    chosen: date | None = st.selectbox(
        "In",
        options,
        index=options.index(draft.month),
        format_func=lambda month: _in_month(month, published),
        key=f"month {draft.identity}",
        width=150 if draft.month is None or draft.month in published else 270,
        label_visibility=HIDDEN,
    )
    return chosen


def _in_month(month: date | None, published: set[date]) -> str:
    if month is None:
        return "This month"
    return words.month(month) if month in published else f"{_month_name(month)} (not published)"


def _operator(draft: Draft) -> str:
    fitting = list(OPERATORS[FIELDS[draft.column].kind]) + ([NOT_KNOWN_THEN] if draft.month else [])
    chosen: str = st.selectbox(
        "Condition",
        fitting,
        index=fitting.index(draft.operator) if draft.operator in fitting else 0,
        format_func=lambda operator: OPERATOR_WORDS[operator],
        key=f"operator {draft.identity} {FIELDS[draft.column].kind} {draft.month is None}",
        width=140,
        label_visibility=HIDDEN,
    )
    return chosen


def _values(month: Month, draft: Draft) -> list[str]:
    kind = FIELDS[draft.column].kind
    key = f"values {draft.identity} {draft.column} {draft.operator}"
    if draft.operator == NOT_KNOWN_THEN:
        return []
    if kind in ("choice", "text") and draft.operator in LIST_OPERATORS:
        return _list(month, draft, kind, key)
    if kind == "audience":
        return _saved(draft, key)
    wanted = values_wanted(kind, draft.operator)
    given = [*draft.values, *[None] * wanted][:wanted]
    # a link may ask for at least 2.5 purchases: that is shown as it is
    if kind == "number" and COLUMNS[draft.column] == "count" and all(_is_whole(text) for text in given):
        kind = "count"
    entered = [_value(kind, f"{key} {kind} {number}", text) for number, text in enumerate(given)]
    return [text for text in entered if text]


def _value(kind: str, key: str, text: str | None) -> str | None:
    """One value of a condition as text; None while it is not given."""
    if kind == "count":
        whole = st.number_input("Value", value=_whole(text), step=1, key=key, width=120, label_visibility=HIDDEN)
        return None if whole is None else str(whole)
    if kind == "number":
        # one beyond these would be left out, and everybody shown
        number = st.number_input(
            "Value",
            value=_number(text),
            min_value=-float(LARGEST_NUMBER),
            max_value=float(LARGEST_NUMBER),
            format="%.2f",
            key=key,
            width=150,
            label_visibility=HIDDEN,
        )
        return None if number is None else repr(number)
    if kind == "date":
        day = st.date_input(
            "Value",
            value=_day(text),
            min_value=FIRST_DAY,
            max_value=LAST_DAY,
            format="DD/MM/YYYY",
            key=key,
            width=150,
            label_visibility=HIDDEN,
        )
        return day.isoformat() if isinstance(day, date) else None
    given = st.text_input(
        "Value", value=text or "", key=key, max_chars=LONGEST_VALUE, width=200, label_visibility=HIDDEN
    )
    return given.strip() or None


def _list(month: Month, draft: Draft, kind: str, key: str) -> list[str]:
    offered = _options(draft.month or month.month, draft.column) if kind == "choice" else {}
    options = list(dict.fromkeys([*offered, *draft.values]))
    chosen: list[str] = st.multiselect(
        "Values",
        options,
        default=[value for value in draft.values if value in options],
        format_func=lambda value: offered.get(value, value),
        accept_new_options=kind == "text",
        placeholder="Choose" if kind == "choice" else "Type a value, Enter",
        key=key,
        width=260,
        label_visibility=HIDDEN,
    )
    return chosen


def _saved(draft: Draft, key: str) -> list[str]:
    names = {str(one.audience_id): one.label for one in saved.audiences()}
    options = list(dict.fromkeys([*names, *draft.values]))
    chosen: str | None = st.selectbox(
        "Audience",
        options,
        index=options.index(draft.values[0]) if draft.values else None,
        format_func=lambda audience_id: names.get(audience_id, f"Audience {audience_id}"),
        placeholder="Choose a saved audience",
        key=key,
        width=260,
        label_visibility=HIDDEN,
    )
    return [chosen] if chosen else []


def _options(month: date, name: str) -> dict[str, str]:
    """The values of a column in a month and the words for them."""
    if name in columns.STATUSES:
        return words.STATUS
    if name in columns.TIERS:
        return {tier: words.tier(tier) for tier in known.tiers(_decided(month, name))}
    if name in ("segment", "previous_segment"):
        return {segment: segment for segment in known.segments(_decided(month, name))}
    fixed = {"lifecycle_event": words.EVENT, "growth_state": words.GROWTH, "abc_class": {"A": "A", "B": "B", "C": "C"}}
    if name in fixed:
        return fixed[name]
    return {value: value for value in ask(customers.values, month, name) if value is not None}


def _decided(month: date, name: str) -> list[Month]:
    """The months whose tier or segment a column of `month` tells."""
    if name.startswith("last_scored"):
        return known.months(month)
    if name.startswith("previous"):
        return [other for other in known.months(month) if other.months_before(-1) == month]
    return known.months(month, month)


def _match(key: str, label: str, is_any: bool, options: dict[str, str], collapsed: bool = False) -> bool:
    chosen: Any = st.segmented_control(
        label,
        list(options),
        default="any" if is_any else "all",
        format_func=lambda match: options[match],
        required=True,
        key=key,
        label_visibility="collapsed" if collapsed else "visible",
    )
    return bool(chosen == "any")


def _is_whole(text: str | None) -> bool:
    number = _number(text)
    return number is None or number.is_integer()


def _whole(text: str | None) -> int | None:
    number = _number(text)
    return None if number is None else int(number)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _add_group() -> None:
    st.session_state["where"].groups.append(DraftGroup([Draft()]))


def _add_condition(group: DraftGroup) -> None:
    group.conditions.append(Draft())


def _remove_condition(group: DraftGroup, draft: Draft) -> None:
    group.conditions.remove(draft)
    drafts: Drafts = st.session_state["where"]
    drafts.groups = [other for other in drafts.groups if other.conditions]


def _set_preset(preset: list[Group]) -> None:
    st.session_state["where"] = drafts_of(tuple(preset), is_any=len(preset) > 1)
