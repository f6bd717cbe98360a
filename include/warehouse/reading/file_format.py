"""What kind of file a path names, and opening it."""

from pathlib import Path
from typing import BinaryIO

from include.warehouse.errors import InputError

CSV_SUFFIXES = {".csv", ".txt", ".tsv"}
EXCEL_SUFFIXES = {".xlsx", ".xlsm"}
PACKED_SUFFIXES = {".gz", ".zip", ".bz2", ".xz", ".zst", ".7z", ".rar"}
UTF8_BOM = b"\xef\xbb\xbf"
FIELD_LIMIT = 1 << 20
RECORD_LIMIT = 16 << 20


def is_excel(path: Path) -> bool:
    """True for Excel, False for CSV; raises InputError for any other ending."""
    suffix = path.suffix.lower()
    if suffix in EXCEL_SUFFIXES:
        return True
    if suffix in CSV_SUFFIXES:
        return False
    if suffix == ".xls":
        raise InputError(f"{path.name}: the old Excel format .xls is not read; save the file as .xlsx or .csv")
    if suffix in PACKED_SUFFIXES:
        raise InputError(f"{path.name}: packed files are not read; unpack it and send the file that is in it")
    raise InputError(f"{path.name}: files end in .csv, .txt, .tsv, .xlsx or .xlsm; rename the file or save it as one")


def open_file(path: Path) -> BinaryIO:
    """The file opened unbuffered for reading; where that is not possible, the file's content is not at fault."""
    return path.open("rb", buffering=0)
