"""Writing lists of customers: this warehouse's way, and XlsxWriter alone with the same cells."""

import csv
import json
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import xlsxwriter
from sqlalchemy import text

from include.warehouse.customer_filter import CustomerFilter
from include.warehouse.database import connect
from include.warehouse.export_customers import COLUMNS, export_customers
from include.warehouse.settings import Settings
from tests.benchmarks.lists import choose_stores

OURS_CSV, OURS_XLSX = "warehouse.csv", "warehouse.xlsx"


def write(settings: Settings, rows: int, folder: Path, file_format: str) -> Callable[[], dict[str, float]]:
    """The export of about `rows` customers of the report month."""
    filters = _about(settings, rows)
    target = folder / (OURS_CSV if file_format == "csv" else OURS_XLSX)
    folder.mkdir(parents=True, exist_ok=True)

    def work() -> dict[str, float]:
        started = time.perf_counter()
        export_customers(settings, filters, file_format, target)
        seconds = time.perf_counter() - started
        about = json.loads(target.with_name(f"{target.name}.about.json").read_text(encoding="utf-8"))
        return {"whole": seconds, "rows": about["rows"]}

    return work


def write_with_xlsxwriter(settings: Settings, rows: int, folder: Path) -> Callable[[], dict[str, float]]:
    """XlsxWriter alone: the same cells, which are in memory already, without any format but that of dates."""
    source = folder / "cells.csv"
    export_customers(settings, _about(settings, rows), "csv", source)
    with source.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        names = next(reader)
        cells = [[_value(COLUMNS[name], cell) for name, cell in zip(names, row, strict=True)] for row in reader]
    source.unlink()

    def work() -> dict[str, float]:
        started = time.perf_counter()
        book = xlsxwriter.Workbook(str(folder / "xlsxwriter.xlsx"), {"constant_memory": True})
        sheet = book.add_worksheet()
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        writers = {
            "text": sheet.write_string,
            "flag": sheet.write_boolean,
            "date": lambda row, column, value: sheet.write_number(row, column, value, day),
        }
        sheet.write_row(0, 0, names)
        columns = [(column, writers.get(COLUMNS[name], sheet.write_number)) for column, name in enumerate(names)]
        for number, row in enumerate(cells, start=1):
            for (column, write_cell), value in zip(columns, row, strict=True):
                if value is not None:
                    write_cell(number, column, value)
        book.close()
        return {"whole": time.perf_counter() - started}

    return work


def _value(kind: str, cell: str) -> str | float | bool | None:
    if cell == "":
        return None
    if kind == "date":
        return date.fromisoformat(cell).toordinal() - date(1899, 12, 30).toordinal()
    if kind == "flag":
        return cell == "true"
    return cell if kind == "text" else float(cell)


def _about(settings: Settings, rows: int) -> CustomerFilter:
    with connect(settings) as connection:
        counts = connection.execute(
            text(
                "select home_store_id, count(*) from mart.customer_snapshot"
                " where month = (select max(month) from mart.month) and home_store_id is not null group by 1"
            )
        ).all()
    return CustomerFilter(home_store_id=choose_stores([(store, count) for store, count in counts], rows))
