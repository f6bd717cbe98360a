"""The file sensor of a feed: waits in the triggerer until a complete file lies in the inbox.

Airflow's own FileSensor fires on the first byte of a file. This one fires when `pending_files` says that a file is
complete, and ends its task there and then, without a worker.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from airflow.providers.standard.sensors.filesystem import FileSensor
from airflow.sdk import Context
from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

from include.warehouse.arrivals import UNREADABLE, is_of, pending_files, unknown_files, unreadable_files
from include.warehouse.contracts import load_contracts
from include.warehouse.dag_support import notice
from include.warehouse.settings import load_settings

POKE_SECONDS = 0.5
INTERRUPTED_SECONDS = 600.0


class InboxTrigger(BaseTrigger):
    """Fires once as soon as a complete file of the feed lies in the inbox."""

    def __init__(self, feed: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.feed = feed

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """How Airflow stores the trigger: its class and its arguments."""
        return f"{__name__}.InboxTrigger", {"feed": self.feed}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Looks at the inbox again and again; of a file that cannot be read it gives notice once."""
        told: set[str] = set()
        while not await asyncio.to_thread(pending_names, self.feed):
            await asyncio.to_thread(notice_unreadable, self.feed, told)
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
    """Names of the files that a load of the feed would take up now.

    These are its complete files in the inbox, files whose names no feed knows (to be refused), and files of the feed
    that an interrupted load left claimed.
    """
    settings = load_settings()
    contracts = load_contracts(settings)
    found = [*pending_files(settings, feed), *unknown_files(settings)]
    return [path.name for path in found] + [
        path.name for path in settings.processing.glob("*/*") if _is_interrupted(path) and is_of(path, feed, contracts)
    ]


def notice_unreadable(feed: str, told: set[str]) -> None:
    """Gives notice of the feed's files that this user may not read, and adds them to `told`: each is told once."""
    for path in unreadable_files(load_settings(), feed):
        if path.name not in told:
            told.add(path.name)
            notice(f"{path} {UNREADABLE}")


def _is_interrupted(path: Path) -> bool:
    try:
        return time.time() - path.parent.stat().st_mtime > INTERRUPTED_SECONDS
    except FileNotFoundError:
        return False
