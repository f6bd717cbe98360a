"""The rows of an Excel sheet as a stream of CSV that COPY reads."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import numpy as np

from include.warehouse.contracts import Contract
from include.warehouse.errors import InputError
from include.warehouse.reading.diverted import Diverted
from include.warehouse.reading.excel_sheet import other_sheets, sheet_rows
from include.warehouse.reading.file_format import FIELD_LIMIT
from include.warehouse.reading.no_value import NoValue

ROWS_AT_ONCE = 10_000
HEADER_PIECE_SIZE = 1 << 20
DIRECTIVES = {"YYYY": "%Y", "MM": "%m", "DD": "%d"}


def header_row(path: Path, contract: Contract) -> tuple[list[str], int]:
    """Texts of the first row that is not empty, without the empty ones at its end, and its number in Excel.

    A cell without a value has a column below it, but names none.
    """
    text = cell_texts(contract)
    for number, cells in sheet_rows(path, contract.sheet, HEADER_PIECE_SIZE):
        shown = [text[type(cell)](cell) for cell in cells]
        names = ["" if isinstance(cell, NoValue) else name for cell, name in zip(cells, shown, strict=True)]
        if "".join(names).strip():
            while not shown[-1].strip():
                shown.pop()
            return names[: len(shown)], number
    others = other_sheets(path, contract.sheet)
    raise InputError(f"{path.name}: the sheet has no header; send it with a header and rows{others}")


class ExcelStream:
    """Gives the rows below the header as CSV, chunk by chunk; what is no row goes to `diverted`.

    `columns` are the raw columns in file order. Raises InputError, naming the row, for a cell over 1 MB.
    """

    def __init__(
        self, path: Path, contract: Contract, columns: list[str], header_line: int, diverted: Diverted
    ) -> None:
        self.bytes = 0
        self._name = path.name
        self._width = len(columns)
        # where any text would be taken for an id or a name; elsewhere an error is rejected or warned of
        texts = {name for name, column in contract.columns.items() if column.type == "text"}
        if contract.load_mode == "replace_period":
            texts &= {*contract.natural_key, *contract.transaction_id_from}
        self._texts = [position for position, column in enumerate(columns) if column in texts]
        self._diverted = diverted
        self._text = cell_texts(contract)
        self._rows = (row for row in sheet_rows(path, contract.sheet) if row[0] > header_line)

    def read(self, size: int = -1) -> bytes:
        """The next rows, empty at the end; as many as one chunk has, whatever `size` says."""
        output = io.StringIO()
        writer = csv.writer(output, quoting=csv.QUOTE_ALL, lineterminator="\n")
        lines: list[int] = []
        for line, fields in self._data_rows():
            writer.writerow(fields)
            lines.append(line)
            if len(lines) == ROWS_AT_ONCE:
                break
        if lines:
            self._diverted.add_rows_at(np.array(lines, np.int64), lines[-1] + 1)
        content = output.getvalue().encode()
        self.bytes += len(content)
        return content

    def _data_rows(self) -> Iterator[tuple[int, list[str]]]:
        width, text = self._width, self._text
        for line, cells in self._rows:
            fields = [text[type(cell)](cell) for cell in cells]
            if NoValue in map(type, cells):
                for position in self._texts:
                    if position < len(cells) and isinstance(cells[position], NoValue):
                        fields[position] = ""
            together = "".join(fields)
            if not together.strip():
                continue
            if len(together) > FIELD_LIMIT and any(len(field) > FIELD_LIMIT for field in fields):
                raise InputError(f"{self._name} line {line}: a cell is larger than 1 MB")
            if len(fields) > width:
                beyond = any(field.strip() for field in fields[width:])
                fields = fields if beyond else fields[:width]
            else:
                fields += [""] * (width - len(fields))
            if len(fields) != width or "\0" in together:
                self._divert(line, fields, "undecodable" if "\0" in together else "wrong_column_count")
            else:
                yield line, fields

    def _divert(self, line: int, fields: list[str], reason: str) -> None:
        output = io.StringIO()
        csv.writer(output, lineterminator="").writerow(fields)
        self._diverted.add_unreadable(line, reason, output.getvalue().replace("\0", "\\x00"))


def cell_texts(contract: Contract) -> dict[type, Callable[..., str]]:
    """For every type of cell the function that writes it as the contract's files write it."""
    date_format = contract.date_formats[0]
    for part, directive in DIRECTIVES.items():
        date_format = date_format.replace(part, directive)

    def number(value: float) -> str:
        if value.is_integer():
            return str(int(value))
        text = repr(value)
        if "e" in text or "n" in text:
            text = f"{Decimal(text):f}"
        return text.replace(".", contract.decimal_mark)

    @lru_cache(maxsize=10_000)
    def day(value: date) -> str:
        # strftime does not pad a year below 1000, which no Excel cell has
        return value.strftime(date_format)

    return {
        str: str,
        NoValue: str,
        float: number,
        int: str,
        bool: lambda value: "true" if value else "false",
        date: day,
        datetime: lambda value: day(value.date()),
        time: time.isoformat,
        timedelta: str,
    }
