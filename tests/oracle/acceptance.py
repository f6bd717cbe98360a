"""Sales files: which lines become current, which are superseded, which rejects come back (definitions §1, §2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from .files import FileIdentity, Table
from .judge import Judge, JudgedRow, Key, Line, unknown_ids
from .log import FileLog, FileResult, Reject
from .masters import Master

Owner = tuple[int, int | None] | None  # year and part of the file that last brought the line, None for a delta


@dataclass
class OpenReject:
    """What it takes to replay a rejected row, or to close it."""

    reject: Reject
    owner: Owner
    key: Key | None
    day: date | None  # of a delta's row without a readable one the delta's
    line: Line | None  # None where more than an unknown id is wrong
    has_later_row: bool  # a later row of this key in the same file was accepted
    years_of_file: set[int]


@dataclass(frozen=True)
class ReadSales:
    """The judged rows of one file, before anything is applied."""

    identity: FileIdentity
    table: Table
    rows: list[JudgedRow]
    accepted: dict[Key, JudgedRow]  # the last acceptable row of each key
    withdrawn: list[Key]
    lines_of_year: int

    @property
    def owner(self) -> Owner:
        """Whom the file's lines belong to."""
        return (self.identity.year, self.identity.part) if self.identity.year is not None else None


@dataclass(frozen=True)
class AppliedFile:
    """The last file of a period: when it was applied, and the years of its rows and of the lines that they replaced."""

    sha256: str
    at: int
    years: set[int]


@dataclass
class SalesLedger:
    """The current lines, who owns them, and the rejects that may still come back."""

    masters: dict[str, Master]
    current: dict[Key, Line] = field(default_factory=dict)
    owner: dict[Key, Owner] = field(default_factory=dict)
    open_rejects: list[OpenReject] = field(default_factory=list)
    # To recognise a repeated file: a counter of applications, and what was applied when.
    clock: int = 0
    yearly: dict[tuple[int, int | None], AppliedFile] = field(default_factory=dict)
    deltas: dict[date, AppliedFile] = field(default_factory=dict)
    touched_by_delta: dict[int, int] = field(default_factory=dict)

    def is_repeated(self, sha256: str, identity: FileIdentity) -> bool:
        """Whether these bytes are in force for the file's period."""
        if identity.delta_date is not None:
            delta = self.deltas.get(identity.delta_date)
            return delta is not None and delta.sha256 == sha256 and not self._yearly_file_since(delta.at, delta.years)
        assert identity.year is not None
        last = self.yearly.get((identity.year, identity.part))
        if last is None or last.sha256 != sha256 or self.touched_by_delta.get(identity.year, 0) > last.at:
            return False
        if identity.part is None:
            return not self._yearly_file_since(last.at, {identity.year})
        whole = self.yearly.get((identity.year, None))
        return whole is None or whole.at < last.at

    def _yearly_file_since(self, moment: int, years: Iterable[int]) -> bool:
        return any(year in years and file.at > moment for (year, _), file in self.yearly.items())

    def read(self, table: Table, identity: FileIdentity, received_on: date) -> ReadSales:
        """Judge the rows of a file, and say which current lines it would withdraw."""
        judge = Judge(table, identity, received_on, self.masters)
        rows = [judge.row(record) for record in table.records]
        accepted = {row.key: row for row in rows if not row.reasons and row.key is not None}
        of_year = [key for key, line in self.current.items() if line.transaction_date.year == identity.year]
        if identity.delta_date is not None:
            scope = []
        elif identity.part is None:
            scope = of_year
        else:
            scope = [key for key, owner in self.owner.items() if owner == (identity.year, identity.part)]
        withdrawn = [key for key in scope if key not in accepted]
        return ReadSales(identity, table, rows, accepted, withdrawn, len(of_year))

    def apply(self, read: ReadSales, result: FileResult, log: FileLog) -> None:
        """Make the file's lines current, and count what became of its rows and of earlier lines."""
        self.clock += 1
        self._close_rejects(read, result)
        for key in read.withdrawn:
            del self.current[key], self.owner[key]
        result.rows_superseded += len(read.withdrawn)
        years = {row.day.year for row in read.rows if row.day is not None}
        years |= {self.current[key].transaction_date.year for key in read.accepted if key in self.current}
        for key, row in read.accepted.items():
            assert row.line is not None
            self._bring(key, row.line, read.owner, result)
        for row in read.rows:
            result.amount_received_cents += row.amount_cents or 0
            if row.reasons:
                self._reject(row, read, result, log, years)
        result.rows_received = len(read.rows)
        result.rows_duplicate = len(read.rows) - result.rows_rejected - len(read.accepted)
        applied = AppliedFile(result.sha256, self.clock, years)
        if read.owner is not None:
            self.yearly[read.owner] = applied
        elif read.identity.delta_date is not None:
            self.deltas[read.identity.delta_date] = applied

    def _bring(self, key: Key, line: Line, owner: Owner, result: FileResult) -> None:
        old = self.current.get(key)
        if owner is None:
            # a delta touches a year also by a line that is there already
            self.touched_by_delta |= dict.fromkeys(
                (each.transaction_date.year for each in (line, old) if each), self.clock
            )
        if old == line:
            result.rows_unchanged += 1
            if owner is not None:
                self.owner[key] = owner
            return
        result.rows_superseded += old is not None
        result.rows_loaded += 1
        result.amount_loaded_cents += line.net_cents
        self.current[key] = line
        self.owner[key] = owner

    def _reject(self, row: JudgedRow, read: ReadSales, result: FileResult, log: FileLog, years: set[int]) -> None:
        record = row.record
        reject = Reject(result, record.line_number, read.table.raw(record), row.reasons, row.amount_cents)
        log.reject(reject)
        accepted = read.accepted.get(row.key) if row.key is not None else None
        has_later_row = accepted is not None and accepted.record.line_number > record.line_number
        day = row.day or read.identity.delta_date
        self.open_rejects.append(OpenReject(reject, read.owner, row.key, day, row.line, has_later_row, years))

    def _close_rejects(self, read: ReadSales, result: FileResult) -> None:
        """A superseded file, and a key that is brought again, close what was still open."""
        brought = {row.key for row in read.rows if row.key is not None}
        still_open = []
        for each in self.open_rejects:
            if each.key in brought or _is_superseded(each, read.identity):
                each.reject.resolved_by = result.file_name
            else:
                still_open.append(each)
        self.open_rejects = still_open

    def replay(self, by: FileResult) -> None:
        """After a master was applied: what the rejects whose ids are now all known would have become."""
        self.clock += 1
        ready = [each for each in self.open_rejects if each.line is not None and self._is_known(each.line)]
        of_key = defaultdict(list)
        for each in self.open_rejects:
            of_key[each.key].append(each)
        for each in reversed(ready):  # the last row of a key first: the earlier ones are then its duplicates
            assert each.line is not None
            assert each.key is not None
            file = each.reject.file
            each.reject.resolved_by = by.file_name
            file.rows_rejected -= 1
            if each.has_later_row:
                file.rows_duplicate += 1
                continue
            if each.key in self.current:
                each.years_of_file.add(self.current[each.key].transaction_date.year)
            self._bring(each.key, each.line, each.owner, file)
            for other in of_key[each.key]:
                other.has_later_row |= other.reject.line_number < each.reject.line_number
        self.open_rejects = [each for each in self.open_rejects if each.reject.resolved_by is None]

    def _is_known(self, line: Line) -> bool:
        return not unknown_ids(self.masters, line.customer_id, line.product_id, line.store_id, line.promotion_id)


def _is_superseded(each: OpenReject, by: FileIdentity) -> bool:
    """A whole-year file supersedes all of its year, deltas' rows included; a part supersedes its earlier self."""
    if by.year is None:
        return False
    if each.owner is None:
        return by.part is None and each.day is not None and each.day.year == by.year
    year, part = each.owner
    return year == by.year and (by.part is None or part == by.part)
