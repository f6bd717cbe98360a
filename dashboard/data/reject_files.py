"""The open rejects of a file, to be corrected and sent again as it was: text with its delimiter, or a workbook."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import xlsxwriter
from psycopg2.extensions import connection as PsycopgConnection  # noqa: N812 - a type, not a call
from xlsxwriter.utility import xl_col_to_name

from dashboard.data import downloads
from dashboard.data.downloads import Prepared
from dashboard.data.export_log import log_export
from dashboard.data.warehouse import connect
from include.warehouse.file_hash import sha256_of
from include.warehouse.reading.file_format import EXCEL_SUFFIXES
from include.warehouse.workbook import CHARACTERS_PER_CELL, HEADER, NUMBER_FORMATS

# Behind the file's own columns; a load leaves columns out that no contract knows.
LINE_NO = "line_no"
ADDED_COLUMNS = ("reasons", "line_number_was", "unreadable_row_was")
COLUMN_WIDTH = 16
ROWS_PER_FETCH = 5_000


@dataclass(frozen=True)
class Source:
    """The file that brought the rows: its receipt, name, feed, day, columns in order, and how it is written."""

    file_id: int
    file_name: str
    feed: str
    day: date
    header: list[str]
    safe_header: list[str]
    delimiter: str
    encoding: str
    sheet: str | None
    file_patterns: list[str]
    has_contact: bool
    needs_line_no: bool

    @property
    def added(self) -> list[str]:
        """Columns behind the file's own ones; rows sent alone need the line number that their order gave them."""
        return [LINE_NO, *ADDED_COLUMNS] if self.needs_line_no else [*ADDED_COLUMNS]

    @property
    def file_format(self) -> str:
        """The format that its rejects have: that of the file."""
        return "xlsx" if Path(self.file_name).suffix.lower() in EXCEL_SUFFIXES else "csv"

    @property
    def name_to_send(self) -> str:
        """That of a daily file by the contract's patterns; where it has none, and for masters, a name of no feed."""
        ending, remark = f".{self.file_format}", f"_corrected_{self.file_id}"
        for pattern in self.file_patterns if self.feed == "sales" else []:
            name = pattern.replace("{day}", self.day.isoformat())
            if name == pattern or "{" in name:
                continue
            if name.endswith("*"):
                name = name.removesuffix("*").removesuffix(".") + ending
            name = name.replace("*", remark, 1).replace("*", "")
            if (Path(name).suffix.lower() in EXCEL_SUFFIXES) == (ending in EXCEL_SUFFIXES):
                return name
        return f"rejects_{self.file_id}{ending}"


def prepare_rejects(file_id: int) -> Prepared:
    """The open rejects of a file: its own columns in their order, then the reasons, and rows that were no rows.

    The name is one under which the corrected rows of a sales file can be sent again. Who may not see contact data does
    not get what could be: rows of the customers feed, rows that could not be read. It is noted in mart.export_log.
    """
    with connect() as connection:
        source = Source(
            **connection.exec_driver_sql(
                """
                select
                    file.file_id,
                    file.file_name,
                    file.feed,
                    file.received_at::date as day,
                    array(
                        select column_name from mart.source_file_column
                        where file_id = %(file_id)s and column_name <> all (%(added)s) order by position
                    ) as header,
                    array(
                        select mart.safe_word(mart.safe_within(column_name)) from mart.source_file_column
                        where file_id = %(file_id)s and column_name <> all (%(added)s) order by position
                    ) as safe_header,
                    format.delimiter,
                    format.encoding,
                    format.sheet,
                    format.file_patterns,
                    mart.rejects_have_contact(file.file_id) as has_contact,
                    exists (
                        select from mart.rejected_records
                        where file_id = %(file_id)s and resolution is null and line_no_to_send is not null
                    ) as needs_line_no
                from mart.source_file as file
                join mart.source_file_column as format on format.file_id = file.file_id and format.position = 1
                where file.file_id = %(file_id)s
                """,
                {"file_id": file_id, "added": list(ADDED_COLUMNS)},
            )
            .mappings()
            .one()
        )
        path = downloads.new_file(source.name_to_send)
        driver = connection.connection.driver_connection
        assert isinstance(driver, PsycopgConnection)
        write = _write_csv if source.file_format == "csv" else _write_xlsx
        rows = write(driver, path, file_id, source)
    about = {"file_id": file_id, "filters": {"rejects_of": source.file_name}, "has_contact": source.has_contact}
    log_export(path, source.file_format, rows, sha256_of(path), **about)
    return Prepared(downloads.offer(path), None, rows)


def _write_csv(driver: PsycopgConnection, path: Path, file_id: int, source: Source) -> int:
    """Numbers stay as they are, so that the file can be sent again; other text cannot become a formula.

    Nor can a part of it, whatever the spreadsheet separates by.
    """
    safe = "case when {0} ~ '^[-+]?[0-9.,]+$' then {0} else mart.safe_word(mart.safe_within({0})) end"
    statement = _statement(driver, file_id, source, [safe.format(value) for value in _values(source)])
    encoding = "utf-8-sig" if source.encoding == "utf-8" else source.encoding
    # PostgreSQL would refuse all where one character is not in the encoding
    with (
        path.open("w", encoding=encoding, errors="backslashreplace", newline="") as target,
        driver.cursor() as cursor,
    ):
        csv.writer(target, delimiter=source.delimiter, lineterminator="\n").writerow(
            [*source.safe_header, *source.added]
        )
        options = cursor.mogrify("(format csv, encoding 'UTF8', delimiter %s)", [source.delimiter]).decode()
        cursor.copy_expert(f"copy ({statement}) to stdout with {options}", target)
        return int(cursor.rowcount)


def _write_xlsx(driver: PsycopgConnection, path: Path, file_id: int, source: Source) -> int:
    """All cells are text, which no spreadsheet takes for a formula or turns into a date when it is corrected."""
    count = 0
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet(source.sheet or "Rejects")
        heading = book.add_format({"bold": True, "bg_color": HEADER, "font_color": "white"})
        columns = [*source.header, *source.added]
        sheet.set_column(0, len(columns) - 1, COLUMN_WIDTH, book.add_format({"num_format": NUMBER_FORMATS["text"]}))
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(columns):
            sheet.write_string(0, column, name, heading)
        for count, row in enumerate(_rows(driver, _statement(driver, file_id, source, _values(source))), 1):
            for column, value in enumerate(row):
                if value is not None:
                    sheet.write_string(count, column, str(value)[:CHARACTERS_PER_CELL])
        sheet.ignore_errors({"number_stored_as_text": f"A1:{xl_col_to_name(len(columns) - 1)}{count + 1}"})
    return count


def _rows(driver: PsycopgConnection, statement: str) -> Iterator[tuple[Any, ...]]:
    with driver.cursor("rejects") as cursor:
        cursor.itersize = ROWS_PER_FETCH
        cursor.execute(statement)
        yield from cursor


def _values(source: Source) -> list[str]:
    """The file's columns as SQL, the headers as parameters."""
    return [f"raw_row ->> %(header_{number})s" for number in range(len(source.header))]


def _statement(driver: PsycopgConnection, file_id: int, source: Source, values: list[str]) -> str:
    """The SELECT of all open rejects with its values bound."""
    line_no = ["line_no_to_send"] if source.needs_line_no else []
    row = "mart.safe_word(mart.safe_within(raw_row ->> 'row'))"
    added = [*line_no, "array_to_string(reasons, ' ')", "line_number", row]
    columns = ", ".join([*values, *added])
    parameters: dict[str, Any] = {f"header_{number}": name for number, name in enumerate(source.header)}
    with driver.cursor() as cursor:
        return cursor.mogrify(
            f"select {columns} from mart.rejected_records where file_id = %(file_id)s and resolution is null"
            " order by line_number",
            parameters | {"file_id": file_id},
        ).decode()
