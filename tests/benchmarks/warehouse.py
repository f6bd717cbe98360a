"""The jobs of this warehouse, each timed from the file in the inbox to what readers see."""

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from shutil import copyfile

from sqlalchemy import text

from include.warehouse import gate
from include.warehouse.arrivals import STANDSTILL_SECONDS
from include.warehouse.database import connect
from include.warehouse.load import LoadResult, load_pending
from include.warehouse.settings import Settings
from include.warehouse.steps import Step, refresh

NAME = "warehouse"
LAST_STEP_BEFORE_READERS_SEE = "publish"
COLUMNS = {
    "month": "date",
    "customer_id": "varchar",
    "as_of_date": "date",
    "customer_group": "varchar",
    "city": "varchar",
    "home_store_id": "varchar",
    "opt_in_email": "boolean",
    "opt_in_sms": "boolean",
    "opt_in_phone": "boolean",
    "is_in_master": "boolean",
    "first_core_date": "date",
    "last_core_date": "date",
    "last_purchase_date": "date",
    "recency_days": "integer",
    "frequency": "integer",
    "monetary_cents": "bigint",
    "total_cents": "bigint",
    "month_cents": "bigint",
    "month_core_cents": "bigint",
    "month_orders": "integer",
    "month_items": "decimal(18, 6)",
    "tenure_months": "integer",
    "activity_status": "varchar",
    "r_score": "integer",
    "f_score": "integer",
    "m_score": "integer",
    "t_score": "integer",
    "rfmt_score": "varchar",
    "rfmt_total": "integer",
    "value_tier": "varchar",
    "segment": "varchar",
    "is_high_spender": "boolean",
    "last_scored_month": "date",
    "last_scored_tier": "varchar",
    "lifecycle_event": "varchar",
    "growth_state": "varchar",
    "abc_class": "varchar",
    "previous_status": "varchar",
    "previous_tier": "varchar",
    "previous_segment": "varchar",
}
"""Published columns that are compared with the peers', and their DuckDB types."""


class JobFailedError(Exception):
    """A job did not do what it is measured for."""


def receive(settings: Settings, files: list[Path]) -> None:
    """Files into the inbox, imports, and the wait until the warehouse takes the files for complete; not measured."""
    importing = gate.preload()
    for path in files:
        copyfile(path, settings.inbox / path.name)
    time.sleep(STANDSTILL_SECONDS + 0.1)
    importing.join()


def load_only(settings: Settings) -> dict[str, float]:
    """Files of the inbox to accepted lines."""
    started = time.perf_counter()
    _require_loaded(load_pending(settings))
    return {"whole": time.perf_counter() - started}


def publish(settings: Settings, *, from_month: date | None = None, recut: bool = False) -> dict[str, float]:
    """Files of the inbox to published months: seconds of the whole and of its parts."""
    started = time.perf_counter()
    _require_loaded(load_pending(settings))
    loaded = time.perf_counter()
    began: dict[str, float] = {}

    def note(step: Step) -> None:
        began[step.name] = time.perf_counter()

    result = refresh(settings, from_month=from_month, recut=recut, on_step=note)
    if not result.is_published:
        raise JobFailedError(f"nothing was published: {result.plan.message}")
    steps = list(began)
    after_publication = steps[steps.index(LAST_STEP_BEFORE_READERS_SEE) + 1 :]
    ended = began[after_publication[0]] if after_publication else time.perf_counter()
    return {
        "whole": ended - started,
        "load": loaded - started,
        "months": began["summary"] - began["aggregate"],
        "summary": began["gate"] - began["summary"],
        "gate": began["publish"] - began["gate"],
        "publish": ended - began["publish"],
    }


def step_seconds(settings: Settings) -> dict[str, float]:
    """Seconds of every step in ops.step, summed by name."""
    with connect(settings) as connection:
        rows = connection.execute(text("select step, sum(seconds) from ops.step group by step order by 2 desc"))
        return {step: float(seconds) for step, seconds in rows}


def export(settings: Settings, folder: Path, parquet: Callable[[Path, Path, dict[str, str]], None]) -> None:
    """Writes what is published as Parquet, for the comparison; `parquet` turns a CSV file into one."""
    (folder / "rows").mkdir()
    with connect(settings) as connection:
        months = list(connection.scalars(text("select month from crm.published_month order by month")))
    for month in months:
        path = folder / "rows" / f"{month}.csv"
        _copy(settings, f"select {', '.join(COLUMNS)} from crm.snapshot where month = '{month}'", path)
        parquet(path, path.with_suffix(".parquet"), COLUMNS)
    counts = ("received", "loaded", "unchanged", "rejected", "duplicate", "superseded")
    _copy(
        settings,
        f"select file_name, {', '.join(f'rows_{name}' for name in counts)} from ops.file"
        " where feed = 'sales' order by file_id",
        folder / "files.csv",
    )
    parquet(folder / "files.csv", folder / "files.parquet", {"file_name": "varchar"} | dict.fromkeys(counts, "bigint"))
    _copy(
        settings,
        "select f.file_name, reason, count(*) from ops.rejected_record x join ops.file f using (file_id)"
        " cross join unnest(x.reasons) as reason where f.feed = 'sales' group by f.file_name, reason",
        folder / "reasons.csv",
    )
    parquet(
        folder / "reasons.csv",
        folder / "reasons.parquet",
        {"file_name": "varchar", "reason": "varchar", "rows": "bigint"},
    )


def _copy(settings: Settings, query: str, path: Path) -> None:
    with connect(settings) as connection, path.open("wb") as target:
        driver = connection.connection.driver_connection
        assert driver is not None
        with driver.cursor() as cursor:
            cursor.copy_expert(f"copy ({query}) to stdout with (format csv)", target)


def _require_loaded(results: list[LoadResult]) -> None:
    if not results:
        raise JobFailedError("no file was in the inbox")
    for result in results:
        if result.status != "loaded":
            raise JobFailedError(f"{result.file_name} is {result.status}: {result.message}")
