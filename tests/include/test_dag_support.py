"""What the tasks of the DAGs do beside the warehouse's own steps, without an Airflow."""

from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from sqlalchemy import text

from include.warehouse import refresh
from include.warehouse.dag_support import plan_run
from include.warehouse.database import connect
from include.warehouse.load import load_files
from include.warehouse.settings import Settings
from include.warehouse.steps import REFRESH_STEPS

CUSTOMERS = "customer_id,city\nC1,Madrid\nC2,Rome\n"
PRODUCTS = "product_id,product_type\nP1,consumable\n"
SALES = "transaction_id,line_no,transaction_date,customer_id,product_id,quantity,unit_price\n"


@pytest.fixture
def loaded(fresh_warehouse: Settings, tmp_path: Path) -> Settings:
    """Two customers, one of whom has bought."""
    files = {
        "customers_2025-01-01.csv": CUSTOMERS,
        "products_2025-01-01.csv": PRODUCTS,
        "sales_2025.csv": f"{SALES}T1,1,2025-01-05,C1,P1,1,10.00\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    assert {result.status for result in load_files(fresh_warehouse, [tmp_path / name for name in files])} == {"loaded"}
    return fresh_warehouse


def steps_done(settings: Settings, run_id: int) -> list[str]:
    with connect(settings) as connection:
        statement = text("select step from ops.step where run_id = :run_id order by step_id")
        return list(connection.scalars(statement, {"run_id": run_id}))


def test_what_failed_after_a_publication_is_done_by_the_next_run(loaded: Settings) -> None:
    run_id = plan_run(loaded, asked_by="test")
    for step in REFRESH_STEPS:
        step.function(loaded, run_id)
        if step.name == "publish":
            break
    assert refresh.find_plan(loaded, run_id).status == "published"

    loaded.exports.rmdir()
    loaded.exports.write_text("no folder", encoding="utf-8")
    with pytest.raises(FileExistsError):
        plan_run(loaded, asked_by="test")
    assert steps_done(loaded, run_id)[-2:] == ["vacuum", "users"], "a folder that cannot be written keeps none of them"
    loaded.exports.unlink()
    for _ in range(2):
        with pytest.raises(AirflowSkipException, match=f"nothing has changed since run {run_id}"):
            plan_run(loaded, asked_by="test")
        assert steps_done(loaded, run_id)[-3:] == ["vacuum", "users", "excel"], "once"
        assert (loaded.exports / "customer_summary_2025-01.xlsx").exists()
