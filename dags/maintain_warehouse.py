"""Nightly care of the warehouse.

* **retention**: drops rows as received after `raw_retention_days` (the archived files stay), and what is left
  unpublished of refused, interrupted and dry runs after `unpublished_retention_days`; removes lists that readers of the
  dashboard were offered, an hour and a half after that
* **analyze**: refreshes the planner's statistics of every warehouse schema
* **verify**: archived files still have the bytes that were loaded, and rows and money are conserved from file to
  published total; a difference fails the task and names file or identity

*If `verify` fails:* nothing was changed. `mart.source_file` names the file, `mart.conservation` the identity of the
last run.
"""

from airflow.sdk import TaskGroup, dag, task

from include.warehouse import maintenance
from include.warehouse.dag_support import DEFAULT_ARGS, step_of
from include.warehouse.settings import load_settings


@dag(
    dag_display_name="Maintain warehouse",
    doc_md=__doc__,
    schedule="15 3 * * *",
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS,
    tags=["maintenance"],
)
def maintain_warehouse() -> None:
    """Wires retention, analyze and verification."""

    @task
    def drop_raw_rows() -> None:
        with step_of("drop_raw_rows") as facts:
            facts["tables"] = len(maintenance.drop_expired_raw(load_settings()))

    @task
    def drop_old_runs() -> None:
        with step_of("drop_old_runs") as facts:
            facts["tables"] = len(maintenance.drop_expired_runs(load_settings()))

    @task
    def remove_downloads() -> None:
        with step_of("remove_downloads") as facts:
            facts["folders"] = maintenance.remove_expired_downloads(load_settings())

    @task
    def analyze() -> None:
        with step_of("analyze") as facts:
            facts["tables"] = maintenance.analyze(load_settings())

    @task
    def verify_archive() -> None:
        with step_of("verify_archive") as facts:
            facts["files"] = maintenance.verify_archive(load_settings())

    @task
    def verify_conservation() -> None:
        with step_of("verify_conservation") as facts:
            facts["identities"] = maintenance.verify_conservation(load_settings())

    with TaskGroup("retention"):
        retention = [drop_raw_rows(), drop_old_runs(), remove_downloads()]
    retention >> analyze()
    with TaskGroup("verify"):
        verify_archive()
        verify_conservation()


maintain_warehouse()
