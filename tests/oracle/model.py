"""The whole warehouse by the definitions, in memory: files go in one by one, published months come out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from math import inf

import pandas as pd

from .acceptance import ReadSales, SalesLedger
from .facts import month_number
from .files import (
    COLUMNS,
    CUSTOMERS,
    MASTERS,
    PRODUCTS,
    PROMOTIONS,
    SALES,
    STORES,
    FileIdentity,
    ReceivedFile,
    RefusedFileError,
    Table,
    identify,
    parse,
    pending_order,
)
from .log import DISCARDED, HELD, LOADED, REFUSED, SKIPPED, FileLog, FileResult
from .masters import Master, ReadMaster
from .publication import Publisher
from .rules import RuleSet
from .values import to_money

__all__ = ["FileResult", "Oracle", "ReceivedFile"]

_LINE_COLUMNS = [*COLUMNS[SALES], "net_amount"]


@dataclass(frozen=True)
class _Received:
    file: ReceivedFile
    identity: FileIdentity
    table: Table
    result: FileResult


class Oracle:
    """Accepts files and publishes months. Every result is a DataFrame with the column names of the definitions."""

    def __init__(self, shrink_percent: int = 5) -> None:
        self.log = FileLog()
        self.masters = {feed: Master(feed) for feed in MASTERS}
        self._sales = SalesLedger(self.masters)
        self._versions = 1
        self._active: dict[float, RuleSet] = {-inf: RuleSet()}  # by the number of its first month
        self._publisher = Publisher(self._rules_of)
        self._held: list[_Received] = []
        self._shrink_percent = shrink_percent

    def load(self, file: ReceivedFile, approved: bool = False) -> FileResult:
        """Take one file; `approved` says that it may shrink its period. The result goes on counting replayed rows."""
        try:
            identity = identify(file)
        except RefusedFileError as reason:
            return self._refuse(self.log.receive(file, None), reason)
        result = self.log.receive(file, identity)
        try:
            self._decide(file, identity, result, approved)
        except RefusedFileError as reason:
            return self._refuse(result, reason)
        return result

    def load_batch(self, files: Iterable[ReceivedFile]) -> list[FileResult]:
        """Take pending files in the order of definitions §1."""
        return [self.load(file) for file in sorted(files, key=pending_order)]

    def approve(self, name: str) -> FileResult:
        """Apply a held file. Raises KeyError where none of this name is held."""
        held = self._take_held(name)
        self._read_and_apply(held, approved=True)
        held.result.message = "approved"
        return held.result

    def discard(self, name: str) -> FileResult:
        """Give up a held file. Raises KeyError where none of this name is held."""
        held = self._take_held(name)
        held.result.status = DISCARDED
        held.result.message = "discarded"
        return held.result

    def held_files(self) -> list[str]:
        """Names of the files that wait for a decision."""
        return [held.file.name for held in self._held]

    def activate(self, rule_set: RuleSet, from_month: date) -> None:
        """Let a rule set decide the months from one on, until another's first month; versions follow the default's."""
        self._versions += 1
        self._active[month_number(from_month)] = replace(rule_set, version=self._versions)

    def _rules_of(self, month: int) -> RuleSet:
        return self._active[max(since for since in self._active if since <= month)]

    def publish(self, recut: bool = False, recut_from: date | None = None) -> None:
        """What a refresh does. `recut` computes the cut points anew, of all months or from one on."""
        masters = self.masters
        self._publisher.publish(self._sales.current, masters[CUSTOMERS], masters[PRODUCTS], recut, recut_from)

    def _refuse(self, result: FileResult, reason: RefusedFileError) -> FileResult:
        result.status = REFUSED
        result.message = str(reason)
        return result

    def _decide(self, file: ReceivedFile, identity: FileIdentity, result: FileResult, approved: bool) -> None:
        table = parse(file, identity.feed)  # an unreadable file has no say about anything else
        self._discard_held(identity, file.name)
        if file.force or not self._skip_if_repeated(identity, result):
            self._read_and_apply(_Received(file, identity, table, result), approved)

    def _skip_if_repeated(self, identity: FileIdentity, result: FileResult) -> bool:
        if identity.feed == SALES:
            repeated = self._sales.is_repeated(result.sha256, identity)
        else:
            assert identity.effective is not None
            master = self.masters[identity.feed]
            repeated = master.is_repeated(result.sha256, identity.effective)
            if repeated:
                master.repeat(result.sha256, identity.effective)
        if repeated:
            result.status = SKIPPED
            result.message = "the same bytes are in force"
        return repeated

    def _read_and_apply(self, received: _Received, approved: bool) -> None:
        identity, table, result = received.identity, received.table, received.result
        read: ReadSales | ReadMaster
        if identity.feed == SALES:
            read = self._sales.read(table, identity, received.file.received_on)
            withdrawn, present = len(read.withdrawn), read.lines_of_year
        else:
            assert identity.effective is not None
            read = self.masters[identity.feed].read(table, result)
            withdrawn, present = self.masters[identity.feed].withdrawn(read.rows, identity.effective)
        if not approved and 100 * withdrawn > self._shrink_percent * present:
            result.status = HELD
            result.message = f"would withdraw {withdrawn} of {present}"
            self._held.append(received)
            return
        result.status = LOADED
        if isinstance(read, ReadSales):
            self._sales.apply(read, result, self.log)
        else:
            self.masters[identity.feed].apply(read, result, self.log)
            self._sales.replay(result)

    def _take_held(self, name: str) -> _Received:
        for held in reversed(self._held):
            if held.file.name == name:
                self._held.remove(held)
                return held
        raise KeyError(name)

    def _discard_held(self, by: FileIdentity, name: str) -> None:
        for held in list(self._held):
            if _same_period(held.identity, by):
                self._held.remove(held)
                held.result.status = DISCARDED
                held.result.message = f"{name} came later"

    def source_files(self) -> pd.DataFrame:
        """mart.source_file, in order of receipt."""
        rows = [
            {
                "file_name": file.file_name,
                "feed": file.feed,
                "sha256": file.sha256,
                "received_at": file.received_on,
                "effective_date": file.effective_date,
                "status": file.status,
                "message": file.message,
                "rows_received": file.rows_received,
                "rows_loaded": file.rows_loaded,
                "rows_unchanged": file.rows_unchanged,
                "rows_rejected": file.rows_rejected,
                "rows_duplicate": file.rows_duplicate,
                "rows_superseded": file.rows_superseded,
                "amount_received": to_money(file.amount_received_cents),
                "amount_loaded": to_money(file.amount_loaded_cents),
            }
            for file in self.log.files
        ]
        return pd.DataFrame(rows)

    def rejected_records(self) -> pd.DataFrame:
        """mart.rejected_records, in order of rejection; a replayed row stays, with the master as resolved_by."""
        rows = [
            (
                reject.file.file_name,
                reject.line_number,
                reject.raw_row,
                reject.reasons,
                None if reject.amount_cents is None else to_money(reject.amount_cents),
                reject.file.received_on,
                reject.resolved_by,
            )
            for reject in self.log.rejects
        ]
        names = ["file_name", "line_number", "raw_row", "reasons", "amount", "rejected_at", "resolved_by"]
        return pd.DataFrame(rows, columns=names, dtype=object)

    def sale_lines(self) -> pd.DataFrame:
        """mart.sale_line: the current accepted lines."""
        rows = [(*key, *line[:-1], to_money(line.net_cents)) for key, line in sorted(self._sales.current.items())]
        return pd.DataFrame(rows, columns=_LINE_COLUMNS, dtype=object)

    def customers(self) -> pd.DataFrame:
        """mart.customers: every customer ever accepted with the latest attributes, and is_in_master."""
        return self._master_frame(CUSTOMERS)

    def products(self) -> pd.DataFrame:
        """mart.products, likewise."""
        return self._master_frame(PRODUCTS)

    def stores(self) -> pd.DataFrame:
        """mart.stores, likewise."""
        return self._master_frame(STORES)

    def promotions(self) -> pd.DataFrame:
        """mart.promotion_details, likewise."""
        return self._master_frame(PROMOTIONS)

    def _master_frame(self, feed: str) -> pd.DataFrame:
        master = self.masters[feed]
        columns = [*master.columns, "is_in_master"]
        frame = pd.DataFrame([(*values, held) for values, held in master.current()], columns=columns, dtype=object)
        for name in [column for column in columns if column.startswith("opt_in_")]:
            frame.loc[~frame["is_in_master"].astype(bool), name] = None
        return frame

    def snapshot(self) -> pd.DataFrame:
        """mart.customer_snapshot: all published months, every column of §5 but run_id; money as Decimal."""
        return self._publisher.rows

    def months(self) -> pd.DataFrame:
        """The flags of the published months."""
        return self._publisher.month_flags()

    def cut_points(self) -> pd.DataFrame:
        """The stored limits of the published months; those of money in whole cents."""
        return self._publisher.cut_points()

    def history(self) -> pd.DataFrame:
        """Rows that a later publication replaced or removed, with the numbers of both publications."""
        return self._publisher.history


def _same_period(held: FileIdentity, later: FileIdentity) -> bool:
    """Whether a later file speaks for all that the held one speaks for."""
    if held.feed != later.feed:
        return False
    if held.feed != SALES:
        assert held.effective is not None
        assert later.effective is not None
        return later.effective >= held.effective
    return later.year == held.year and later.part in (None, held.part)
