"""Overview: where the customers stand this month, what moved them, and what the revenue is made of."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from itertools import chain

import pandas
import plotly.graph_objects as go
import streamlit as st

from dashboard.components import address, charts, colours, known, numbers, tables, take_away, words
from dashboard.components.cache import ask
from dashboard.components.page import empty, header, nobody_known, same_days
from dashboard.components.session import signed_in
from dashboard.data import export, overview
from dashboard.data import months as calendar
from dashboard.data.months import Month
from dashboard.data.overview import Flows, Revenue
from dashboard.data.rules import best_tiers, rule_set
from include.warehouse.wording import rules, terms

LAST_YEAR = 12
MONTH_BEFORE = "before"


def main() -> None:
    """Draws the page from top to bottom."""
    month = header("Overview", "Where customers stand, what moved them, and what the revenue is made of.", ("against",))
    history = ask(overview.history, month.month)
    if month.month not in set(history["month"]):
        nobody_known()
        return
    if month.is_open:
        st.caption(f"It is compared with the first {month.as_of_date.day} days of other months.")
    _headlines(month, history)
    left, right = st.columns(2, gap="large")
    with left:
        _tiers(month, history)
    with right:
        _events(month, history)
    st.divider()
    _growth(month, history)
    st.divider()
    _revenue_tree(month)
    st.divider()
    left, right = st.columns([3, 2], gap="large")
    with left:
        _tier_by_status(month)
    with right:
        _reach(month, history)
        _summary_download(month)


@dataclass(frozen=True)
class Headline:
    """A figure of the month with its line; `field` names it in Flows."""

    label: str
    meaning: str
    field: str
    line: list[float]
    is_money: bool = False
    is_good: bool = True

    @property
    def is_flow(self) -> bool:
        """Whether it adds up over a month; who is engaged is counted on one day."""
        return self.field != "engaged"

    def shown(self, value: float) -> str:
        """The value with its unit."""
        return numbers.money(value) if self.is_money else numbers.count(value)

    def value(self, flows: Flows | None) -> float | None:
        """Its value among the flows of a month; None where the month is not known."""
        return None if flows is None else float(getattr(flows, self.field))


def _headlines(month: Month, history: pandas.DataFrame) -> None:
    flows = [
        ask(overview.whole_month, month.month),
        ask(overview.comparison, month, month.months_before(1)),
        ask(overview.comparison, month, month.months_before(LAST_YEAR)),
    ]
    headlines = [
        Headline(
            "Engaged customers",
            terms.sentence(rules.engaged(ask(rule_set, month.rule_set))),
            "engaged",
            _line(month, history, "total", ["all"], "scored"),
        ),
        Headline(
            "New customers",
            terms.sentence(terms.GROWTH["new"]),
            "new",
            _line(month, history, "growth_state", ["new"], "customers"),
        ),
        Headline(
            "Won back",
            terms.sentence(terms.OF_FIGURES["Won back"]),
            "won_back",
            _line(month, history, "lifecycle_event", ["recovered", "reactivated"], "customers"),
        ),
        Headline(
            "Became lost",
            terms.sentence(terms.EVENTS["lost"]),
            "lost",
            _line(month, history, "lifecycle_event", ["lost"], "customers"),
            is_good=False,
        ),
        Headline(
            "Revenue",
            terms.sentence(terms.OF_FIGURES["Revenue"]),
            "revenue",
            _line(month, history, "total", ["all"], "month_amount"),
            is_money=True,
        ),
    ]
    with st.grid(min_column_width=190):
        for headline in headlines:
            now, before, last_year = (headline.value(one) for one in flows)
            _card(month, headline, now or 0.0, before, last_year)


def _card(month: Month, headline: Headline, now: float, before: float | None, last_year: float | None) -> None:
    delta = numbers.change(now, before)
    # Streamlit takes every change without a minus for a rise
    is_moved = delta != numbers.NO_CHANGE
    with st.container(border=True, height="stretch"):
        st.metric(
            headline.label,
            headline.shown(now),
            delta=delta,
            delta_color=("normal" if headline.is_good else "inverse") if is_moved else "off",
            delta_arrow="auto" if is_moved else "off",
            delta_description=f"on {same_days(month, month.months_before(1), year=False)}" if before else "",
            help=headline.meaning,
            chart_data=headline.line,
        )
        if not before:
            # no share of nothing
            st.caption(_beside_nothing(month, headline, month.months_before(1), before))
        changed = numbers.change(now, last_year)
        if changed and last_year:
            name = same_days(month, month.months_before(LAST_YEAR))
            st.caption(f"{changed} on {name} ({headline.shown(last_year)})")
        else:
            st.caption(_beside_nothing(month, headline, month.months_before(LAST_YEAR), last_year))
        if month.is_open and headline.is_flow and headline.line:
            st.caption(f"Line: whole months until {month.months_before(1):%b %Y}")


def _beside_nothing(month: Month, headline: Headline, other: date, value: float | None) -> str:
    """What another month had where no change can be said: nothing, or why that is not known."""
    return f"{same_days(month, other)}: {_why_unknown(other) if value is None else headline.shown(value)}"


def _why_unknown(other: date) -> str:
    """Why there are no figures of a month."""
    if other not in {published.month for published in ask(calendar.months)}:
        return "not published"
    return "none of your customers" if signed_in().is_restricted else "not comparable"


def _line(month: Month, history: pandas.DataFrame, dimension: str, values: list[str], measure: str) -> list[float]:
    """The measure of 13 months; what accumulates over a month is left out for an open one."""
    chosen = history[(history["dimension"] == dimension) & history["value"].isin(values)]
    months = sorted(history["month"].unique())
    line = [float(value) for value in chosen.groupby("month")[measure].sum().reindex(months, fill_value=0)]
    return line[:-1] if month.is_open and measure != "scored" else line


def _tiers(month: Month, history: pandas.DataFrame) -> None:
    own = {other.month: known.tiers([other])[:-1] for other in known.months(month.month, history["month"].min())}
    colour = colours.tier_colours()
    table = _by_month(history, "value_tier")
    held = {tier: int(table[tier].iloc[-1]) for tier in own[month.month] if tier in table and table[tier].iloc[-1]}
    engaged = sum(held.values())
    if not engaged:
        empty("Nobody is engaged in this month, so nobody has a tier.")
        return
    best = [tier for tier in ask(best_tiers, month.rule_set) if tier in held] or list(held)[:1]
    chart = charts.figure(320, barmode="stack", legend_traceorder="reversed")
    for tier in reversed(list(dict.fromkeys(chain.from_iterable(own.values())))):
        if tier in table:
            chart.add_bar(
                x=_month_names(table),
                y=[count if tier in own[other] else None for other, count in table[tier].items()],
                name=charts.text(words.tier(tier)),
                marker_color=colour[tier],
                hovertemplate="%{y:,.0f}",
            )
    chart.update_layout(hovermode="x unified")
    names = f"{words.plain(words.listed([words.tier(tier) for tier in best]))} {'holds' if len(best) == 1 else 'hold'}"
    share = numbers.share(sum(held[tier] for tier in best), engaged)
    charts.show(
        f"{names} {share} of {numbers.counted(engaged, 'engaged customer')}",
        f"Engaged customers by value tier, {numbers.counted(len(table), 'month')}."
        + (" The tiers of each month are those of its own rules." if len(set(map(tuple, own.values()))) > 1 else ""),
        chart,
        "tiers",
    )


def _events(month: Month, history: pandas.DataFrame) -> None:
    table = _by_month(history, "lifecycle_event")
    events = [event for event in words.EVENT if event not in ("none", "retained", "registered") and event in table]
    if not events:
        empty("No lifecycle event in this month.")
        return
    now = table[events].iloc[-1]
    largest = str(now.astype(float).idxmax())
    names = [f"{words.EVENT[event]} · {numbers.count(int(now[event]))}" for event in events][::-1]
    chart = charts.figure(320)
    chart.add_bar(
        x=now[events[::-1]],
        y=names,
        orientation="h",
        marker_color=colours.MAIN,
        name=words.short_month(month.month),
        hovertemplate="%{x:,.0f}",
    )
    chart.update_xaxes(tickformat=",")
    has_mark = len(table) > 1 and not month.is_open
    if has_mark:
        chart.add_scatter(
            x=table[events].iloc[-2][events[::-1]],
            y=names,
            mode="markers",
            marker={"symbol": "line-ns-open", "size": 18, "color": colours.FALL, "line": {"width": 3}},
            name=words.short_month(table.index[-2]),
            hovertemplate="%{x:,.0f}",
        )
    mark = ", the mark being the month before." if has_mark else "."
    others = [
        f"{words.EVENT[event]}: {numbers.count(_value(table.iloc[-1], event))}" for event in ("retained", "registered")
    ]
    finding = f"{words.EVENT[largest]} was the most frequent change: {numbers.counted(int(now[largest]), 'customer')}"
    if not now[largest]:
        finding = f"Nobody began to buy, came back, slipped or changed tier in {words.month(month.month)}"
    charts.show(
        finding,
        f"Lifecycle events of the month{mark} {', '.join(others)}."
        + (" They are compared with the month before once the month is whole." if month.is_open else ""),
        chart,
        "events",
    )


def _growth(month: Month, history: pandas.DataFrame) -> None:
    table = _by_month(history, "growth_state")
    shown = table.iloc[:-1] if month.is_open else table
    if shown.empty:
        empty("Who was gained and who paused is known at the end of the month.")
        return
    last = shown.iloc[-1]
    gained = _value(last, "new") + _value(last, "resurrected")
    dormant = _value(last, "dormant")
    chart = charts.figure(340, barmode="relative", hovermode="x unified")
    for state in ("returning", "new", "resurrected", "dormant"):
        if state in shown:
            sign = -1 if state == "dormant" else 1
            chart.add_bar(
                x=_month_names(shown),
                y=[sign * int(value) for value in shown[state]],
                name=words.GROWTH[state],
                marker_color=colours.GROWTH[state],
                customdata=shown[state],
                hovertemplate="%{customdata:,.0f}",
            )
    named = words.month(shown.index[-1])
    buyers = _value(last, "returning") + gained
    sentences = [
        "Buyers of a core product.",
        f"{named}: {numbers.count(buyers)} buyers = {numbers.count(buyers - gained + dormant)} before",
        f"+ {numbers.count(_value(last, 'new'))} new + {numbers.count(_value(last, 'resurrected'))} resurrected",
        f"{numbers.MINUS} {numbers.count(dormant)} dormant.",
    ]
    if month.is_open:
        sentences.append(f"{words.month(month.month)} is open and left out: who pauses is known at its end.")
    charts.show(
        f"{named} gained {numbers.counted(gained, 'buyer')}{_beside(gained, dormant)}",
        " ".join(sentences),
        chart,
        "growth",
    )


def _beside(gained: int, dormant: int) -> str:
    """How many were gained beside how many paused, as the end of a sentence."""
    if not dormant:
        return ", and nobody paused"
    verdict = "more than" if gained > dormant else "fewer than" if gained < dormant else "as many as"
    return f", {verdict} the {numbers.count(dormant)} who paused"


def _revenue_tree(month: Month) -> None:
    published = [other for other in ask(calendar.months) if other.month < month.month]
    if not published:
        empty("The revenue tree compares a month with an earlier one; no earlier month is published.")
        return
    earlier = {f"{other.month:%Y-%m}": other for other in published}
    options = [MONTH_BEFORE, *list(earlier)[1:]]
    address.restore("against", MONTH_BEFORE, lambda given: given[0] if given[0] in options else MONTH_BEFORE)
    if st.session_state["against"] not in options:
        st.session_state["against"] = MONTH_BEFORE
    against = st.selectbox(
        "Compare revenue with",
        options,
        format_func=lambda option: same_days(month, earlier.get(option, published[0]).month),
        key="against",
        persist_state="session",
        width=260,
    )
    address.write("against", [] if against == MONTH_BEFORE else [against])
    other = earlier.get(against, published[0])
    after = ask(overview.revenue, month.month)
    before = ask(overview.comparable_revenue, month, other.month)
    _draw_revenue(month, other.month, before, after)


def _draw_revenue(month: Month, other: date, before: Revenue, after: Revenue) -> None:
    named = same_days(month, other)
    brought = overview.contributions(before, after)
    if brought is None:
        st.markdown(f"**{_revenue_finding(before, after)}, against {named}**")
        empty("A factor of one of the months is not above zero, so only the total can be compared.")
        return
    chart = go.Figure(charts.figure(330, showlegend=False))
    chart.add_waterfall(
        x=[named, *brought, same_days(month, month.month)],
        y=[float(before.amount), *brought.values(), 0],
        measure=["absolute", *["relative"] * len(brought), "total"],
        text=[
            numbers.money(float(before.amount)),
            *(numbers.money(value) for value in brought.values()),
            numbers.money(float(after.amount)),
        ],
        textposition="outside",
        increasing_marker_color=colours.RISE,
        decreasing_marker_color=colours.FALL,
        totals_marker_color=colours.MAIN,
        cliponaxis=False,
        hovertemplate="%{x}: %{text}<extra></extra>",
    )
    lowest = min(float(before.amount), float(after.amount), float(before.amount) + min(0.0, *_sums(brought)))
    highest = max(float(before.amount), float(after.amount), float(before.amount) + max(0.0, *_sums(brought)))
    room = (highest - lowest) or highest
    # a sum that runs below zero on the way is drawn whole
    bottom = lowest - 0.3 * room if lowest < 0 else max(0.0, lowest - room)
    chart.update_yaxes(range=[bottom, highest + 0.3 * room], tickprefix=numbers.currency_prefix())
    left, right = st.columns([3, 2], gap="large")
    with left:
        charts.show(
            _revenue_finding(before, after, brought),
            f"What each factor brought against {named}; the parts add up to the change. Not from zero.",
            chart,
            "revenue",
        )
    with right:
        st.markdown("**Customers × orders × items × price**")
        st.caption("Customers with an order, orders of each, items of an order, price of an item net of returns.")
        old, new = before.factors or {}, after.factors or {}
        tables.show(
            pandas.DataFrame(
                {
                    "Factor": list(brought),
                    named: [_factor(name, old[name]) for name in brought],
                    same_days(month, month.month): [_factor(name, new[name]) for name in brought],
                    "Brought": [numbers.money(value) for value in brought.values()],
                }
            ),
        )


def _revenue_finding(before: Revenue, after: Revenue, brought: dict[str, float] | None = None) -> str:
    """What became of the revenue and, where its factors are known, which of them moved it that way most."""
    first, second = numbers.money(float(before.amount)), numbers.money(float(after.amount))
    if first == second:
        return f"Revenue did not change: {second}"
    if brought is None:
        return f"Revenue went from {first} to {second}"
    changed = numbers.change(float(after.amount), float(before.amount))
    least, *_, most = sorted(brought, key=lambda name: brought[name])
    is_rise = after.amount > before.amount
    driver, brake = (most, least) if is_rise else (least, most)
    moved = "brought most" if is_rise else "took most away"
    finding = f"Revenue went from {first} to {second} ({changed}): {driver.lower()} {moved}"
    # a change may be small beside what moved it either way
    if brought[driver] * brought[brake] < 0 and abs(brought[brake]) > abs(brought[driver]):
        money = numbers.money(abs(brought[brake]))
        finding += f", while {brake.lower()} {f'took {money} away' if is_rise else f'brought {money}'}"
    return finding


def _sums(parts: dict[str, float]) -> list[float]:
    running, sums = 0.0, []
    for part in parts.values():
        running += part
        sums.append(running)
    return sums


def _factor(name: str, value: Decimal) -> str:
    if name == "Customers":
        return numbers.count(float(value))
    return numbers.money(float(value), 2) if name == "Price per item" else numbers.ratio(float(value))


def _tier_by_status(month: Month) -> None:
    found = ask(overview.tier_by_status, month.month)
    tiers = known.tiers([month])
    table = found.pivot_table(index="activity_status", columns="value_tier", values="customers", aggfunc="sum")
    table = table.reindex(index=[status for status in words.STATUS if status in table.index], columns=tiers)
    everybody, status = tables.beside("All", tiers), tables.beside("Status", tiers)
    table[everybody] = table.sum(axis=1)
    table.loc["All"] = table.sum()
    total = int(table[everybody].iloc[-1])
    shown = table.map(lambda value: "" if pandas.isna(value) or value == 0 else numbers.count(value))
    shown.insert(0, status, [words.STATUS.get(name, "All") for name in table.index])
    st.markdown(f"**{numbers.count(total)} customers by status and tier**")
    st.caption(f"Everybody known until {words.day(month.as_of_date)}. Only scored statuses have a tier.")
    tables.show(shown, labels={tier: words.tier(tier) for tier in tiers} | {everybody: "All", status: "Status"})


def _reach(month: Month, history: pandas.DataFrame) -> None:
    total = history[(history["month"] == month.month) & (history["dimension"] == "total")].iloc[0]
    customers = int(total["customers"])
    st.markdown("**Who may be contacted**")
    st.caption("Customers opted in by the master's version valid then; unknown counts as no.")
    for channel, name in words.CHANNEL.items():
        reached = int(total[f"reach_{channel}"])
        st.progress(
            reached / customers if customers else 0.0,
            text=f"{name}: {numbers.count(reached)} ({numbers.share(reached, customers)})",
        )


def _summary_download(month: Month) -> None:
    st.markdown("**All of it in Excel**")
    st.caption("Tiers, statuses, events, segments, reach, movements, stores and data quality, with the SQL of each.")
    what = (month, export.summary_name(month.month))
    take_away.button(
        f"Excel summary of {words.month(month.month)}", "summary", what, partial(export.prepare_summary, month.month)
    )
    take_away.offered(what)


def _by_month(history: pandas.DataFrame, dimension: str) -> pandas.DataFrame:
    """Customers by month (rows) and value of the dimension (columns), gaps as 0."""
    chosen = history[history["dimension"] == dimension]
    return chosen.pivot_table(index="month", columns="value", values="customers", aggfunc="sum").fillna(0).sort_index()


def _month_names(table: pandas.DataFrame) -> list[str]:
    return [words.short_month(month) for month in table.index]


def _value(counts: pandas.Series, name: str) -> int:
    return int(counts.get(name, 0))


main()
