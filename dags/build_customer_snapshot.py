"""Builds the months that new files changed, lets the gate check them, and publishes them at once.

Runs when a feed's asset is updated, and every 15 minutes to catch up with anything that an event missed. A run takes up
everything that is accepted and not yet published, so files that arrive together make one publication. Where nothing
waits, the plan says so and the rest is skipped. While a run of `rebuild_months` builds months to publish them, or to
try, the plan waits.

* **plan**: which months and customers the new rows touch
* **build**: facts per customer and month, the months' snapshots in batches and in order, their summary; readers see
  none of it
* **audit**: Soda contracts and accounting identities; a refusal fails the task `gate`, names the checks in
  `mart.check_result` and the rows in `mart.failed_row`, and leaves readers on the last good state; the same state is
  built again only by hand: trigger this DAG, or clear the run
* **publish**: one short transaction; then a VACUUM that keeps pages quick, the figures of users who see many
  customers, but not all, and the Excel summary in `exports/`

*If a task fails:* every step may be repeated: clear the task, or let the next run plan anew; where nothing else waits,
it does what was left to do after the publication.
"""

from typing import Any

from airflow.sdk import AssetAny, AssetOrTimeSchedule, CronTriggerTimetable, dag, task

from include.warehouse.contracts import load_contracts
from include.warehouse.dag_support import (
    DEFAULT_ARGS,
    build_and_publish,
    feed_asset,
    plan_run,
    skip_build,
    wait_for_quiet_inbox,
    wait_for_requested_months,
    was_cleared,
)
from include.warehouse.settings import load_settings


@dag(
    dag_display_name="Build customer snapshot",
    doc_md=__doc__,
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("*/15 * * * *", timezone="UTC"),
        assets=AssetAny(*(feed_asset(feed) for feed in load_contracts(load_settings()))),
    ),
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS,
    tags=["build", "publish"],
)
def build_customer_snapshot() -> None:
    """Wires the plan to the steps."""

    @task
    def plan(**context: Any) -> int:
        """Waits for files that arrive together and for months being rebuilt, then plans what changes."""
        from include.warehouse.refresh import is_refused_already

        settings = load_settings()
        wait_for_quiet_inbox(settings)
        wait_for_requested_months(context["ti"])
        is_by_hand = context["dag_run"].run_type == "manual" or was_cleared(context["ti"])
        if not is_by_hand and is_refused_already(settings):
            skip_build(settings, "the gate refused this state; mend the data, or trigger this DAG by hand")
        return plan_run(settings, context["ti"])

    build_and_publish(plan())


build_customer_snapshot()
