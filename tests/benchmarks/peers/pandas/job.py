"""The job, timed in parts. Accepted lines, rejects and every month's rows go to PostgreSQL by to_sql."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Engine, create_engine, text

from tests.benchmarks.compare import csv_to_parquet
from tests.benchmarks.peers import Place
from tests.benchmarks.peers.pandas.lines import accept, judge, read_lines
from tests.benchmarks.peers.pandas.masters import read_customers, read_products, read_text
from tests.benchmarks.peers.pandas.months import PUBLISHED, STATE, aggregate, build_month, known_customers
from tests.benchmarks.warehouse import COLUMNS

NAME = "pandas with to_sql"
CHUNK = 10_000
CHECKS = {
    "one row per customer and month": "select count(*) <> count(distinct (month, customer_id)) from snapshot",
    "one line per key": "select count(*) <> count(distinct (transaction_id, line_no)) from sale_line",
    "lines and months add up to the same money": "select (select sum(net_cents) from sale_line)"
    " <> (select sum(month_cents) from snapshot)",
    "received = loaded + rejected + duplicate": "select bool_or(received <> loaded + rejected + duplicate)"
    " from source_file",
    "buyers add up": "select bool_or(before + arrived - dormant <> buyers) from ("
    " select lag(buyers) over (order by month) as before, * from (select month,"
    " count(*) filter (where growth_state in ('new', 'returning', 'resurrected')) as buyers,"
    " count(*) filter (where growth_state in ('new', 'resurrected')) as arrived,"
    " count(*) filter (where growth_state = 'dormant') as dormant from snapshot group by month) as m) as n",
}


Method = Callable[[Any, Any, list[str], Iterable[tuple[Any, ...]]], None]


class GateRefusedError(Exception):
    """A check failed."""


@dataclass
class Target:
    """PostgreSQL, and the seconds that to_sql has taken."""

    engine: Engine
    method: Method | None
    seconds: float = 0.0

    def append(self, frame: pd.DataFrame, table: str) -> None:
        """Adds the rows of a frame to a table."""
        started = time.perf_counter()
        frame.to_sql(table, self.engine, if_exists="append", index=False, chunksize=CHUNK, method=self.method)
        self.seconds += time.perf_counter() - started


def build(files: list[Path], place: Place, method: Method | None = None) -> dict[str, float]:
    """Files to published months, from nothing. Gives the seconds of the whole and of its parts.

    `method` is to_sql's: how rows are inserted, pandas' own way where it is None.
    """
    started = time.perf_counter()
    engine = create_engine(place.url.replace("postgresql://", "postgresql+psycopg2://"))
    target = Target(engine, method)
    lines, customers, versions, products = _load(files, target)
    loaded = time.perf_counter()
    facts = aggregate(lines, products)
    last = lines["transaction_date"].max()
    known = known_customers(facts, customers, last)
    previous = pd.DataFrame(columns=STATE)
    for month in pd.date_range(facts["month"].min(), last, freq="MS"):
        as_of = min(last, month + pd.offsets.MonthEnd(0))
        rows = build_month(month, as_of, facts, known, previous)
        valid = versions[(versions["version_from"] <= as_of) & (versions["version_to"] > as_of)]
        published = rows.merge(valid.drop(columns=["version_from", "version_to"]), on="customer_id")[PUBLISHED]
        target.append(published, "snapshot")
        previous = rows.set_index("customer_id")[STATE]
    built = time.perf_counter()
    _check(engine)
    ended = time.perf_counter()
    engine.dispose()
    return {
        "whole": ended - started,
        "load": loaded - started,
        "months": built - loaded,
        "gate": ended - built,
        "to_sql": target.seconds,
    }


def _load(files: list[Path], target: Target) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    of_feed = {
        feed: [path for path in files if path.name.startswith(feed)]
        for feed in ("customers", "products", "stores", "promotions", "sales")
    }
    customers, versions = read_customers(of_feed["customers"])
    products = read_products(of_feed["products"])
    keys = {"customer": customers["customer_id"], "product": products["product_id"]}
    for name in ("store", "promotion"):
        keys[name] = pd.concat([read_text(path)[f"{name}_id"] for path in of_feed[f"{name}s"]])
    target.append(versions, "customer_version")
    accepted = []
    for path in of_feed["sales"]:
        rows = read_lines(path)
        lines, faults = judge(rows, int(path.stem.split("_")[1]), keys)
        kept = accept(lines, faults)
        is_rejected = faults.any(axis=1)
        rejected = rows[is_rejected].assign(file_name=path.name, line_number=rows.index[is_rejected] + 2)
        flags = faults[is_rejected]
        rejected["reasons"] = [",".join(flags.columns[row]) for row in flags.to_numpy()]
        counts = {
            "file_name": path.name,
            "received": len(rows),
            "loaded": len(kept),
            "unchanged": 0,
            "rejected": len(rejected),
            "duplicate": len(rows) - len(rejected) - len(kept),
            "superseded": 0,
        }
        target.append(kept, "sale_line")
        target.append(rejected, "rejected_record")
        target.append(pd.DataFrame([counts]), "source_file")
        accepted.append(kept)
    lines = pd.concat(accepted, ignore_index=True)
    lines[["quantity", "net_cents"]] = lines[["quantity", "net_cents"]].astype("int64")
    return lines, customers, versions, products


def _check(engine: Engine) -> None:
    with engine.connect() as connection:
        failed = [name for name, query in CHECKS.items() if connection.execute(text(query)).scalar()]
    if failed:
        raise GateRefusedError(", ".join(failed))


def export(place: Place, folder: Path) -> None:
    """Writes what is published as Parquet, for the comparison."""
    engine = create_engine(place.url.replace("postgresql://", "postgresql+psycopg2://"))
    counts = ("received", "loaded", "unchanged", "rejected", "duplicate", "superseded")
    items = {"month_items": "month_items * 0.001"}
    days = {name: f"{name}::date" for name, kind in COLUMNS.items() if kind == "date"}
    listed = ", ".join((items | days).get(name, name) for name in COLUMNS)
    queries = {
        "rows": (f"select {listed} from snapshot", COLUMNS),
        "files": (
            f"select file_name, {', '.join(counts)} from source_file",
            {"file_name": "varchar"} | dict.fromkeys(counts, "bigint"),
        ),
        "reasons": (
            "select file_name, reason, count(*) from rejected_record"
            " cross join unnest(string_to_array(reasons, ',')) as reason group by 1, 2",
            {"file_name": "varchar", "reason": "varchar", "rows": "bigint"},
        ),
    }
    connection = engine.raw_connection()
    for name, (query, columns) in queries.items():
        with connection.cursor() as cursor, (folder / f"{name}.csv").open("wb") as target:
            cursor.copy_expert(f"copy ({query}) to stdout with (format csv)", target)
        csv_to_parquet(folder / f"{name}.csv", folder / f"{name}.parquet", columns)
    connection.close()
    engine.dispose()
