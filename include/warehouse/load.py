"""Loading files: what was claimed is accepted in order, each file to an end that its status names.

One load at a time: each holds a database lock. A file is loaded in one transaction; whatever is killed, the next load
continues with the files that were claimed. One that cannot be loaded to its end keeps only later files of its own feed
waiting, which it must not overtake.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.errors import ProgramLimitExceeded, QueryCanceled
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from include.warehouse.acceptance import Reading, accept, may_be_prepared, prepare
from include.warehouse.arrivals import load_order, pending_files, unknown_files
from include.warehouse.claims import Mark, claim, claim_copy, day_of_receipt, mark, resume, settle
from include.warehouse.contracts import Contract, load_contracts, match_feed, sync_edited
from include.warehouse.database import engine
from include.warehouse.errors import HeldError, InputError, SkippedError, UnfinishedError, WarehouseError
from include.warehouse.locks import give_up_lock, take_lock
from include.warehouse.settings import Settings
from include.warehouse.status import FATES

# begun so often and not finished: it may be what ends the loads
DOUBTFUL_TRIES = 2

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadResult:
    """What became of one file; rows and amounts by fate, None where the file was not applied.

    The status `received` is that of a file that could not be loaded to its end, or waits for such a one; `message` says
    why, and the next load takes it up again. One that could not even be taken out of the inbox has no `file_id`.
    """

    file_id: int | None
    file_name: str
    feed: str | None
    status: str
    message: str | None
    rows: dict[str, int | None]
    amount_received: Any
    amount_loaded: Any
    seconds: float
    warnings: list[str] = field(default_factory=list)


def load_pending(settings: Settings, feed: str | None = None) -> list[LoadResult]:
    """Loads every complete file of the inbox in order; for `feed` sales also the masters that lines may need.

    Files that an interrupted load had claimed come first; those that were begun again and again come last, for `feed`
    only its own. Files of unknown names are refused.
    """
    settings.create_folders()
    # a contract that cannot be used is found before any file is touched
    load_contracts(settings)
    with _load_lock(settings) as connection:
        contracts = _sync_edited(connection, settings)
        resumed = resume(connection, settings)
        wanted = pending_files(settings, received_on=day_of_receipt(connection))
        if feed is not None:
            feeds = {feed}
            if contracts[feed].load_mode == "replace_period":
                feeds |= {name for name, contract in contracts.items() if contract.load_mode == "snapshot"}
            wanted = [path for path in wanted if match_feed(contracts, path.name)[0].feed in feeds]
        claims, left = _claim_all(connection, settings, wanted + unknown_files(settings))
        receipts = _doubtful_last(_receipts(connection, contracts, resumed + claims), feed)
        return _process_all(settings, contracts, receipts) + left


def load_files(
    settings: Settings,
    paths: list[Path],
    *,
    feed: str | None = None,
    effective: date | None = None,
    force: bool = False,
    on_file: Callable[[str], None] = lambda name: None,
) -> list[LoadResult]:
    """Loads copies of files from anywhere, masters first; the originals stay.

    `effective` dates masters without a day in their names, `force` loads known bytes too. Calls `on_file` with the name
    of each file that comes next. Files that an interrupted load had claimed come first. Raises InputError for a missing
    file and for a feed that no contract is of.
    """
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise InputError(f"{missing[0]} is not a file; nothing was loaded")
    contracts = load_contracts(settings)
    if feed is not None and feed not in contracts:
        raise InputError(f"there is no feed {feed}; feeds are {', '.join(contracts)}; nothing was loaded")
    settings.create_folders()
    with _load_lock(settings) as connection:
        contracts = _sync_edited(connection, settings)
        resumed = resume(connection, settings)
        today = day_of_receipt(connection)
        ordered: list[tuple[tuple[object, ...], Path]] = []
        for path in paths:
            try:
                contract, period = match_feed(contracts, path.name, feed)
                ordered.append((load_order(path, contract, period, effective, received_on=today), path))
            except InputError:
                ordered.append(((9, path.name), path))
        claims = [
            claim_copy(connection, settings, path, feed=feed, effective=effective, force=force)
            for _, path in sorted(ordered, key=lambda item: item[0])
        ]
        receipts = _doubtful_last(_receipts(connection, contracts, resumed + claims))

        def tell(receipt: _Receipt) -> None:
            if receipt.file_id in claims:
                on_file(receipt.file_name)

        return _process_all(settings, contracts, receipts, on_file=tell)


def approve(settings: Settings, file_name: str, file_id: int | None = None) -> LoadResult:
    """Applies a held file past the shrink guard; where several have the name, that of `file_id` or the last one.

    Raises InputError where no such file is held, or it is not in its folder any more.
    """
    with _load_lock(settings) as connection:
        contracts = _sync_edited(connection, settings)
        found = _waiting_file(connection, file_name, file_id, ["held"])
        [receipt] = _receipts(connection, contracts, [found])
        place = settings.home / receipt.path
        if not place.exists():
            raise InputError(
                f"{place} is not there any more; restore it from a backup, or give it up:"
                f" python -m include.warehouse discard {receipt.file_name} --receipt {receipt.file_id}"
            )
        return _process_all(settings, contracts, [receipt], approved=True)[0]


def discard(settings: Settings, file_name: str, file_id: int | None = None) -> LoadResult:
    """Puts aside a held file, or one that could not be loaded to its end; nothing of it is applied.

    Where several have the name it is that of `file_id`, else a held one, else the last one.
    Raises InputError where there is no such file.
    """
    with _load_lock(settings) as connection:
        found = _waiting_file(connection, file_name, file_id, ["held", "received"])
        # what was read of a file that was still being written is not what the archive will have
        connection.execute(
            text("update ops.file set sha256 = null where file_id = :id and status = 'received'"), {"id": found}
        )
        _set_status(connection, found, "discarded", "discarded on request")
        settle(connection, settings)
        result = _result(connection, found, 0.0)
        _drop_unapplied(connection, [result])
        return result


@contextmanager
def _load_lock(settings: Settings) -> Iterator[Connection]:
    with engine(settings).connect() as connection:
        take_lock(connection, "load")
        try:
            yield connection
        finally:
            give_up_lock(connection, "load")


def _sync_edited(connection: Connection, settings: Settings) -> dict[str, Contract]:
    contracts = sync_edited(connection, settings)
    connection.commit()
    return contracts


def _claim_all(connection: Connection, settings: Settings, paths: list[Path]) -> tuple[list[int], list[LoadResult]]:
    """Claims files; gives their receipts, and results that say why others stay in the inbox: they hold up none."""
    claims, left = [], []
    for path in paths:
        try:
            file_id = claim(connection, settings, path)
        except WarehouseError as error:
            left.append(LoadResult(None, path.name, None, "received", str(error), {}, None, None, 0.0))
        else:
            claims += [] if file_id is None else [file_id]
    return claims, left


@dataclass(frozen=True)
class _Receipt:
    """A claimed file: how often it was begun, and its feed where its name says one."""

    file_id: int
    file_name: str
    feed: str | None
    path: str
    tries: int


def _receipts(connection: Connection, contracts: dict[str, Contract], file_ids: list[int]) -> list[_Receipt]:
    """The receipts of claimed files, in the order given."""
    rows = connection.execute(
        text("select file_id, file_name, feed, path, tries from ops.file where file_id = any(:ids)"), {"ids": file_ids}
    ).all()
    connection.commit()
    found = {}
    for file_id, name, feed, path, tries in rows:
        try:
            known = match_feed(contracts, name, feed)[0].feed
        except InputError:
            known = None
        found[file_id] = _Receipt(file_id, name, known, path, tries)
    return [found[file_id] for file_id in file_ids]


def _doubtful_last(receipts: list[_Receipt], only: str | None = None) -> list[_Receipt]:
    """Puts feeds with a file that was begun again and again behind the others, of these feeds on request one alone.

    Such a file may have ended the loads, and would end this one before the others. Within a feed the order stays: a
    later file speaks for what an earlier one brought.
    """
    doubtful = {receipt.feed for receipt in receipts if receipt.tries >= DOUBTFUL_TRIES}
    left_out = doubtful - {only, None} if only else set()
    kept = [receipt for receipt in receipts if receipt.feed not in left_out]
    return sorted(kept, key=lambda receipt: receipt.feed in doubtful)


def _process_all(
    settings: Settings,
    contracts: dict[str, Contract],
    receipts: list[_Receipt],
    *,
    approved: bool = False,
    on_file: Callable[[_Receipt], None] = lambda receipt: None,
) -> list[LoadResult]:
    """Loads claimed files in order; while one is accepted, the next one is copied and judged if it may be."""
    results: list[LoadResult] = []
    waiting = deque(receipts)
    with (
        engine(settings).connect() as first,
        engine(settings).connect() as second,
        ThreadPoolExecutor(max_workers=1) as ahead,
    ):
        connection, other = first, second
        prepared: Future[Reading] | None = None
        written: dict[int, Mark] = {}
        while waiting:
            receipt = waiting.popleft()
            file_id = receipt.file_id
            following = waiting[0] if waiting else None
            is_ahead = prepared is not None
            started = time.monotonic()
            on_file(receipt)
            try:
                if not is_ahead:
                    written[file_id] = mark(settings.home / receipt.path)
                require_whole = partial(_require_unwritten, settings, receipt, written[file_id])
                with _outcome(connection, receipt, require_whole):
                    under_way, prepared = prepared, None
                    if under_way is None:
                        reading = prepare(connection, settings, contracts, file_id, check_in_force=not approved)
                    else:
                        reading = under_way.result()
                    if following is not None and may_be_prepared(contracts, connection, following.file_id, file_id):
                        written[following.file_id] = mark(settings.home / following.path)
                        prepared = ahead.submit(
                            prepare, other, settings, contracts, following.file_id, check_in_force=False
                        )
                    accept(connection, reading, approved=approved, check_in_force=is_ahead, before_commit=require_whole)
            except Exception as error:
                # what is under way for the next file may wait for this one
                connection.rollback()
                if approved or not _concerns_the_file(connection, error):
                    raise
                if prepared is not None:
                    wait([prepared])
                    other.rollback()
                    prepared = None
                _set_unfinished(connection, receipt, error)
                results.append(_result(connection, file_id, time.monotonic() - started))
                results += _leave_waiting(connection, waiting, receipt)
                continue
            except BaseException:
                connection.rollback()
                raise
            settle(connection, settings)
            results.append(_result(connection, file_id, time.monotonic() - started))
            if prepared is not None:
                connection, other = other, connection
        _drop_unapplied(connection, results)
    return results


def _require_unwritten(settings: Settings, receipt: _Receipt, before: Mark) -> None:
    """Raises UnfinishedError where somebody has written to the file since `before`: what was read is not all of it."""
    if mark(settings.home / receipt.path) != before:
        raise UnfinishedError(f"{receipt.file_name} was written to while it was read")


def _concerns_the_file(connection: Connection, error: Exception) -> bool:
    """Whether other files can be loaded nevertheless: the database is there, and nobody has stopped this load."""
    if connection.invalidated or isinstance(getattr(error, "orig", error), QueryCanceled):
        return False
    driver_connection = connection.connection.driver_connection
    return driver_connection is not None and not driver_connection.closed


def _set_unfinished(connection: Connection, receipt: _Receipt, error: Exception) -> None:
    """Notes why a file could not be loaded to its end; it stays received."""
    cause = getattr(error, "orig", error)
    what = f"{receipt.file_name} could not be loaded to its end: "
    if isinstance(error, UnfinishedError):
        what = str(error)
    elif isinstance(cause, psycopg2.Error):
        what += _in_the_databases_words(cause)
    else:
        # its text may have values of the file in it
        log.exception("%s could not be loaded to its end", receipt.file_name, exc_info=error)
        what += (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
    _set_status(
        connection,
        receipt.file_id,
        "received",
        f"{what}; the next load tries again; to give it up:"
        f" python -m include.warehouse discard {receipt.file_name} --receipt {receipt.file_id}",
    )


def _leave_waiting(connection: Connection, waiting: deque[_Receipt], unfinished: _Receipt) -> list[LoadResult]:
    """Takes the later files of an unfinished one's feed out of `waiting`; gives what became of them: they wait."""
    left = [receipt for receipt in waiting if receipt.feed and receipt.feed == unfinished.feed]
    results = []
    for receipt in left:
        waiting.remove(receipt)
        message = f"{receipt.file_name} waits for {unfinished.file_name}, which could not be loaded to its end"
        _set_status(connection, receipt.file_id, "received", message)
        results.append(_result(connection, receipt.file_id, 0.0))
    return results


def _drop_unapplied(connection: Connection, results: list[LoadResult]) -> None:
    """Drops the empty tables of files that were not applied."""
    for result in results:
        if result.status != "loaded" and result.feed is not None:
            connection.execute(text("call raw.drop_partition(:feed, :id)"), {"feed": result.feed, "id": result.file_id})
            connection.commit()


@contextmanager
def _outcome(connection: Connection, receipt: _Receipt, require_whole: Callable[[], None]) -> Iterator[None]:
    """Turns what a file met with into its status; half a file gets none: `require_whole` raises UnfinishedError."""
    try:
        yield
    except (WarehouseError, DBAPIError, psycopg2.Error) as error:
        status, message = _verdict(error, receipt.file_name)
        if status is None:
            raise
        require_whole()
        connection.rollback()
        if status in ("skipped", "held"):
            connection.execute(text("call core.discard_held(:id)"), {"id": receipt.file_id})
        _set_status(connection, receipt.file_id, status, message)


def _verdict(error: Exception, file_name: str) -> tuple[str | None, str]:
    """The status of a file that met with an error, and why; no status where the file is not at fault."""
    match error:
        case SkippedError():
            return "skipped", str(error)
        case HeldError():
            return "held", str(error)
        case UnfinishedError():
            return None, str(error)
        case WarehouseError():
            return "refused", str(error)
    cause = getattr(error, "orig", error)
    if isinstance(cause, psycopg2.DataError | ProgramLimitExceeded):
        is_large = isinstance(cause, ProgramLimitExceeded)
        remedy = "; send it without columns that its contract does not know, or with shorter values" if is_large else ""
        return "refused", f"{file_name}: it cannot be loaded: {_in_the_databases_words(cause)}{remedy}"
    return None, str(error)


def _in_the_databases_words(cause: psycopg2.Error) -> str:
    """What the database says is wrong, without values of the file."""
    words = [cause.diag.message_primary or type(cause).__name__]
    if str(cause.diag.context).startswith("COPY"):
        # the place alone: after it comes the value, which may be somebody's name
        words.append(str(cause.diag.context).partition(': "')[0])
    return " ".join(" ".join(words).split())


def _set_status(connection: Connection, file_id: int, status: str, message: str) -> None:
    connection.execute(
        text("update ops.file set status = :status, message = :message where file_id = :id"),
        {"status": status, "message": message, "id": file_id},
    )
    connection.commit()


def _waiting_file(connection: Connection, file_name: str, file_id: int | None, statuses: list[str]) -> int:
    """The file of that name (and receipt) with one of these statuses, a held one first, then that which came last."""
    found = connection.execute(
        text(
            "select file_id from ops.file where status = any(:statuses) and file_name = :name"
            " and (cast(:id as bigint) is null or file_id = :id)"
            " order by status = 'held' desc, file_id desc limit 1"
        ),
        {"statuses": statuses, "name": Path(file_name).name, "id": file_id},
    ).scalar()
    connection.commit()
    if found is None:
        name = file_name if file_id is None else f"{file_name} (receipt {file_id})"
        raise InputError(f"{name}: no such file is held; see: python -m include.warehouse status")
    return int(found)


def _result(connection: Connection, file_id: int, seconds: float) -> LoadResult:
    row = connection.execute(text("select * from ops.file where file_id = :id"), {"id": file_id}).mappings().one()
    connection.commit()
    message = row["message"]
    return LoadResult(
        file_id=file_id,
        file_name=row["file_name"],
        feed=row["feed"],
        status=row["status"],
        message=message,
        rows={fate: row[f"rows_{fate}"] for fate in FATES},
        amount_received=row["amount_received"],
        amount_loaded=row["amount_loaded"],
        seconds=seconds,
        warnings=[message] if row["status"] == "loaded" and message else [],
    )
