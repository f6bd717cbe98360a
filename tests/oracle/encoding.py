"""Rows of text as the bytes of a file, in the dialects that a company may send."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import xlsxwriter

# What no text file may hold: a byte that is neither UTF-8 nor cp1252, and NUL.
UNREADABLE = ("\udc81", "\0")
# As a cell of Excel this is no text but an error.
EXCEL_ERROR = "#N/A"

Cells = Sequence[str]


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written; Excel where `extension` says so."""

    delimiter: str = ","
    byte_order_mark: bool = False
    encoding: str = "utf-8"
    line_end: str = "\n"
    extension: str = "csv"


PLAIN = Dialect()
DIALECTS = (
    PLAIN,
    Dialect(delimiter=";"),
    Dialect(delimiter="\t", extension="txt"),
    Dialect(byte_order_mark=True, line_end="\r\n"),
    Dialect(encoding="cp1252", delimiter=";", line_end="\r\n"),
    Dialect(extension="xlsx"),
)


def suitable(dialect: Dialect, header: Cells, rows: Sequence[Cells]) -> Dialect:
    """The dialect, or the plain one where it cannot hold undecodable or ragged rows."""
    ragged = any(len(row) != len(header) for row in rows)
    unreadable = any(mark in cell for row in rows for cell in row for mark in UNREADABLE)
    return PLAIN if ragged or unreadable else dialect


def encode(header: Cells, rows: Sequence[Cells], dialect: Dialect) -> bytes:
    """The bytes of a file in a suitable dialect."""
    if dialect.extension == "xlsx":
        return _excel([header, *rows])
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=dialect.delimiter, lineterminator=dialect.line_end)
    writer.writerow(header)
    writer.writerows(rows)
    mark = b"\xef\xbb\xbf" if dialect.byte_order_mark else b""
    return mark + buffer.getvalue().encode(dialect.encoding, "surrogateescape")


def _excel(rows: Sequence[Cells]) -> bytes:
    """A workbook of typed cells, the same bytes for the same rows."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        book.set_properties({"created": datetime(2020, 1, 1)})  # noqa: DTZ001 - Excel knows no time zones
        day_format = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet()
        for i, row in enumerate(rows):
            for j, cell in enumerate(row):
                day = _day(cell)
                if day is not None:
                    sheet.write_datetime(i, j, day, day_format)
                elif _is_plain_number(cell):
                    sheet.write_number(i, j, float(cell))
                elif cell == EXCEL_ERROR:
                    sheet.write_formula(i, j, "=NA()", None, EXCEL_ERROR)
                elif cell:
                    sheet.write_string(i, j, cell)
    return buffer.getvalue()


def _day(cell: str) -> date | None:
    try:
        return date.fromisoformat(cell) if len(cell) == 10 else None
    except ValueError:
        return None


def _is_plain_number(cell: str) -> bool:
    return cell.replace(".", "", 1).replace("-", "", 1).isdigit() and len(cell) < 12 and str(float(cell)).find("e") < 0
