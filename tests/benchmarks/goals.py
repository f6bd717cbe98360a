"""What each job may take at most."""

from dataclasses import dataclass

from tests.benchmarks.results import ITSELF, MEGABYTES, RATIO, SECONDS

WHOLE = "whole build"
LOAD = "of it, loading and acceptance"
MONTHS = "of it, the months' history"
GATE = "of it, the Soda gate"
NEW_MONTH = "new month in a re-sent yearly file"
ONE_BYTE = "yearly file again, one byte of an old line changed"
CORRECTION = "late correction of 1,000 customers, 10 months back, frozen cuts"
RECUT = "the same correction, recut"
FIRST_PAINT = "first paint of overview, movements and RFMT (95th percentile)"
FILTERS = "audience filters (95th percentile)"
AIRFLOW = "Airflow's own share of a small change"
GROWTH = "growth from S to L"
MEMORY = "Python's memory in jobs on CSV"
EXCEL_SHEET = "loading a full Excel sheet"

DUCKDB, PANDAS, POLARS, PLAIN_SQL = "DuckDB", "pandas with to_sql", "polars", "plain SQL"
XLSXWRITER = "XlsxWriter alone"
YEAR_FROM_NOTHING = "that year from nothing"


def csv_job(rows: int) -> str:
    """Name of the job that writes so many customers as CSV."""
    return f"CSV of {rows:,} customers"


def xlsx_job(rows: int) -> str:
    """Name of the job that writes so many customers as Excel."""
    return f"xlsx of {rows:,} customers"


@dataclass(frozen=True)
class Goal:
    """At most so much; `size` where it counts at that size alone."""

    most: float
    unit: str = RATIO
    size: str | None = None


GOALS = {
    (WHOLE, DUCKDB): Goal(1.0),
    (WHOLE, PANDAS): Goal(0.05),
    (WHOLE, PLAIN_SQL): Goal(0.35),
    (LOAD, DUCKDB): Goal(1.2),
    (MONTHS, DUCKDB): Goal(0.8),
    (GATE, WHOLE): Goal(0.15),
    (NEW_MONTH, WHOLE): Goal(0.12),
    (NEW_MONTH, DUCKDB): Goal(1.0, size="L"),
    (ONE_BYTE, YEAR_FROM_NOTHING): Goal(0.6),
    (CORRECTION, WHOLE): Goal(0.04),
    (RECUT, DUCKDB): Goal(0.5),
    (FIRST_PAINT, ITSELF): Goal(0.020, SECONDS, size="L"),
    (FILTERS, ITSELF): Goal(0.300, SECONDS, size="L"),
    (AIRFLOW, ITSELF): Goal(20, SECONDS),
    (GROWTH, ITSELF): Goal(5.5),
    (MEMORY, ITSELF): Goal(250, MEGABYTES),
    (EXCEL_SHEET, ITSELF): Goal(1024, MEGABYTES),
}
GOALS |= {(csv_job(rows), DUCKDB): Goal(1.2) for rows in (10_000, 100_000, 1_000_000)}
GOALS |= {(xlsx_job(rows), XLSXWRITER): Goal(1.0) for rows in (10_000, 100_000)}


def goal_for(job: str, peer: str, size: str) -> tuple[float | None, str]:
    """The goal and its unit, None where there is none at this size."""
    goal = GOALS.get((job, peer))
    if goal is None:
        return None, RATIO
    return (goal.most if goal.size in (None, size) else None), goal.unit
