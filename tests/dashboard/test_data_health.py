"""Data health: what its runs and sums say, and that they say the same as SQL."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from include.warehouse import refresh
from include.warehouse.database import connect
from include.warehouse.settings import Settings
from tests.dashboard.test_pages import HEALTH, run, texts
from tests.fixtures.published import load_and_publish

AIRFLOW = "build_customer_snapshot scheduled__2025-11-18T06:15:00+00:00"


@pytest.mark.timeout(300)
def test_quiet_hours_hide_no_publication(
    fresh_warehouse: Settings, reading: Callable[[Settings], None], tmp_path: Path
) -> None:
    refresh.plan(fresh_warehouse, requested_by=AIRFLOW)
    load_and_publish(fresh_warehouse, tmp_path / "files")
    for _ in range(25):
        assert refresh.plan(fresh_warehouse, requested_by=AIRFLOW).status == "nothing_to_do"
    with connect(fresh_warehouse) as owner:
        published, newest = owner.execute(
            text(
                "update ops.run set requested_by = :airflow where status = 'published'"
                " returning run_id, (select max(run_id) from ops.run)"
            ),
            {"airflow": AIRFLOW},
        ).one()
    assert newest == published + 25
    reading(fresh_warehouse)
    page = run(HEALTH, section="Runs")
    said = texts(page)
    assert "The report month is November 2025" in said
    assert "25 such checks since the last publication" in said
    shown = page.dataframe[0].value
    assert list(shown["run_id"]) == [published]
    assert list(shown[["kind", "status", "requested_by", "message"]].iloc[0]) == [
        "Publication",
        "Published",
        "Airflow",
        "",
    ]
    assert page.selectbox(key="run").value == published
    assert "took longest" in said
