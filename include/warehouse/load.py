"""Loading files: claim, let them be accepted in order, and move them to where their outcome says.

One load at a time: each holds a database lock. A file is loaded in one transaction; whatever is killed, the next load
continues with the files that were claimed.
"""

import errno
import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.errors import ProgramLimitExceeded
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from include.warehouse.acceptance import accept, may_be_prepared, prepare
from include.warehouse.arrivals import READY_SUFFIX, load_order, pending_files, unknown_files
from include.warehouse.contracts import load_contracts, match_feed, sync_edited
from include.warehouse.database import engine
from include.warehouse.errors import HeldError, InputError, SkippedError, WarehouseError
from include.warehouse.settings import Settings

FATES = ("received", "loaded", "unchanged", "rejected", "duplicate", "superseded")
FOLDER_OF_STATUS = {
    "loaded": "archive",
    "skipped": "archive",
    "discarded": "archive",
    "refused": "refused",
    "held": "held",
}
REASON_SUFFIX = ".reason.txt"
LONGEST_NAME = 255


@dataclass(frozen=True)
class LoadResult:
    """What became of one file; rows and amounts by fate, None where the file was not applied."""

    file_id: int
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

    Files that an interrupted load had claimed come first. Files of unknown names are refused.
    """
    settings.create_folders()
    # a contract that cannot be used is found before any file is touched
    load_contracts(settings)
    with _load_lock(settings) as connection:
        _sync_edited(connection, settings)
        results = _resume(connection, settings)
        wanted = pending_files(settings, received_on=_today(connection))
        if feed is not None:
            contracts = load_contracts(settings)
            feeds = {feed}
            if contracts[feed].load_mode == "replace_period":
                feeds |= {name for name, contract in contracts.items() if contract.load_mode == "snapshot"}
            wanted = [path for path in wanted if match_feed(contracts, path.name)[0].feed in feeds]
        claims = [_claim(connection, settings, path) for path in wanted + unknown_files(settings)]
        results += _process_all(settings, [file_id for file_id in claims if file_id is not None])
    return results


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
    file.
    """
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise InputError(f"{missing[0]} is not a file; nothing was loaded")
    settings.create_folders()
    contracts = load_contracts(settings)
    results = []
    with _load_lock(settings) as connection:
        _sync_edited(connection, settings)
        results += _resume(connection, settings)
        today = _today(connection)
        ordered: list[tuple[tuple[object, ...], Path]] = []
        for path in paths:
            try:
                contract, period = match_feed(contracts, path.name, feed)
                ordered.append((load_order(path, contract, period, effective, received_on=today), path))
            except InputError:
                ordered.append(((9, path.name), path))
        claims = [
            _claim_copy(connection, settings, path, feed=feed, effective=effective, force=force)
            for _, path in sorted(ordered, key=lambda item: item[0])
        ]
        results += _process_all(settings, claims, on_file=on_file)
    return results


def held_files(settings: Settings, feed: str | None = None) -> list[str]:
    """Names of the files that wait for approval."""
    with engine(settings).connect() as connection:
        return list(
            connection.scalars(
                text(
                    "select file_name from ops.file where status = 'held'"
                    " and (cast(:feed as text) is null or feed = :feed) order by file_id"
                ),
                {"feed": feed},
            )
        )


def approve(settings: Settings, file_name: str) -> LoadResult:
    """Applies a held file past the shrink guard. Raises InputError where no such file is held."""
    with _load_lock(settings) as connection:
        file_id = _held_file(connection, file_name)
        return _process_all(settings, [file_id], approved=True)[0]


def discard(settings: Settings, file_name: str) -> LoadResult:
    """Drops a held file without applying it. Raises InputError where no such file is held."""
    with _load_lock(settings) as connection:
        file_id = _held_file(connection, file_name)
        _set_status(connection, file_id, "discarded", "discarded on request")
        _settle(connection, settings)
        return _result(connection, file_id, 0.0)


@contextmanager
def _load_lock(settings: Settings) -> Iterator[Connection]:
    # a session lock: the next load waits, and a killed process gives it up
    with engine(settings).connect() as connection:
        connection.execute(text("select pg_advisory_lock(ops.lock_key('load'))"))
        connection.commit()
        try:
            yield connection
        finally:
            if not connection.closed and not connection.invalidated:
                connection.rollback()
                connection.execute(text("select pg_advisory_unlock(ops.lock_key('load'))"))
                connection.commit()


def _sync_edited(connection: Connection, settings: Settings) -> None:
    sync_edited(connection, settings)
    connection.commit()


def _today(connection: Connection) -> date:
    """The day in the warehouse's time zone: that on which a file is received."""
    statement = "select (clock_timestamp() at time zone value)::date from ops.setting where setting = 'time_zone'"
    found: date = connection.execute(text(statement)).scalar_one()
    return found


def _register(
    connection: Connection,
    name: str,
    *,
    feed: str | None = None,
    effective: date | None = None,
    force: bool = False,
) -> tuple[int, str]:
    file_id = connection.execute(
        text(
            "insert into ops.file (file_name, feed, effective_date, is_forced, received_on)"
            " values (:name, :feed, :effective, :force, :received_on) returning file_id"
        ),
        {
            "name": name,
            "feed": feed,
            "effective": effective,
            "force": force,
            "received_on": _today(connection),
        },
    ).scalar_one()
    path = f"processing/{file_id}/{name}"
    connection.execute(text("update ops.file set path = :path where file_id = :id"), {"path": path, "id": file_id})
    connection.commit()
    return file_id, path


def _claim(connection: Connection, settings: Settings, path: Path) -> int | None:
    """Takes a file out of the inbox by rename; None where somebody else was quicker."""
    file_id, place = _register(connection, _name_in_utf8(path))
    target = settings.home / place
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        _move(path, target)
    except FileNotFoundError:
        _forget(connection, settings, file_id, place)
        return None
    except OSError as error:
        _forget(connection, settings, file_id, place)
        raise WarehouseError(
            f"{path} cannot be moved to {target.parent}: {error.strerror}; let this user write to both folders"
        ) from error
    _remove_marker(path)
    return file_id


def _remove_marker(path: Path) -> None:
    """Removes the file's `.ready`: it would call the next file of this name complete."""
    # the longest names have no room for a marker
    if len(os.fsencode(path.name)) + len(READY_SUFFIX) <= LONGEST_NAME:
        path.with_name(path.name + READY_SUFFIX).unlink(missing_ok=True)


def _move(path: Path, target: Path) -> None:
    """Renames; where the inbox is another file system, copies and removes."""
    try:
        path.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(path, target)
        path.unlink()


def _copy(path: Path, target: Path) -> None:
    """Copies so that the target is there whole or not at all."""
    unfinished = target.with_name(".unfinished")
    shutil.copyfile(path, unfinished)
    unfinished.rename(target)


def _name_in_utf8(path: Path) -> str:
    """The file's name, with _ for bytes that are no UTF-8 (a name from an old Windows)."""
    return "".join("_" if "\udc80" <= letter <= "\udcff" else letter for letter in path.name)


def _claim_copy(
    connection: Connection, settings: Settings, path: Path, *, feed: str | None, effective: date | None, force: bool
) -> int:
    file_id, place = _register(connection, _name_in_utf8(path), feed=feed, effective=effective, force=force)
    target = settings.home / place
    target.parent.mkdir(parents=True, exist_ok=True)
    _copy(path, target)
    return file_id


def _forget(connection: Connection, settings: Settings, file_id: int, place: str) -> None:
    connection.execute(text("delete from ops.file where file_id = :id"), {"id": file_id})
    connection.commit()
    shutil.rmtree((settings.home / place).parent, ignore_errors=True)


def _resume(connection: Connection, settings: Settings) -> list[LoadResult]:
    """Finishes what an interrupted load had begun."""
    _settle(connection, settings)
    claimed = connection.execute(
        text("select file_id, path from ops.file where status = 'received' order by file_id")
    ).all()
    connection.commit()
    found = []
    for file_id, place in claimed:
        arrived = settings.inbox / Path(place).name
        if (settings.home / place).exists():
            if not arrived.exists():
                _remove_marker(arrived)
            found.append(file_id)
        else:
            _forget(connection, settings, file_id, place)
    return _process_all(settings, found)


def _process_all(
    settings: Settings,
    file_ids: Iterable[int],
    *,
    approved: bool = False,
    on_file: Callable[[str], None] = lambda name: None,
) -> list[LoadResult]:
    """Loads claimed files in order; while one is accepted, the next one is copied and judged if it may be."""
    results: list[LoadResult] = []
    waiting = deque(file_ids)
    with (
        engine(settings).connect() as first,
        engine(settings).connect() as second,
        ThreadPoolExecutor(max_workers=1) as ahead,
    ):
        # asked before any work: a connection on which the next file is prepared must not be used for anything else
        names = {file_id: _file_name(first, file_id) for file_id in waiting}
        connection, other = first, second
        prepared: Future[None] | None = None
        while waiting:
            file_id = waiting.popleft()
            following = waiting[0] if waiting else None
            is_ahead = prepared is not None
            started = time.monotonic()
            on_file(names[file_id])
            try:
                with _outcome(connection, file_id):
                    under_way, prepared = prepared, None
                    if under_way is None:
                        prepare(connection, settings, file_id, check_in_force=not approved)
                    else:
                        under_way.result()
                    if following is not None and may_be_prepared(settings, connection, following, file_id):
                        prepared = ahead.submit(prepare, other, settings, following, check_in_force=False)
                    accept(connection, file_id, approved=approved, check_in_force=is_ahead)
            except BaseException:
                # what is under way for the next file may wait for this one
                connection.rollback()
                raise
            _settle(connection, settings)
            results.append(_result(connection, file_id, time.monotonic() - started))
            if prepared is not None:
                connection, other = other, connection
        _drop_unapplied(connection, results)
    return results


def _drop_unapplied(connection: Connection, results: list[LoadResult]) -> None:
    """Drops the empty tables of files that were not applied."""
    for result in results:
        if result.status != "loaded" and result.feed is not None:
            connection.execute(text("call raw.drop_partition(:feed, :id)"), {"feed": result.feed, "id": result.file_id})
            connection.commit()


@contextmanager
def _outcome(connection: Connection, file_id: int) -> Iterator[None]:
    """Turns what a file met with into its status."""
    try:
        yield
    except SkippedError as skipped:
        connection.rollback()
        _discard_held(connection, file_id)
        _set_status(connection, file_id, "skipped", str(skipped))
    except HeldError as held:
        connection.rollback()
        _discard_held(connection, file_id)
        _set_status(connection, file_id, "held", str(held))
    except WarehouseError as error:
        connection.rollback()
        _set_status(connection, file_id, "refused", str(error))
    except (DBAPIError, psycopg2.Error) as error:
        reason = _what_the_database_cannot_take(error)
        if reason is None:
            raise
        connection.rollback()
        _set_status(connection, file_id, "refused", f"{_file_name(connection, file_id)}: {reason}")


def _file_name(connection: Connection, file_id: int) -> str:
    return str(
        connection.execute(text("select file_name from ops.file where file_id = :id"), {"id": file_id}).scalar_one()
    )


def _what_the_database_cannot_take(error: Exception) -> str | None:
    """Why the file's content is at fault, in the database's words; None where the fault is another."""
    cause = getattr(error, "orig", error)
    if not isinstance(cause, psycopg2.DataError | ProgramLimitExceeded):
        return None
    words = [cause.diag.message_primary]
    if str(cause.diag.context).startswith("COPY"):
        # the place alone: after it comes the value, which may be somebody's name
        words.append(str(cause.diag.context).partition(': "')[0])
    return "it cannot be loaded: " + " ".join(" ".join(filter(None, words)).split())


def _set_status(connection: Connection, file_id: int, status: str, message: str) -> None:
    connection.execute(
        text("update ops.file set status = :status, message = :message where file_id = :id"),
        {"status": status, "message": message, "id": file_id},
    )
    connection.commit()


def _settle(connection: Connection, settings: Settings) -> None:
    """Moves files to the folder that their status names; also those that a kill left behind."""
    rows = connection.execute(
        text(
            "select file_id, file_name, status, message, path from ops.file"
            " where status <> 'received' and (path like 'processing/%' or path like 'held/%' and status <> 'held')"
        )
    ).all()
    for file_id, name, status, message, place in rows:
        source = settings.home / place
        target = settings.home / FOLDER_OF_STATUS[status] / str(file_id) / name
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(source, target)
        if status == "refused" and target.parent.exists():
            reason_name = os.fsdecode(name.encode()[: LONGEST_NAME - len(REASON_SUFFIX)]) + REASON_SUFFIX
            target.with_name(reason_name).write_text(f"{message}\n", encoding="utf-8")
        shutil.rmtree(source.parent, ignore_errors=True)
        connection.execute(
            text("update ops.file set path = :path where file_id = :id"),
            {"path": str(target.relative_to(settings.home)), "id": file_id},
        )
    connection.commit()


def _discard_held(connection: Connection, file_id: int) -> None:
    connection.execute(text("call core.discard_held(:id)"), {"id": file_id})


def _held_file(connection: Connection, file_name: str) -> int:
    file_id = connection.execute(
        text("select max(file_id) from ops.file where status = 'held' and file_name = :name"),
        {"name": Path(file_name).name},
    ).scalar()
    connection.commit()
    if file_id is None:
        raise InputError(f"{file_name}: no such file is held; see: python -m include.warehouse status")
    return int(file_id)


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
