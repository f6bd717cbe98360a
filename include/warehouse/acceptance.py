"""One file into the warehouse: described, copied and judged, then accepted, in one transaction.

What comes before acceptance reads nothing that another sales file changes, so the next file can be that far meanwhile.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from psycopg2.extras import Json
from sqlalchemy import Connection, text

from include.warehouse.contracts import Contract, FilePeriod, match_feed
from include.warehouse.errors import HeldError, InputError, SkippedError
from include.warehouse.feed_tables import FEED_TABLES
from include.warehouse.reading import copy_rows, inspect, read_header
from include.warehouse.reading.file_format import is_excel
from include.warehouse.settings import Settings
from include.warehouse.step_log import record_step


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
) -> None:
    """Copies the rows of a claimed file and judges them; leaves the transaction open for `accept`.

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
    started = time.monotonic()
    extra_columns = sum(1 for _, column in header.column_map if column.startswith("extra_"))
    table = connection.execute(
        text("select raw.create_partition(:feed, :id, :extra)"),
        {"feed": contract.feed, "id": file_id, "extra": extra_columns},
    ).scalar_one()
    connection.commit()
    connection.execute(
        text(
            "update ops.file set header = :header, column_map = :map, encoding = :encoding, delimiter = :delimiter"
            " where file_id = :id"
        ),
        {
            "header": header.names,
            "map": Json([list(pair) for pair in header.column_map]),
            "encoding": None if is_excel(path) else inspection.encoding,
            "delimiter": None if is_excel(path) else header.delimiter,
            "id": file_id,
        },
    )
    driver_connection = connection.connection.driver_connection
    assert driver_connection is not None
    with driver_connection.cursor() as cursor:
        outcome = copy_rows(cursor, path, contract, inspection, header, table, file_id)
    connection.execute(
        text("update ops.file set is_trimmed = :is_trimmed where file_id = :id"),
        {"is_trimmed": outcome.is_trimmed, "id": file_id},
    )
    record_step(
        connection,
        step="copy",
        file_id=file_id,
        seconds=time.monotonic() - started,
        rows=outcome.rows,
        size=inspection.size_bytes,
    )
    started = time.monotonic()
    connection.execute(text("call core.judge_file(:id)"), {"id": file_id})
    record_step(
        connection,
        step="judge",
        file_id=file_id,
        seconds=time.monotonic() - started,
        rows=outcome.rows + outcome.unreadable,
    )


def accept(
    connection: Connection,
    file_id: int,
    *,
    approved: bool,
    check_in_force: bool,
    before_commit: Callable[[], None],
) -> None:
    """Accepts the rows of a prepared file and commits.

    Raises HeldError where the shrink guard holds it, SkippedError (with `check_in_force`) for one in force already.
    """
    started = time.monotonic()
    if check_in_force:
        _require_news(connection, file_id)
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
