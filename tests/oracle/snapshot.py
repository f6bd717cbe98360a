"""One row per customer per month: attributes, measures, status, scores, tier, segment, event (definitions §3–§7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .facts import NEVER, CoreMeasures, Facts, dates, decimals, first_day, window_sum
from .files import COLUMNS, CUSTOMERS
from .masters import Master, Versions
from .rules import STATUSES, RuleSet, decision_table
from .scores import CutPoints, Integers, band_by_limits, class_by_limits, cut_points, recency_band

Flags = NDArray[np.bool_]
Objects = NDArray[Any]

PROSPECT, NEW, ACTIVE, AT_RISK, LAPSED, LOST = range(len(STATUSES))
NO_TIER = "none"
SNAPSHOT_COLUMNS = (
    "month",
    "as_of_date",
    "customer_id",
    "customer_group",
    "city",
    "home_store_id",
    "opt_in_email",
    "opt_in_sms",
    "opt_in_phone",
    "is_in_master",
    "first_core_date",
    "last_core_date",
    "last_purchase_date",
    "recency_days",
    "frequency",
    "monetary",
    "total_amount",
    "month_amount",
    "month_core_amount",
    "month_orders",
    "month_items",
    "tenure_months",
    "activity_status",
    "r_score",
    "f_score",
    "m_score",
    "t_score",
    "rfmt_score",
    "rfmt_total",
    "value_tier",
    "segment",
    "is_high_spender",
    "last_scored_month",
    "last_scored_tier",
    "lifecycle_event",
    "growth_state",
    "abc_class",
    "previous_status",
    "previous_tier",
    "previous_segment",
    "rule_set",
)
_CUSTOMER_COLUMNS = list(COLUMNS[CUSTOMERS])
_ATTRIBUTES = ("customer_group", "city", "home_store_id")
_OPT_INS = ("opt_in_email", "opt_in_sms", "opt_in_phone")
_MONEY = ("monetary", "total_amount", "month_amount", "month_core_amount")
_DATES = ("first_core_date", "last_core_date", "last_purchase_date")


@dataclass(frozen=True)
class Month:
    """A published month: its flags and the limits it was scored by."""

    number: int  # months since January 1970
    as_of: int  # ordinal
    is_open: bool
    short_history: bool
    thin_month: bool
    rules: RuleSet
    cuts: CutPoints


@dataclass(frozen=True)
class Snapshot:
    """All months and all their rows, in order of month and customer."""

    months: list[Month]
    rows: pd.DataFrame


@dataclass
class _State:
    """What a month hands on to the next; arrays are one cell per customer."""

    present: Flags
    status: Integers
    tier: Objects
    segment: Objects
    is_scored: Flags
    last_scored_month: Integers  # ordinal of the month's first day
    last_scored_tier: Objects
    ladder: tuple[str, ...]  # the tiers of the month's rules, best first


def build_snapshot(
    facts: Facts,
    customers: Master,
    first_seen: Mapping[str, int],
    rules_of: Callable[[int], RuleSet],
    frozen: Mapping[int, CutPoints],
) -> Snapshot:
    """Compute every month. `first_seen` gives ordinals; months in `frozen` are scored by the limits found there."""
    versions = customers.versions(facts.customers)
    known_from = _known_from(facts, versions, first_seen)
    state = _before_the_first_month(len(facts.customers))
    months, columns = [], []
    for column, number in enumerate(facts.months):
        rules = rules_of(number)
        values, state, cuts = _month(facts, column, known_from, rules=rules, frozen=frozen.get(number), previous=state)
        values.update(_attributes(versions, facts.as_of[column]))
        chosen = np.flatnonzero(state.present)
        columns.append({name: array[chosen] for name, array in values.items()})
        months.append(
            Month(
                number=number,
                as_of=facts.as_of[column],
                is_open=facts.is_open and number == facts.months[-1],
                short_history=column < rules.window_months,
                thin_month=int(state.is_scored.sum()) < rules.min_scored_customers,
                rules=rules,
                cuts=cuts,
            )
        )
    names = np.array(facts.customers, dtype=object)
    joined = {name: np.concatenate([each[name] for each in columns]) for name in columns[0]}
    joined["customer_id"] = names[joined["customer_id"]]
    return Snapshot(months, _frame(joined, facts.quantity_scale))


def _known_from(facts: Facts, versions: Versions, first_seen: Mapping[str, int]) -> Integers:
    place = _CUSTOMER_COLUMNS.index("registration_date")
    registered = np.array([_ordinal(versions.values[i][place]) for i in versions.version[-1]], dtype=np.int64)
    seen = np.array([first_seen[customer] for customer in facts.customers], dtype=np.int64)
    never = np.iinfo(np.int64).max
    candidates = [np.where(each == NEVER, never, each) for each in (registered, facts.first_transaction)]
    earliest = np.minimum(*candidates)
    return np.where(earliest == never, seen, earliest)


def _ordinal(value: object) -> int:
    return value.toordinal() if isinstance(value, date) else NEVER


def _before_the_first_month(size: int) -> _State:
    nobody = np.zeros(size, dtype=bool)
    nothing = np.full(size, None, dtype=object)
    never = np.full(size, NEVER, np.int64)
    return _State(nobody, np.zeros(size, np.int64), nothing, nothing, nobody, never, nothing, ladder=())


def _attributes(versions: Versions, as_of: int) -> dict[str, Objects]:
    row = int(versions.row_at(np.array([as_of]))[0])
    in_master = versions.in_master[row]
    chosen = [versions.values[i] for i in versions.version[row]]
    attributes: dict[str, Objects] = {"is_in_master": in_master}
    for name in (*_ATTRIBUTES, *_OPT_INS):
        place = _CUSTOMER_COLUMNS.index(name)
        attributes[name] = np.array([values[place] for values in chosen], dtype=object)
    for name in _OPT_INS:
        attributes[name] = _only(in_master, attributes[name])  # whoever left the master gives no consent
    return attributes


def _month(
    facts: Facts,
    column: int,
    known_from: Integers,
    *,
    rules: RuleSet,
    frozen: CutPoints | None,
    previous: _State,
) -> tuple[dict[str, Objects], _State, CutPoints]:
    core = facts.core(rules)
    as_of = facts.as_of[column]
    first_of_month = first_day(facts.months[column]).toordinal()
    present = known_from <= as_of
    has_core = (core.first_month >= 0) & (core.first_month <= column)
    last_core = core.last_date[:, column]
    recency = as_of - last_core
    frequency = window_sum(core.orders, column, rules.window_months)
    monetary = window_sum(core.amount, column, rules.window_months)
    tenure = column - core.first_month

    status = _status(as_of, core.first_date, recency, has_core, rules)
    scored_codes = [STATUSES.index(name) for name in rules.scored_statuses]
    is_scored = present & np.isin(status, scored_codes)
    cuts = frozen
    if cuts is None:
        scored = recency[is_scored], frequency[is_scored], monetary[is_scored]
        cuts = cut_points(*scored, rules.score_bands, rules.abc_percent)

    r = np.where(is_scored, recency_band(recency, cuts.r), 0)
    f = np.where(is_scored, band_by_limits(frequency, cuts.f), 0)
    m = np.where(is_scored, band_by_limits(monetary, cuts.m), 0)
    t = np.where(is_scored, np.searchsorted(rules.tenure_bands, tenure, side="right"), 0)
    decision = decision_table(rules)
    tier = np.where(is_scored, decision.tier[r, f, m, t], NO_TIER)
    segment = decision.segment[status, r, f, m]
    bought, bought_before = _bought(core, column)
    is_first = core.first_month == column

    state = _State(
        present=present,
        status=status,
        tier=tier,
        segment=segment,
        is_scored=is_scored,
        last_scored_month=np.where(is_scored, first_of_month, previous.last_scored_month),
        last_scored_tier=np.where(is_scored, tier, previous.last_scored_tier),
        ladder=tuple(name for name, _ in rules.tiers),
    )
    size = len(known_from)
    values: dict[str, Objects] = {
        "month": np.full(size, first_of_month),
        "as_of_date": np.full(size, as_of),
        "customer_id": np.arange(size),
        "has_core": has_core,
        "is_scored": is_scored,
        "first_core_date": np.where(has_core, core.first_date, NEVER),
        "last_core_date": last_core,
        "last_purchase_date": facts.last_purchase[:, column],
        "recency_days": recency,
        "frequency": frequency,
        "monetary": monetary,
        "total_amount": window_sum(facts.amount, column, rules.window_months),
        "month_amount": facts.amount[:, column],
        "month_core_amount": core.amount[:, column],
        "month_orders": facts.orders[:, column],
        "month_items": facts.items[:, column],
        "tenure_months": tenure,
        "activity_status": np.array(STATUSES, dtype=object)[status],
        "r_score": r,
        "f_score": f,
        "m_score": m,
        "t_score": t,
        "rfmt_score": decision.score[r, f, m, t],
        "rfmt_total": decision.total[r, f, m, t],
        "value_tier": tier,
        "segment": segment,
        "is_high_spender": m == rules.score_bands,
        "last_scored_month": state.last_scored_month,
        "last_scored_tier": state.last_scored_tier,
        "lifecycle_event": _events(state, previous, is_first, bought),
        "growth_state": _growth(is_first, bought, bought_before),
        "abc_class": _only(is_scored, class_by_limits(monetary, cuts.abc, rules.abc_percent)),
        "previous_status": _only(previous.present, np.array(STATUSES, dtype=object)[previous.status]),
        "previous_tier": _only(previous.present, previous.tier),
        "previous_segment": _only(previous.present, previous.segment),
        "rule_set": np.full(size, rules.version),
    }
    return values, state, cuts


def _status(as_of: int, first_core: Integers, recency: Integers, has_core: Flags, rules: RuleSet) -> Integers:
    return np.select(
        [
            ~has_core,
            (as_of - first_core <= rules.new_days) & (recency <= rules.active_days),
            recency <= rules.active_days,
            recency <= rules.at_risk_days,
            recency <= rules.lapsed_days,
        ],
        [PROSPECT, NEW, ACTIVE, AT_RISK, LAPSED],
        LOST,
    )


def _bought(core: CoreMeasures, column: int) -> tuple[Flags, Flags]:
    bought = core.orders[:, column] > 0
    before = core.orders[:, column - 1] > 0 if column else np.zeros(len(bought), dtype=bool)
    return bought, before


def _growth(is_first: Flags, bought: Flags, bought_before: Flags) -> Objects:
    return _first_match(
        [
            (is_first, "new"),
            (bought & bought_before, "returning"),
            (bought, "resurrected"),
            (bought_before, "dormant"),
        ],
        "inactive",
    )


def _events(now: _State, previous: _State, is_first: Flags, bought: Flags) -> Objects:
    was = previous.present
    steps = _steps_up(now, previous)
    both_scored = now.is_scored & was & previous.is_scored
    changed = was & (now.status != previous.status)
    return _first_match(
        [
            (is_first, "first_purchase"),
            (bought & was & np.isin(previous.status, [LAPSED, LOST]), "reactivated"),
            (bought & was & (previous.status == AT_RISK), "recovered"),
            (changed & (now.status == LOST), "lost"),
            (changed & (now.status == LAPSED), "lapsed"),
            (changed & (now.status == AT_RISK), "at_risk"),
            (both_scored & (steps > 0), "upgraded"),
            (both_scored & (steps < 0), "downgraded"),
            (bought, "retained"),
            (now.present & ~was, "registered"),
        ],
        "none",
    )


def _steps_up(now: _State, previous: _State) -> Integers:
    """How many tiers each customer rose on the first ladder that has both tiers; 0 where none has."""
    steps = np.zeros(len(now.tier), dtype=np.int64)
    for ladder in (previous.ladder, now.ladder):  # the month's own comes last and overrules
        place = {name: len(ladder) - position for position, name in enumerate(ladder)}
        to, since = (np.array([place.get(name, 0) for name in each.tier.tolist()]) for each in (now, previous))
        steps = np.where((to > 0) & (since > 0), to - since, steps)
    return steps


def _only(where: Flags, values: Objects) -> Objects:
    chosen = values.copy()
    chosen[~where] = None
    return chosen


def _first_match(rules: list[tuple[Flags, str]], otherwise: str) -> Objects:
    result = np.full(len(rules[0][0]), otherwise, dtype=object)
    for condition, name in reversed(rules):
        result[condition] = name
    return result


def _frame(values: dict[str, Objects], quantity_scale: int) -> pd.DataFrame:
    unscored, no_core = ~values.pop("is_scored"), ~values.pop("has_core")
    columns: dict[str, object] = dict(values)
    for name in ("month", "as_of_date", "last_scored_month", *_DATES):
        columns[name] = dates(values[name])
    for name in _MONEY:
        columns[name] = decimals(values[name], 2)
    columns["month_items"] = decimals(values["month_items"], quantity_scale)
    for name in ("recency_days", "tenure_months"):
        columns[name] = pd.arrays.IntegerArray(values[name], no_core)
    for name in ("r_score", "f_score", "m_score", "t_score"):
        columns[name] = pd.arrays.IntegerArray(values[name], unscored)
    return pd.DataFrame({name: columns[name] for name in SNAPSHOT_COLUMNS})
