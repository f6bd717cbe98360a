"""Files of exactly the customers that a selection names, and the month's Excel summary."""

import tempfile
from datetime import date
from pathlib import Path
from typing import BinaryIO

from dashboard.data.warehouse import connect
from include.warehouse.customer_filter import CustomerFilter
from include.warehouse.export_customers import write_customers

MIME = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def customer_list(filters: CustomerFilter, file_format: str) -> BinaryIO:
    """The list as an open file, csv or xlsx, written by the database; the file itself is already unlinked."""
    with tempfile.TemporaryDirectory(prefix="customer-list-") as folder, connect() as connection:
        written = write_customers(connection, filters, file_format, Path(folder) / file_name(filters, file_format))
        return written.path.open("rb")


def file_name(filters: CustomerFilter, file_format: str) -> str:
    """Name under which a reader saves the list."""
    kind = "filtered" if filters.as_document() else "all"
    return f"customers_{filters.month or date.min:%Y-%m}_{kind}.{file_format}"
