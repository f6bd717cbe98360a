"""Files of exactly the customers of an audience, and the month's Excel summary."""

import tempfile
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

from psycopg2.extensions import connection as PsycopgConnection  # noqa: N812 - a type, not a call

from dashboard.data.audience import Audience, where
from dashboard.data.warehouse import connect
from include.warehouse import export_customers as writer
from include.warehouse.customer_filter import check_filter
from include.warehouse.published import published_month
from include.warehouse.summary_figures import read_figures
from include.warehouse.summary_sheets import draw
from include.warehouse.workbook import Book

MIME = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def customer_list(audience: Audience, file_format: str) -> BinaryIO:
    """The list as an open file, csv or xlsx, in the layout of `export customers`; on disk it is already gone."""
    with tempfile.TemporaryDirectory(prefix="customer-list-") as folder:
        path = Path(folder) / file_name(audience, file_format)
        write_list(audience, file_format, path)
        return path.open("rb")


def write_list(audience: Audience, file_format: str, path: Path) -> int:
    """Writes the list to `path`; gives its rows."""
    with connect() as connection:
        shown = published_month(connection, audience.filters.month)
        check_filter(connection, audience.filters, shown.rule_set)
        conditions, parameters = where(audience, shown.month)
        select = writer._csv_columns if file_format == "csv" else writer._xlsx_columns
        columns = ",\n    ".join(select(writer.COLUMNS))
        driver = connection.connection.driver_connection
        assert isinstance(driver, PsycopgConnection)
        statement = _bound(
            driver,
            f"select\n    {columns}\nfrom mart.customer_snapshot as customer\nwhere {conditions}"
            "\norder by customer.customer_id",
            parameters,
        )
        if file_format == "csv":
            return writer._write_csv(driver, statement, path)
        about = {
            "file": path.name,
            "format": file_format,
            **shown.as_document(),
            "filters": audience.as_document(),
            "columns": list(writer.COLUMNS),
            "sql": statement,
        }
        return writer._write_xlsx(driver, about, writer.COLUMNS, shown, path)


def _bound(driver: PsycopgConnection, statement: str, parameters: dict[str, Any]) -> str:
    """The statement with its values bound, as text that can be run again."""
    with driver.cursor() as cursor:
        return cursor.mogrify(statement, parameters).decode()


def summary(month: date) -> BinaryIO:
    """The Excel summary of a published month as an open file; on disk it is already gone."""
    with tempfile.TemporaryDirectory(prefix="summary-") as folder:
        path = Path(folder) / summary_name(month)
        with connect() as connection:
            figures = read_figures(connection, published_month(connection, month))
        book = Book(path, f"Customers in {month:%B %Y}", figures.shown.published_at)
        draw(book, figures)
        book.close()
        return path.open("rb")


def summary_name(month: date) -> str:
    """Name under which a reader saves the summary."""
    return f"customer_summary_{month:%Y-%m}.xlsx"


def file_name(audience: Audience, file_format: str) -> str:
    """Name under which a reader saves the list."""
    kind = audience.channel or ("all" if audience.is_everybody else "filtered")
    return f"customers_{audience.filters.month or date.min:%Y-%m}_{kind}.{file_format}"
