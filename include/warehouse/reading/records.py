"""Records of CSV text whose quotes are irregular, one at a time by Python's csv module.

A quote inside an unquoted field is a character like any other there, as spreadsheets read it.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from include.warehouse.reading.file_format import FIELD_LIMIT


class FieldTooLargeError(Exception):
    """A field of the record that begins `lines` physical lines after the start is over 1 MB."""

    def __init__(self, lines: int) -> None:
        super().__init__(lines)
        self.lines = lines


@dataclass(frozen=True)
class Record:
    """The fields, each character standing for one byte (latin-1), and the record's bytes as they stand in the file."""

    fields: list[str]
    raw: bytes
    is_complete: bool


def read_records(data: bytes, delimiter: str) -> Iterator[Record]:
    """The records of `data`, which begins at a record; the last one is incomplete where a quote or line is open.

    Raises FieldTooLargeError.
    """
    csv.field_size_limit(FIELD_LIMIT)
    taken: list[bytes] = []
    is_open = False

    def lines() -> Iterator[str]:
        nonlocal is_open
        for line in io.BytesIO(data):
            taken.append(line)
            yield line.decode("latin-1")
        # asked for another line in the middle of a record: its quote was never closed
        is_open = bool(taken)

    lines_before = 0
    reader = csv.reader(lines(), delimiter=delimiter)
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise FieldTooLargeError(lines_before) from error
        raw = b"".join(taken)
        lines_before += len(taken)
        taken.clear()
        yield Record(fields, raw, is_complete=raw.endswith(b"\n") and not is_open)
