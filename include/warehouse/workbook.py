"""Excel workbooks in one style: titled sheets, real number and date cells, tables with filters, charts."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

INK = "#1F2933"
MUTED = "#6B7785"
HEADER = "#1F3A5F"
RULE = "#DFE4EA"
TOTAL = "#EEF2F6"
BAR = "#B8CCE0"

# Told apart by people who do not see all colours (Okabe and Ito), and by lightness in print.
SERIES_COLORS = ["#0072B2", "#E69F00", "#009E73", "#CC5500", "#7A3B2E", "#8FA3AD"]

NUMBER_FORMATS = {
    "count": "#,##0",
    "number": "#,##0.00#",
    "id": "0",
    "money": "#,##0.00",
    "share": "0.0%",
    "change": "+0.0%;\N{MINUS SIGN}0.0%;0.0%",
    "date": "yyyy-mm-dd",
    "month": "mmm yyyy",
    "moment": "yyyy-mm-dd hh:mm:ss",
    "text": "@",
    "long_text": "@",
    "flag": "General",
}
LEFT_ALIGNED = {"id", "date", "month", "moment", "text", "long_text", "flag"}
WIDEST_TEXT = 70
LONG_TEXT_WIDTH = 90
LONG_TEXT_HEIGHT = 48
LINE_HEIGHT = 16
# of a long text, also where another font than ours is all there is
LETTERS_PER_LINE = 75
FIRST_TABLE_ROW = 4
CHARACTERS_PER_CELL = 32_767


@dataclass(frozen=True)
class Column:
    """A column of a table: the key of its values, its header, and how they are shown (see NUMBER_FORMATS)."""

    key: str
    title: str
    kind: str = "text"


@dataclass(frozen=True)
class Table:
    """Where a table lies: zero-based rows of its first and last line, and the column of every key."""

    sheet_name: str
    header_row: int
    first_row: int
    last_row: int
    below: int
    columns: dict[str, int]

    def header(self, key: str) -> str:
        """Reference to a column's header, as a chart wants it."""
        return f"='{self.sheet_name}'!${xl_col_to_name(self.columns[key])}${self.header_row + 1}"

    def values(self, key: str, most: int | None = None) -> str:
        """Reference to a column's values, at most the first `most`."""
        letters = xl_col_to_name(self.columns[key])
        last_row = self.last_row if most is None else min(self.last_row, self.first_row + most - 1)
        return f"='{self.sheet_name}'!${letters}${self.first_row + 1}:${letters}${last_row + 1}"


@dataclass
class Sheet:
    """A sheet with its title; tables and charts are placed on it by row and column."""

    book: "Book"
    name: str
    worksheet: Any
    widths: dict[int, float] = field(default_factory=dict)

    def widen(self, column: int, width: float) -> None:
        """Makes a column at least this wide, in characters."""
        wanted = min(max(width, 9), LONG_TEXT_WIDTH)
        if wanted > self.widths.get(column, 0.0):
            self.widths[column] = wanted
            self.worksheet.set_column(column, column, wanted)

    def write(self, row: int, column: int, value: object, kind: str, *, total: bool = False) -> None:
        """Writes a cell of the type that its value has; text is never a formula, an unknown value is empty."""
        is_whole = kind == "number" and isinstance(value, (int, Decimal)) and value % 1 == 0
        cell_format = self.book.cell_format("count" if is_whole else kind, total=total)
        if value is None:
            self.worksheet.write_blank(row, column, None, cell_format)
        elif isinstance(value, bool):
            self.worksheet.write_string(row, column, "yes" if value else "no", cell_format)
        elif isinstance(value, (int, float, Decimal)):
            self.worksheet.write_number(row, column, value, cell_format)
        elif isinstance(value, (date, datetime)):
            self.worksheet.write_datetime(row, column, value, cell_format)
        else:
            self.worksheet.write_string(row, column, str(value)[:CHARACTERS_PER_CELL], cell_format)

    def heading(self, row: int, text: str) -> None:
        """A line above a table or chart."""
        self.worksheet.set_row(row, 24)
        self.worksheet.write_string(row, 0, text, self.book.heading_format)

    def note(self, row: int, text: str) -> None:
        """A line of explanation."""
        self.worksheet.write_string(row, 0, text, self.book.note_format)

    def table(
        self,
        row: int,
        name: str,
        columns: Sequence[Column],
        rows: Sequence[dict[str, Any]],
        total: dict[str, Any] | None = None,
    ) -> Table:
        """A table with filters from `row` on, its total below and outside the filters; `name` is unique in the book."""
        columns = _told_apart(columns)
        for offset, column in enumerate(columns):
            self.worksheet.write_string(row, offset, column.title, self.book.header_format(column.kind))
            self.widen(offset, _header_width(column.title))
        self.worksheet.set_row(row, 32)
        lines = [*rows, total] if total else list(rows)
        long_texts = [column.key for column in columns if column.kind == "long_text"]
        for line_number, line in enumerate(lines, start=row + 1):
            if long_texts:
                self.worksheet.set_row(line_number, max(_height(line[key]) for key in long_texts))
            for offset, column in enumerate(columns):
                self.write(line_number, offset, line[column.key], column.kind, total=line is total)
                self.widen(offset, _width(line[column.key], column.kind))
        last_row = row + len(rows)
        if rows:
            self.worksheet.add_table(
                row,
                0,
                last_row,
                len(columns) - 1,
                {
                    "name": name,
                    "style": None,
                    "columns": [
                        {"header": column.title, "header_format": self.book.header_format(column.kind)}
                        for column in columns
                    ],
                },
            )
            self._add_bars(row + 1, last_row, columns)
        else:
            self.worksheet.write_string(row + 1, 0, "nothing", self.book.note_format)
        below = row + max(len(lines), 1) + 2
        positions = {column.key: offset for offset, column in enumerate(columns)}
        return Table(self.name, row, row + 1, max(last_row, row + 1), below, positions)

    def _add_bars(self, first_row: int, last_row: int, columns: Sequence[Column]) -> None:
        bar = {"type": "data_bar", "bar_color": BAR, "bar_solid": True, "min_type": "num", "min_value": 0}
        for offset, column in enumerate(columns):
            if column.kind == "share":
                self.worksheet.conditional_format(
                    first_row, offset, last_row, offset, {**bar, "max_type": "num", "max_value": 1}
                )

    def place(self, row: int, charts: Sequence[Any], column: int = 0, width: int = 620, height: int = 320) -> None:
        """Places charts beside each other, the first one's upper left corner in a cell."""
        for number, chart in enumerate(charts):
            chart.set_size({"width": width, "height": height})
            offsets = {"x_offset": 6 + number * (width + 14), "y_offset": 6}
            self.worksheet.insert_chart(row, column, chart, {**offsets, "object_position": 3})

    def print_on_one_page(self) -> None:
        """For a sheet that is looked at as a whole."""
        self.worksheet.fit_to_pages(1, 1)


class Book:
    """A workbook and its styles; `close` writes the file."""

    def __init__(self, path: Path, title: str, created: datetime) -> None:
        self.workbook = xlsxwriter.Workbook(str(path))
        self.workbook.set_properties({"title": title, "created": created})
        self.workbook.set_calc_mode("auto")
        self._formats: dict[tuple[str, bool], Any] = {}
        base = {"font_name": "Calibri", "font_color": INK, "valign": "vcenter"}
        self._base = base
        self.title_format = self.workbook.add_format({**base, "bold": True, "font_size": 18, "font_color": HEADER})
        self.heading_format = self.workbook.add_format({**base, "bold": True, "font_size": 13, "font_color": HEADER})
        self.note_format = self.workbook.add_format({**base, "font_color": MUTED})
        header = {**base, "bold": True, "font_color": "white", "bg_color": HEADER, "text_wrap": True}
        self._text_header_format = self.workbook.add_format({**header, "align": "left", "indent": 1})
        self._number_header_format = self.workbook.add_format({**header, "align": "right", "indent": 2})

    def header_format(self, kind: str) -> Any:
        """The format of a header; above numbers it stands right, with room for the filter's arrow."""
        return self._text_header_format if kind in LEFT_ALIGNED else self._number_header_format

    def cell_format(self, kind: str, *, total: bool = False) -> Any:
        """The format of a kind of value."""
        key = (kind, total)
        if key not in self._formats:
            look = {**self._base, "num_format": NUMBER_FORMATS[kind], "bottom": 1, "bottom_color": RULE}
            if kind in LEFT_ALIGNED:
                look |= {"align": "left", "indent": 1}
            if kind == "long_text":
                look |= {"text_wrap": True, "valign": "top"}
            if total:
                look |= {"bold": True, "bg_color": TOTAL, "top": 1, "top_color": HEADER}
            self._formats[key] = self.workbook.add_format(look)
        return self._formats[key]

    def sheet(self, name: str, title: str, subtitle: str, note: str = "", frozen_columns: int = 1) -> Sheet:
        """A further sheet, titled, its first table's header frozen, printed on one page's width."""
        worksheet = self.workbook.add_worksheet(name)
        worksheet.hide_gridlines(2)
        worksheet.set_row(0, 28)
        worksheet.write_string(0, 0, title, self.title_format)
        worksheet.write_string(1, 0, subtitle, self.note_format)
        if note:
            worksheet.write_string(2, 0, note, self.note_format)
        worksheet.freeze_panes(FIRST_TABLE_ROW + 1, frozen_columns)
        worksheet.set_landscape()
        worksheet.set_paper(9)
        worksheet.fit_to_pages(1, 0)
        worksheet.repeat_rows(0, FIRST_TABLE_ROW)
        worksheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        worksheet.set_footer("&L&8&F&C&8&A&R&8&P / &N")
        return Sheet(self, name, worksheet)

    def chart(self, kind: str, title: str, subtype: str | None = None) -> Any:
        """An empty chart (column, line or bar); its title says what it shows."""
        chart = self.workbook.add_chart({"type": kind} | ({"subtype": subtype} if subtype else {}))
        font = {"name": "Calibri", "size": 9, "color": MUTED}
        title_font = {"name": "Calibri", "size": 12, "bold": True, "color": INK}
        chart.set_title({"name": title, "name_font": title_font})
        chart.set_legend({"position": "bottom", "font": font})
        chart.set_chartarea({"border": {"color": RULE}})
        categories = {"num_font": font, "line": {"color": RULE}, "major_gridlines": {"visible": False}}
        values = {
            "num_font": font,
            "num_format": "0%" if subtype == "percent_stacked" else "#,##0",
            "line": {"none": True},
            "major_gridlines": {"visible": True, "line": {"color": RULE, "width": 0.5}},
        }
        if kind == "bar":  # read from top to bottom, the scale below
            chart.set_x_axis({**values, "min": 0})
            chart.set_y_axis({**categories, "reverse": True, "crossing": "max"})
        else:
            chart.set_x_axis({**categories, "num_format": "mmm yy", "text_axis": True})
            chart.set_y_axis(values if kind == "line" else {**values, "min": 0})
        return chart

    def line(self, chart_below: Any, *, second_axis: bool = False) -> Any:
        """A line chart drawn over a column chart, on an axis of its own where the unit is another."""
        chart = self.workbook.add_chart({"type": "line"})
        if second_axis:
            chart.set_y2_axis({"num_format": "#,##0", "min": 0, "line": {"none": True}})
        chart_below.combine(chart)
        return chart

    def close(self) -> None:
        """Writes the file."""
        self.workbook.close()


def _told_apart(columns: Sequence[Column]) -> list[Column]:
    """The columns, numbered where their headers read alike: Excel opens no table with two of one name."""
    seen: dict[str, int] = {}
    told: list[Column] = []
    for column in columns:
        alike = seen[column.title.casefold()] = seen.get(column.title.casefold(), 0) + 1
        told.append(column if alike == 1 else replace(column, title=f"{column.title} ({alike})"))
    return told


def _header_width(title: str) -> float:
    """Room for the longest word and, over two lines, for the whole, and for the filter's arrow."""
    return max(max(len(word) for word in title.split()) + 4, len(title) / 2 + 5)


def _height(text: str) -> float:
    """Room for a text over several lines, for a long one as much as leaves the table readable."""
    lines = sum(1 + len(line) // LETTERS_PER_LINE for line in text.splitlines())
    return min(LINE_HEIGHT * lines, LONG_TEXT_HEIGHT)


def _width(value: object, kind: str) -> float:
    if value is None:
        return 0
    if kind == "money":
        return len(f"{value:,.2f}") + 3
    if kind in ("count", "number"):
        return len(f"{value:,}") + 3
    if kind == "text":
        return min(len(str(value)) + 3, WIDEST_TEXT)
    fixed = {
        "long_text": LONG_TEXT_WIDTH,
        "id": len(str(value)) + 3,
        "share": 9,
        "change": 9,
        "date": 12,
        "month": 11,
        "moment": 20,
        "flag": 8,
    }
    return fixed[kind]
