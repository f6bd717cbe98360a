"""Airflow's own share of the time between a small file's arrival and its publication: where it goes.

    python -m tests.benchmarks.airflow_latency

Drops daily sales files of one line into the inbox of a small published warehouse, one after the other, beside a running
Airflow. The warehouse's own work is what `ops.step` says of the same file and run; all else is Airflow's.
"""

import json
import statistics
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from include.warehouse import server
from include.warehouse.contracts import load_contracts
from include.warehouse.database import connect
from include.warehouse.migrate import migrate
from include.warehouse.settings import Settings, load_settings
from tests.fixtures.live_airflow import LiveAirflow, wait_until
from tests.fixtures.published import load_and_publish

FILES = 5
INGEST, BUILD = "ingest_sales", "build_customer_snapshot"
# the tasks between arrival and publication, in their order, and what ops.step calls the work of each
TASKS = {
    "wait_for_file": (),
    "accept.load_files": ("copy", "accept"),
    "plan": ("plan",),
    "build.aggregate": ("aggregate",),
    "build.snapshot": ("snapshot",),
    "build.summary": ("summary",),
    "audit.gate": ("gate",),
    "publish.publish": ("publish",),
}


def measure(settings: Settings) -> dict[str, Any]:
    """Medians over FILES files, for a published warehouse without an Airflow of its own.

    `seconds` from arrival to publication, `own_seconds` of it spent in the warehouse's steps, `airflow_seconds` the
    rest; `tasks` holds for each task its median `waited` (since the task before ended), `ran` and, of that, `own`.
    """
    live = LiveAirflow(settings)
    try:
        live.start()
        rounds = [_measure_file(settings, live, number) for number in range(FILES)]
    finally:
        live.stop()
    medians = {
        name: round(statistics.median(each[name] for each in rounds), 2)
        for name in ("seconds", "own_seconds", "airflow_seconds")
    }
    return medians | {"tasks": _median_tasks([each["tasks"] for each in rounds])}


def _measure_file(settings: Settings, live: LiveAirflow, number: int) -> dict[str, Any]:
    wait_until(lambda: _is_idle(live))
    before = _newest_publication(settings)
    path = _write_delta(settings, number)
    arrived = datetime.now(UTC)
    path.rename(settings.inbox / path.name.removeprefix("."))
    wait_until(lambda: _newest_publication(settings) != before)
    run_id = _newest_publication(settings)
    with connect(settings) as connection:
        published = connection.execute(
            text("select published_at from ops.run where run_id = :run_id"), {"run_id": run_id}
        ).scalar_one()
        own = connection.execute(
            text(
                "select step, sum(seconds) from ops.step"
                " where run_id = :run_id or file_id = (select max(file_id) from ops.file) group by step"
            ),
            {"run_id": run_id},
        ).all()
    wait_until(lambda: _is_idle(live))
    tasks = _task_times(live, arrived, {step: float(seconds) for step, seconds in own})
    seconds = (published - arrived).total_seconds()
    own_seconds = sum(task["own"] for task in tasks.values())
    return {
        "seconds": seconds,
        "own_seconds": own_seconds,
        "airflow_seconds": seconds - own_seconds,
        "tasks": tasks,
    }


def _write_delta(settings: Settings, number: int) -> Path:
    """A line of a known customer on the last known day, under a name that the sensor does not see yet."""
    with connect(settings) as connection:
        day, customer_id, product_id = connection.execute(
            text(
                "select transaction_date, customer_id, product_id from core.sale_line"
                " order by transaction_date desc, transaction_id limit 1"
            )
        ).one()
    name = f"sales_{day - timedelta(days=number):%Y-%m-%d}.csv"
    path = settings.inbox / f".{name}"
    header = "transaction_id,line_no,transaction_date,customer_id,product_id,quantity,unit_price"
    path.write_text(f"{header}\nLATENCY-{number},1,{day},{customer_id},{product_id},1,10.00\n", encoding="utf-8")
    return path


def _task_times(live: LiveAirflow, arrived: datetime, own: dict[str, float]) -> dict[str, dict[str, float]]:
    """For every task what it waited, ran and worked, in seconds."""
    found = {}
    for dag_id in (INGEST, BUILD):
        for run in live.runs(dag_id)[:3]:
            path = f"/dags/{dag_id}/dagRuns/{run['dag_run_id']}/taskInstances?limit=100"
            for task in live.call("GET", path)["task_instances"]:
                if task["state"] == "success" and datetime.fromisoformat(task["end_date"]) > arrived:
                    found.setdefault(task["task_id"], task)
    times = {}
    before = arrived
    for task_id, steps in TASKS.items():
        began = max(datetime.fromisoformat(found[task_id]["start_date"]), arrived)
        ended = datetime.fromisoformat(found[task_id]["end_date"])
        times[task_id] = {
            "waited": (began - before).total_seconds(),
            "ran": (ended - began).total_seconds(),
            "own": sum(own.get(step, 0.0) for step in steps),
        }
        before = ended
    return times


def _median_tasks(rounds: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    return {
        task_id: {
            part: round(statistics.median(each[task_id][part] for each in rounds), 2)
            for part in ("waited", "ran", "own")
        }
        for task_id in TASKS
    }


def _is_idle(live: LiveAirflow) -> bool:
    """Whether every feed waits for its next file and no build is under way."""
    feeds = load_contracts(live.settings)
    waiting = live.call("GET", "/dags/~/dagRuns/~/taskInstances?state=deferred&limit=100")["total_entries"]
    builds = live.runs(BUILD)
    return bool(waiting == len(feeds) and all(run["state"] in ("success", "failed") for run in builds))


def _newest_publication(settings: Settings) -> int | None:
    with connect(settings) as connection:
        run_id: int | None = connection.execute(
            text("select max(run_id) from ops.run where status = 'published'")
        ).scalar()
    return run_id


def print_table(measured: dict[str, Any]) -> None:
    """The tasks on the way to the publication, and the sums."""
    print(f"{'seconds':24}{'waited':>8}{'ran':>8}{'of it own work':>16}")
    for task_id, times in measured["tasks"].items():
        print(f"{task_id:24}{times['waited']:8.2f}{times['ran']:8.2f}{times['own']:16.2f}")
    print(
        f"\narrival to publication {measured['seconds']:.1f} s, of it the warehouse's own steps"
        f" {measured['own_seconds']:.1f} s, Airflow's share {measured['airflow_seconds']:.1f} s"
    )


def main() -> None:
    """Measures on a small warehouse of its own below a temporary home."""
    with tempfile.TemporaryDirectory(prefix="airflow-latency-") as home:
        settings = Settings(home=Path(home), url=None, contracts=load_settings().contracts)
        try:
            migrate(settings)
            load_and_publish(settings, settings.home / "files")
            measured = measure(settings)
        finally:
            server.stop(settings)
    print_table(measured)
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
