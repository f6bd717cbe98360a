"""Row by row, column by column comparison of two frames, with a report that a person can read."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_SHOWN = 10

Cells = dict[str, NDArray[np.object_]]
Row = tuple[Any, ...]


def assert_same(expected: pd.DataFrame, actual: pd.DataFrame, key: list[str]) -> None:
    """Raise AssertionError unless `actual` holds every column of `expected` with the same rows, in any order.

    Values are compared exactly: Decimal, int and bool by value, dates and timestamps by their day, all nulls alike.
    Further columns of `actual` are ignored. Where the key is not unique, rows of one key are paired by their values.
    """
    missing = [column for column in expected.columns if column not in actual.columns]
    if missing:
        raise AssertionError(f"missing columns: {', '.join(missing)}; there are {', '.join(actual.columns)}")
    columns = [*key, *(column for column in expected.columns if column not in key)]
    left = {column: _plain(expected[column]) for column in columns}
    right = {column: _plain(actual[column]) for column in columns}
    ours, theirs = _keys(left, key), _keys(right, key)
    if len(set(ours)) < len(ours) or len(set(theirs)) < len(theirs):
        left, right = _sorted(left), _sorted(right)
        ours, theirs = _numbered(_keys(left, key)), _numbered(_keys(right, key))
    place = {each: i for i, each in enumerate(theirs)}
    report = _missing_rows(ours, theirs, key)
    if not report:
        report = _differing_cells(left, right, ours, np.array([place[each] for each in ours], dtype=np.int64))
    if report:
        raise AssertionError("\n".join(report))


def _plain(column: pd.Series) -> NDArray[np.object_]:
    """The column as Python values: None, str, bool, int, Decimal, date, and tuples for lists and JSON objects."""
    if pd.api.types.is_datetime64_any_dtype(column):
        column = column.dt.date
    values: NDArray[np.object_] = column.to_numpy(dtype=object, copy=True)
    empty = column.isna().to_numpy(dtype=bool)
    values[empty] = None
    if pd.api.types.infer_dtype(values, skipna=True) in {"datetime", "mixed"}:
        for i in np.flatnonzero(~empty):
            values[i] = _comparable(values[i])
    return values


def _comparable(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, dict):
        return tuple(sorted(value.items()))
    return tuple(value) if isinstance(value, list) else value


def _keys(cells: Cells, key: Sequence[str]) -> list[Row]:
    return list(zip(*(cells[column] for column in key), strict=True))


def _sorted(cells: Cells) -> Cells:
    rows = [[(value is None, _text(value)) for value in row] for row in zip(*cells.values(), strict=True)]
    order = sorted(range(len(rows)), key=rows.__getitem__)
    return {column: values[order] for column, values in cells.items()}


def _text(value: Any) -> str:
    """Text that is the same for equal values, so that both sides are paired alike."""
    if value is None or isinstance(value, str | bool | date | tuple):
        return str(value)
    number = format(value, "f")
    return number.rstrip("0").rstrip(".") if "." in number else number


def _numbered(keys: list[Row]) -> list[Row]:
    """The keys made unique by counting the rows of each."""
    seen: dict[Hashable, int] = {}
    numbered = []
    for key in keys:
        seen[key] = seen.get(key, 0) + 1
        numbered.append((*key, seen[key]))
    return numbered


def _missing_rows(ours: list[Row], theirs: list[Row], key: Sequence[str]) -> list[str]:
    report = []
    for title, rows, others in (("missing", ours, set(theirs)), ("unexpected", theirs, set(ours))):
        lacking = [row for row in rows if row not in others]
        if lacking:
            report.append(f"{title}: {len(lacking)} rows; {', '.join(key)}:")
            report += [f"  {_show(row)}" for row in lacking[:_SHOWN]]
    return [f"expected {len(ours)} rows, actual {len(theirs)}", *report] if report else []


def _differing_cells(left: Cells, right: Cells, keys: list[Row], order: NDArray[np.int64]) -> list[str]:
    """`order` says which row of the right side belongs to each row of the left."""
    report = []
    for column, ours in left.items():
        theirs = right[column][order]
        places = np.flatnonzero(np.asarray(ours != theirs, dtype=bool))
        if len(places):
            report.append(f"{column}: {len(places)} of {len(ours)} rows differ")
            report += [f"  {_show(keys[i])}: expected {ours[i]!s}, actual {theirs[i]!s}" for i in places[:_SHOWN]]
    return report


def _show(row: Row) -> str:
    return ", ".join(str(value) for value in row)
