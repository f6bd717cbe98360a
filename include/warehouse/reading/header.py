"""The header of a file: which of its columns is which column of the feed's contract."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from include.warehouse.contracts import Contract
from include.warehouse.errors import InputError
from include.warehouse.reading.excel import header_row
from include.warehouse.reading.excel_sheet import other_sheets
from include.warehouse.reading.file_format import FIELD_LIMIT, is_excel, open_file
from include.warehouse.reading.inspection import Inspection
from include.warehouse.reading.records import FieldTooLargeError, Record, read_records
from include.warehouse.reading.text_blocks import text_blocks

DELIMITERS = [",", ";", "\t"]
MOST_COLUMNS = 1_500


@dataclass(frozen=True)
class Header:
    """Header names as received, header name → raw column in file order, the delimiter, the lines down to the rows."""

    names: list[str]
    column_map: list[tuple[str, str]]
    delimiter: str
    lines: int


def read_header(path: Path, contract: Contract, inspection: Inspection) -> Header:
    """Reads the first record that is not blank and maps its names to the contract's columns.

    Columns that the contract does not know become extra_1, extra_2 …; an empty name becomes column_N.
    Raises InputError for a file without header, a missing required column and two columns of one name.
    """
    if inspection.size_bytes == 0:
        raise InputError(f"{path.name}: the file is empty; send it again with a header and rows")
    if is_excel(path):
        names, line = header_row(path, contract)
        try:
            return _header(path, contract, names, ",", first_line=line, lines=line)
        except InputError as error:
            raise InputError(f"{error}{other_sheets(path, contract.sheet)}") from error
    content, blank_lines = _head(path)
    given = "\t" if contract.delimiter == "tab" else contract.delimiter
    read = []
    for delimiter in DELIMITERS if given == "auto" else [given]:
        record = _first_record(path, content, delimiter)
        names = [field.encode("latin-1").decode(inspection.encoding, "surrogateescape") for field in record.fields]
        # the delimiter under which most columns are known; where that is undecided, the one that finds most columns
        read.append(((len(_known(names, contract)), len(names)), names, delimiter, record.raw.count(b"\n")))
    _, names, delimiter, lines = max(read, key=lambda one: one[0])
    return _header(path, contract, names, delimiter, first_line=blank_lines + 1, lines=blank_lines + lines)


def _head(path: Path) -> tuple[bytes, int]:
    """The beginning of the file from its header on, and the number of blank lines before it."""
    with open_file(path) as file:
        if file.read(4) == b"PK\x03\x04":
            raise InputError(f"{path.name}: this is an Excel or zip file; give it the ending .xlsx, or unpack it")
        file.seek(0)
        if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            raise InputError(f"{path.name}: the file is UTF-16; save it as UTF-8")
        file.seek(0)
        content = b""
        for block in text_blocks(file, FIELD_LIMIT):
            content += block
            if len(content) > 2 * FIELD_LIMIT:
                break
    stripped = content.lstrip(b" \t\n")
    start = content.rfind(b"\n", 0, len(content) - len(stripped)) + 1
    if not stripped:
        raise InputError(f"{path.name}: the file has no header, only blank lines; send it with a header and rows")
    return content[start:].removesuffix(b"\n") + b"\n", content.count(b"\n", 0, start)


def _first_record(path: Path, content: bytes, delimiter: str) -> Record:
    try:
        record = next(read_records(content, delimiter))
    except FieldTooLargeError as error:
        raise InputError(f"{path.name}: a field of the header is larger than 1 MB; is a quote left open?") from error
    if not record.is_complete:
        raise InputError(f"{path.name}: a quote is opened in the header and never closed")
    return record


def _header(path: Path, contract: Contract, found: list[str], delimiter: str, *, first_line: int, lines: int) -> Header:
    place = f"{path.name} line {first_line}"
    names = [name.strip() or f"column_{position}" for position, name in enumerate(found, start=1)]
    for name in names:
        if "\0" in name or any(0xDC80 <= ord(character) <= 0xDCFF for character in name):
            raise InputError(f"{place}: the header holds bytes that are no text; save the file as UTF-8 CSV")
    if len(names) > MOST_COLUMNS:
        raise InputError(f"{place}: the header has {len(names)} columns, at most {MOST_COLUMNS} can be read")
    known = _known(names, contract)
    missing = [name for name in _required(contract) if name not in known.values()]
    if not known:
        # the first customer of a file without header: everybody may read the message, so it repeats nothing of the line
        is_parted = len(names) > 1 or is_excel(path) or contract.delimiter == "auto"
        parted = "" if is_parted else f", nor is the contract's delimiter ({contract.delimiter}) in it"
        raise InputError(
            f"{place}: {_missing_text(contract, missing)}; none of the {len(names)} names in this line is known"
            f"{parted}: send the file with a header, or add its names to the contract's aliases"
        )
    _refuse_repeated(place, names)
    _refuse_ambiguous(place, names, known)
    if missing:
        raise InputError(f"{place}: {_missing_text(contract, missing)}; the header has: {', '.join(names)[:500]}")
    column_map, extra = [], 0
    for position, name in enumerate(names):
        if position not in known:
            extra += 1
        column_map.append((name, known.get(position) or f"extra_{extra}"))
    return Header(names, column_map, delimiter, lines)


def _known(names: list[str], contract: Contract) -> dict[int, str]:
    """Position → canonical column. An alias counts only where the canonical name itself is absent."""
    plain = [normalise(name) for name in names]
    canonical = {normalise(column): column for column in contract.columns}
    known = {position: canonical[name] for position, name in enumerate(plain) if name in canonical}
    for column in [name for name in contract.columns if name not in known.values()]:
        aliases = {normalise(alias) for alias in contract.columns[column].aliases}
        known |= {position: column for position, name in enumerate(plain) if name in aliases and position not in known}
    return known


def normalise(name: str) -> str:
    """A header name without case, accents and surrounding space."""
    decomposed = unicodedata.normalize("NFKD", name.strip().casefold())
    return re.sub(r"\s+", " ", "".join(letter for letter in decomposed if not unicodedata.combining(letter)))


def _required(contract: Contract) -> list[str]:
    """Columns whose header must exist; a composed transaction_id needs its parts instead of itself."""
    composed = set(contract.transaction_id_from)
    return [
        name
        for name, column in contract.columns.items()
        if name in composed or (column.header_required and not (composed and name == "transaction_id"))
    ]


def _refuse_repeated(place: str, names: list[str]) -> None:
    counts = Counter(normalise(name) for name in names)
    repeated = [name for name in names if counts[normalise(name)] > 1]
    if repeated:
        raise InputError(f"{place}: two columns have one name: {', '.join(repeated)}; rename or remove one of them")


def _refuse_ambiguous(place: str, names: list[str], known: dict[int, str]) -> None:
    for column, count in Counter(known.values()).items():
        if count > 1:
            rivals = ", ".join(names[position] for position, canonical in known.items() if canonical == column)
            raise InputError(f"{place}: several columns mean {column}: {rivals}; rename or remove all but one")


def _missing_text(contract: Contract, missing: list[str]) -> str:
    described = []
    for name in missing:
        aliases = contract.columns[name].aliases
        described.append(f"{name} (or {', '.join(aliases)})" if aliases else name)
    return f"the required column {' and '.join(described)} is missing"
