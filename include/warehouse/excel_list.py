"""Long lists as an Excel workbook: XlsxWriter makes all of it but the rows, which are written into its sheets as XML.

XlsxWriter needs 4 µs for a cell, since a cell may be anything; a list has texts, numbers and flags in known columns.
Their XML is that of ECMA-376 part 1: 18.3.1.4 (cells), 22.9.2.19 (ST_Xstring, what a text may hold).
"""

import io
import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from include.warehouse.workbook import CHARACTERS_PER_CELL, HEADER, NUMBER_FORMATS

ROWS_PER_SHEET = 1_048_575
FORMATTED = ("count", "money", "date")
WIDTHS = {"text": 18, "count": 11, "number": 11, "money": 14, "date": 12, "flag": 11}
SAMPLES = {"text": "text", "flag": True}

# what XML reserves, what it cannot hold, and the beginning of what would be read as an escape
_TO_ESCAPE = re.compile("[&<>\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9a-fA-F]{4}_)")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


@dataclass(frozen=True)
class _Cell:
    """The XML of a column's cells around the number of the row and the value."""

    before_row: str
    before_value: str
    after_value: str
    written: Callable[[Any], str]


@dataclass
class _Rows:
    """The rows of one sheet, in a file without a name."""

    file: IO[bytes]
    count: int = 0


class ListBook:
    """A workbook of one list of customers: as many sheets as its rows need, then About with what the caller says of it.

    `kinds` has the kind of each column by its name: text, count, number, money, date, flag.
    """

    def __init__(self, title: str, kinds: Mapping[str, str]) -> None:
        self.rows = 0
        self.cut_cells = 0
        self._title = title
        self._kinds = kinds
        self._sheets = [_new_rows()]
        with zipfile.ZipFile(self._without_rows([1], None, {})) as book:
            _, sample, _ = _around_sample(book.read("xl/worksheets/sheet1.xml"), row=2)
        styles = dict(re.findall(r'<c r="([A-Z]+)2"( s="\d+")?', sample.decode()))
        letters = [xl_col_to_name(column) for column in range(len(kinds))]
        self._cells = [
            self._cell(column, kind, styles[column]) for column, kind in zip(letters, kinds.values(), strict=True)
        ]

    def write(self, row: Sequence[Any]) -> None:
        """Writes one row, a value for each column: None, text, a number or its text, days since 1899-12-30, a flag.

        A text that no cell can hold is cut, and counted in `cut_cells`.
        """
        sheet = self._sheets[-1]
        if sheet.count == ROWS_PER_SHEET:
            sheet = _new_rows()
            self._sheets.append(sheet)
        number = str(sheet.count + 2)
        cells = [
            f"{cell.before_row}{number}{cell.before_value}{cell.written(value)}{cell.after_value}"
            for cell, value in zip(self._cells, row, strict=True)
            if value is not None
        ]
        sheet.file.write(f'<row r="{number}">{"".join(cells)}</row>'.encode())
        sheet.count += 1
        self.rows += 1

    def save(self, path: Path, created: datetime, about: Mapping[str, Any]) -> None:
        """Writes the workbook; nothing can be written to it afterwards."""
        parts = {f"xl/worksheets/sheet{number}.xml": rows for number, rows in enumerate(self._sheets, start=1)}
        without_rows = self._without_rows([rows.count for rows in self._sheets], created, about)
        with zipfile.ZipFile(without_rows) as source, zipfile.ZipFile(path, "w") as book:
            for entry in source.infolist():
                rows = parts.get(entry.filename)
                if rows is None or rows.count == 0:
                    book.writestr(entry, source.read(entry))
                    continue
                before, _, after = _around_sample(source.read(entry), row=rows.count + 1)
                with rows.file, book.open(entry, "w", force_zip64=True) as part:
                    part.write(before)
                    rows.file.seek(0)
                    shutil.copyfileobj(rows.file, part, 1 << 20)
                    part.write(after)

    def _without_rows(self, counts: list[int], created: datetime | None, about: Mapping[str, Any]) -> IO[bytes]:
        """The workbook whose sheets have their header and, in the place of the last row, a sample."""
        target = io.BytesIO()
        with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
            book.set_properties({"title": self._title, "created": created})
            for number, count in enumerate(counts, start=1):
                self._add_sheet(book, "Customers" if number == 1 else f"Customers {number}", count)
            _add_about(book, about)
        return target

    def _add_sheet(self, book: xlsxwriter.Workbook, name: str, count: int) -> None:
        sheet = book.add_worksheet(name)
        header = book.add_format({"bold": True, "bg_color": HEADER, "font_color": "white", "valign": "vcenter"})
        formats = {kind: book.add_format({"num_format": NUMBER_FORMATS[kind]}) for kind in FORMATTED}
        for column, (title, kind) in enumerate(self._kinds.items()):
            sheet.set_column(column, column, max(WIDTHS[kind], len(title) + 4))
            sheet.write_string(0, column, title, header)
        if count:
            for column, kind in enumerate(self._kinds.values()):
                sheet.write(count, column, SAMPLES.get(kind, 0), formats.get(kind))
        # who it is stays in sight
        sheet.freeze_panes(1, list(self._kinds).index("customer_id") + 1)
        last_row, last_column = max(count, 1), len(self._kinds) - 1
        sheet.autofilter(0, 0, last_row, last_column)
        # ids of digits are text on purpose
        sheet.ignore_errors({"number_stored_as_text": f"A2:{xl_col_to_name(last_column)}{last_row + 1}"})

    def _cell(self, column: str, kind: str, style: str) -> _Cell:
        before_row = f'<c r="{column}'
        if kind == "text":
            return _Cell(before_row, f'"{style} t="inlineStr"><is>', "</is></c>", self._text)
        if kind == "flag":
            return _Cell(before_row, f'"{style} t="b"><v>', "</v></c>", lambda is_so: "1" if is_so else "0")
        return _Cell(before_row, f'"{style}><v>', "</v></c>", str)

    def _text(self, text: str) -> str:
        if len(text) > CHARACTERS_PER_CELL:
            self.cut_cells += 1
            text = text[:CHARACTERS_PER_CELL]
        keeps_space = ' xml:space="preserve"' if text[:1].isspace() or text[-1:].isspace() else ""
        return f"<t{keeps_space}>{_TO_ESCAPE.sub(_escape, text)}</t>"


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return _ENTITIES.get(character) or f"_x{ord(character):04X}_"


def _new_rows() -> _Rows:
    return _Rows(tempfile.TemporaryFile())


def _around_sample(sheet: bytes, row: int) -> tuple[bytes, bytes, bytes]:
    """The XML of a sheet before, of and after the sample row."""
    start = sheet.index(b'<row r="%d"' % row)
    end = sheet.index(b"</sheetData>")
    return sheet[:start], sheet[start:end], sheet[end:]


def _add_about(book: xlsxwriter.Workbook, about: Mapping[str, Any]) -> None:
    sheet = book.add_worksheet("About")
    label = book.add_format({"bold": True, "valign": "top"})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 110)
    row = 0
    for name, value in about.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for number, piece in enumerate(_pieces(text)):
            sheet.write_string(row, 0, name if number == 0 else "", label)
            if isinstance(value, int) and not isinstance(value, bool):
                sheet.write_number(row, 1, value)
            else:
                sheet.write_string(row, 1, piece, wrapped)
            row += 1


def _pieces(text: str) -> list[str]:
    """The text in pieces that a cell can hold."""
    return [text[start : start + CHARACTERS_PER_CELL] for start in range(0, len(text), CHARACTERS_PER_CELL)] or [""]
