"""Lists in Excel: what a reader of workbooks finds is what was written, of whatever text."""

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.warehouse import excel_list
from include.warehouse.excel_list import ListBook

KINDS = {
    "customer_id": "text",
    "since": "date",
    "orders": "count",
    "items": "number",
    "money": "money",
    "opt_in": "flag",
}
CREATED = datetime(2026, 1, 2, tzinfo=UTC)

# databases hold no NUL and no half of a surrogate pair
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    [
        "=1+1",
        "<b>&amp;</b>",
        "]]>",
        " both ends\t",
        "line\r\nline\n",
        "_x0041_",
        "_x005F_x0041_",
        "_x0000_x0000_",
        "\x01\x1f\ufffe\uffff",
        "مرحبا \u202e",
        "🙂",
        "0007",
    ]
)
rows = st.lists(
    st.tuples(
        st.none() | texts,
        st.none() | st.integers(61, 80_000),
        st.none() | st.integers(-(10**12), 10**12),
        st.none() | st.decimals(-(10**9), 10**9, places=3),
        st.none() | st.decimals(-(10**9), 10**9, places=2),
        st.none() | st.booleans(),
    ),
    max_size=12,
)


def write_list(path: Path, content: list[tuple[Any, ...]]) -> ListBook:
    book = ListBook("List", KINDS)
    for row in content:
        book.write([str(value) if isinstance(value, Decimal) else value for value in row])
    book.save(path, CREATED, {"rows": book.rows, "columns": list(KINDS), "sql": "select"})
    return book


def unescaped(text: str) -> str:
    """What a spreadsheet shows of a text (ECMA-376 part 1, 22.9.2.19); openpyxl leaves that to its callers."""
    return re.sub("_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), text)


def shown(kind: str, value: Any) -> tuple[Any, str]:
    """Value and number format of a cell, as a reader of workbooks should find them."""
    if kind == "date":
        return datetime.combine(date(1899, 12, 30) + timedelta(value), time.min), "yyyy-mm-dd"
    number_format = {"count": "#,##0", "money": "#,##0.00"}.get(kind, "General")
    return float(value) if isinstance(value, Decimal) else value, number_format


@settings(max_examples=25, deadline=None)
@given(content=rows)
def test_every_cell_is_what_was_written(
    content: list[tuple[Any, ...]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("books") / "list.xlsx"
    write_list(path, content)
    sheet = openpyxl.load_workbook(path)["Customers"]
    found = {
        (cell.row, cell.column): (
            unescaped(cell.value) if isinstance(cell.value, str) else cell.value,
            cell.number_format,
        )
        for row in sheet.iter_rows(min_row=2)
        for cell in row
        if cell.value is not None
    }
    expected = {
        (row, column): shown(kind, value)
        for row, values in enumerate(content, start=2)
        for column, (kind, value) in enumerate(zip(KINDS.values(), values, strict=True), start=1)
        if value is not None
    }
    assert [cell.value for cell in sheet[1]] == list(KINDS)
    assert found == expected


def test_sheets_go_on_where_one_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel_list, "ROWS_PER_SHEET", 3)
    write_list(tmp_path / "list.xlsx", [(f"C{number}", None, number, None, None, None) for number in range(7)])
    book = openpyxl.load_workbook(tmp_path / "list.xlsx", read_only=True)
    found = [[row[2] for row in book[name].iter_rows(min_row=2, values_only=True)] for name in book.sheetnames[:-1]]
    assert found == [[0, 1, 2], [3, 4, 5], [6]]
    assert next(book["About"].iter_rows(values_only=True)) == ("rows", 7)


def test_a_text_that_is_too_long_is_cut_and_counted(tmp_path: Path) -> None:
    book = write_list(tmp_path / "list.xlsx", [("x" * 40_000, None, None, None, None, None), ("y", *[None] * 5)])
    assert book.cut_cells == 1
    sheet = openpyxl.load_workbook(tmp_path / "list.xlsx")["Customers"]
    assert [sheet["A2"].value, sheet["A3"].value] == ["x" * 32_767, "y"]
