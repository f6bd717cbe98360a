"""The rows of a CSV file as a stream of bytes that COPY reads.

Every block is passed on by the cheapest way that is right for it:
1. nothing but its delimiters and line ends is looked at, and they show the same number of fields in every line;
2. it has quotes, blank lines or records that are no rows: one pass over the positions of delimiters, line ends and
   quotes finds the records, and those that are no rows are cut out;
3. its quotes stand where CSV does not expect them, or it has one column, or a huge field: csv.reader, row by row.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from include.warehouse.errors import InputError
from include.warehouse.reading.diverted import Diverted
from include.warehouse.reading.file_format import FIELD_LIMIT, RECORD_LIMIT
from include.warehouse.reading.header import Header
from include.warehouse.reading.records import FieldTooLargeError, read_records

NEWLINE = ord("\n")
QUOTE = ord('"')
WINDOW = FIELD_LIMIT // 2
UNDEFINED_IN_CP1252 = b"\x81\x8d\x8f\x90\x9d"


class CsvStream:
    """Reads blocks of text and gives whole records, ready for COPY; what is no row goes to `diverted`.

    Raises InputError, naming the line, for a field over 1 MB and for a quote that is never closed.
    """

    def __init__(self, path: Path, blocks: Iterator[bytes], header: Header, encoding: str, diverted: Diverted) -> None:
        self.bytes = 0
        self._name = path.name
        self._blocks = blocks
        self._encoding = encoding
        self._diverted = diverted
        self._delimiter = header.delimiter
        self._width = len(header.names)
        self._skeleton = header.delimiter.encode() * (self._width - 1) + b"\n"
        marks = header.delimiter.encode() + b'\n"'
        self._beside_marks = bytes(byte for byte in range(256) if byte not in marks)
        self._is_mark = np.zeros(256, bool)
        self._is_mark[list(marks)] = True
        self._tail = self._after_header(header.lines)
        self._is_at_end = False

    def read(self, size: int = -1) -> bytes:
        """The next records, empty at the end; as much as one block gives, whatever `size` says."""
        while not self._is_at_end:
            block = next(self._blocks, b"")
            data = self._tail + block
            if not block:
                self._is_at_end = True
                if data and not data.endswith(b"\n"):
                    data += b"\n"
            rows = self._rows(data)
            if self._is_at_end and self._tail:
                self._refuse_open_quote()
            if rows:
                self.bytes += len(rows)
                return rows
        return b""

    def _after_header(self, lines: int) -> bytes:
        """The rest of the blocks that hold the header's lines."""
        data = b""
        while data.count(b"\n") < lines:
            block = next(self._blocks, b"")
            if not block:
                return b""
            data += block
        position = 0
        for _ in range(lines):
            position = data.index(b"\n", position) + 1
        return data[position:]

    def _rows(self, data: bytes) -> bytes:
        """The rows of `data` as CSV; its unfinished last record becomes the tail."""
        end = data.rfind(b"\n") + 1
        rows = self._uniform_rows(data, end)
        if rows is None:
            rows = self._regular_rows(data)
        if rows is None:
            rows = self._irregular_rows(data)
        if len(self._tail) > RECORD_LIMIT:
            raise InputError(f"{self._name} line {self._diverted.line}: a record is larger than 16 MB")
        return rows

    def _uniform_rows(self, data: bytes, end: int) -> bytes | None:
        """First way; None where the block is not that simple."""
        body = data[:end]
        skeleton = body.translate(None, self._beside_marks)
        count = len(skeleton) // self._width
        if self._width == 1 or skeleton != self._skeleton * count:
            return None
        if not self._is_decodable(body) or _may_hold_large_field(data):
            return None
        self._tail = data[end:]
        self._diverted.add_rows(count)
        return body

    def _regular_rows(self, data: bytes) -> bytes | None:
        """Second way; None where quotes are irregular, a field may be too large, or there is one column."""
        if self._width == 1:
            return None
        array = np.frombuffer(data, np.uint8)
        at = np.flatnonzero((array == ord(self._delimiter)) | (array == NEWLINE) | (array == QUOTE))
        mark = array[at]
        is_quote = mark == QUOTE
        is_inside = (np.cumsum(is_quote, dtype=np.int32) & 1).astype(bool)
        if not self._has_regular_quotes(array, at[is_quote & is_inside]):
            return None
        separator = np.flatnonzero(~is_quote & ~is_inside)
        if np.diff(at[separator], prepend=-1, append=len(data)).max() > FIELD_LIMIT:
            return None
        last_field = np.flatnonzero(mark[separator] == NEWLINE)
        line_end = separator[last_field]
        ends = at[line_end] + 1
        if not len(ends):
            self._tail = data
            return b""
        starts = np.concatenate(([0], ends[:-1]))
        line = self._diverted.line + np.concatenate(([0], np.cumsum(mark == NEWLINE, dtype=np.int64)[line_end]))
        body, self._tail = data[: ends[-1]], data[ends[-1] :]
        has_width = np.diff(last_field, prepend=-1) == self._width
        is_undecodable = self._find_undecodable(body, starts, ends)
        is_row = has_width & ~is_undecodable
        for record in np.flatnonzero(~is_row & (ends - starts > 1)):
            raw = body[starts[record] : ends[record]]
            self._divert(int(line[record]), raw, bool(is_undecodable[record]))
        self._diverted.add_rows_at(line[:-1][is_row], int(line[-1]))
        if is_row.all():
            return body
        kept: bytes = array[: len(body)][np.repeat(is_row, ends - starts)].tobytes()
        return kept

    def _irregular_rows(self, data: bytes) -> bytes:
        """Third way: the same outcome for any quotes."""
        output = io.StringIO()
        writer = csv.writer(output, delimiter=self._delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
        lines = []
        line = self._diverted.line
        self._tail = b""
        try:
            for record in read_records(data, self._delimiter):
                if not record.is_complete:
                    self._tail = record.raw
                    break
                is_undecodable = not self._is_decodable(record.raw)
                if len(record.fields) == self._width and not is_undecodable:
                    writer.writerow(record.fields)
                    lines.append(line)
                else:
                    self._divert(line, record.raw, is_undecodable)
                line += record.raw.count(b"\n")
        except FieldTooLargeError as error:
            raise InputError(
                f"{self._name} line {self._diverted.line + error.lines}: a field is larger than 1 MB;"
                " is a quote opened there that is never closed?"
            ) from error
        self._diverted.add_rows_at(np.array(lines, np.int64), line)
        return output.getvalue().encode("latin-1")

    def _has_regular_quotes(self, array: np.ndarray, opening: np.ndarray) -> bool:
        """Whether every opening quote follows a delimiter, a line end or a closing quote.

        Where text follows a closing quote, PostgreSQL and csv.reader agree that it belongs to the field.
        """
        return bool(self._is_mark[array[opening[opening > 0] - 1]].all())

    def _is_decodable(self, text: bytes) -> bool:
        if b"\0" in text:
            return False
        if text.isascii():
            return True
        if self._encoding == "cp1252":
            return len(text.translate(None, UNDEFINED_IN_CP1252)) == len(text)
        try:
            text.decode("utf-8")
        except UnicodeDecodeError:
            return False
        return True

    def _find_undecodable(self, body: bytes, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """For each record whether it holds NUL or bytes that are no text in the file's encoding."""
        found = np.zeros(len(starts), bool)
        if self._is_decodable(body):
            return found
        array = np.frombuffer(body, np.uint8)
        suspect = np.flatnonzero((array >= 0x80) | (array == 0))
        for record in np.unique(np.searchsorted(ends, suspect, side="right")):
            found[record] = not self._is_decodable(body[starts[record] : ends[record]])
        return found

    def _divert(self, line: int, raw: bytes, is_undecodable: bool) -> None:
        """Keeps a record that is no row, unless it is wholly empty: that is no data."""
        if not is_undecodable and not raw.strip(b' \t\n"' + self._delimiter.encode()):
            return
        text = raw.removesuffix(b"\n").decode(self._encoding, "backslashreplace").replace("\0", "\\x00")
        self._diverted.add_unreadable(line, "undecodable" if is_undecodable else "wrong_column_count", text)

    def _refuse_open_quote(self) -> None:
        """The file ended inside a quoted field, the last one of the tail."""
        field = next(read_records(self._tail, self._delimiter)).fields[-1]
        line = self._diverted.line + self._tail.count(b"\n") - field.count("\n")
        raise InputError(f"{self._name} line {line}: a quote is opened here and never closed")


def _may_hold_large_field(data: bytes) -> bool:
    """False only where no stretch of half the limit is without a line end, so that no field reaches the limit."""
    return any(data.find(b"\n", start, start + WINDOW) < 0 for start in range(0, len(data) - WINDOW + 1, WINDOW))
