"""The job, timed in parts. What is published is a folder of Parquet files, there whole or not at all."""

import os
import shutil
import time
from pathlib import Path

import polars as pl

from tests.benchmarks.peers import Place
from tests.benchmarks.peers.polars.checks import check
from tests.benchmarks.peers.polars.facts import aggregate
from tests.benchmarks.peers.polars.lines import REASONS, accept, judge, read_lines
from tests.benchmarks.peers.polars.masters import read_customers, read_keys, read_products
from tests.benchmarks.peers.polars.months import build_months

NAME = "polars"


def build(files: list[Path], place: Place) -> dict[str, float]:
    """Files to published months, from nothing. Gives the seconds of the whole and of its parts."""
    started = time.perf_counter()
    unfinished = place.folder / "unfinished"
    for name in ("lines", "rejects", "months"):
        (unfinished / name).mkdir(parents=True)
    customers, versions, products = _load(files, unfinished)
    loaded = time.perf_counter()
    facts = aggregate(pl.scan_parquet(unfinished / "lines" / "*.parquet"), products)
    lines = pl.scan_parquet(unfinished / "lines" / "*.parquet")
    last = lines.select(pl.col("transaction_date").max()).collect().item()
    for month, rows in build_months(facts, customers, versions, last):
        _write(rows, unfinished / "months" / f"{month:%Y-%m}.parquet")
    built = time.perf_counter()
    check(unfinished, facts)
    checked = time.perf_counter()
    _make_durable(unfinished)
    unfinished.rename(place.folder / "published")
    ended = time.perf_counter()
    return {"whole": ended - started, "load": loaded - started, "months": built - loaded, "gate": checked - built}


def _load(files: list[Path], folder: Path) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Accepted lines, rejects and counts as files; gives customers, their versions, and versions of products."""
    of_feed = {
        feed: [path for path in files if path.name.startswith(feed)]
        for feed in ("customers", "products", "stores", "promotions", "sales")
    }
    customers, versions = read_customers(of_feed["customers"])
    products = read_products(of_feed["products"])
    keys = {
        "product_id": products.get_column("product_id").unique(),
        "store_id": read_keys(of_feed["stores"], "store_id"),
        "promotion_id": read_keys(of_feed["promotions"], "promotion_id"),
    }
    counts = []
    for path in of_feed["sales"]:
        judged = judge(read_lines(path), int(path.stem.split("_")[1]), customers, keys)
        accepted, rejected, fates = accept(judged)
        _write(accepted, folder / "lines" / f"{path.stem}.parquet")
        _write(rejected, folder / "rejects" / f"{path.stem}.parquet")
        counts.append(fates.insert_column(0, pl.Series("file_name", [path.name])))
    _write(pl.concat(counts), folder / "files.parquet")
    _write(versions, folder / "customer_versions.parquet")
    return customers, versions, products


def _write(frame: pl.DataFrame, path: Path) -> None:
    frame.write_parquet(path, compression="lz4")


def _make_durable(folder: Path) -> None:
    """Has the system write what it holds of the files to the disk."""
    for path in folder.rglob("*.parquet"):
        with path.open("rb") as file:
            os.fsync(file.fileno())


def export(place: Place, folder: Path) -> None:
    """Writes what is published as Parquet, for the comparison."""
    published = place.folder / "published"
    rows = pl.scan_parquet(published / "months" / "*.parquet").with_columns(pl.col("month_items") / 1000)
    rows.drop("customer").with_columns(pl.col("month_items").cast(pl.Decimal(18, 6))).sink_parquet(
        folder / "rows.parquet"
    )
    shutil.copy(published / "files.parquet", folder / "files.parquet")
    reasons = [
        pl.read_parquet(path)
        .select(pl.col(REASONS).cast(pl.Int64).sum())
        .unpivot(variable_name="reason", value_name="rows")
        .filter(pl.col("rows") > 0)
        .with_columns(pl.lit(f"{path.stem}.csv").alias("file_name"))
        for path in sorted((published / "rejects").glob("*.parquet"))
    ]
    pl.concat(reasons).write_parquet(folder / "reasons.parquet")
