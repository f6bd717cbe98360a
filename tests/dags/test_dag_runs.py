"""Airflow at work: files arrive and months are published, whatever is half-written, held, refused or killed.

One Airflow and one warehouse serve all tests of this file, in their order; each can also run alone.
"""

import csv
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url

from include.warehouse import server
from include.warehouse.database import connect, engine
from include.warehouse.settings import Settings
from include.warehouse.steps import refresh
from tests.fixtures.live_airflow import LiveAirflow, wait_until
from tests.fixtures.published import TEMPLATE
from tests.fixtures.retailer import write_files, write_sales

BUILD = "build_customer_snapshot"
DATABASE = "airflow_at_work"
# of a question in its first try, and in a retry
ASKING = ("awaiting_input", "deferred")


@pytest.fixture(scope="module")
def settings(warehouse: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """An empty warehouse in a database of its own."""
    url = make_url(server.ensure_running(warehouse))
    _execute(url, f"create database {DATABASE} template {TEMPLATE} strategy file_copy")
    home = tmp_path_factory.mktemp("airflow-at-work")
    shutil.copy(warehouse.secrets, home)
    settings = Settings(
        home=home,
        url=url.set(database=DATABASE).render_as_string(hide_password=False),
        contracts=warehouse.contracts,
    )
    settings.create_folders()
    yield settings
    engine(settings).dispose()
    for name in (f"{DATABASE}_airflow", DATABASE):
        _execute(url, f"drop database if exists {name} with (force)")


@pytest.fixture(scope="module")
def airflow(settings: Settings) -> Iterator[LiveAirflow]:
    """Airflow for that warehouse."""
    live = LiveAirflow(settings)
    try:
        live.start()
        yield live
    finally:
        live.stop()


@pytest.fixture(scope="module", autouse=True)
def first_files(airflow: LiveAirflow, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The files that Airflow has published before the tests begin; all were dropped together, masters last."""
    files = write_files(tmp_path_factory.mktemp("files"))
    drop(settings, *reversed(files))
    wait_until(lambda: newest_publication(settings) and published_lines(settings, "T%"))
    quiet(airflow)
    return files


def drop(settings: Settings, *paths: Path) -> None:
    """Puts complete files into the inbox, as a transfer does that renames at its end."""
    for path in paths:
        unfinished = settings.inbox / f".{path.name}.part"
        shutil.copyfile(path, unfinished)
        unfinished.rename(settings.inbox / path.name)


def delta(folder: Path, day: str, *receipts: str) -> Path:
    """A daily file with one line for each receipt."""
    path = folder / f"sales_{day}.csv"
    header = ["transaction_id", "line_no", "transaction_date", "customer_id", "product_id", "quantity", "unit_price"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([receipt, 1, day, "C0100", "P1", 1, "10.00"] for receipt in receipts)
    return path


def value(settings: Settings, statement: str, **parameters: object) -> Any:
    with connect(settings) as connection:
        return connection.execute(text(statement), parameters).scalar()


def file_status(settings: Settings, name: str) -> str | None:
    """What became of the file of that name that arrived last."""
    statement = "select status from ops.file where file_name = :name order by file_id desc limit 1"
    status: str | None = value(settings, statement, name=name)
    return status


def published_lines(settings: Settings, receipts: str) -> int:
    """Lines of receipts like `receipts` that the current publication knows of."""
    statement = (
        "select count(*) from core.sale_line where transaction_id like :receipts"
        " and known_from <= (select max(known_at) from ops.run where status = 'published')"
    )
    return int(value(settings, statement, receipts=receipts))


def old_lines(settings: Settings) -> int:
    return int(value(settings, "select count(*) from core.sale_line where transaction_date < '2025-01-01'"))


def part_of_2024(folder: Path, share: int) -> list[str]:
    """The first 1/share of the year's lines, so many that the rest would be withdrawn; the header is the first."""
    whole = write_sales(folder / "whole.csv", 2024).read_text(encoding="utf-8").splitlines(keepends=True)
    return whole[: len(whole) // share]


def ask_about_part_of_a_year(airflow: LiveAirflow, settings: Settings, folder: Path, share: int) -> str:
    """Drops a year of which much is missing; gives the REST path of the task that asks a person about it."""
    path = folder / "sales_2024.csv"
    path.write_text("".join(part_of_2024(folder, share)), encoding="utf-8")
    before = value(settings, "select max(file_id) from ops.file")
    drop(settings, path)
    held = "select true from ops.file where status = 'held' and file_id > :before"
    wait_until(lambda: value(settings, held, before=before))
    run_id = f"held_{value(settings, 'select max(file_id) from ops.file')}"
    wait_until(lambda: run_id in {run["dag_run_id"] for run in airflow.runs("decide_held_file")})
    return f"/dags/decide_held_file/dagRuns/{run_id}/taskInstances/decide"


def answer(airflow: LiveAirflow, decide: str, option: str) -> None:
    """Answers as the Airflow UI does."""
    airflow.call("PATCH", f"{decide}/-1/hitlDetails", {"chosen_options": [option], "params_input": {}})


def newest_publication(settings: Settings) -> int | None:
    run_id: int | None = value(settings, "select max(run_id) from ops.run where status = 'published'")
    return run_id


def quiet(airflow: LiveAirflow) -> None:
    """Waits until no build is under way or due."""
    wait_until(lambda: all(run["state"] in ("success", "failed") for run in airflow.runs(BUILD)))


def notices(settings: Settings) -> str:
    path = settings.logs / "notices.log"
    return path.read_text(encoding="utf-8") if path.exists() else ""


@contextmanager
def holding(settings: Settings, lock: str) -> Iterator[None]:
    """Holds the lock of loads or refreshes, so that a task stands still in the middle of its work."""
    connection = psycopg2.connect(make_url(str(settings.url)).set(drivername="postgresql").render_as_string(False))
    try:
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_lock(ops.lock_key(%s))", [lock])
        yield
    finally:
        connection.close()


def running(airflow: LiveAirflow, dag_id: str, task_id: str) -> dict[str, Any]:
    """Waits until that task of the DAG's newest run is running; gives it."""

    def found() -> dict[str, Any] | None:
        for run in airflow.runs(dag_id)[:3]:
            task = airflow.task(dag_id, run["dag_run_id"], task_id)
            if task["state"] == "running":
                return task
        return None

    task = wait_until(found)
    assert task is not None
    return task


def test_files_that_arrive_together_are_published_as_the_command_line_does(
    airflow: LiveAirflow, settings: Settings, published: Settings, first_files: list[Path]
) -> None:
    assert [file_status(settings, path.name) for path in first_files] == ["loaded"] * len(first_files)
    assert list(settings.inbox.iterdir()) == []
    columns = "select * from mart.customer_snapshot order by month, customer_id"
    with connect(settings) as connection:
        by_airflow = [{**row, "run_id": None} for row in connection.execute(text(columns)).mappings()]
    with connect(published) as connection:
        by_command_line = [{**row, "run_id": None} for row in connection.execute(text(columns)).mappings()]
    assert len(by_airflow) > 5_000
    assert by_airflow == by_command_line

    assert (settings.exports / "customer_summary_2025-11.xlsx").stat().st_size > 10_000
    logs = "".join(path.read_text() for path in (settings.logs / "airflow").rglob("*.log"))
    for step in ("load", "plan", "aggregate", "snapshot", "summary", "gate", "publish", "vacuum", "users", "excel"):
        assert f"step={step} " in logs, step
    assert "step=load file=sales_2024.csv feed=sales status=loaded received=" in logs
    events = airflow.call("GET", "/assets/events?limit=100")["asset_events"]
    feeds = {event["name"] for event in events if event["source_dag_id"].startswith("ingest_")}
    assert feeds == {"customers", "products", "sales", "stores"}, "whichever of them has loaded the files"


def test_nothing_new_is_not_built_again(airflow: LiveAirflow, settings: Settings) -> None:
    before = newest_publication(settings)
    run_id = airflow.trigger(BUILD)
    assert airflow.ended(BUILD, run_id) == "success"
    assert set(airflow.tasks(BUILD, run_id).values()) == {"skipped"}
    assert newest_publication(settings) == before


def test_a_half_written_file_is_left_alone(airflow: LiveAirflow, settings: Settings, tmp_path: Path) -> None:
    content = delta(tmp_path, "2025-11-16", *(f"H{number}" for number in range(60))).read_text(encoding="utf-8")
    lines = content.splitlines(keepends=True)
    arriving = settings.inbox / "sales_2025-11-16.csv"
    with arriving.open("w", encoding="utf-8") as file:
        for start in range(0, len(lines), 10):
            file.writelines(lines[start : start + 10])
            file.flush()
            assert arriving.exists()
            assert file_status(settings, arriving.name) is None
            time.sleep(1)
    wait_until(lambda: published_lines(settings, "H%"))
    assert published_lines(settings, "H%") == 60


def test_a_held_file_is_decided_by_a_person_while_others_are_loaded(
    airflow: LiveAirflow, settings: Settings, tmp_path: Path
) -> None:
    before = old_lines(settings)
    overtaken = ask_about_part_of_a_year(airflow, settings, tmp_path, share=4)
    decide = ask_about_part_of_a_year(airflow, settings, tmp_path, share=2)
    wait_until(lambda: airflow.call("GET", overtaken)["state"] in ASKING)
    answer(airflow, overtaken, "Approve")
    assert airflow.ended("decide_held_file", overtaken.split("/")[4]) == "success"
    assert airflow.tasks("decide_held_file", overtaken.split("/")[4])["apply_decision"] == "skipped"
    assert file_status(settings, "sales_2024.csv") == "held", "an answer is about one receipt, not about its name"
    drop(settings, other := delta(tmp_path, "2025-11-12", "W2"))
    wait_until(lambda: file_status(settings, other.name) == "loaded")
    wait_until(lambda: airflow.call("GET", decide)["state"] in ASKING)
    asked = airflow.call("GET", f"{decide}/-1/hitlDetails")
    assert asked["subject"] == "Held: sales_2024.csv"
    assert "would withdraw" in asked["body"]
    answer(airflow, decide, "Discard")
    wait_until(lambda: file_status(settings, "sales_2024.csv") == "discarded")
    assert old_lines(settings) == before
    assert "sales_2024.csv is held" in notices(settings)

    decide = ask_about_part_of_a_year(airflow, settings, tmp_path, share=2)
    (held,) = settings.held.glob("*/sales_2024.csv")
    held.write_text("")
    wait_until(lambda: airflow.call("GET", decide)["state"] in ASKING)
    answer(airflow, decide, "Approve")
    assert airflow.ended("decide_held_file", decide.split("/")[4]) == "failed", "what was approved is refused"
    assert file_status(settings, "sales_2024.csv") == "refused"


def test_an_answer_that_is_given_at_once_is_kept(airflow: LiveAirflow, settings: Settings, tmp_path: Path) -> None:
    decide = ask_about_part_of_a_year(airflow, settings, tmp_path, share=3)
    # while the scheduler has not seen the end of the process that asked, Airflow takes the answered task for killed
    with airflow.paused(
        "scheduler", when=lambda: airflow.call("GET", decide)["state"] in ("running", "awaiting_input")
    ):
        wait_until(lambda: airflow.call("GET", decide)["state"] == "awaiting_input")
        answer(airflow, decide, "Approve")
    wait_until(lambda: file_status(settings, "sales_2024.csv") == "loaded")
    assert airflow.ended("decide_held_file", decide.split("/")[4]) == "success"
    assert old_lines(settings) == len(part_of_2024(tmp_path, 3)) - 1
    wait_until(lambda: value(settings, "select sum(month_items) from mart.customer_snapshot where month < '2025-01-01'")
               == value(settings, "select sum(quantity) from core.sale_line where transaction_date < '2025-01-01' and not is_return"))  # fmt: skip # noqa: E501


def test_a_killed_task_is_tried_again(airflow: LiveAirflow, settings: Settings, tmp_path: Path) -> None:
    quiet(airflow)
    arrived = delta(tmp_path, "2025-11-10", "K1")
    with holding(settings, "load"):
        drop(settings, arrived)
        loading = running(airflow, "ingest_sales", "accept.load_files")
        airflow.kill(loading)
    with holding(settings, "refresh"):
        wait_until(lambda: file_status(settings, arrived.name) == "loaded")
        planning = running(airflow, BUILD, "plan")
        airflow.kill(planning)
    wait_until(lambda: published_lines(settings, "K1"))
    quiet(airflow)
    for killed in (loading, planning):
        task = airflow.task(killed["dag_id"], killed["dag_run_id"], killed["task_id"])
        assert (task["state"], task["try_number"]) == ("success", 2)
    assert value(settings, "select count(*) from core.sale_line where transaction_id = 'K1'") == 1


def test_a_run_that_is_stopped_and_cleared_ends_in_the_right_state(
    airflow: LiveAirflow, settings: Settings, tmp_path: Path
) -> None:
    quiet(airflow)
    arrived = delta(tmp_path, "2025-11-09", "S1")
    with holding(settings, "refresh"):
        drop(settings, arrived)
        # a run that is due for something else may begin before, and would find nothing to do
        wait_until(lambda: file_status(settings, arrived.name) == "loaded")
        run_id = running(airflow, BUILD, "plan")["dag_run_id"]
        airflow.call("PATCH", f"/dags/{BUILD}/dagRuns/{run_id}", {"state": "failed"})
        wait_until(lambda: airflow.task(BUILD, run_id, "plan")["state"] not in ("running", "success"))
    assert published_lines(settings, "S1") == 0
    airflow.clear(BUILD, run_id)
    assert airflow.ended(BUILD, run_id) == "success"
    assert published_lines(settings, "S1") == 1

    steps = [task_id for task_id in airflow.tasks(BUILD, run_id) if task_id != "plan"]
    before = newest_publication(settings)
    airflow.call("POST", f"/dags/{BUILD}/clearTaskInstances", {
        "dry_run": False, "dag_run_id": run_id, "task_ids": steps, "only_failed": False, "reset_dag_runs": True,
    })  # fmt: skip
    assert airflow.ended(BUILD, run_id) == "success"
    assert newest_publication(settings) == before


def test_the_gate_refuses_once_and_readers_keep_what_they_have(
    airflow: LiveAirflow, settings: Settings, tmp_path: Path
) -> None:
    quiet(airflow)
    before = newest_publication(settings)
    with connect(settings) as connection:
        connection.execute(text("update core.sale_line set net_cents = net_cents + 1 where transaction_id = 'T10-1'"))
    drop(settings, delta(tmp_path, "2025-11-08", "G1"))
    wait_until(lambda: value(settings, "select status from ops.run order by run_id desc limit 1") == "refused")
    quiet(airflow)
    refused = next(run["dag_run_id"] for run in airflow.runs(BUILD) if run["state"] == "failed")
    tasks = airflow.tasks(BUILD, refused)
    assert (tasks["audit.gate"], tasks["publish.publish"]) == ("failed", "upstream_failed")
    assert airflow.task(BUILD, refused, "audit.gate")["try_number"] == 1
    assert newest_publication(settings) == before
    assert f"{BUILD}.audit.gate failed" in notices(settings)
    assert "conservation" in notices(settings)

    assert airflow.ended(BUILD, airflow.trigger(BUILD)) == "failed", "who triggers it by hand has it built again"
    with connect(settings) as connection:
        connection.execute(text("update core.sale_line set net_cents = net_cents - 1 where transaction_id = 'T10-1'"))
    airflow.clear(BUILD, refused)
    assert airflow.ended(BUILD, refused) == "success"
    assert published_lines(settings, "G1") == 1


def test_months_are_rebuilt_on_request(airflow: LiveAirflow, settings: Settings) -> None:
    quiet(airflow)
    before = newest_publication(settings)
    with holding(settings, "refresh"):
        dry = airflow.trigger("rebuild_months", first_month="2025-09", recut=True, dry_run=True)
        running(airflow, "rebuild_months", "plan")
        # what is due meanwhile, as every 15 minutes, waits and leaves the months that were asked for alone
        due = airflow.trigger(BUILD)
        running(airflow, BUILD, "plan")
    assert airflow.ended("rebuild_months", dry) == "success"
    assert airflow.ended(BUILD, due) == "success"
    tasks = airflow.tasks("rebuild_months", dry)
    assert (tasks["audit.gate"], tasks["may_publish"], tasks["publish.publish"]) == ("success", "skipped", "skipped")
    assert newest_publication(settings) == before
    kept = (
        "select status from ops.run where message like 'a dry run%'"
        " and run_id in (select run_id from crm.snapshot_unpublished)"
    )
    assert value(settings, kept) == "rebuilt"

    recut = airflow.trigger("rebuild_months", first_month="2025-09", recut=True)
    assert airflow.ended("rebuild_months", recut) == "success"
    run_id = newest_publication(settings)
    assert run_id != before
    built = value(settings, "select array_agg(to_char(month, 'YYYY-MM') order by month) from ops.run_month where run_id = :run", run=run_id)  # fmt: skip # noqa: E501
    assert built == ["2025-09", "2025-10", "2025-11"]

    waiting = (
        "select count(*) from pg_locks l join pg_database d on d.oid = l.database"
        " where l.locktype = 'advisory' and not l.granted and d.datname = current_database()"
    )
    with holding(settings, "refresh"):
        known = airflow.trigger(
            "rebuild_months", first_month="2025-05", last_month="2025-06", known_at=datetime.now(UTC).isoformat()
        )
        wait_until(lambda: value(settings, waiting) == 1)
        due = airflow.trigger(BUILD)
        wait_until(lambda: value(settings, waiting) == 2)
    assert airflow.ended(BUILD, due) == "success", "an inspection keeps no plan waiting"
    assert airflow.ended("rebuild_months", known) == "success"
    assert airflow.tasks("rebuild_months", known)["plan"] == "skipped"
    rebuilt = (
        "select array_agg(requested ->> 'month' order by run_id) from ops.run"
        " where kind = 'rebuild' and status = 'rebuilt'"
    )
    assert value(settings, rebuilt) == ["2025-05-01", "2025-06-01"]
    assert newest_publication(settings) == run_id


def test_a_request_that_another_run_took_over_fails(airflow: LiveAirflow, settings: Settings) -> None:
    quiet(airflow)
    before = newest_publication(settings)
    planned = "select max(run_id) from ops.run where kind = 'refresh' and status = 'building' and run_id > :before"
    asked = airflow.trigger("rebuild_months", first_month="2025-09", recut=True)
    wait_until(lambda: value(settings, planned, before=before), pause=0.02)
    airflow.call("PATCH", "/dags/rebuild_months", {"is_paused": True})
    assert airflow.ended(BUILD, airflow.trigger(BUILD)) == "success", "what is paused is not waited for"
    assert f"rebuild_months is paused: {asked} is not waited for" in notices(settings)
    run_id = value(settings, planned, before=before)
    assert run_id, "a plan that finds nothing to do takes nothing over"
    assert refresh(settings, from_month=date(2025, 11, 1)).is_published
    airflow.call("PATCH", "/dags/rebuild_months", {"is_paused": False})
    assert airflow.ended("rebuild_months", asked) == "failed"
    assert "clear the whole run to ask for its months again" in notices(settings)
    assert value(settings, "select status from ops.run where run_id = :run", run=run_id) == "abandoned"


def test_maintenance_keeps_what_is_young_and_names_an_altered_file(airflow: LiveAirflow, settings: Settings) -> None:
    kept = value(settings, "select count(*) from raw.sales")
    offered, expired = (settings.downloads / name for name in ("offered", "expired"))
    for folder in (offered, expired):
        folder.mkdir(parents=True)
        (folder / "customers.csv").write_text("customer_id\n", encoding="utf-8")
    os.utime(expired, (time.time() - 2 * 3600,) * 2)
    assert airflow.ended("maintain_warehouse", airflow.trigger("maintain_warehouse")) == "success"
    assert list(settings.downloads.iterdir()) == [offered]
    assert value(settings, "select count(*) from raw.sales") == kept > 0

    with connect(settings) as connection:
        connection.execute(text("update ops.file set received_at = received_at - interval '31 days'"))
        connection.execute(text("update ops.run set started_at = started_at - interval '8 days'"))
    archived = settings.home / value(settings, "select path from ops.file where file_name = 'stores_2024-01-01.csv'")
    with archived.open("a", encoding="utf-8") as file:
        file.write(os.linesep)
    run_id = airflow.trigger("maintain_warehouse")
    assert airflow.ended("maintain_warehouse", run_id) == "failed"
    tasks = airflow.tasks("maintain_warehouse", run_id)
    assert {task_id for task_id, state in tasks.items() if state == "failed"} == {"verify.verify_archive"}
    assert f"1 with other bytes (archive/{archived.parent.name}/stores_2024-01-01.csv)" in notices(settings)
    assert value(settings, "select count(*) from raw.sales") == 0
    assert value(settings, "select count(*) from crm.snapshot_unpublished") == 0
    assert value(settings, "select count(*) from mart.customer_snapshot") > 0


def _execute(url: URL, statement: str) -> None:
    connection = psycopg2.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()
