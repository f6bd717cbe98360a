"""What was measured: one record a job, peer and size, kept in a JSON file that every finished job brings up to date."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RATIO, SECONDS, MEGABYTES = "ratio", "seconds", "megabytes"
# in place of a peer, where a job was measured alone
ITSELF = "–"


@dataclass(frozen=True)
class Record:
    """One comparison. `seconds` and `peer_seconds` are medians, `ratio` is the first by the second.

    `goal` is the most that the ratio may be, or the seconds or megabytes where `goal_unit` says so; None where there is
    none. Memory is the peak of a side's Python in megabytes; PostgreSQL's own is `server_mb`. `rows` says whether
    both published the same rows: equal, or what differs; None where there is nothing to compare. Details are medians of
    the parts.
    """

    job: str
    peer: str
    size: str
    seconds: float | None
    peer_seconds: float | None
    ratio: float | None
    goal: float | None
    goal_unit: str = RATIO
    python_mb: int | None = None
    peer_python_mb: int | None = None
    server_mb: int | None = None
    rows: str | None = None
    all_seconds: list[float] = field(default_factory=list)
    all_peer_seconds: list[float] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    peer_details: dict[str, Any] = field(default_factory=dict)
    environment: str = ""
    measured_at: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What a later run replaces."""
        return (self.job, self.peer, self.size)

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        value = {RATIO: self.ratio, SECONDS: self.seconds, MEGABYTES: self.python_mb}[self.goal_unit]
        return None if self.goal is None or value is None else value <= self.goal


class Results:
    """The records of all sizes; of a job that is not run again the earlier one stays."""

    def __init__(self, path: Path, environment: str) -> None:
        self.path = path
        self.environment = environment
        self._records: dict[tuple[str, str, str], Record] = {}
        if path.exists():
            for each in json.loads(path.read_text(encoding="utf-8")):
                record = Record(**each)
                self._records[record.key] = record

    @property
    def records(self) -> list[Record]:
        """All of them, in the order in which they were first measured."""
        return list(self._records.values())

    def find(self, job: str, peer: str, size: str) -> Record | None:
        """One record."""
        return self._records.get((job, peer, size))

    def add(self, records: Iterable[Record]) -> None:
        """Replaces what there was of the same job, peer and size, and writes the file."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        for record in records:
            # measured beside a peer at last: how long it took alone is no news
            self._records.pop((record.job, ITSELF, record.size), None)
            document = asdict(record) | {"environment": self.environment, "measured_at": now}
            self._records[record.key] = Record(**document)
        self.write()

    def write(self) -> None:
        """Writes the file whole or not at all."""
        unfinished = self.path.with_suffix(".unfinished")
        text = json.dumps([asdict(record) for record in self.records], indent=1, ensure_ascii=False)
        unfinished.write_text(text + "\n", encoding="utf-8")
        unfinished.replace(self.path)
