"""The Excel summary of a month: what marketing reads, with what it takes to check every number of it."""

from datetime import date
from pathlib import Path
from uuid import uuid4

from include.warehouse.database import engine
from include.warehouse.errors import InputError
from include.warehouse.published import published_month
from include.warehouse.settings import Settings
from include.warehouse.summary_figures import read_figures
from include.warehouse.summary_sheets import draw
from include.warehouse.workbook import Book


def write_summary(settings: Settings, month: date | None, out: Path | None) -> Path:
    """Writes the summary of `month` (else the report month) to `out` (else exports/); gives its path.

    The file depends on the publication alone: written again, it is the same byte for byte. Raises InputError where the
    month is not published.
    """
    connection_pool = engine(settings).execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with connection_pool.connect() as connection:
        shown = published_month(connection, month)
        figures = read_figures(connection, shown)
    path = out or settings.exports / f"customer_summary_{shown.month:%Y-%m}.xlsx"
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        book = Book(unfinished, f"Customers in {shown.month:%B %Y}", shown.published_at)
        draw(book, figures)
        book.close()
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path
