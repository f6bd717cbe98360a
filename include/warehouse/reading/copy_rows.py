"""Copies the rows of one file into its raw table."""

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile

import psycopg2
from psycopg2 import extensions, sql

from include.warehouse.contracts import Contract
from include.warehouse.errors import WarehouseError
from include.warehouse.reading.csv_stream import CsvStream
from include.warehouse.reading.diverted import Diverted
from include.warehouse.reading.excel import ExcelStream
from include.warehouse.reading.file_format import is_excel, open_file
from include.warehouse.reading.header import Header
from include.warehouse.reading.inspection import Inspection
from include.warehouse.reading.outer_space import is_trimmed
from include.warehouse.reading.text_blocks import BLOCK_SIZE, text_blocks

POSTGRESQL_ENCODINGS = {"utf-8": "UTF8", "cp1252": "WIN1252"}


@dataclass(frozen=True)
class Place:
    """Where reading goes on in a CSV file: bytes and physical lines before it, and rows that are known already."""

    bytes: int
    lines: int
    rows: int


@dataclass
class CopyOutcome:
    """Rows copied, records diverted to raw.unreadable_row, bytes sent to PostgreSQL, physical lines down to the end;
    whether no value among the rows has white space around it."""

    rows: int
    unreadable: int
    bytes: int
    lines: int
    is_trimmed: bool


def copy_rows(  # noqa: PLR0917 - what a load has found out so far, in that order
    cursor: extensions.cursor,
    path: Path,
    contract: Contract,
    inspection: Inspection,
    header: Header,
    table: str,
    file_id: int,
    block_size: int = BLOCK_SIZE,
    after: Place | None = None,
) -> CopyOutcome:
    """Copies all rows, or those `after` a place, into `table` (a trusted, quoted name), in the caller's transaction
    and in file order.

    Numbers of physical lines go to raw.line_shift, records that are no rows to raw.unreadable_row. Rows that are
    wholly empty but have the right number of fields are copied. Raises InputError where the file must be refused.
    """
    start = after or Place(bytes=0, lines=header.lines, rows=0)
    with open_file(path) as file, TemporaryFile() as shifts, TemporaryFile() as records:
        diverted = Diverted(file_id, start.lines + 1, shifts, records, start.rows)
        stream: CsvStream | ExcelStream
        if is_excel(path):
            columns = [column for _, column in header.column_map]
            stream, encoding = ExcelStream(path, contract, columns, header.lines, diverted), "utf-8"
        else:
            blocks, encoding = text_blocks(file, block_size, start.bytes), inspection.encoding
            stream = CsvStream(path, blocks, replace(header, lines=0) if after else header, encoding, diverted)
        has_no_outer_space = _copy(cursor, stream, header, table, encoding, diverted)
        sent = diverted.rows - start.rows
        if cursor.rowcount != sent:
            raise WarehouseError(
                f"{path.name}: PostgreSQL took {cursor.rowcount} rows where {sent} were sent; report this file"
            )
        diverted.copy(cursor)
        return CopyOutcome(
            rows=sent,
            unreadable=diverted.unreadable,
            bytes=stream.bytes,
            lines=diverted.line - 1,
            is_trimmed=has_no_outer_space,
        )


class _Watched:
    """Hands the stream to psycopg2; keeps its exception, of which psycopg2 gives only text; looks for white space."""

    def __init__(self, stream: CsvStream | ExcelStream, delimiter: str, diverted: Diverted) -> None:
        self.failure: Exception | None = None
        self.is_trimmed = True
        self._stream = stream
        self._delimiter = delimiter
        self._diverted = diverted

    def read(self, size: int = -1) -> bytes:
        records_before = self._diverted.rows
        try:
            rows = self._stream.read(size)
        except Exception as error:
            self.failure = error
            raise
        self.is_trimmed = self.is_trimmed and is_trimmed(rows, self._diverted.rows - records_before, self._delimiter)
        return rows


def _copy(  # noqa: PLR0917 - as copy_rows
    cursor: extensions.cursor,
    stream: CsvStream | ExcelStream,
    header: Header,
    table: str,
    encoding: str,
    diverted: Diverted,
) -> bool:
    columns = sql.SQL(", ").join(sql.Identifier(column) for _, column in header.column_map)
    # with force_null a field "" is as unknown as an empty one
    statement = sql.SQL(
        "copy {table} ({columns}) from stdin with"
        " (format csv, delimiter {delimiter}, force_null ({columns}), encoding {encoding})"
    ).format(
        table=sql.SQL(table),
        columns=columns,
        delimiter=sql.Literal(header.delimiter),
        encoding=sql.Literal(POSTGRESQL_ENCODINGS[encoding]),
    )
    watched = _Watched(stream, header.delimiter, diverted)
    try:
        cursor.copy_expert(statement, watched)  # type: ignore[arg-type]  # it needs no readline
    except psycopg2.Error:
        if watched.failure is not None:
            raise watched.failure from None
        raise
    return watched.is_trimmed
