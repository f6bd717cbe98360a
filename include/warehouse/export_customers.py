"""Customer lists as CSV or Excel: exactly the customers of a filter, streamed from the database.

A CSV is written by the database itself (COPY). Beside every file lies `<file>.about.json`, which says what it holds and
how to have it again; an Excel file says so on a sheet of its own as well.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg2
from psycopg2.extensions import DECIMAL, UNICODE, new_type, register_type
from psycopg2.extensions import connection as PsycopgConnection  # noqa: N812 - a type, not a call
from sqlalchemy import Connection

from include.warehouse.customer_filter import CustomerFilter, check_filter, where_clause
from include.warehouse.database import engine
from include.warehouse.errors import InputError, WarehouseError
from include.warehouse.excel_list import ListBook
from include.warehouse.file_hash import sha256_of
from include.warehouse.published import PublishedMonth, published_month
from include.warehouse.settings import Settings
from include.warehouse.wording import failures, terms

FORMATS = ("csv", "xlsx")
ROWS_PER_FETCH = 5_000

# Kinds of values: text, count, number, money, date, flag.
COLUMNS = {
    "month": "date",
    "as_of_date": "date",
    "customer_id": "text",
    "customer_group": "text",
    "city": "text",
    "home_store_id": "text",
    "opt_in_email": "flag",
    "opt_in_sms": "flag",
    "opt_in_phone": "flag",
    "is_in_master": "flag",
    "first_core_date": "date",
    "last_core_date": "date",
    "last_purchase_date": "date",
    "recency_days": "count",
    "frequency": "count",
    "monetary": "money",
    "total_amount": "money",
    "month_amount": "money",
    "month_core_amount": "money",
    "month_orders": "count",
    "month_items": "number",
    "tenure_months": "count",
    "activity_status": "text",
    "r_score": "count",
    "f_score": "count",
    "m_score": "count",
    "t_score": "count",
    "rfmt_score": "text",
    "rfmt_total": "number",
    "value_tier": "text",
    "segment": "text",
    "is_high_spender": "flag",
    "last_scored_month": "date",
    "last_scored_tier": "text",
    "lifecycle_event": "text",
    "growth_state": "text",
    "abc_class": "text",
    "previous_status": "text",
    "previous_tier": "text",
    "previous_segment": "text",
    "rule_set": "count",
    "run_id": "count",
}
# Texts that no file brings: the warehouse's own, and names of its rules.
WORDS = {
    "activity_status",
    "rfmt_score",
    "value_tier",
    "segment",
    "last_scored_tier",
    "lifecycle_event",
    "growth_state",
    "abc_class",
    "previous_status",
    "previous_tier",
    "previous_segment",
}
CONTACT_COLUMNS = {"full_name": "text", "email": "text", "phone": "text"}
CONTACT_PHONE = "contact.phone"
JOIN_CONTACT = "left join mart.customer_contact as contact on contact.customer_id = customer.customer_id"


@dataclass(frozen=True)
class Layout:
    """What a list shows of each customer: the kind of every column and where its value comes from, in their order.

    `joins` bring what `mart.customer_snapshot as customer` has not; `order` is that of the rows.
    """

    kinds: dict[str, str]
    sources: dict[str, str]
    joins: str = ""
    order: str = "customer.customer_id"
    has_contact: bool = False


def every_column(contact: tuple[str, ...] = ()) -> Layout:
    """All columns of the snapshot, and those of CONTACT_COLUMNS that `contact` names."""
    kinds = COLUMNS | {name: CONTACT_COLUMNS[name] for name in contact}
    return Layout(
        kinds=kinds,
        sources={name: f"contact.{name}" if name in contact else f"customer.{name}" for name in kinds},
        joins=JOIN_CONTACT if contact else "",
        has_contact=bool(contact),
    )


@dataclass(frozen=True)
class Selection:
    """Which customers, and what of each: conditions over `mart.customer_snapshot as customer` and their values.

    The conditions name their values as %(name)s, and may need `joins`; the document says them in the list's companion,
    with further entries about how to have the list again.
    """

    conditions: str
    parameters: dict[str, Any]
    document: dict[str, Any]
    layout: Layout
    joins: tuple[str, ...] = ()
    further: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Export:
    """A written list: its file, the companion beside it, the rows, the file's SHA-256, the publication's run."""

    path: Path
    about_path: Path
    rows: int
    sha256: str
    run_id: int


def export_customers(
    settings: Settings, filters: CustomerFilter, file_format: str | None, out: Path | None, *, contact: bool = False
) -> Path:
    """Writes the customers of `filters` to `out`, or to a file in exports/ named by month and filter; gives its path.

    `file_format` is csv or xlsx, without it what the ending of `out` says, else csv; `contact` adds names, addresses
    and numbers. Raises InputError for a format that is not that of the ending, a filter value that does not exist, a
    month that is not published, or contact data that the connected role may not see.
    """
    file_format = _format_of(file_format, out)
    connection_pool = engine(settings).execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with connection_pool.connect() as connection:
        if out is None:
            out = settings.exports / default_name(connection, filters, file_format, contact)
        return write_customers(connection, filters, file_format, out, contact=contact).path


def _format_of(file_format: str | None, out: Path | None) -> str:
    named = out.suffix.lower().removeprefix(".") if out else ""
    if named not in FORMATS:
        return file_format or FORMATS[0]
    if file_format in FORMATS and file_format != named:
        raise InputError(f"{out} cannot be written as {file_format}; name it .{file_format}, or leave --format out")
    return file_format or named


def default_name(connection: Connection, filters: CustomerFilter, file_format: str, contact: bool) -> str:
    """Name by month and filter: the same list gets the same name, another list another one."""
    month = published_month(connection, filters.month).month
    asked = json.dumps([filters.as_document(), contact], sort_keys=True, ensure_ascii=False)
    return f"customers_{month:%Y-%m}_{hashlib.sha256(asked.encode()).hexdigest()[:8]}.{file_format}"


def write_customers(
    connection: Connection, filters: CustomerFilter, file_format: str, out: Path, *, contact: bool = False
) -> Export:
    """As export_customers, over an open connection and with its rights.

    A connection at REPEATABLE READ gives a list of one publication even while the next one is published.
    """
    shown = published_month(connection, filters.month)
    check_filter(connection, filters, shown.rule_set)
    conditions, parameters = where_clause(filters, shown.month)
    layout = every_column(tuple(CONTACT_COLUMNS) if contact else ())
    selection = Selection(conditions, parameters, filters.as_document(), layout)
    return write_selection(connection, shown, selection, file_format, out)


def write_selection(
    connection: Connection,
    shown: PublishedMonth,
    selection: Selection,
    file_format: str,
    out: Path,
) -> Export:
    """Writes any selection of customers and its companion; the selection restricts the month itself.

    Raises WarehouseError, in words for a reader, where the database does not get to the end.
    """
    if file_format not in FORMATS:
        raise InputError(f"format {file_format!r} does not exist; choose from {', '.join(FORMATS)}")
    if out.is_dir():
        raise InputError(f"{out} is a folder; name a file in it")
    layout = selection.layout
    if layout.has_contact and not connection.exec_driver_sql("select mart.may_read_contact()").scalar_one():
        raise InputError("this database role may not see contact data; export without it, or ask for contact_reader")
    columns = _csv_columns(layout) if file_format == "csv" else _xlsx_columns(layout)
    driver = connection.connection.driver_connection
    assert isinstance(driver, PsycopgConnection)
    about = {
        "file": out.name,
        "format": file_format,
        **shown.as_document(),
        "filters": selection.document,
        **selection.further,
        "columns": list(layout.kinds),
        **_notes(layout, file_format),
        "sql": _statement(driver, selection, columns),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_name(f".{out.name}.{uuid4().hex}")
    try:
        if file_format == "csv":
            rows = _write_csv(driver, about["sql"], unfinished)
        else:
            rows = _write_xlsx(driver, about, layout.kinds, shown, unfinished)
        about |= {"rows": rows, "bytes": unfinished.stat().st_size, "sha256": sha256_of(unfinished)}
        about_path = out.with_name(f"{out.name}.about.json")
        about_path.write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        unfinished.replace(out)
    except psycopg2.Error as error:
        if driver.closed:
            connection.invalidate(error)
        raise WarehouseError(" ".join(failures.LOST if driver.closed else failures.explained(error))) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return Export(path=out, about_path=about_path, rows=rows, sha256=str(about["sha256"]), run_id=shown.run_id)


def _notes(layout: Layout, file_format: str) -> dict[str, str]:
    """What a reader of the file should know about its values."""
    is_dialled = file_format == "csv" and CONTACT_PHONE in layout.sources.values()
    return {"telephone_numbers": terms.sentence(terms.PHONE_IN_CSV)} if is_dialled else {}


def _statement(driver: PsycopgConnection, selection: Selection, columns: list[str]) -> str:
    """The SELECT with its values bound, as text that can be run again."""
    layout = selection.layout
    select = ",\n    ".join(columns)
    rows = "\n".join(filter(None, ["mart.customer_snapshot as customer", *selection.joins, layout.joins]))
    statement = f"select\n    {select}\nfrom {rows}\nwhere {selection.conditions}\norder by {layout.order}"
    with driver.cursor() as cursor:
        return cursor.mogrify(statement, selection.parameters).decode()


def _csv_columns(layout: Layout) -> list[str]:
    """Text so that no spreadsheet takes it for a formula, numbers to be dialled with 00, flags as true and false."""
    expressions = {"text": "mart.safe_text({0})", "word": "mart.safe_word({0})", "flag": "{0}::text"}
    kinds = {
        name: "word" if layout.sources[name].removeprefix("customer.") in WORDS else kind
        for name, kind in layout.kinds.items()
    }
    # campaign tools refuse a number behind an apostrophe
    dialled = {
        name: f"mart.dialled_number({source})" for name, source in layout.sources.items() if source == CONTACT_PHONE
    }
    return _selected(replace(layout, kinds=kinds, sources=layout.sources | dialled), expressions)


def _xlsx_columns(layout: Layout) -> list[str]:
    """Dates as Excel counts them: days since 1899-12-30."""
    expressions = {"date": "{0} - date '1899-12-30'"}
    return _selected(layout, expressions)


def _selected(layout: Layout, expressions: dict[str, str]) -> list[str]:
    return [
        f"{expressions.get(kind, '{0}').format(layout.sources[name])} as {name}" for name, kind in layout.kinds.items()
    ]


def _write_csv(driver: PsycopgConnection, statement: str, path: Path) -> int:
    with driver.cursor() as cursor, path.open("wb") as target:
        cursor.copy_expert(f"copy ({statement}) to stdout with (format csv, header, encoding 'UTF8')", target)
        return int(cursor.rowcount)


def _write_xlsx(
    driver: PsycopgConnection, about: dict[str, Any], kinds: dict[str, str], shown: PublishedMonth, path: Path
) -> int:
    """Row by row, so that memory stays flat; a further sheet wherever one is full."""
    book = ListBook(f"Customers {shown.month:%Y-%m}", kinds)
    for row in _fetch(driver, about["sql"]):
        book.write(row)
    about |= {"rows": book.rows}
    if book.cut_cells:
        about |= {"cells_cut_to_32767_characters": book.cut_cells}
    book.save(path, shown.published_at, about)
    return book.rows


def _fetch(driver: PsycopgConnection, statement: str) -> Iterator[tuple[Any, ...]]:
    with driver.cursor("customer_export") as cursor:
        cursor.itersize = ROWS_PER_FETCH
        # as the database writes them: a Decimal between would be made for nothing
        register_type(new_type(DECIMAL.values, "DECIMAL_AS_TEXT", UNICODE), cursor)
        cursor.execute(statement)
        yield from cursor
