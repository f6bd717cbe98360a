"""Master files: full snapshots that become versions by effective date (definitions §1, §2, §5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from .files import COLUMNS, CUSTOMERS, PRODUCTS, PROMOTIONS, STORES, Table
from .log import FileLog, FileResult, Reject
from .values import read_boolean, read_date, read_number

Value = str | date | Decimal | bool | None
Values = tuple[Value, ...]

_READERS: dict[str, dict[str, Callable[[str], Value]]] = {
    CUSTOMERS: {
        "registration_date": read_date,
        "opt_in_email": read_boolean,
        "opt_in_sms": read_boolean,
        "opt_in_phone": read_boolean,
    },
    PRODUCTS: {"unit_cost": read_number},
    STORES: {},
    PROMOTIONS: {"discount_percent": read_number, "valid_from": read_date, "valid_to": read_date},
}
MISSING_KEY = "missing_key"


@dataclass
class Period:
    """What one file says from its effective date until the next one's: the rows by key."""

    effective: date
    sha256: str
    rows: dict[str, Values]


@dataclass(frozen=True)
class ReadMaster:
    """The judged rows of one file, before anything is applied."""

    rows: dict[str, Values]
    received: int
    duplicates: int
    rejects: list[Reject]


@dataclass(frozen=True)
class Versions:
    """The versions of each key over time, for array work.

    `version[i, j]` is the index into `values` of key j from the i-th file's effective date on, row 0 standing for the
    time before the first file; `in_master[i, j]` says whether the master then held the key.
    """

    effective: NDArray[np.int64]  # ordinals, ascending; as long as version has rows, less one
    version: NDArray[np.int64]
    in_master: NDArray[np.bool_]
    values: list[Values]

    def row_at(self, days: NDArray[np.int64]) -> NDArray[np.int64]:
        """The row of `version` that is valid on each day (ordinals)."""
        return np.searchsorted(self.effective, days, side="right")


@dataclass
class Master:
    """One master feed and all that was ever accepted for it."""

    feed: str
    periods: list[Period] = field(default_factory=list)
    last_seen: dict[str, Values] = field(default_factory=dict)  # every key ever accepted, and its last row in force
    ever_loaded: bool = False

    @property
    def columns(self) -> list[str]:
        return list(COLUMNS[self.feed])

    def period_at(self, day: date) -> Period | None:
        """The period valid on a day, None before the first."""
        valid = [period for period in self.periods if period.effective <= day]
        return valid[-1] if valid else None

    def read(self, table: Table, result: FileResult) -> ReadMaster:
        """Judge the rows of a file: only an unreadable row or a missing key is rejected."""
        readers = [(table.position.get(column), _READERS[self.feed].get(column)) for column in self.columns]
        rows: dict[str, Values] = {}
        rejects = []
        for record in table.records:
            if record.problem is not None:
                rejects.append(Reject(result, record.line_number, table.raw(record), (record.problem,)))
                continue
            values = tuple(_value(record.fields, at, reader) for at, reader in readers)
            key = values[0]
            if not isinstance(key, str):
                rejects.append(Reject(result, record.line_number, table.raw(record), (MISSING_KEY,)))
                continue
            rows[key] = values
        received = len(table.records)
        return ReadMaster(rows, received, received - len(rejects) - len(rows), rejects)

    def is_repeated(self, sha256: str, effective: date) -> bool:
        """Whether the file in force at this date has these bytes."""
        in_force = self.period_at(effective)
        return in_force is not None and in_force.sha256 == sha256

    def repeat(self, sha256: str, effective: date) -> None:
        """A skipped file still says that nothing had changed by its date."""
        in_force = self.period_at(effective)
        assert in_force is not None
        self._put(Period(effective, sha256, in_force.rows))

    def withdrawn(self, rows: dict[str, Values], effective: date) -> tuple[int, int]:
        """How many keys of the master at this date a file leaves out, of how many."""
        in_force = self.period_at(effective)
        present = in_force.rows.keys() if in_force else set()
        return len(present - rows.keys()), len(present)

    def apply(self, read: ReadMaster, result: FileResult, log: FileLog) -> None:
        """Make the file the master from its effective date on, and count what became of its rows."""
        effective = result.effective_date
        assert effective is not None
        in_force = self.period_at(effective)
        before = in_force.rows if in_force else {}
        unchanged = sum(before.get(key) == values for key, values in read.rows.items())
        replaced = sum(key in before and before[key] != values for key, values in read.rows.items())
        result.rows_received = read.received
        result.rows_duplicate = read.duplicates
        result.rows_unchanged = unchanged
        result.rows_loaded = len(read.rows) - unchanged
        result.rows_superseded = replaced + len(before.keys() - read.rows.keys())
        for reject in log.rejects:
            if _is_superseded(reject, result, effective):
                reject.resolved_by = result.file_name
        for reject in read.rejects:
            log.reject(reject)
        replaced = [period for period in self.periods if period.effective == effective]
        self._put(Period(effective, result.sha256, read.rows))
        for rows in (*(period.rows for period in replaced), read.rows):  # whom the file ends keeps what it had
            self.last_seen.update(rows)
        self.ever_loaded = True

    def _put(self, period: Period) -> None:
        others = [other for other in self.periods if other.effective != period.effective]
        self.periods = sorted([*others, period], key=lambda each: each.effective)

    def versions(self, keys: Sequence[str]) -> Versions:
        """The history of these keys; each of them must once have been accepted."""
        index = {key: j for j, key in enumerate(keys)}
        values: list[Values] = []
        version = np.full((len(self.periods) + 1, len(keys)), -1, dtype=np.int64)
        in_master = np.zeros(version.shape, dtype=bool)
        for i, period in enumerate(self.periods, start=1):
            version[i] = version[i - 1]  # whoever is absent keeps the last attributes
            present = [index[key] for key in period.rows if key in index]
            version[i, present] = np.arange(len(values), len(values) + len(present))
            in_master[i, present] = True
            values.extend(row for key, row in period.rows.items() if key in index)
        self._first_version_from_the_beginning(version, in_master)
        never = np.flatnonzero(version[-1] < 0)  # only in files that another of the same date replaced
        version[:, never] = np.arange(len(values), len(values) + len(never))
        values.extend(self.last_seen[keys[j]] for j in never.tolist())
        effective = np.array([period.effective.toordinal() for period in self.periods], dtype=np.int64)
        return Versions(effective, version, in_master, values)

    def _first_version_from_the_beginning(self, version: NDArray[np.int64], in_master: NDArray[np.bool_]) -> None:
        first = np.argmax(version >= 0, axis=0)
        earlier = np.arange(len(version))[:, None] < first[None, :]
        rows, columns = np.nonzero(earlier)
        version[rows, columns] = version[first[columns], columns]
        in_master[rows, columns] = True

    def current(self) -> list[tuple[Values, bool]]:
        """Every known key's latest attributes, and whether the current master holds it; sorted by key."""
        keys = sorted(self.last_seen)
        history = self.versions(keys)
        rows = [history.values[i] for i in history.version[-1]] if self.periods else []
        return list(zip(rows, history.in_master[-1].tolist(), strict=True))


def _value(fields: tuple[str, ...], at: int | None, reader: Callable[[str], Value] | None) -> Value:
    text = fields[at].strip() if at is not None else ""
    if not text:
        return None
    return reader(text) if reader else text


def _is_superseded(reject: Reject, by: FileResult, effective: date) -> bool:
    """A newer file of the feed closes the rejects of those of its own or an older date."""
    file = reject.file
    return (
        reject.resolved_by is None
        and file is not by
        and file.feed == by.feed
        and file.effective_date is not None
        and file.effective_date <= effective
    )
