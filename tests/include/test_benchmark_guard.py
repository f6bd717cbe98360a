"""The regression guard: a small benchmark whose ratios are compared with the committed ones. It warns, it never fails.

What does fail is a difference between the rows of the two sides.
"""

import json
import warnings
from pathlib import Path

import duckdb
import pytest

from include.warehouse.settings import REPOSITORY
from tests.benchmarks import goals
from tests.benchmarks.compare import PUBLISHED, compare
from tests.benchmarks.data import generate
from tests.benchmarks.jobs import Session, correction, whole_build
from tests.benchmarks.postgresql import Host
from tests.benchmarks.results import Results
from tests.benchmarks.runs import Bench
from tests.benchmarks.sizes import SIZES

COMMITTED = REPOSITORY / "docs" / "benchmarks.json"
MOST_TIMES_WORSE = 1.5
SIZE = SIZES["XS"]
JOBS = (whole_build, correction)
GUARDED = (goals.WHOLE, goals.LOAD, goals.MONTHS, goals.CORRECTION)


def test_ratios_to_duckdb_are_about_the_committed_ones(tmp_path: Path) -> None:
    host = Host(tmp_path)
    files = generate(tmp_path, SIZE)
    host.start()
    try:
        results = Results(tmp_path / "measured.json", "")
        session = Session(Bench(host, SIZE, files, runs=1), ["duckdb"], results, say=lambda text: None)
        for job in JOBS:
            results.add(job(session))
    finally:
        host.stop()

    compared = [record for record in results.records if record.rows is not None]
    assert len(compared) == 4
    assert {record.job: record.rows for record in compared if record.rows != "equal"} == {}

    committed = {
        (record["job"], record["size"]): record["ratio"]
        for record in json.loads(COMMITTED.read_text(encoding="utf-8"))
        if record["peer"] == goals.DUCKDB
    }
    for job in GUARDED:
        record = results.find(job, goals.DUCKDB, SIZE.name)
        before = committed.get((job, SIZE.name))
        if before is None or record is None or record.ratio is None:
            pytest.fail(f"docs/benchmarks.json has no {job} beside DuckDB at {SIZE.name}; run: make bench SIZE=XS")
        if record.ratio > MOST_TIMES_WORSE * before:
            warnings.warn(
                f"{job}: {record.ratio:.2f} times DuckDB's time, committed are {before:.2f};"
                " make bench SIZE=XS on a quiet machine says whether it is true",
                stacklevel=1,
            )


def test_one_other_value_is_a_difference(tmp_path: Path) -> None:
    rows = "select date '2025-12-01' as month, 'C' || n as customer_id, n as frequency from range(5) as t (n)"
    for side, changed in (("ours", "-1"), ("theirs", "3")):
        (tmp_path / side).mkdir()
        duckdb.sql(
            f"copy (select month, customer_id, case when frequency = {changed} then 99 else frequency end as frequency"
            f" from ({rows})) to '{tmp_path / side / PUBLISHED}.parquet'"
        )

    found = compare(tmp_path / "ours", tmp_path / "theirs", only_rows=True)

    assert found.rows == 5
    assert found.differences == ["rows: frequency differs in 1, such as 2025-12-01, C3, 3, 99"]
