"""The rows of an Excel sheet, with memory that does not grow with the sheet.

calamine holds a whole sheet in memory, 1 GB for a full one. So the XML of a large sheet is cut between rows, and
calamine is given workbooks that hold one piece of it each.
"""

import errno
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO
from xml.etree import ElementTree

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    SheetMetadata,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from include.warehouse.errors import InputError
from include.warehouse.reading.no_value import with_marks, without_mark

PIECE_SIZE = 32 << 20
READ_SIZE = 1 << 20
SHEET_DATA = re.compile(rb"<((?:\w+:)?)sheetData\s*>")
ROW = re.compile(rb"<(?:\w+:)?row[\s>/][^>]*>?")
ROW_NUMBER = re.compile(rb"""\sr=["'](\d+)""")
RELATIONSHIP_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
STRICT_RELATIONSHIP_ID = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"


def sheet_rows(path: Path, sheet: str | None, piece_size: int = PIECE_SIZE) -> Iterator[tuple[int, list[object]]]:
    """Excel's row number and the cells from column A on, of every row that has any; an empty cell is ''.

    A cell whose value is not known is NoValue, such as #N/A or =A1+B1. Without `sheet` the first visible worksheet is
    read. Raises InputError for a file that is no workbook.
    """
    with _errors_named(path):
        with CalamineWorkbook.from_path(path) as workbook:
            name = _sheet_name(path, workbook, sheet)
        with zipfile.ZipFile(path) as archive:
            sheets = [part for part in archive.infolist() if _is_sheet(part)]
            if sum(part.file_size for part in sheets) <= piece_size:
                marked = _marked_workbook(archive, sheets)
                with CalamineWorkbook.from_object(path if marked is None else io.BytesIO(marked)) as workbook:
                    yield from _rows(workbook.get_sheet_by_name(name), 0, is_marked=marked is not None)
            else:
                for first_row, content, is_marked in _pieces(path, archive, name, piece_size):
                    with CalamineWorkbook.from_filelike(io.BytesIO(content)) as workbook:
                        yield from _rows(workbook.get_sheet_by_name(name), first_row, is_marked=is_marked)


def other_sheets(path: Path, sheet: str | None) -> str:
    """Says which worksheet is read, and how to have another one read; empty where the workbook has no other."""
    with CalamineWorkbook.from_path(path) as workbook:
        name = _sheet_name(path, workbook, sheet)
        others = [each.name for each in _worksheets(workbook) if each.name != name]
    if not others:
        return ""
    return f"; the sheet {name} was read: to read {' or '.join(others)} name it as `sheet` in the contract"


@contextmanager
def _errors_named(path: Path) -> Iterator[None]:
    try:
        yield
    except (CalamineError, zipfile.BadZipFile, zlib.error, ElementTree.ParseError, KeyError, EOFError) as error:
        raise _no_workbook(path, error) from error
    except OSError as error:
        if not _is_of_content(error):
            raise
        raise _no_workbook(path, error) from error


def _no_workbook(path: Path, error: Exception) -> InputError:
    remedy = "save it in Excel as .xlsx, without a password"
    return InputError(f"{path.name}: the file cannot be read as an Excel workbook ({error}); {remedy}")


def _is_of_content(error: OSError) -> bool:
    """Whether broken content is called so, as by zipfile and calamine; not what the machine met with while reading."""
    return type(error) is OSError and error.errno in (None, errno.EINVAL) and "(os error" not in str(error)


def _sheet_name(path: Path, workbook: CalamineWorkbook, wanted: str | None) -> str:
    sheets = _worksheets(workbook)
    if wanted is not None:
        if wanted not in [sheet.name for sheet in sheets]:
            found = ", ".join(sheet.name for sheet in sheets)
            raise InputError(f"{path.name}: the sheet {wanted} is missing; the workbook has: {found}")
        return wanted
    visible = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
    if not visible:
        raise InputError(f"{path.name}: the workbook has no worksheet")
    return visible[0]


def _worksheets(workbook: CalamineWorkbook) -> list[SheetMetadata]:
    return [sheet for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]


def _rows(sheet: CalamineSheet, first_row: int, *, is_marked: bool) -> Iterator[tuple[int, list[object]]]:
    if sheet.start is None:
        return
    row, column = sheet.start
    left: list[object] = [""] * column
    for number, cells in enumerate(sheet.to_python(), start=first_row + row + 1):
        yield number, left + ([without_mark(cell) for cell in cells] if is_marked else list(cells))


def _marked_workbook(archive: zipfile.ZipFile, sheets: list[zipfile.ZipInfo]) -> bytes | None:
    """The workbook with cells without a value as text; None where there is no such cell."""
    changed = {}
    for part in sheets:
        xml = archive.read(part)
        start = SHEET_DATA.search(xml)
        marked = with_marks(xml, start[1]) if start else xml
        if marked is not xml:
            changed[part.filename] = marked
    return _workbook(_other_parts(archive) | changed) if changed else None


def _pieces(path: Path, archive: zipfile.ZipFile, name: str, piece_size: int) -> Iterator[tuple[int, bytes, bool]]:
    """Rows to add to a piece's own row numbers, the piece as a workbook of its own, whether it has marked cells."""
    part = _sheet_part(archive, name)
    shared = _other_parts(archive)
    with archive.open(part) as xml:
        start, rest = _up_to_rows(path, xml)
        prefix = SHEET_DATA.search(start)[1]  # type: ignore[index]
        end = b"</" + prefix + b"sheetData></" + prefix + b"worksheet>"
        row_end = b"</" + prefix + b"row>"
        rows_before = 0
        is_last = False
        while not is_last:
            piece, rest, is_last = _next_rows(xml, rest, row_end, end, piece_size)
            first = ROW.search(piece)
            if first is None:
                continue
            # rows without a number of their own count on from the piece before
            has_numbers = ROW_NUMBER.search(first[0]) is not None
            marked = with_marks(piece, prefix)
            content = _workbook(shared | {part: start + marked + end})
            yield 0 if has_numbers else rows_before, content, marked is not piece
            rows_before += len(ROW.findall(piece)) if not has_numbers else 0


def _up_to_rows(path: Path, xml: IO[bytes]) -> tuple[bytes, bytes]:
    """The sheet's XML up to its first row, and what was read beyond."""
    head = b""
    while block := xml.read(READ_SIZE):
        head += block
        found = SHEET_DATA.search(head)
        if found:
            return head[: found.end()], head[found.end() :]
        if len(head) > PIECE_SIZE:
            break
    raise InputError(f"{path.name}: the sheet holds no rows; send it with a header and rows")


def _next_rows(xml: IO[bytes], rest: bytes, row_end: bytes, end: bytes, size: int) -> tuple[bytes, bytes, bool]:
    """About `size` bytes of whole rows, what was read beyond, and whether they are the last."""
    blocks = [rest]
    read = len(rest)
    while read < size:
        block = xml.read(READ_SIZE)
        if not block:
            break
        blocks.append(block)
        read += len(block)
    data = b"".join(blocks)
    data_end = data.find(end[: end.index(b">") + 1])
    if data_end >= 0:
        return data[:data_end], b"", True
    cut = data.rfind(row_end)
    if cut < 0:
        raise zipfile.BadZipFile("the sheet's XML ends before its rows do")
    cut += len(row_end)
    return data[:cut], data[cut:], False


def _is_sheet(part: zipfile.ZipInfo) -> bool:
    return "worksheets/" in part.filename


def _other_parts(archive: zipfile.ZipFile) -> dict[str, bytes]:
    """The parts that calamine needs beside the sheets."""
    return {
        part.filename: archive.read(part)
        for part in archive.infolist()
        if part.filename.endswith((".xml", ".rels")) and not _is_sheet(part)
    }


def _workbook(parts: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, xml in parts.items():
            archive.writestr(name, xml)
    return content.getvalue()


def _sheet_part(archive: zipfile.ZipFile, name: str) -> str:
    """Name of the zip entry that holds the sheet."""
    targets = _relationships(archive, PurePosixPath(""), "_rels/.rels")
    workbook = next(target for kind, target in targets.values() if kind.endswith("/officeDocument"))
    folder = PurePosixPath(workbook).parent
    parts = _relationships(archive, folder, str(folder / "_rels" / (PurePosixPath(workbook).name + ".rels")))
    for element in ElementTree.fromstring(archive.read(workbook)).iter():
        if element.tag.endswith("}sheet") and element.get("name") == name:
            identifier = element.get(RELATIONSHIP_ID) or element.get(STRICT_RELATIONSHIP_ID)
            return parts[str(identifier)][1]
    raise KeyError(name)


def _relationships(archive: zipfile.ZipFile, folder: PurePosixPath, part: str) -> dict[str, tuple[str, str]]:
    """Id → kind and zip entry of what the part refers to."""
    found = {}
    for element in ElementTree.fromstring(archive.read(part)):
        target = str(element.get("Target"))
        entry = target.lstrip("/") if target.startswith("/") else str(folder / target)
        found[str(element.get("Id"))] = (str(element.get("Type")), entry)
    return found
