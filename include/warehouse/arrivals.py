"""Which files have arrived complete, and in which order they are loaded."""

import time
from datetime import UTC, date, datetime
from pathlib import Path

from include.warehouse.contracts import Contract, FilePeriod, load_contracts, match_feed
from include.warehouse.errors import InputError
from include.warehouse.settings import Settings

STANDSTILL_SECONDS = 2.0
READY_SUFFIX = ".ready"
UNFINISHED_SUFFIXES = (READY_SUFFIX, ".tmp", ".part", ".partial", ".filepart", ".crdownload")


def pending_files(settings: Settings, feed: str | None = None, received_on: date | None = None) -> list[Path]:
    """Complete files of the inbox that match a contract (of `feed` where it is given).

    In load order where they are received on a day; else as if masters without a day were of today in UTC.
    """
    day = received_on or datetime.now(UTC).date()
    contracts = load_contracts(settings)
    found = []
    for path in _visible_files(settings.inbox):
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
    for path in _visible_files(settings.inbox):
        try:
            match_feed(contracts, path.name)
        except InputError:
            if _stands_still(path):
                found.append(path)
    return found


def load_order(
    path: Path, contract: Contract, period: FilePeriod, effective: date | None = None, *, received_on: date
) -> tuple[object, ...]:
    """Masters by effective date, then yearly files (parts after a whole year), then deltas by date; then by arrival."""
    try:
        arrived = path.stat().st_mtime
    except FileNotFoundError:
        arrived = 0.0
    if contract.load_mode == "snapshot":
        day = period.day_in_name or effective or received_on
        return (0, day.isoformat(), 0, arrived, path.name)
    if period.delta_date is not None:
        return (2, period.delta_date.isoformat(), 0, arrived, path.name)
    part = -1 if period.part is None else period.part
    return (1, f"{period.year:04d}", part, arrived, path.name)


def is_complete(path: Path, contract: Contract) -> bool:
    """Whether nobody writes the file any more: its marker is there, or size and time stand still."""
    if contract.wait_for_ready_marker:
        return path.with_name(path.name + READY_SUFFIX).exists()
    return _stands_still(path)


def _stands_still(path: Path) -> bool:
    try:
        # every write sets the change time by this machine's clock; the modification time may be the sender's
        return time.time() - path.stat().st_ctime >= STANDSTILL_SECONDS
    except FileNotFoundError:
        return False


def _visible_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.name.startswith((".", "~$")) and not path.name.endswith(UNFINISHED_SUFFIXES)
    ]
