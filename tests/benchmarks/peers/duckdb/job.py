"""The jobs, timed in parts. The database is one file; at the end of each job everything is in it and on disk."""

import time
from datetime import date
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from include.warehouse.tuning import memory_bytes
from tests.benchmarks.lists import choose_stores
from tests.benchmarks.peers import Place
from tests.benchmarks.peers.duckdb.acceptance import SQL, load, run
from tests.benchmarks.peers.duckdb.months import aggregate, build_months, check, plan

NAME = "DuckDB"
DATABASE = "warehouse.duckdb"


def build(files: list[Path], place: Place) -> dict[str, float]:
    """Files to published months, from nothing. Gives the seconds of the whole and of its parts."""
    started = time.perf_counter()
    with _connect(place) as connection:
        run(connection, "tables.sql")
        load(connection, files)
        loaded = time.perf_counter()
        connection.execute("begin")
        months, last = plan(connection)
        aggregate(connection, months[0], last)
        build_months(connection, months, last)
        built = time.perf_counter()
        check(connection, months[0])
        checked = time.perf_counter()
        connection.execute("commit")
        connection.execute("checkpoint")
    ended = time.perf_counter()
    return {
        "whole": ended - started,
        "load": loaded - started,
        "months": built - loaded,
        "gate": checked - built,
    }


def load_only(files: list[Path], place: Place) -> dict[str, float]:
    """Files to accepted lines."""
    started = time.perf_counter()
    with _connect(place) as connection:
        load(connection, files)
        connection.execute("checkpoint")
    return {"whole": time.perf_counter() - started}


def arrive(files: list[Path], place: Place) -> dict[str, float]:
    """Further files to publication: only what they change is computed again."""
    return _bring_up_to_date(files, place, None)


def recut(files: list[Path], place: Place, from_month: str) -> dict[str, float]:
    """Further files to publication, with all months from one on computed again, limits included."""
    return _bring_up_to_date(files, place, date.fromisoformat(from_month))


def csv(files: list[Path], place: Place, rows: str, folder: str) -> dict[str, float]:
    """A list of about so many customers as CSV."""
    target = Path(folder) / "duckdb.csv"
    query = (SQL / "lists.sql").read_text(encoding="utf-8")
    with _connect(place, read_only=True) as connection:
        counts = connection.execute(
            "select home_store_id, count(*) from snapshot"
            " where month = (select max(month) from snapshot) and home_store_id is not null group by 1"
        ).fetchall()
    stores = choose_stores(counts, int(rows))
    started = time.perf_counter()
    with _connect(place, read_only=True) as connection:
        connection.execute(f"copy ({query}) to '{target}' (header)", {"stores": stores})
    return {"whole": time.perf_counter() - started}


def _connect(place: Place, *, read_only: bool = False) -> DuckDBPyConnection:
    # by default it takes four fifths of the memory, and at 25 million lines the machine killed it beside the server
    limit = {"memory_limit": f"{memory_bytes() // 2 >> 20}MiB"}
    return duckdb.connect(str(place.folder / DATABASE), read_only=read_only, config=limit)


def _bring_up_to_date(files: list[Path], place: Place, recut_from: date | None) -> dict[str, float]:
    started = time.perf_counter()
    with _connect(place) as connection:
        load(connection, files)
        loaded = time.perf_counter()
        connection.execute("begin")
        report_month = connection.execute("select max(month) from snapshot").fetchone()[0]
        months, last = plan(connection)
        whole_from = min(report_month, months[-1])
        first_touched = connection.execute("select min(month) from pending_change").fetchone()[0]
        aggregate(connection, whole_from, last)
        whole_from = min(whole_from, recut_from or whole_from)
        if first_touched is not None and first_touched < whole_from:
            frozen = [month for month in months if first_touched <= month < whole_from]
            build_months(connection, frozen, last, is_frozen=True)
        build_months(connection, [month for month in months if month >= whole_from], last)
        built = time.perf_counter()
        check(connection, min(filter(None, (first_touched, whole_from))))
        connection.execute("commit")
        connection.execute("checkpoint")
    ended = time.perf_counter()
    return {"whole": ended - started, "load": loaded - started, "months": built - loaded}


def export(place: Place, folder: Path) -> None:
    """Writes what is published as Parquet, for the comparison: rows.parquet, files.parquet, reasons.parquet."""
    with _connect(place, read_only=True) as connection:
        _copy(connection, "select * exclude (customer_no) from snapshot", folder / "rows.parquet")
        _copy(connection, "select * from source_file", folder / "files.parquet")
        _copy(
            connection,
            "select file_name, reason, count(*) as rows"
            " from (select file_name, unnest(reasons) as reason from rejected_record where reasons <> ['missing_key'])"
            " group by all",
            folder / "reasons.parquet",
        )


def _copy(connection: DuckDBPyConnection, query: str, path: Path) -> None:
    connection.execute(f"copy ({query}) to '{path}' (format parquet)")
