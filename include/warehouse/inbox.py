"""The file sensor of a feed: waits in the triggerer until a complete file lies in the inbox.

Airflow's own FileSensor fires on the first byte of a file. This one fires when `pending_files` says that a file is
complete, and ends its task there and then, without a worker.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from airflow.providers.standard.sensors.filesystem import FileSensor
from airflow.sdk import Context
from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

POKE_SECONDS = 1.0


class InboxTrigger(BaseTrigger):
    """Fires once as soon as a complete file of the feed lies in the inbox."""

    def __init__(self, feed: str) -> None:
        super().__init__()
        self.feed = feed

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """How Airflow stores the trigger: its class and its arguments."""
        return f"{__name__}.InboxTrigger", {"feed": self.feed}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Looks at the inbox every second."""
        while not await asyncio.to_thread(pending_names, self.feed):
            await asyncio.sleep(POKE_SECONDS)
        yield TaskSuccessEvent()


class InboxSensor(FileSensor):
    """Waits for a complete file of one feed."""

    template_fields: Sequence[str] = ("feed",)

    def __init__(self, *, feed: str, patterns: list[str], **kwargs: Any) -> None:
        super().__init__(filepath=" ".join(patterns), deferrable=True, **kwargs)
        self.feed = feed

    def poke(self, context: Context) -> bool:
        """Whether a complete file lies in the inbox now."""
        names = pending_names(self.feed)
        if names:
            self.log.info("in the inbox: %s", ", ".join(names))
        return bool(names)

    def execute(self, context: Context) -> None:
        """Ends at once where a file is there already, else waits in the triggerer."""
        if not self.poke(context):
            self.defer(trigger=InboxTrigger(self.feed), method_name="execute_complete")

    def execute_complete(self, context: Context, event: object = None) -> None:
        """The end of the task where a worker, not the triggerer, has to end it."""
        self.log.info("a file of %s has arrived", self.feed)


def pending_names(feed: str) -> list[str]:
    """Names of the feed's complete files in the inbox."""
    from include.warehouse.load import pending_files
    from include.warehouse.settings import load_settings

    return [path.name for path in pending_files(load_settings(), feed)]
