"""The job, timed in parts: COPY, staging, one model a month, tests."""

import calendar
import time
from datetime import date
from pathlib import Path

import psycopg2
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a type

from tests.benchmarks.compare import csv_to_parquet
from tests.benchmarks.peers import Place
from tests.benchmarks.warehouse import COLUMNS

NAME = "plain SQL"
SQL = Path(__file__).parent
NOTHING_BEFORE = "nothing_before"
IN_CENTS = {
    "monetary_cents": "monetary",
    "total_cents": "total_amount",
    "month_cents": "month_amount",
    "month_core_cents": "month_core_amount",
}


class GateRefusedError(Exception):
    """A test failed."""


def build(files: list[Path], place: Place) -> dict[str, float]:
    """Files to published months, from nothing. Gives the seconds of the whole and of its parts."""
    started = time.perf_counter()
    connection = psycopg2.connect(place.url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("set work_mem = '256MB'")
        _load(cursor, files)
        loaded = time.perf_counter()
        _build_months(cursor)
        built = time.perf_counter()
        cursor.execute(_text("tests.sql"))
        failed = [name for name, has_failed in cursor.fetchall() if has_failed]
    connection.close()
    if failed:
        raise GateRefusedError(", ".join(failed))
    ended = time.perf_counter()
    return {"whole": ended - started, "load": loaded - started, "months": built - loaded, "gate": ended - built}


def _text(name: str) -> str:
    return (SQL / name).read_text(encoding="utf-8")


def _load(cursor: Cursor, files: list[Path]) -> None:
    cursor.execute(_text("tables.sql"))
    # the lines as they are: COPY would stop at the first one with a cell too many
    cursor.execute("create unlogged table raw_line (line_number bigint generated always as identity, line text)")
    sales = [path for path in files if path.name.startswith("sales_")]
    for path in files:
        if path not in sales:
            _copy_master(cursor, path)
    cursor.execute(_text("masters.sql"))
    for path in sales:
        with path.open("rb") as source:
            source.readline()
            cursor.copy_expert(
                r"copy raw_line (line) from stdin"
                r" with (format csv, delimiter E'\x01', quote E'\x02', encoding 'LATIN1')",
                source,
            )
        cursor.execute("analyze raw_line")
        cursor.execute(_text("accept.sql"), {"file_name": path.name, "year": int(path.stem.split("_")[1])})
    cursor.execute("create index on sale_line (transaction_date)")
    cursor.execute("analyze sale_line")


def _copy_master(cursor: Cursor, path: Path) -> None:
    feed, day = path.stem.split("_")
    cursor.execute("select set_config('load.file_date', %s, false)", (day,))
    with path.open(encoding="utf-8-sig", newline="") as source:
        columns = source.readline().strip()
        cursor.copy_expert(f"copy raw_{feed} ({columns}) from stdin with (format csv)", source)


def _build_months(cursor: Cursor) -> None:
    cursor.execute("select min(transaction_date), max(transaction_date) from sale_line")
    first, last = cursor.fetchone()
    model, tables = _text("month.sql"), []
    month = first.replace(day=1)
    cursor.execute(
        f"create view {NOTHING_BEFORE} as select null::text as customer_id, null::text as activity_status,"
        " null::text as value_tier, null::integer as tier_rank, null::text as segment, null::date as last_scored_month,"
        " null::text as last_scored_tier where false"
    )
    while month <= last:
        table = f"snapshot_{month:%Y_%m}"
        cursor.execute(
            model.format(table=table, previous=tables[-1] if tables else NOTHING_BEFORE),
            {
                "month": month,
                "as_of_date": min(last, month.replace(day=calendar.monthrange(month.year, month.month)[1])),
                "previous_month": date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1),
                "leaving_month": month.replace(year=month.year - 1),
                "last": last,
            },
        )
        tables.append(table)
        month = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    cursor.execute("create view snapshot as " + " union all ".join(f"select * from {table}" for table in tables))


def export(place: Place, folder: Path) -> None:
    """Writes what is published as Parquet, for the comparison."""
    listed = ", ".join(f"({IN_CENTS[name]} * 100)::bigint" if name in IN_CENTS else name for name in COLUMNS)
    counts = ("received", "loaded", "unchanged", "rejected", "duplicate", "superseded")
    queries = {
        "rows": (f"select {listed} from snapshot", COLUMNS),
        "files": (
            f"select file_name, {', '.join(counts)} from source_file",
            {"file_name": "varchar"} | dict.fromkeys(counts, "bigint"),
        ),
        "reasons": (
            "select file_name, reason, count(*) from rejected_record cross join unnest(reasons) as reason"
            " group by 1, 2",
            {"file_name": "varchar", "reason": "varchar", "rows": "bigint"},
        ),
    }
    connection = psycopg2.connect(place.url)
    for name, (query, columns) in queries.items():
        with connection.cursor() as cursor, (folder / f"{name}.csv").open("wb") as target:
            cursor.copy_expert(f"copy ({query}) to stdout with (format csv)", target)
        csv_to_parquet(folder / f"{name}.csv", folder / f"{name}.parquet", columns)
    connection.close()
