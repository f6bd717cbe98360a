"""What a publication changes: frozen cut points, first_seen, and the rows kept as history (definitions §8)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .facts import Facts, first_day, month_number
from .judge import Key, Line
from .masters import Master
from .rules import RuleSet
from .scores import CutPoints
from .snapshot import SNAPSHOT_COLUMNS, Month, build_snapshot

_KEY = ["month", "customer_id"]
_VALUES = [column for column in SNAPSHOT_COLUMNS if column not in _KEY]


@dataclass
class Publisher:
    """The published months, and what must outlive them."""

    rules_of: Callable[[int], RuleSet]  # of the months that are published now for the first time, or restated
    in_force: dict[int, RuleSet] = field(default_factory=dict)
    months: list[Month] = field(default_factory=list)
    rows: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=SNAPSHOT_COLUMNS))
    history: pd.DataFrame = field(default_factory=lambda: _history_frame([]))
    frozen: dict[int, CutPoints] = field(default_factory=dict)
    first_seen: dict[str, int] = field(default_factory=dict)
    publication: int = 0
    # the publication that each current row is from
    _since: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def publish(
        self,
        lines: Mapping[Key, Line],
        customers: Master,
        products: Master,
        recut: bool = False,
        recut_from: date | None = None,
    ) -> None:
        """Compute all months from what is accepted now, and freeze the cut points of all but the report month."""
        self.publication += 1
        if not lines:
            self.frozen.clear()
            self.in_force.clear()
            self._replace([], self.rows.iloc[:0])
            return
        facts = Facts(lines, sorted(customers.last_seen), products)
        for customer in facts.customers:
            self.first_seen.setdefault(customer, facts.as_of[-1])
        self._thaw(facts.months, recut, recut_from)
        self.in_force = {month: self.in_force.get(month) or self.rules_of(month) for month in facts.months}
        snapshot = build_snapshot(facts, customers, self.first_seen, self.in_force.__getitem__, self.frozen)
        self.frozen = {month.number: month.cuts for month in snapshot.months[:-1]}
        self._replace(snapshot.months, snapshot.rows)

    def _thaw(self, months: list[int], recut: bool, recut_from: date | None) -> None:
        """The report month, a month taken away, and on request every month from one on are cut anew.

        Only the request brings other rules to a published month.
        """
        first_recut = month_number(recut_from) if recut_from else months[0]
        self.in_force = {month: rules for month, rules in self.in_force.items() if not (recut and month >= first_recut)}
        self.frozen = {
            month: cuts
            for month, cuts in self.frozen.items()
            if month in months[:-1] and not (recut and month >= first_recut)
        }

    def _replace(self, months: list[Month], rows: pd.DataFrame) -> None:
        place = pd.MultiIndex.from_frame(rows[_KEY]).get_indexer(pd.MultiIndex.from_frame(self.rows[_KEY]))
        stays = place >= 0
        stays[stays] = ~_differs(self.rows[stays], rows.iloc[place[stays]])
        old = self.rows[~stays].assign(published_in=self._since[~stays], replaced_in=self.publication)
        self.history = _history_frame([self.history, old])
        since = np.full(len(rows), self.publication)
        since[place[stays]] = self._since[stays]
        self.months, self.rows, self._since = months, rows, since

    def cut_points(self) -> pd.DataFrame:
        """Every stored limit: month, metric (r, f, m, abc), band as text, limit_value (days, purchases, cents)."""
        rows = [
            (pd.Timestamp(first_day(month.number)), metric, str(band), limit)
            for month in self.months
            for metric, limits in (
                ("r", month.cuts.r),
                ("f", month.cuts.f),
                ("m", month.cuts.m),
                ("abc", month.cuts.abc),
            )
            for band, limit in sorted(limits.items())
        ]
        return pd.DataFrame(rows, columns=["month", "metric", "band", "limit_value"])

    def month_flags(self) -> pd.DataFrame:
        """One row a month: month, as_of_date, is_open, short_history, thin_month, rule_set."""
        rows = [
            (
                pd.Timestamp(first_day(month.number)),
                pd.Timestamp(date.fromordinal(month.as_of)),
                month.is_open,
                month.short_history,
                month.thin_month,
                month.rules.version,
            )
            for month in self.months
        ]
        names = ["month", "as_of_date", "is_open", "short_history", "thin_month", "rule_set"]
        return pd.DataFrame(rows, columns=names)


def _differs(before: pd.DataFrame, after: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether the rows of two frames in the same order differ in any value."""
    differs = np.zeros(len(before), dtype=bool)
    for column in _VALUES:
        old, new = before[column].reset_index(drop=True), after[column].reset_index(drop=True)
        equal = (old.isna() & new.isna()) | (old == new).fillna(False)
        differs |= ~equal.to_numpy(dtype=bool)
    return differs


def _history_frame(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    if not filled:
        return pd.DataFrame(columns=[*SNAPSHOT_COLUMNS, "published_in", "replaced_in"])
    return pd.concat(filled, ignore_index=True)
