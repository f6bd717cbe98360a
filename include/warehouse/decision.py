"""A question to a person whose answer outlasts a failed try.

Airflow's own operators ask again when a task is retried, and forget an answer that was given. The retry is no rarity:
where the answer comes before the scheduler has seen the end of the process that asked, Airflow 3.3 takes the resumed
task for a killed one (airflow#71580). So a retry asks nothing: it waits in the triggerer for the answer to the first
try's question, finds one that is there already, and ends the task without a worker.
"""

from collections.abc import AsyncIterator
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.providers.standard.triggers.hitl import HITLTrigger
from airflow.sdk import Context
from airflow.sdk.exceptions import TaskAwaitingInput
from airflow.sdk.timezone import utcnow
from airflow.triggers.base import TaskSuccessEvent, TriggerEvent

ASKED = "asked"


class AnswerTrigger(HITLTrigger):
    """Fires when the question is answered, and ends the task with the chosen option."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """How Airflow stores the trigger: its class and its arguments."""
        return f"{__name__}.AnswerTrigger", super().serialize()[1]

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Looks for the answer every few seconds; a timeout goes back to the operator, which fails."""
        async for event in super().run():
            if "error" in event.payload:
                yield event
            else:
                yield TaskSuccessEvent(xcoms={"return_value": event.payload["chosen_options"][0]})


class DecisionOperator(HITLOperator):
    """Asks for one of several options and gives the chosen one; a retry keeps the question and its answer."""

    def execute(self, context: Context) -> None:
        """Asks and waits; in a retry only waits."""
        tried, asked = context["ti"], context["task_state_store"]
        # clearing a task raises max_tries, a retry does not: only who clears is asked anew
        if asked.get(ASKED) == tried.max_tries:
            self.defer(
                trigger=AnswerTrigger(
                    ti_id=tried.id,
                    options=self.options,
                    params={},
                    timeout_datetime=utcnow() + self.response_timeout if self.response_timeout else None,
                ),
                method_name="execute_complete",
            )
        try:
            super().execute(context)
        except TaskAwaitingInput:
            asked.set(ASKED, tried.max_tries)
            raise

    def execute_complete(self, context: Context, event: dict[str, Any]) -> str:
        """The end of the task where a worker, not the triggerer, has to end it."""
        return str(super().execute_complete(context, event)["chosen_options"][0])
