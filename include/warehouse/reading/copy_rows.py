"""Copies the rows of one file into its raw table."""

from dataclasses import dataclass
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
from include.warehouse.reading.text_blocks import BLOCK_SIZE, text_blocks

POSTGRESQL_ENCODINGS = {"utf-8": "UTF8", "cp1252": "WIN1252"}


@dataclass
class CopyOutcome:
    """Rows copied, records diverted to raw.unreadable_row, and bytes sent to PostgreSQL."""

    rows: int
    unreadable: int
    bytes: int


def copy_rows(  # noqa: PLR0917 - what a load has found out so far, in that order
    cursor: extensions.cursor,
    path: Path,
    contract: Contract,
    inspection: Inspection,
    header: Header,
    table: str,
    file_id: int,
    block_size: int = BLOCK_SIZE,
) -> CopyOutcome:
    """Copies all rows into `table` (a trusted, quoted name), in the caller's transaction and in file order.

    Numbers of physical lines go to raw.line_shift, records that are no rows to raw.unreadable_row. Rows that are
    wholly empty but have the right number of fields are copied. Raises InputError where the file must be refused.
    """
    with open_file(path) as file, TemporaryFile() as shifts, TemporaryFile() as records:
        diverted = Diverted(file_id, header.lines + 1, shifts, records)
        stream: CsvStream | ExcelStream
        if is_excel(path):
            stream, encoding = ExcelStream(path, contract, len(header.names), header.lines, diverted), "utf-8"
        else:
            blocks, encoding = text_blocks(file, block_size), inspection.encoding
            stream = CsvStream(path, blocks, header, encoding, diverted)
        _copy(cursor, stream, header, table, encoding)
        if cursor.rowcount != diverted.rows:
            raise WarehouseError(
                f"{path.name}: PostgreSQL took {cursor.rowcount} rows where {diverted.rows} were sent; report this file"
            )
        diverted.copy(cursor)
        return CopyOutcome(rows=diverted.rows, unreadable=diverted.unreadable, bytes=stream.bytes)


class _Kept:
    """Hands the stream to psycopg2 and keeps its exception, which psycopg2 reports only as text."""

    def __init__(self, stream: CsvStream | ExcelStream) -> None:
        self.failure: Exception | None = None
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        try:
            return self._stream.read(size)
        except Exception as error:
            self.failure = error
            raise


def _copy(
    cursor: extensions.cursor, stream: CsvStream | ExcelStream, header: Header, table: str, encoding: str
) -> None:
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
    kept = _Kept(stream)
    try:
        cursor.copy_expert(statement, kept)  # type: ignore[arg-type]  # it needs no readline
    except psycopg2.Error:
        if kept.failure is not None:
            raise kept.failure from None
        raise
