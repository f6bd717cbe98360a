"""What COPY does not carry: physical line numbers, and the records that cannot be read as a row.

Both may be as many as the rows, so they wait in temporary files and are copied after the rows.
"""

import csv
import io
from typing import BinaryIO

import numpy as np
from psycopg2 import extensions

BINARY_COPY_START = b"PGCOPY\n\xff\r\n\0" + bytes(8)
BINARY_COPY_END = b"\xff\xff"
SHIFT_TUPLE = np.dtype(
    [
        ("fields", ">i2"),
        ("file_id_length", ">i4"),
        ("file_id", ">i8"),
        ("from_row_number_length", ">i4"),
        ("from_row_number", ">i8"),
        ("shift_length", ">i4"),
        ("shift", ">i8"),
    ]
)


class Diverted:
    """Counts the rows and the physical lines of one file and keeps what goes beside its rows.

    `shifts` and `records` are empty temporary files. `rows` is the number of rows so far, `line` the physical line
    on which the next record begins.
    """

    def __init__(self, file_id: int, first_line: int, shifts: BinaryIO, records: BinaryIO, rows: int = 0) -> None:
        self.rows = rows
        self.line = first_line
        self.unreadable = 0
        self._file_id = file_id
        self._shift: int | None = None
        self._shifts = shifts
        self._shifts.write(BINARY_COPY_START)
        self._records = records
        self._record_text = io.TextIOWrapper(records, encoding="utf-8", newline="")
        self._record_writer = csv.writer(self._record_text, lineterminator="\n")

    def add_rows(self, count: int) -> None:
        """`count` rows follow one another, each on one line of its own."""
        if count:
            self._keep_shifts(np.array([self.line]))
            self.rows += count
            self.line += count

    def add_rows_at(self, lines: np.ndarray, next_line: int) -> None:
        """Rows whose records begin on these physical lines; the next record begins on `next_line`."""
        if len(lines):
            self._keep_shifts(lines)
            self.rows += len(lines)
        self.line = next_line

    def add_unreadable(self, line: int, reason: str, raw_text: str) -> None:
        """A record that is no row: its first physical line, the reason and its text."""
        self.unreadable += 1
        self._record_writer.writerow((self._file_id, line, reason, raw_text))

    def copy(self, cursor: extensions.cursor) -> None:
        """Copies what was kept into raw.line_shift and raw.unreadable_row."""
        if self._shift is not None:
            self._shifts.write(BINARY_COPY_END)
            self._shifts.seek(0)
            cursor.copy_expert(
                "copy raw.line_shift (file_id, from_row_number, shift) from stdin with (format binary)", self._shifts
            )
        if self.unreadable:
            self._record_text.flush()
            self._records.seek(0)
            cursor.copy_expert(
                "copy raw.unreadable_row (file_id, line_number, reason, raw_text) from stdin"
                " with (format csv, encoding 'UTF8')",
                self._records,
            )

    def _keep_shifts(self, lines: np.ndarray) -> None:
        """Writes down where physical line − row number changes."""
        row_numbers = np.arange(self.rows + 1, self.rows + 1 + len(lines))
        shifts = lines - row_numbers
        changes = np.flatnonzero(np.diff(shifts, prepend=shifts[0] - 1 if self._shift is None else self._shift))
        if len(changes):
            tuples = np.empty(len(changes), SHIFT_TUPLE)
            tuples["fields"] = 3
            tuples["file_id_length"] = tuples["from_row_number_length"] = tuples["shift_length"] = 8
            tuples["file_id"] = self._file_id
            tuples["from_row_number"] = row_numbers[changes]
            tuples["shift"] = shifts[changes]
            self._shifts.write(tuples.tobytes())
        self._shift = int(shifts[-1])
