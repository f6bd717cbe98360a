"""The summary's workbook: its sheets in the order in which they are read, written to a file."""

from datetime import date
from pathlib import Path
from uuid import uuid4

from include.warehouse.database import engine
from include.warehouse.errors import InputError
from include.warehouse.published import published_month
from include.warehouse.settings import Settings
from include.warehouse.summary.about_sheet import draw_about
from include.warehouse.summary.customer_sheets import (
    draw_breakdown,
    draw_lifecycle_events,
    draw_reach,
    draw_segments,
    draw_tiers,
)
from include.warehouse.summary.figures import Figures, read_figures
from include.warehouse.summary.movement_sheet import draw_movements
from include.warehouse.summary.parts import subtitle
from include.warehouse.summary.quality_sheets import draw_checks, draw_files, draw_rejects
from include.warehouse.summary.terms_sheet import draw_terms
from include.warehouse.summary.trend_sheets import draw_overview, draw_same_days, draw_trend
from include.warehouse.workbook import Book, Column


def summary_path(settings: Settings, month: date) -> Path:
    """Where the summary of a month lies unless somebody names another place."""
    return settings.exports / f"customer_summary_{month:%Y-%m}.xlsx"


def write_summary(settings: Settings, month: date | None, out: Path | None) -> Path:
    """Writes the summary of `month` (else the report month) to `out` (else exports/); gives its path.

    The month's figures depend on the publication alone. What has become of files and rejects, the settings and the
    catalog's comments are read as they are now: until one of them changes, the file is the same byte for byte. Raises
    InputError where the month is not published or `out` is not named as an Excel workbook.
    """
    if out and out.suffix.lower() != ".xlsx" and not out.is_dir():
        raise InputError(f"{out} is no name of an Excel workbook, and the summary is one; name it .xlsx")
    connection_pool = engine(settings).execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with connection_pool.connect() as connection:
        shown = published_month(connection, month)
        figures = read_figures(connection, shown)
    path = out or summary_path(settings, shown.month)
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        write_book(unfinished, figures)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def write_book(path: Path, figures: Figures) -> None:
    """Writes a workbook of all sheets."""
    shown = figures.shown
    title = f"{'Some of the customers' if figures.seen_by else 'Customers'} in {shown.month:%B %Y}"
    book = Book(path, title, shown.published_at)
    # it is read first but drawn after the tables that its charts show
    overview = book.sheet("Overview", title, subtitle(figures))
    draw_tiers(book, figures)
    draw_lifecycle_events(book, figures)
    draw_segments(book, figures)
    draw_reach(book, figures)
    trend = draw_trend(book, figures)
    same_days = draw_same_days(book, figures) if shown.is_open else None
    draw_overview(overview, figures, trend, same_days)
    draw_movements(book, figures)
    draw_breakdown(book, figures, "customer_groups", "Customer groups", [Column("customer_group", "Customer group")])
    draw_breakdown(book, figures, "cities", "Cities", [Column("city", "City")])
    draw_breakdown(
        book, figures, "stores", "Stores", [Column("home_store_id", "Home store"), Column("store_name", "Name")]
    )
    draw_files(book, figures)
    draw_rejects(book, figures)
    draw_checks(book, figures)
    draw_terms(book, figures)
    draw_about(book, figures)
    book.close()
