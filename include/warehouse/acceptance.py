"""One file into the warehouse: described, copied and judged, then accepted, in one transaction.

What comes before acceptance relies on nothing that another sales file changes, so the next file can be that far
meanwhile.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from psycopg2.extras import Json
from sqlalchemy import Connection, text

from include.warehouse.contracts import Contract, FilePeriod, match_feed
from include.warehouse.errors import HeldError, InputError, SkippedError
from include.warehouse.feed_tables import FEED_TABLES
from include.warehouse.reading import Header, Inspection, Place, begins_with, copy_rows, inspect, read_header
from include.warehouse.reading.file_format import is_excel
from include.warehouse.settings import Settings
from include.warehouse.step_log import record_step


@dataclass(frozen=True)
class Reading:
    """A received file, and how it is read."""

    file_id: int
    path: Path
    contract: Contract
    inspection: Inspection
    header: Header


def may_be_prepared(contracts: dict[str, Contract], connection: Connection, file_id: int, before: int) -> bool:
    """Whether a file may be prepared while the one before it is accepted.

    A master's rows are only copied. A sales file's are judged by the masters: these must be there.
    """
    rows = connection.execute(
        text("select file_id, file_name, feed from ops.file where file_id in (:id, :before)"),
        {"id": file_id, "before": before},
    ).all()
    try:
        modes = {found: match_feed(contracts, name, feed)[0].load_mode for found, name, feed in rows}
    except InputError:
        return False
    return modes[file_id] == "snapshot" or modes[before] == "replace_period"


def prepare(
    connection: Connection,
    settings: Settings,
    contracts: dict[str, Contract],
    file_id: int,
    *,
    check_in_force: bool,
) -> Reading:
    """Copies the rows of a claimed file and judges them; leaves the transaction open for `accept`.

    Of a yearly file that begins with all bytes of the one in force, only the rows that follow.

    Raises InputError for a file that must be refused, SkippedError (with `check_in_force`) for one in force already.
    """
    row = (
        connection.execute(
            text("update ops.file set tries = tries + 1 where file_id = :id returning *"),
            {"id": file_id},
        )
        .mappings()
        .one()
    )
    # known also when this process does not survive the file
    connection.commit()
    path = settings.home / row["path"]
    inspection = inspect(path)
    connection.execute(
        text("update ops.file set sha256 = :sha256, size_bytes = :size where file_id = :id"),
        {"sha256": inspection.sha256, "size": inspection.size_bytes, "id": file_id},
    )
    connection.commit()
    contract, period = match_feed(contracts, row["file_name"], row["feed"])
    if contract.feed not in FEED_TABLES:
        raise InputError(
            f"{row['file_name']}: there are no tables for {contract.feed}; in its contract write one of"
            f" {', '.join(FEED_TABLES)} for the feed"
        )
    if contract.encoding != "auto":
        inspection = replace(inspection, encoding=contract.encoding)
    _describe(connection, file_id, contract, period)
    connection.commit()
    if check_in_force:
        _require_news(connection, file_id)

    header = read_header(path, contract, inspection)
    reading = Reading(file_id, path, contract, inspection, header)
    extra_columns = sum(1 for _, column in header.column_map if column.startswith("extra_"))
    connection.execute(
        text("select raw.create_partition(:feed, :id, :extra)"),
        {"feed": contract.feed, "id": file_id, "extra": extra_columns},
    )
    connection.commit()
    connection.execute(
        text(
            "update ops.file set header = :header, column_map = :map, encoding = :encoding, delimiter = :delimiter,"
            " continues_file_id = null where file_id = :id"
        ),
        {
            "header": header.names,
            "map": Json([list(pair) for pair in header.column_map]),
            "encoding": None if is_excel(path) else inspection.encoding,
            "delimiter": None if is_excel(path) else header.delimiter,
            "id": file_id,
        },
    )
    rows = _copy(connection, reading, after=_end_of_continued(connection, reading))
    started = time.monotonic()
    connection.execute(text("call core.judge_file(:id)"), {"id": file_id})
    record_step(connection, step="judge", file_id=file_id, seconds=time.monotonic() - started, rows=rows)
    return reading


def _end_of_continued(connection: Connection, reading: Reading) -> Place | None:
    """Where the file in force for the same year ends, if the file begins with all its bytes; notes that it does."""
    in_force = connection.execute(
        text(
            "select file_id, size_bytes, sha256, physical_lines, rows_rejected from ops.file"
            " where file_id = core.continued_file(:id)"
        ),
        {"id": reading.file_id},
    ).one_or_none()
    if in_force is None or not begins_with(reading.path, in_force.size_bytes, in_force.sha256):
        return None
    connection.execute(
        text("update ops.file set continues_file_id = :in_force where file_id = :id"),
        {"in_force": in_force.file_id, "id": reading.file_id},
    )
    # its rejects are put before the rows that follow
    place = Place(bytes=in_force.size_bytes, lines=in_force.physical_lines, rows=in_force.rows_rejected)
    connection.execute(
        text("call raw.number_rows_from('sales', :id, :first)"), {"id": reading.file_id, "first": place.rows + 1}
    )
    return place


def _copy(connection: Connection, reading: Reading, after: Place | None = None) -> int:
    """Copies the rows of a file, or those `after` a place; gives how many records that are."""
    started = time.monotonic()
    driver_connection = connection.connection.driver_connection
    assert driver_connection is not None
    table = f"raw.{reading.contract.feed}_{reading.file_id}"
    with driver_connection.cursor() as cursor:
        outcome = copy_rows(
            cursor,
            reading.path,
            reading.contract,
            reading.inspection,
            reading.header,
            table,
            reading.file_id,
            after=after,
        )
    connection.execute(
        text(
            "update ops.file f set physical_lines = :lines, is_trimmed = :is_trimmed"
            " and coalesce((select b.is_trimmed from ops.file b where b.file_id = f.continues_file_id), true)"
            " where f.file_id = :id"
        ),
        {
            "lines": None if is_excel(reading.path) else outcome.lines,
            "is_trimmed": outcome.is_trimmed,
            "id": reading.file_id,
        },
    )
    record_step(
        connection,
        step="copy",
        file_id=reading.file_id,
        seconds=time.monotonic() - started,
        rows=outcome.rows,
        size=reading.inspection.size_bytes - (after.bytes if after else 0),
    )
    return outcome.rows + outcome.unreadable


def accept(
    connection: Connection,
    reading: Reading,
    *,
    approved: bool,
    check_in_force: bool,
    before_commit: Callable[[], None],
) -> None:
    """Accepts the rows of a prepared file and commits.

    Raises HeldError where the shrink guard holds it, SkippedError (with `check_in_force`) for one in force already.
    """
    file_id = reading.file_id
    started = time.monotonic()
    if check_in_force:
        _require_news(connection, file_id)
    _judge_what_follows(connection, reading)
    held = connection.execute(
        text("select core.accept_file(:id, :approved)"), {"id": file_id, "approved": approved}
    ).scalar()
    name, rows = connection.execute(
        text("select file_name, rows_received from ops.file where file_id = :id"), {"id": file_id}
    ).one()
    if held:
        raise HeldError(f"{name}: {held}")
    record_step(connection, step="accept", file_id=file_id, seconds=time.monotonic() - started, rows=rows)
    before_commit()
    connection.commit()


def _judge_what_follows(connection: Connection, reading: Reading) -> None:
    """Judges a file that was copied from where another one ends; copies all of it where that does not suffice."""
    is_judged = connection.execute(
        text(
            "select core.judge_continuing_sales(file_id) from ops.file"
            " where file_id = :id and continues_file_id is not null"
        ),
        {"id": reading.file_id},
    ).scalar()
    if is_judged is False:
        connection.execute(text("call core.begin_again(:id)"), {"id": reading.file_id})
        _copy(connection, reading)


def _require_news(connection: Connection, file_id: int) -> None:
    in_force = connection.execute(
        text("select ops.find_in_force(file_id) from ops.file where file_id = :id and not is_forced"), {"id": file_id}
    ).scalar()
    if in_force:
        raise SkippedError(in_force)


def _describe(connection: Connection, file_id: int, contract: Contract, period: FilePeriod) -> None:
    connection.execute(
        text(
            "update ops.file set feed = :feed, period_year = :year,"
            " period_part = :part, delta_date = :delta,"
            " effective_date = case when :is_master then coalesce(:day, effective_date, received_on) end"
            " where file_id = :id"
        ),
        {
            "feed": contract.feed,
            "year": period.year,
            "part": period.part,
            "delta": period.delta_date,
            "day": period.day_in_name,
            "is_master": contract.load_mode == "snapshot",
            "id": file_id,
        },
    )
