"""Received files: what a name says, and the rows that the bytes hold (definitions §1)."""

from __future__ import annotations

import csv
import io
import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from zipfile import BadZipFile

import openpyxl

SALES = "sales"
CUSTOMERS = "customers"
PRODUCTS = "products"
STORES = "stores"
PROMOTIONS = "promotions"
MASTERS = (CUSTOMERS, PRODUCTS, STORES, PROMOTIONS)

# Canonical columns of each feed, and whether the header must exist.
COLUMNS: dict[str, dict[str, bool]] = {
    SALES: {
        "transaction_id": True,
        "line_no": False,
        "transaction_date": True,
        "customer_id": True,
        "product_id": True,
        "store_id": False,
        "quantity": True,
        "unit_price": True,
        "discount_amount": False,
        "promotion_id": False,
        "transaction_type": False,
    },
    CUSTOMERS: {
        "customer_id": True,
        "full_name": False,
        "email": False,
        "phone": False,
        "city": False,
        "customer_group": False,
        "home_store_id": False,
        "registration_date": False,
        "opt_in_email": False,
        "opt_in_sms": False,
        "opt_in_phone": False,
        "responsible_email": False,
    },
    PRODUCTS: {
        "product_id": True,
        "product_name": False,
        "category": False,
        "family": False,
        "product_type": True,
        "unit_cost": False,
    },
    STORES: {"store_id": True, "store_name": False, "city": False, "region": False},
    PROMOTIONS: {
        "promotion_id": True,
        "promotion_name": False,
        "promotion_type": False,
        "discount_percent": False,
        "valid_from": False,
        "valid_to": False,
    },
}

MEGABYTE = 1 << 20
HIGHEST_PART = 32767

UNDECODABLE = "undecodable"
WRONG_COLUMN_COUNT = "wrong_column_count"


class RefusedFileError(Exception):
    """The whole file cannot be used; the text says why."""


@dataclass(frozen=True)
class ReceivedFile:
    """One file given to the warehouse on a day of its time zone."""

    name: str
    content: bytes
    received_on: date
    effective: date | None = None
    force: bool = False


RECEIVED_ON = date(2026, 6, 20)  # of files in tests where the day does not matter


def csv_file(name: str, *lines: str) -> ReceivedFile:
    """A file of these lines, the header first."""
    return ReceivedFile(name, ("\n".join(lines) + "\n").encode(), RECEIVED_ON)


@dataclass(frozen=True)
class FileIdentity:
    """What the file's name says: its feed, and for sales its year and part or its day."""

    feed: str
    year: int | None = None
    part: int | None = None
    delta_date: date | None = None
    effective: date | None = None


@dataclass(frozen=True)
class Record:
    """One data row as text. `problem` is set where the row cannot be judged at all."""

    line_number: int
    fields: tuple[str, ...]
    problem: str | None = None


@dataclass(frozen=True)
class Table:
    """A parsed file: its header as received, where each canonical column stands, and its data rows."""

    header: tuple[str, ...]
    position: dict[str, int]
    records: list[Record]

    def raw(self, record: Record) -> dict[str, str] | list[str]:
        """The row as received: by header, or as a plain list where the two do not fit."""
        if len(record.fields) != len(self.header):
            return list(record.fields)
        return dict(zip(self.header, record.fields, strict=True))


_DELTA = re.compile(r"sales_(\d{4}-\d{2}-\d{2})[^/]*\.[^./]+")
_PART = re.compile(r"sales_(\d{4})_part(\d+)\.[^./]+")
_YEAR = re.compile(r"sales_(\d{4})(_[^/]*)?\.[^./]+")
_DAYS_IN_NAME = [
    re.compile(rf"(?<!\d)({year}){mark}(\d{{2}}){mark}(\d{{2}})(?!\d)")
    for year, mark in ((r"\d{4}", "-"), (r"19\d\d|20\d\d", ""), (r"19\d\d|20\d\d", "_"), (r"19\d\d|20\d\d", r"\."))
]


def identify(file: ReceivedFile) -> FileIdentity:
    """Feed, period and effective date of a file. Raises RefusedFileError where no feed has such a name."""
    name = file.name
    if match := _DELTA.fullmatch(name):
        day = _iso_day(match[1])
        if day is not None:
            return FileIdentity(SALES, delta_date=day)
    elif match := _PART.fullmatch(name):
        if int(match[2]) > HIGHEST_PART:
            raise RefusedFileError(f"{name}: there is no part of this number")
        return FileIdentity(SALES, year=int(match[1]), part=int(match[2]))
    elif match := _YEAR.fullmatch(name):
        return FileIdentity(SALES, year=int(match[1]))
    for feed in MASTERS:
        if name.startswith(feed):
            written = sorted((found.start(), found.groups()) for day in _DAYS_IN_NAME for found in day.finditer(name))
            in_name = [day for _, parts in written if (day := _iso_day("-".join(parts))) is not None]
            if written and not in_name:
                raise RefusedFileError(f"{name}: its name has no day, but what looks like one")
            effective = in_name[0] if in_name else file.effective or file.received_on
            return FileIdentity(feed, effective=effective)
    raise RefusedFileError(f"{name}: no feed has files of this name")


def pending_order(file: ReceivedFile) -> tuple[int, date]:
    """Sort key of definitions §1: masters by effective date, yearly files, deltas by date; ties keep their order."""
    try:
        identity = identify(file)
    except RefusedFileError:
        return (3, date.min)
    if identity.feed != SALES:
        return (0, identity.effective or date.min)
    if identity.delta_date is None:
        return (1, date.min)
    return (2, identity.delta_date)


def _iso_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def parse(file: ReceivedFile, feed: str) -> Table:
    """Read the rows of a file. Raises RefusedFileError where it is unreadable or its header does not serve the feed."""
    if not file.content:
        raise RefusedFileError(f"{file.name}: the file is empty")
    rows = _excel_rows(file) if file.name.lower().endswith(".xlsx") else _csv_rows(file)
    try:
        _, header, _ = next(rows)
    except StopIteration:
        raise RefusedFileError(f"{file.name}: the file is empty") from None
    header = tuple(name.strip() for name in header)
    position = _positions(file.name, feed, header)
    records = []
    for line_number, fields, undecodable in rows:
        if not any(fields) or not any(field.strip() for field in fields):
            continue
        problem = UNDECODABLE if undecodable else WRONG_COLUMN_COUNT if len(fields) != len(header) else None
        records.append(Record(line_number, fields, problem))
    return Table(header, position, records)


def _positions(file_name: str, feed: str, header: Sequence[str]) -> dict[str, int]:
    plain = [_plain(name) for name in header]
    for name in plain:
        if name and plain.count(name) > 1:
            raise RefusedFileError(f"{file_name}: two columns are named {name}")
    position = {column: plain.index(column) for column in COLUMNS[feed] if column in plain}
    missing = [column for column, required in COLUMNS[feed].items() if required and column not in position]
    if missing:
        raise RefusedFileError(f"{file_name}: missing column {', '.join(missing)}")
    return position


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()


Row = tuple[int, tuple[str, ...], bool]  # line number, fields, undecodable


def _csv_rows(file: ReceivedFile) -> Iterator[Row]:
    text = decode(file.content)
    doubtful = "\x00" in text or any("\udc80" <= letter <= "\udcff" for letter in set(text))
    old_limit = csv.field_size_limit(sys.maxsize)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
        line_number = 1
        for fields in reader:
            if any(len(field) > MEGABYTE // 4 and len(field.encode()) > MEGABYTE for field in fields):
                raise RefusedFileError(f"{file.name}: line {line_number} holds a field over 1 MB")
            yield line_number, tuple(fields), doubtful and any(map(_is_undecodable, fields))
            line_number = reader.line_num + 1
    except csv.Error as error:
        raise RefusedFileError(f"{file.name}: line {line_number}: {error}") from error
    finally:
        csv.field_size_limit(old_limit)


def _is_undecodable(field: str) -> bool:
    return any(letter == "\x00" or "\udc80" <= letter <= "\udcff" for letter in field)


def _delimiter(text: str) -> str:
    header = re.sub(r'"[^"]*"', "", text.split("\n", 1)[0])
    return max(",;\t", key=header.count)


# A run of bytes that UTF-8 allows for one letter beyond ASCII.
_UTF8_LETTER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


def decode(content: bytes) -> str:
    """UTF-8, or cp1252 where the bytes are plainly that; undecodable bytes become lone surrogates."""
    if content.startswith(b"\xef\xbb\xbf"):
        return content[3:].decode("utf-8", "surrogateescape")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if _looks_like_cp1252(content):
        return content.decode("cp1252")
    return content.decode("utf-8", "surrogateescape")


def _looks_like_cp1252(content: bytes) -> bool:
    letters = len(_UTF8_LETTER.findall(content))
    foreign = [byte for byte in _UTF8_LETTER.sub(b"", content) if byte >= 0x80]
    if letters >= len(foreign):
        return False
    try:
        text = bytes(foreign).decode("cp1252")
    except UnicodeDecodeError:
        return False
    return all(letter.isalpha() or letter in "€‚„…‘’“”–—™©®°ºª«»¿¡§·\xa0" for letter in text)


def _excel_rows(file: ReceivedFile) -> Iterator[Row]:
    try:
        book = openpyxl.load_workbook(io.BytesIO(file.content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        rows = [tuple(_cell_text(cell) for cell in row) for row in sheet.iter_rows(values_only=True)]
    except (BadZipFile, KeyError, ValueError, IndexError, OSError) as error:
        raise RefusedFileError(f"{file.name}: not an Excel workbook ({error})") from error
    width = len(_without_empty_tail(rows[0])) if rows else 0
    for number, row in enumerate(rows, start=1):
        filled = _without_empty_tail(row)
        if any(len(field.encode()) > MEGABYTE for field in filled):
            raise RefusedFileError(f"{file.name}: row {number} holds a cell over 1 MB")
        yield number, filled + ("",) * (width - len(filled)), any(map(_is_undecodable, filled))


def _without_empty_tail(row: tuple[str, ...]) -> tuple[str, ...]:
    end = len(row)
    while end and not row[end - 1].strip():
        end -= 1
    return row[:end]


def _cell_text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else format(Decimal(repr(cell)), "f")
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    return str(cell)
