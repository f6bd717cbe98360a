"""Which files have arrived complete, and in which order they are loaded."""

import errno
import fcntl
import os
import signal
import time
from datetime import UTC, date, datetime
from pathlib import Path

from include.warehouse.contracts import Contract, FilePeriod, load_contracts, match_feed
from include.warehouse.errors import InputError
from include.warehouse.settings import Settings

STANDSTILL_SECONDS = 2.0
READY_SUFFIX = ".ready"
UNFINISHED_SUFFIXES = (".tmp", ".part", ".partial", ".filepart", ".crdownload")
UNREADABLE = "cannot be read by this user and stays in the inbox; let it be read: chmod a+r FILE"


def pending_files(settings: Settings, feed: str | None = None, received_on: date | None = None) -> list[Path]:
    """Complete files of the inbox that match a contract (of `feed` where it is given).

    In load order where they are received on a day; else as if masters without a day were of today in UTC.
    """
    day = received_on or datetime.now(UTC).date()
    contracts = load_contracts(settings)
    found = []
    for path in visible_files(settings.inbox):
        try:
            contract, period = match_feed(contracts, path.name)
        except InputError:
            continue
        if feed in (None, contract.feed) and is_complete(path, contract):
            found.append((path, contract, period))
    return [path for path, _, _ in sorted(found, key=lambda item: load_order(*item, received_on=day))]


def unknown_files(settings: Settings) -> list[Path]:
    """Complete files of the inbox whose names no contract knows."""
    contracts = load_contracts(settings)
    found = []
    for path in visible_files(settings.inbox):
        try:
            match_feed(contracts, path.name)
        except InputError:
            if _stands_still(path):
                found.append(path)
    return found


def unreadable_files(settings: Settings, feed: str | None = None) -> list[Path]:
    """Complete files of the inbox that this user may not read (of `feed` where it is given); they stay there."""
    contracts = load_contracts(settings)
    return [
        path
        for path in visible_files(settings.inbox, readable=False)
        if _stands_still(path) and (feed is None or is_of(path, feed, contracts))
    ]


def finished_files(folder: Path, contracts: dict[str, Contract]) -> list[Path]:
    """Files of a folder of a person's own, but those whose names or missing markers say that they are unfinished."""
    return [
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and _is_finished_by_name(path.name) and not _lacks_marker(path, contracts)
    ]


def left_in(folder: Path, finished: list[Path]) -> list[str]:
    """Names of the other files of a folder that somebody may miss: neither hidden ones nor markers."""
    others = {path.name for path in folder.iterdir() if path.is_file()} - {path.name for path in finished}
    return sorted(name for name in others if not (name.startswith((".", "~$")) or name.endswith(READY_SUFFIX)))


def folders_in(folder: Path) -> list[str]:
    """Names of the folders in a folder, hidden ones aside: no load looks for files there."""
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _lacks_marker(path: Path, contracts: dict[str, Contract]) -> bool:
    try:
        contract, _ = match_feed(contracts, path.name)
    except InputError:
        return False
    return contract.wait_for_ready_marker and not _has_marker(path)


def is_of(path: Path, feed: str, contracts: dict[str, Contract]) -> bool:
    """Whether a file's name is one of the feed."""
    try:
        return match_feed(contracts, path.name)[0].feed == feed
    except InputError:
        return False


def load_order(
    path: Path, contract: Contract, period: FilePeriod, effective: date | None = None, *, received_on: date
) -> tuple[object, ...]:
    """Masters by effective date, then years, then deltas by date; of one day or year by arrival.

    The parts of a year that came in one moment with the whole of it are taken after it.
    """
    try:
        arrived = path.stat().st_mtime
    except FileNotFoundError:
        arrived = 0.0
    if contract.load_mode == "snapshot":
        day = period.day_in_name or effective or received_on
        return (0, day.isoformat(), arrived, path.name)
    if period.delta_date is not None:
        return (2, period.delta_date.isoformat(), arrived, path.name)
    part = -1 if period.part is None else period.part
    return (1, f"{period.year:04d}", arrived, part, path.name)


def is_complete(path: Path, contract: Contract) -> bool:
    """Whether nobody writes the file any more: its marker is there, or it stands still and is closed."""
    if contract.wait_for_ready_marker:
        return _has_marker(path)
    return _stands_still(path)


def _has_marker(path: Path) -> bool:
    return path.with_name(path.name + READY_SUFFIX).exists()


def _stands_still(path: Path) -> bool:
    try:
        # every write sets the change time by this machine's clock; the modification time may be the sender's
        return time.time() - path.stat().st_ctime >= STANDSTILL_SECONDS and not _is_open_for_writing(path)
    except FileNotFoundError:
        return False


def _is_open_for_writing(path: Path) -> bool:
    """Whether a process of this machine has the file open to write: one whose sender pauses stands still too.

    Linux gives a read lease on a file only where nobody has. False where that cannot be known: on another system, or of
    another user's file.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        with path.open("rb") as file:
            # a writer that comes in this moment waits until the file is closed again, and we are told by a signal
            # that nothing heeds
            fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except FileNotFoundError:
        raise
    except OSError as error:
        return error.errno == errno.EAGAIN
    return False


def _may_read(path: Path) -> bool:
    return os.access(path, os.R_OK)


def visible_files(folder: Path, *, readable: bool = True) -> list[Path]:
    """Files of a folder whose names do not say that they are unfinished, and that this user may read, or may not."""
    if not folder.is_dir():
        return []
    return [
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and _is_finished_by_name(path.name) and _may_read(path) == readable
    ]


def _is_finished_by_name(name: str) -> bool:
    """Whether a name is that of no hidden or unfinished file, no lock of an open workbook, and no marker."""
    # a marker in capitals would mark nothing: it is a file that no contract knows, and refused as such
    is_marker = name.endswith(READY_SUFFIX)
    return not (is_marker or name.startswith((".", "~$")) or name.lower().endswith(UNFINISHED_SUFFIXES))
