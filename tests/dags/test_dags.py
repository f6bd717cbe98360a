"""What Airflow reads: every DAG is documented, owned, tagged and retried, and reading them needs no database."""

import json
import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from include.warehouse.contracts import load_contracts
from include.warehouse.errors import InputError
from include.warehouse.rebuild_request import read_request
from include.warehouse.settings import REPOSITORY, load_settings
from include.warehouse.steps import REFRESH_STEPS

DESCRIBE = """
import json, sys, time
started = time.process_time()
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
described = {
    dag.dag_id: {
        "file": dag.fileloc,
        "doc": dag.doc_md,
        "tags": sorted(dag.tags),
        "max_active_runs": dag.max_active_runs,
        "catchup": dag.catchup,
        "tasks": {
            task.task_id: {
                "owner": task.owner,
                "retries": task.retries,
                "backoff": task.retry_exponential_backoff,
                "has_failure_callback": bool(task.on_failure_callback),
                "after": sorted(task.upstream_task_ids),
            }
            for task in dag.tasks
        },
    }
    for dag in bag.dags.values()
}
print(json.dumps({"errors": bag.import_errors, "dags": described}))
"""


def read_dags(airflow_home: Path, **environment: str) -> dict[str, Any]:
    """The DAGs as a process of its own reads them, and the errors of reading."""
    quiet = {"AIRFLOW__CORE__LOAD_EXAMPLES": "False", "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR"}
    done = subprocess.run(
        [sys.executable, "-c", DESCRIBE, str(REPOSITORY / "dags")],
        env=os.environ | quiet | {"AIRFLOW_HOME": str(airflow_home), "PYTHONPATH": str(REPOSITORY)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    read: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return read


@pytest.fixture(scope="module")
def dags(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The DAGs as a process reads them that has no warehouse, and no database to ask."""
    read = read_dags(tmp_path_factory.mktemp("airflow"), WAREHOUSE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert read["errors"] == {}
    found: dict[str, Any] = read["dags"]
    return found


def test_there_is_one_ingest_dag_a_contract_and_one_dag_a_file_else(dags: dict[str, Any]) -> None:
    ingest = {f"ingest_{feed}" for feed in load_contracts(load_settings())}
    others = {"build_customer_snapshot", "decide_held_file", "rebuild_months", "maintain_warehouse"}
    assert set(dags) == ingest | others
    assert {Path(dags[dag_id]["file"]).stem for dag_id in ingest} == {"ingest"}
    assert {dag_id: Path(dags[dag_id]["file"]).stem for dag_id in others} == {dag_id: dag_id for dag_id in others}


def test_every_dag_says_what_it_is_and_every_task_who_owns_it_and_what_happens_on_failure(dags: dict[str, Any]) -> None:
    for dag_id, dag in dags.items():
        assert len(dag["doc"]) > 200, dag_id
        assert dag["tags"], dag_id
        assert dag["catchup"] is False, dag_id
        for task_id, task in dag["tasks"].items():
            name = f"{dag_id}.{task_id}"
            assert task["owner"] == "data-engineering", name
            assert task["has_failure_callback"], name
            assert (task["retries"], task["backoff"]) == (3, 2.0), name


def test_the_build_runs_the_steps_in_their_order(dags: dict[str, Any]) -> None:
    build = dags["build_customer_snapshot"]
    assert build["max_active_runs"] == 1
    groups = {"gate": "audit.gate"} | {name: f"publish.{name}" for name in ("publish", "vacuum", "users", "excel")}
    order = ["plan", *(groups.get(step.name, f"build.{step.name}") for step in REFRESH_STEPS)]
    assert set(build["tasks"]) == set(order)
    for before, task_id in pairwise(order):
        assert before in build["tasks"][task_id]["after"], task_id


def test_a_contract_more_or_less_is_a_dag_more_or_less(tmp_path: Path) -> None:
    folder = shutil.copytree(load_settings().contracts, tmp_path / "feeds")
    promotions = (folder / "promotions.yml").read_text(encoding="utf-8")
    (folder / "promotions.yml").unlink()
    (folder / "kiosks.yml").write_text(promotions.replace("feed: promotions", "feed: kiosks"), encoding="utf-8")
    read = read_dags(tmp_path / "airflow", WAREHOUSE_CONTRACTS=str(folder))["dags"]
    assert {"ingest_stores", "ingest_promotions", "ingest_kiosks"} & read.keys() == {"ingest_stores", "ingest_kiosks"}


def form(**fields: object) -> dict[str, Any]:
    return {
        "first_month": "2025-01",
        "last_month": None,
        "known_at": None,
        "recut": False,
        "dry_run": False,
        **fields,
    }


def test_the_rebuild_form_gives_every_month_of_its_range() -> None:
    asked = read_request(form(first_month="2024-11", last_month="2025-02", known_at="2025-03-01T06:00:00Z"))
    assert [f"{month:%Y-%m}" for month in asked.months] == ["2024-11", "2024-12", "2025-01", "2025-02"]
    assert asked.known_at is not None
    assert asked.known_at.isoformat() == "2025-03-01T06:00:00+00:00"
    assert [f"{month:%Y-%m}" for month in read_request(form()).months] == ["2025-01"]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"last_month": "2025-03"}, "known at"),
        ({"known_at": "2025-03-01T06:00:00Z", "recut": True}, "recut"),
        ({"known_at": "2025-03-01T06:00:00Z", "last_month": "2024-12"}, "before"),
        ({"first_month": "2025-13"}, "2025-13"),
        ({"known_at": "2025-03-01T06:00:00Z", "last_month": "2190-03"}, "1,983 months"),
        ({"known_at": "yesterday"}, "yesterday is not a moment"),
    ],
)
def test_a_contradictory_rebuild_form_is_refused(fields: dict[str, object], word: str) -> None:
    with pytest.raises(InputError, match=word):
        read_request(form(**fields))
