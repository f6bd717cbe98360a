"""Builds months again on request: *Trigger* and fill in the form.

* **First month**, alone: builds it and every later month (each reads the one before) and publishes them.
* **Recut** as well: computes the cut points of those months anew. Without it, months that were published before they
  ceased to be the report month keep theirs, and only customers whose rows changed move.
* **Dry run**: builds and audits the same, and publishes nothing. Its rows stay in `crm.snapshot_unpublished` for
  `unpublished_retention_days`.
* **Known at**: builds every month from the first to the last as it would have been computed from what was known at that
  moment. Such months are for inspection and are never published.
"""

from datetime import date, datetime
from typing import Any

from airflow.sdk import Param, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from include.warehouse.dag_support import DEFAULT_ARGS, REBUILD_DAG, build_and_publish, plan_run, step_of, step_of_run
from include.warehouse.rebuild_request import read_request
from include.warehouse.settings import load_settings

MONTH = r"^\d{4}-(0[1-9]|1[0-2])$"


@dag(
    dag_id=REBUILD_DAG,
    dag_display_name="Rebuild months",
    doc_md=__doc__,
    schedule=None,
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS,
    tags=["build", "on request"],
    params={
        "first_month": Param("", type="string", pattern=MONTH, title="First month", description="YYYY-MM"),
        "last_month": Param(
            None,
            type=["null", "string"],
            pattern=MONTH,
            title="Last month",
            description="YYYY-MM; only together with Known at, else the report month.",
        ),
        "known_at": Param(
            None,
            type=["null", "string"],
            format="date-time",
            title="Known at",
            description="Build from what was known then, by the rules of then, to inspect.",
        ),
        "recut": Param(False, type="boolean", title="Recut", description="Compute the cut points anew."),
        "dry_run": Param(False, type="boolean", title="Dry run", description="Build and audit, publish nothing."),
    },
)
def rebuild_months() -> None:
    """Wires the request to a publication or to an inspection."""

    @task.branch
    def request(**context: Any) -> str:
        """Checks the form and chooses the way."""
        with step_of("request", **context["params"]):
            asked = read_request(context["params"])
        return "months_as_known" if asked.known_at else "plan"

    @task
    def months_as_known(**context: Any) -> list[dict[str, str]]:
        """Lists the months to build as known then."""
        asked = read_request(context["params"])
        assert asked.known_at is not None
        return [{"month": f"{month:%Y-%m-%d}", "known_at": asked.known_at.isoformat()} for month in asked.months]

    @task(max_active_tis_per_dagrun=1)
    def rebuild_as_known(month: str, known_at: str) -> None:
        """Builds one month as known then."""
        from include.warehouse import refresh

        with step_of("rebuild", month=month, known_at=known_at) as facts:
            facts.update(refresh.rebuild(load_settings(), date.fromisoformat(month), datetime.fromisoformat(known_at)))

    @task
    def plan(**context: Any) -> int:
        """Plans the months from the first on."""
        asked = read_request(context["params"])
        return plan_run(load_settings(), context["ti"], from_month=asked.first_month, recut=asked.is_recut)

    @task
    def may_publish(warehouse_run: int, **context: Any) -> None:
        """Ends a dry run before readers see anything of it."""
        if context["params"]["dry_run"]:
            from include.warehouse import refresh

            with step_of_run("dry_run", warehouse_run):
                refresh.finish_dry_run(load_settings(), warehouse_run)
            raise AirflowSkipException(
                f"dry run: see run {warehouse_run} in mart.check_result and crm.snapshot_unpublished"
            )

    asked = request()
    inspected = months_as_known()
    planned: Any = plan()
    asked >> [inspected, planned]
    rebuild_as_known.expand_kwargs(inspected)
    build_and_publish(planned, approval=may_publish(warehouse_run=planned))


rebuild_months()
