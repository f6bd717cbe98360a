"""The files that the jobs load: generated once for each size, the same bytes every time.

`all` holds the masters and three whole years; the other folders hold what arrives later. In `eleven` the last year ends
with November; `later` has its twelfth month, whole years with one byte changed, and corrections of 1,000 customers.
"""

import csv
import itertools
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import xlsxwriter

from include.warehouse.sample import LAST_DAY, write_sample
from tests.benchmarks.sizes import Size

SEED = 7
DIRT = 0.03
VARIANTS = 5  # as many runs of a job find a file that is not in force yet
CORRECTED_CUSTOMERS = 1_000
MONTHS_BACK = 10
CORRECTED_MONTH = date(LAST_DAY.year, LAST_DAY.month - MONTHS_BACK, 1)
YEAR = LAST_DAY.year
ROWS_OF_A_SHEET = 1_048_576


@dataclass(frozen=True)
class Files:
    """Where the files of one size are."""

    folder: Path

    @property
    def masters(self) -> list[Path]:
        """Customers, products, stores and promotions, by effective date."""
        found = [path for path in (self.folder / "all").glob("*.csv") if not path.name.startswith("sales_")]
        return sorted(found, key=lambda path: (path.stem.split("_")[1], path.name))

    @property
    def years(self) -> list[Path]:
        """The yearly sales files."""
        return sorted((self.folder / "all").glob("sales_*.csv"))

    @property
    def everything(self) -> list[Path]:
        """Masters, then years."""
        return [*self.masters, *self.years]

    @property
    def eleven_months(self) -> list[Path]:
        """Masters and years as they were a month ago."""
        return [*self.masters, *self.years[:-1], self.folder / "eleven" / self.years[-1].name]

    def one_byte_changed(self, number: int) -> Path:
        """The last year again, with another quantity in one of its first lines."""
        return self._later(
            f"byte_{number % VARIANTS}/{self.years[-1].name}", _write_one_byte_changed, number % VARIANTS
        )

    def correction(self, number: int) -> Path:
        """A delta that changes lines of CORRECTED_CUSTOMERS customers in CORRECTED_MONTH."""
        name = f"correction_{number % VARIANTS}/sales_{CORRECTED_MONTH:%Y-%m}-15.csv"
        return self._later(name, _write_correction, number % VARIANTS)

    def excel_sheet(self) -> Path:
        """The last year's lines in one sheet, as many as fit."""
        return self._later(f"sheet/sales_{YEAR}.xlsx", _write_sheet)

    def _later(self, name: str, write: Callable[..., None], *options: int) -> Path:
        """A file made of the last year's, written when it is first asked for."""
        path = self.folder / "later" / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(".unfinished")
            write(self.years[-1], unfinished, *options)
            unfinished.rename(path)
        return path


def _write_sheet(source: Path, target: Path) -> None:
    book = xlsxwriter.Workbook(str(target), {"constant_memory": True, "strings_to_numbers": False})
    sheet = book.add_worksheet()
    with source.open(encoding="cp1252", errors="replace", newline="") as file:
        for number, row in enumerate(itertools.islice(csv.reader(file), ROWS_OF_A_SHEET)):
            sheet.write_row(number, 0, row)
    book.close()


def generate(home: Path, size: Size) -> Files:
    """Writes the files of a size below `home`, where they are not there yet."""
    files = Files(home / "files" / size.folder)
    done = files.folder / "complete"
    if done.exists():
        return files
    shutil.rmtree(files.folder, ignore_errors=True)
    write_sample(
        files.folder / "all",
        customers=size.customers,
        months=size.months,
        seed=SEED,
        lines_per_customer_month=size.lines / size.customers / size.months,
        dirt=DIRT,
    )
    _write_eleven_months(files)
    done.touch()
    return files


def _write_eleven_months(files: Files) -> None:
    """The last year without its last month: the sample's lines come month after month."""
    path = files.eleven_months[-1]
    path.parent.mkdir(parents=True, exist_ok=True)
    content = files.years[-1].read_bytes()
    end = content.index(f"\nT{LAST_DAY:%Y-%m}-".encode()) + 1
    path.write_bytes(content[:end])


def _write_one_byte_changed(source: Path, target: Path, number: int) -> None:
    shutil.copyfile(source, target)
    with target.open("r+b") as file:
        header = file.readline().decode().strip().split(",")
        column = header.index("quantity")
        while True:
            start = file.tell()
            cells = file.readline().split(b",")
            # a sale of one to four pieces with another number of pieces is still acceptable
            if len(cells) == len(header) and cells[column] == b"1" and cells[-1].strip().lower() == b"sale":
                break
        file.seek(start + sum(len(cell) + 1 for cell in cells[:column]))
        file.write(str(2 + number).encode())


def _write_correction(source: Path, target: Path, number: int) -> None:
    """The same sale lines with other numbers of pieces, one of each customer."""
    month = f"T{CORRECTED_MONTH:%Y-%m}-"
    corrected: dict[str, list[str]] = {}
    with source.open(encoding="cp1252", errors="replace", newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        columns = {name: position for position, name in enumerate(header)}
        for row in rows:
            if len(corrected) == CORRECTED_CUSTOMERS:
                break
            if not row[0].startswith(month) or len(row) != len(header) or row[columns["quantity"]] != "1":
                continue
            # a delta has no period: a line of the year 1999 would be accepted and bring three hundred months with it
            if not row[columns["transaction_date"]].startswith(f"{CORRECTED_MONTH:%Y-%m}-"):
                continue
            if row[columns["transaction_type"]].lower() == "sale" and "UNKNOWN" not in "".join(row):
                row[columns["quantity"]] = str(2 + number)
                corrected.setdefault(row[columns["customer_id"]], row)
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(corrected.values())
