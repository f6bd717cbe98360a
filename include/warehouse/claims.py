"""Claiming files: out of the inbox into a folder of their own, and from there to where their outcome says.

A claim is a row of ops.file and a rename; whatever is killed between the two, the next load finds it.
"""

import errno
import os
import shutil
from datetime import date
from pathlib import Path

from sqlalchemy import Connection, text

from include.warehouse.arrivals import READY_SUFFIX
from include.warehouse.errors import UnfinishedError, WarehouseError
from include.warehouse.settings import Settings

FOLDER_OF_STATUS = {
    "loaded": "archive",
    "skipped": "archive",
    "discarded": "archive",
    "refused": "refused",
    "held": "held",
}
REASON_SUFFIX = ".reason.txt"
LONGEST_NAME = 255

Mark = tuple[int, int] | None


def day_of_receipt(connection: Connection) -> date:
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
            "received_on": day_of_receipt(connection),
        },
    ).scalar_one()
    path = f"processing/{file_id}/{name}"
    connection.execute(text("update ops.file set path = :path where file_id = :id"), {"path": path, "id": file_id})
    connection.commit()
    return file_id, path


def claim(connection: Connection, settings: Settings, path: Path) -> int | None:
    """Takes a file out of the inbox by rename; None where somebody else was quicker, or writes to it."""
    file_id, place = _register(connection, _name_in_utf8(path))
    target = settings.home / place
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        _move(path, target)
    except (FileNotFoundError, UnfinishedError):
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
    """Renames; a link, or a file of another file system, is copied and removed, unless it is written to meanwhile.

    A link would say nothing in another folder, or say there what the file is by then, not what was loaded.
    """
    if not path.is_symlink():
        try:
            path.rename(target)
            return
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
    before = mark(path)
    _copy(path, target)
    if mark(path) != before:
        raise UnfinishedError(f"{path.name} is still being written")
    path.unlink()


def _copy(path: Path, target: Path) -> None:
    """Copies so that the target is there whole or not at all."""
    unfinished = target.with_name(".unfinished")
    shutil.copyfile(path, unfinished)
    unfinished.rename(target)


def _name_in_utf8(path: Path) -> str:
    """The file's name, with _ for bytes that are no UTF-8 (a name from an old Windows)."""
    return "".join("_" if "\udc80" <= letter <= "\udcff" else letter for letter in path.name)


def claim_copy(
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


def resume(connection: Connection, settings: Settings) -> list[int]:
    """What an interrupted load had claimed and not finished, in the order of receipt."""
    settle(connection, settings)
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
            # the sensor of its feed, which has seen it lie here for long, looks again after a while
            os.utime((settings.home / place).parent)
            found.append(file_id)
        else:
            _forget(connection, settings, file_id, place)
    return found


def mark(path: Path) -> Mark:
    """What every write to a file changes: its size and when it was changed."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns


def settle(connection: Connection, settings: Settings) -> None:
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
