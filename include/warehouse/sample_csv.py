"""Columns of a generated CSV file, and writing them without a loop over rows.

A column is a list of distinct words and, for each row, the number of its word. The words are bytes exactly as they
stand in the file, quotes included, so that a wrong cell is only another word; a word that is None leaves out the cell
together with its delimiter.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ROWS_AT_A_TIME = 250_000


@dataclass
class Column:
    """`words`: binary array of distinct cells; `index`: int32 array, one word number a row."""

    words: pa.Array
    index: np.ndarray

    def put(self, rows: np.ndarray, word: bytes | None) -> None:
        """Write `word` into the cells at the positions `rows`."""
        self.index[rows] = len(self.words)
        self.words = pa.concat_arrays([self.words, pa.array([word], pa.binary())])

    def pick(self, rows: np.ndarray) -> "Column":
        return Column(self.words, self.index[rows])


def words(texts: Iterable[str]) -> pa.Array:
    """Words without quotes: the texts hold no delimiter, quote or newline."""
    return pa.array([text.encode() for text in texts], pa.binary())


def texts(index: np.ndarray, vocabulary: Sequence[str]) -> Column:
    return Column(words(vocabulary), index.astype(np.int32))


def decimals(values: np.ndarray, places: int) -> Column:
    """Whole numbers of the smallest unit (cents for 2 places) as decimal numbers."""
    distinct, index = np.unique(values, return_inverse=True)
    unit = 10**places
    spelled = (f"{'-' if v < 0 else ''}{abs(v) // unit}.{abs(v) % unit:0{places}d}" for v in distinct.tolist())
    return Column(words(spelled), index.astype(np.int32))


def numbered(prefix: str, numbers: np.ndarray, digits: int) -> pa.Array:
    """One word a number: the prefix and the number, padded with zeros to `digits`."""
    padded = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width=digits, padding="0")
    return pc.binary_join_element_wise(prefix, padded, "").cast(pa.binary())


def join(*parts: pa.Array | bytes, between: bytes = b"") -> pa.Array:
    """The parts' words of each row written one after the other; a None is left out."""
    return pc.binary_join_element_wise(*parts, between, null_handling="skip")


def write_header(out: BinaryIO, names: Iterable[str]) -> None:
    out.write(",".join(names).encode() + b"\n")


def write_rows(out: BinaryIO, columns: Mapping[str, Column]) -> None:
    """Append the rows to an open file, a part at a time so that memory does not grow with the rows."""
    rows = len(next(iter(columns.values())).index)
    for start in range(0, rows, ROWS_AT_A_TIME):
        part = slice(start, start + ROWS_AT_A_TIME)
        cells = [column.words.take(pa.array(column.index[part])) for column in columns.values()]
        lines = join(join(*cells, between=b","), b"\n")
        out.write(lines.buffers()[2])
