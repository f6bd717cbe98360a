"""Asks a person about a file that the shrink guard holds, then approves or discards it.

A file that would withdraw more than the allowed share (`shrink_guard_share`) of its year's lines or of a master is
held: nothing of it is applied. The ingest DAG opens one run here for each such file. Answer under *Required Actions* in
the Airflow UI, or with `python -m include.warehouse approve FILE` or `discard FILE`; a later file of the same period
discards a held one by itself. Where it was decided elsewhere the answer changes nothing, nor does it where a later file
of the same name is held: that has a question of its own.

It is a DAG of its own so that the feed's next files are loaded while a person thinks.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from airflow.sdk import AssetAlias, Metadata, Param, dag, task

from include.warehouse.dag_support import (
    DEFAULT_ARGS,
    feed_asset,
    log_load,
    require_decided,
    skip_unless_held,
    step_of,
)
from include.warehouse.decision import DecisionOperator
from include.warehouse.settings import load_settings

APPROVED = AssetAlias("approved_file", group="warehouse")
APPROVE, DISCARD = "Approve", "Discard"


@dag(
    dag_display_name="Decide on a held file",
    doc_md=__doc__,
    schedule=None,
    # a question that was decided elsewhere stays open until it is answered, and must not keep others from being asked
    max_active_runs=256,
    catchup=False,
    default_args=DEFAULT_ARGS,
    tags=["ingest", "approval"],
    params={
        "file_name": Param("", type="string", minLength=1, title="Held file", description="Its name in held/."),
        "feed": Param("", type="string", title="Feed"),
        "message": Param("", type="string", title="Why it is held"),
        "file_id": Param(None, type=["null", "integer"], title="Receipt", description="Else the last one of the name."),
    },
)
def decide_held_file() -> None:
    """Wires the question to its outcome."""
    answer: Any = DecisionOperator(
        task_id="decide",
        subject="Held: {{ params.file_name }}",
        body="{{ params.message }}\n\n*Approve* applies the file as it is. *Discard* puts it aside; nothing changes.",
        options=[APPROVE, DISCARD],
        # unanswered for so long, it is asked again
        response_timeout=timedelta(days=30),
    ).output

    @task(outlets=[APPROVED])
    def apply_decision(decision: str, **context: Any) -> Iterator[Metadata]:
        """Applies the file, and its feed's asset is updated; or puts it aside."""
        from include.warehouse.load import approve, discard

        file_name, file_id = context["params"]["file_name"], context["params"]["file_id"]
        settings = load_settings()
        # what a trigger gives reaches the next task as JSON text, what a worker gives as it is
        chosen = decision.strip('"')
        apply, status = {APPROVE: (approve, "loaded"), DISCARD: (discard, "discarded")}[chosen]
        with step_of(chosen.lower(), file=file_name, receipt=file_id):
            skip_unless_held(settings, file_name, file_id)
            result = apply(settings, file_name, file_id)
            log_load(result)
            require_decided(result, status)
        if chosen == APPROVE:
            yield Metadata(asset=feed_asset(str(result.feed)), alias=APPROVED)

    apply_decision(answer)


decide_held_file()
