"""Customer: one person's months, purchases and consent, and why they are where they are."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pandas
import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots

from dashboard.components import address, charts, colours, known, numbers, tables, words
from dashboard.components.cache import ask, ask_fresh
from dashboard.components.page import empty, header
from dashboard.components.session import signed_in
from dashboard.data import customer as data
from dashboard.data.months import Month
from include.warehouse.wording import rules, terms

LONGEST_ID = 1_000
LINES = 200
PRODUCTS = 12
ADDRESS = ("customer",)
SCORES = {"recency": "r_score", "frequency": "f_score", "monetary": "m_score"}


def main() -> None:
    """Draws the search and, once somebody is found, everything about them."""
    address.follow_link(ADDRESS)
    month = header("Customer", "One person: months, purchases, consent, and why they are where they are.", ADDRESS)
    customer_id = _search()
    if customer_id is None:
        return
    master = ask_fresh(data.master, customer_id)
    history = ask(data.history, customer_id)
    if master is None:
        empty(f"No customer has the id {words.plain(customer_id)}. Ids are case-sensitive.")
        return
    if history.empty or month.month not in set(history["month"]):
        empty(
            f"{words.plain(customer_id)} is not in {words.month(month.month)}:"
            " they appear from registration or first purchase on."
        )
        if history.empty:
            return
    else:
        found = ask(data.reasons, customer_id, month.month)
        _headline(_name(master), found["customer"])
        _why(month, found)
    until = history[history["month"] <= month.month]
    if not until.empty:
        _timeline(month, until)
    # seven columns need the whole width
    _purchases(customer_id)
    left, right = st.columns(2, gap="large")
    with left:
        _products(customer_id)
    with right:
        _consent(master, history)


def _search() -> str | None:
    """Draws the search; gives the id once it names one customer."""
    address.restore("customer", "", lambda given: given[0][:LONGEST_ID])
    may_see_names = signed_in().may_see_contact
    text = st.text_input(
        "Customer id or name" if may_see_names else "Customer id",
        key="customer",
        persist_state="session",
        max_chars=LONGEST_ID,
        placeholder="Id or name, or a part of it" if may_see_names else "Id, or a part of it",
        icon=":material/search:",
        width=360,
    ).strip()
    address.write("customer", [text] if text else [])
    if not text:
        st.caption(f"Type an id{' or a name' if may_see_names else ''}, or choose a row in the list of *Customers*.")
        return None
    found = ask_fresh(data.find, text.replace("\0", ""))
    if not found:
        empty(
            "No customer has an id or name with this text. One or two letters are looked for where an id or a word of "
            "a name begins."
            if may_see_names
            else "No customer has an id with this text. Users with your role see no names and cannot search by them."
        )
        return None
    if found[0]["customer_id"] == text or len(found) == 1:
        return str(found[0]["customer_id"])
    st.caption(
        f"{len(found)}{' or more' if len(found) == data.MOST_FOUND else ''} ids or names fit this text. Choose one:"
    )
    with st.container(horizontal=True):
        for row in found:
            st.button(
                words.plain(_name(row)),
                on_click=_choose,
                args=(row["customer_id"],),
                key=f"choose {row['customer_id']}",
            )
    return None


def _name(master: dict[str, Any]) -> str:
    """Id and, for whoever may read it, name."""
    return " · ".join(filter(None, (master["customer_id"], master["full_name"])))


def _choose(customer_id: str) -> None:
    st.session_state["customer"] = customer_id


def _headline(name: str, row: dict[str, Any]) -> None:
    st.subheader(words.plain(name), anchor=False)
    with st.grid(min_column_width=130):
        st.metric("Status", words.status(row["activity_status"]))
        st.metric("Tier", words.plain(words.tier(row["value_tier"])))
        st.metric("Segment", words.plain(row["segment"]))
        st.metric("Event of the month", words.EVENT[row["lifecycle_event"]])
        st.metric("Monetary", numbers.money(float(row["monetary"])), help=terms.sentence(terms.MONETARY))
        st.metric("Frequency", numbers.count(row["frequency"]), help="Core purchases in the window.")


def _why(month: Month, found: dict[str, Any]) -> None:
    row = found["customer"]
    ruled = found["rule_set"]
    st.markdown(f"**Why in {words.month(month.month)}**")
    st.caption(f"By rule set {row['rule_set']}, as of {words.day(row['as_of_date'])}.")
    lines = [
        _line("Status", words.status(row["activity_status"]), _status_reason(row, ruled)),
        *_scores(row, ruled, found["limits"]),
        _line("High spender", words.FLAG[bool(row["is_high_spender"])], _spender_reason(row, ruled)),
        _line("ABC class", row["abc_class"] or "None", _abc_reason(row, ruled, found["abc_limits"])),
        *_segment(row, ruled),
        _line("Event", words.EVENT[row["lifecycle_event"]], _event_reason(row)),
        _line("Growth", words.GROWTH[row["growth_state"]], terms.GROWTH[row["growth_state"]]),
    ]
    tables.show_texts(pandas.DataFrame(lines))


def _line(what: str, value: str, why: str) -> dict[str, str]:
    return {"What": what, "Value": value, "Why": why}


def _status_reason(row: dict[str, Any], ruled: dict[str, Any]) -> str:
    status = row["activity_status"]
    reason = rules.status_rule(status, ruled)
    if row["last_core_date"] is None:
        return reason
    first, last = row["first_core_date"], row["last_core_date"]
    reason += (
        f". First core purchase {words.day(first)}, {_days_before(row, first)};"
        f" last core purchase {words.day(last)}, {_days_before(row, last)}"
    )
    if status == "active":
        reason += f". {words.status('new')} would be: {rules.status_rule('new', ruled)}"
    return reason


def _days_before(row: dict[str, Any], day: date) -> str:
    return f"{numbers.counted((row['as_of_date'] - day).days, 'day')} before"


def _scores(row: dict[str, Any], ruled: dict[str, Any], limits: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The scores and the tier that they give, or why there are none."""
    if row["t_score"] is None:
        return [
            _line("Scores", "None", _not_scored(row, ruled)),
            _line("Tier", words.tier(row["value_tier"]), f"not scored; {_last_scored(row)}"),
        ]
    bands = words.listed([str(months) for months in ruled["tenure_bands"]])
    tenure = f"first core purchase {numbers.counted(row['tenure_months'], 'month')} ago; bands from {bands} months"
    return [
        *(_score_reason(limit) for limit in limits),
        _line("T", str(row["t_score"]), tenure),
        _line("Tier", words.tier(row["value_tier"]), rules.tier_reason(row, ruled)),
    ]


def _not_scored(row: dict[str, Any], ruled: dict[str, Any]) -> str:
    scored = words.listed([words.status(status) for status in ruled["scored_statuses"]], "or")
    return f"not scored: status {words.status(row['activity_status'])} is not one of {scored}"


def _last_scored(row: dict[str, Any]) -> str:
    if row["last_scored_month"] is None:
        return "never scored until now"
    return f"last scored in {words.month(row['last_scored_month'])}: {words.tier(row['last_scored_tier'])}"


def _spender_reason(row: dict[str, Any], ruled: dict[str, Any]) -> str:
    if row["m_score"] is None:
        return _not_scored(row, ruled)
    return f"M is {row['m_score']}; a high spender has M = {ruled['score_bands']}, the best band"


def _abc_reason(row: dict[str, Any], ruled: dict[str, Any], limits: dict[str, Any]) -> str:
    if row["m_score"] is None:
        return _not_scored(row, ruled)
    value = f"monetary {numbers.money(float(row['monetary']), 2)}"
    if row["abc_class"] is None:
        return f"{value}; only what is above {numbers.money(0)} has a class"
    named = [f"{name} from {numbers.money(float(limit), 2)}" for name, limit in limits.items()]
    return "; ".join([value, ", ".join([*named, "C below"])])


def _segment(row: dict[str, Any], ruled: dict[str, Any]) -> list[dict[str, str]]:
    """The rule that decided, and the rules before it, which did not fit."""
    names = [rule["segment"] for rule in ruled["segments"]]
    place = names.index(row["segment"])
    lines = [_line("Segment", row["segment"], rules.segment_reason(row, ruled))]
    if place:
        earlier = [f"{rule['segment']} ({rules.segment_rule(rule, ruled)})" for rule in ruled["segments"][:place]]
        lines.append(_line("Segments tried before", "None fits", "; ".join(earlier)))
    return lines


def _score_reason(limit: dict[str, Any]) -> dict[str, str]:
    metric = limit["metric"]

    def shown(value: Any) -> str:
        if metric == "monetary":
            return numbers.money(float(value), 2)
        return numbers.counted(float(value), "day" if metric == "recency" else "purchase")

    bound, better = ("at most", "at most") if metric == "recency" else ("from", "from")
    why = f"{shown(limit['value'])}"
    if limit["limit_reached"] is None:
        why += f" {rules.NO_LIMIT_REACHED}"
    else:
        why += f"; band {limit['band']} is {bound} {shown(limit['limit_reached'])}"
    if limit["next_limit"] is not None:
        why += f", band {limit['next_band']} would be {better} {shown(limit['next_limit'])}"
    return _line(metric[0].upper(), str(limit["band"]), why)


def _event_reason(row: dict[str, Any]) -> str:
    return f"first rule that fits: {terms.EVENTS[row['lifecycle_event']]}. {_before(row)}"


def _before(row: dict[str, Any]) -> str:
    if row["previous_status"] is None:
        return "First month in the snapshot"
    before = f"{words.status(row['previous_status'])}, {words.tier(row['previous_tier'])}, {row['previous_segment']}"
    orders = f"{numbers.counted(row['month_orders'], 'order')}" if row["month_orders"] else "no order"
    core = row["growth_state"] in ("new", "returning", "resurrected")
    return f"Month before: {before}; {orders} this month, {'with' if core else 'without'} a core purchase"


def _timeline(month: Month, history: pandas.DataFrame) -> None:
    colour = colours.tier_colours()
    tiers = {tier: colour[tier] for tier in known.tiers(known.months(month.month, history["month"].min()))}
    names = [words.short_month(day) for day in history["month"]]
    chart = make_subplots(rows=3, cols=1, shared_xaxes=True, row_heights=[0.1, 0.1, 0.8], vertical_spacing=0.02)
    tier, status = history["value_tier"], history["activity_status"]
    _strip(chart, 1, names, [charts.text(words.tier(name)) for name in tier], _colours(tier, tiers))
    _strip(chart, 2, names, [words.status(name) for name in status], _colours(status, colours.STATUS))
    chart.add_bar(
        x=names,
        y=history["month_amount"].astype(float),
        marker_color=colours.MAIN,
        customdata=[
            f"{numbers.money(amount, 2)}, {numbers.counted(orders, 'order')}"
            for amount, orders in zip(history["month_amount"], history["month_orders"], strict=True)
        ],
        hovertemplate="%{x}: %{customdata}<extra></extra>",
        showlegend=False,
        row=3,
        col=1,
    )
    _legend(chart, tier, words.tier, tiers)
    _legend(chart, status, words.status, colours.STATUS)
    chart.update_layout(charts.figure(380, bargap=0.08).layout)
    for axis, title in ((1, "Tier"), (2, "Status")):
        chart.update_yaxes(
            row=axis, col=1, showticklabels=True, tickvals=[0.5], ticktext=[title], range=[0, 1], showgrid=False
        )
    chart.update_yaxes(row=3, col=1, tickprefix=numbers.currency_prefix(), tickformat=",")
    chart.update_xaxes(fixedrange=True, type="category")
    active = int((history["month_orders"] > 0).sum())
    charts.show(
        f"Bought in {active} of {numbers.counted(len(history), 'month')} up to {words.month(month.month)},"
        f" {numbers.money(float(history['month_amount'].sum()))} in all",
        "Net amount of every month, with tier and status above it.",
        chart,
        "timeline",
    )


def _strip(chart: go.Figure, row: int, names: list[str], texts: list[str], colour: list[str]) -> None:
    chart.add_bar(
        x=names,
        y=[1] * len(names),
        marker_color=colour,
        customdata=texts,
        hovertemplate="%{x}: %{customdata}<extra></extra>",
        showlegend=False,
        row=row,
        col=1,
    )


def _legend(chart: go.Figure, values: pandas.Series, word: Callable[[str], str], colour: dict[str, str]) -> None:
    """Names the colours of the values that occur."""
    for value in [name for name in colour if name in set(values)]:
        marker = {"symbol": "square", "size": 11, "color": colour[value]}
        chart.add_scatter(
            x=[None], y=[None], mode="markers", marker=marker, name=charts.text(word(value)), row=3, col=1
        )


def _colours(values: pandas.Series, colour: dict[str, str]) -> list[str]:
    return [colour.get(value, colours.SOFT) for value in values]


def _purchases(customer_id: str) -> None:
    found = ask_fresh(data.purchases, customer_id, LINES)
    st.markdown("**Purchases**")
    if found.empty:
        st.caption("No sale or return has been accepted.")
        return
    st.caption("Accepted sale lines, the newest first." + (f" The last {LINES}." if len(found) == LINES else ""))
    st.dataframe(
        found,
        hide_index=True,
        height=420,
        key="purchases",
        placeholder="",
        # the last of these are the first to leave a narrow screen
        column_order=[
            "transaction_date",
            "product",
            "quantity",
            "net_amount",
            "transaction_type",
            "store",
            "transaction_id",
        ],
        column_config={
            "transaction_date": st.column_config.DateColumn("Day", format="D MMM YYYY"),
            "product": "Product",
            "quantity": st.column_config.NumberColumn("Qty", format="localized"),
            "net_amount": st.column_config.NumberColumn(f"Net, {numbers.currency_prefix().strip()}", format="%,.2f"),
            "transaction_type": "Kind",
            "store": "Store",
            "transaction_id": "Receipt",
        },
    )


def _products(customer_id: str) -> None:
    found = ask_fresh(data.products, customer_id, PRODUCTS)
    if found.empty:
        return
    st.markdown("**Products**")
    st.caption(f"By net amount, up to {PRODUCTS}.")
    table = pandas.DataFrame(
        {
            "Product": found["product"],
            # what they are ordered by stays on a narrow screen
            "Net": [numbers.money(float(value), 2) for value in found["amount"]],
            "Receipts": [numbers.count(value) for value in found["receipts"]],
            "Last": [words.day(day) for day in found["last_date"]],
        }
    )
    tables.show(table)


def _consent(master: dict[str, Any], history: pandas.DataFrame) -> None:
    st.markdown("**Consent and master data**")
    st.caption("As the current master has it; e-mail address and phone number are not shown here.")
    values = {
        "In the master": words.FLAG[master["is_in_master"]],
        **{name: words.FLAG[master[f"opt_in_{channel}"]] for channel, name in words.CHANNEL.items()},
        "Registered": words.day(master["registration_date"]) if master["registration_date"] else "Unknown",
        "City": master["city"] or "Unknown",
        "Group": master["customer_group"] or "Unknown",
        "Home store": master["home_store_id"] or "Unknown",
    }
    tables.show(pandas.DataFrame({"What": list(values), "Now": list(values.values())}), texts=2)
    changes = [change for channel, name in words.CHANNEL.items() for change in _changes(history, channel, name)]
    if changes:
        st.caption("Consent changed: " + "; ".join(text for _, text in sorted(changes)) + ".")


def _changes(history: pandas.DataFrame, channel: str, name: str) -> list[tuple[date, str]]:
    """Months in which the consent of a channel became another, with a sentence for each."""
    values = [None if pandas.isna(value) else bool(value) for value in history[f"opt_in_{channel}"]]
    months = list(history["month"])
    return [
        (months[position], f"{name} {words.FLAG[values[position]].lower()} from {words.month(months[position])}")
        for position in range(1, len(values))
        if values[position] != values[position - 1]
    ]


main()
