"""pandas with to_sql, its rows sent by COPY: the function that pandas' manual gives for `method`.

What somebody writes who has found out where the time of the other one goes; not among the peers measured by default.
"""

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.benchmarks.peers import Place
from tests.benchmarks.peers.pandas import job
from tests.benchmarks.peers.pandas.job import export

__all__ = ["NAME", "build", "export"]
NAME = "pandas with to_sql by COPY"


def build(files: list[Path], place: Place) -> dict[str, float]:
    """As the other one, but for the way of the rows."""
    return job.build(files, place, method=insert_by_copy)


def insert_by_copy(table: Any, connection: Any, keys: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Rows to PostgreSQL as CSV; `table` and `connection` are what pandas hands over."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    text.seek(0)
    with connection.connection.cursor() as cursor:
        columns = ", ".join(f'"{key}"' for key in keys)
        cursor.copy_expert(f"copy {table.name} ({columns}) from stdin with (format csv)", text)
