"""Loads the files of one feed as they arrive in the inbox.

The sensor waits, without a worker, until a complete file lies in `inbox/`; a file that is still being written is left
alone. Every pending file is then claimed, copied into `raw`, judged and accepted, masters before sales, and moved to
`archive/`, `refused/` (with the reason beside it) or `held/`. The asset of every feed of which a file was loaded is
updated; that starts `build_customer_snapshot`. A held file opens a run of `decide_held_file`.

One run waits for the next file; a new one begins when it is done. There is one such DAG for every feed contract in
`include/contracts/feeds/`.

*If a task fails:* nothing is half-loaded, and the other files are in. Mend the cause and clear the task, or let the
next run take the file up again; later files of its feed wait for it.
"""

from datetime import UTC, datetime
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, AssetAlias, TaskGroup, task
from airflow.sdk.exceptions import AirflowSkipException

from include.warehouse.contracts import Contract, load_contracts
from include.warehouse.dag_support import DEFAULT_ARGS, changed_feeds, feed_asset, held_receipts, load_feed
from include.warehouse.inbox import InboxSensor
from include.warehouse.settings import load_settings

LOADED = AssetAlias("loaded_file", group="warehouse")


@task(outlets=[LOADED])
def load_files(feed: str, **context: Any) -> list[str]:
    """Loads every pending file and updates the assets of their feeds; skipped where none was loaded."""
    settings = load_settings()
    results = load_feed(settings, feed)
    # a try that failed has updated no asset
    since = context["dag_run"].run_after if context["ti"].try_number > 1 else None
    changed = changed_feeds(settings, results, since)
    if not changed:
        raise AirflowSkipException("no file was loaded")
    for name in changed:
        context["outlet_events"][LOADED].add(feed_asset(name))
    return [result.file_name for result in results if result.status == "loaded"]


@task(trigger_rule="all_done")
def list_held_files() -> list[dict[str, Any]]:
    """Gives what is needed to open a decision on each held file, also where another file could not be loaded."""
    return [
        {"trigger_run_id": f"held_{receipt['file_id']}", "conf": receipt} for receipt in held_receipts(load_settings())
    ]


def ingest_dag(contract: Contract) -> DAG:
    """The DAG of one feed."""
    with DAG(
        dag_id=f"ingest_{contract.feed}",
        dag_display_name=f"Ingest {contract.feed}",
        description=contract.title,
        doc_md=__doc__,
        schedule="@continuous",
        # without a start in the past the second run would have the first one's logical date, and never begin
        start_date=datetime(2020, 1, 1, tzinfo=UTC),
        max_active_runs=1,
        catchup=False,
        default_args=DEFAULT_ARGS,
        tags=["ingest", contract.feed],
    ) as dag:
        arrived = InboxSensor(task_id="wait_for_file", feed=contract.feed, patterns=contract.files)
        with TaskGroup("accept", tooltip="Claim, load, judge and accept"):
            loaded = load_files(contract.feed)
        with TaskGroup("held", tooltip="Files that would withdraw too many rows"):
            held = list_held_files()
            TriggerDagRunOperator.partial(
                task_id="ask_for_decision",
                trigger_dag_id="decide_held_file",
                logical_date=None,
                skip_when_already_exists=True,
            ).expand_kwargs(held)
        # a run whose load failed has failed, though its held files were asked about
        done = EmptyOperator(task_id="done", trigger_rule="none_failed")
        arrived >> loaded >> [held, done]
    return dag


for feed_contract in load_contracts(load_settings()).values():
    globals()[f"ingest_{feed_contract.feed}"] = ingest_dag(feed_contract)
