"""A world: what happens to a warehouse, in order. Anything with the oracle's verbs can play it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from .files import ReceivedFile
from .rules import RuleSet


class Warehouse(Protocol):
    """The verbs that a world needs; the oracle has them."""

    def load(self, file: ReceivedFile, approved: bool = False) -> object: ...

    def approve(self, name: str) -> object: ...

    def discard(self, name: str) -> object: ...

    def activate(self, rule_set: RuleSet, from_month: date) -> None: ...

    def publish(self, recut: bool = False, recut_from: date | None = None) -> None: ...


@dataclass(frozen=True)
class Arrival:
    """A file is given to the warehouse; `approved` says that it may withdraw as much as it likes."""

    file: ReceivedFile
    approved: bool = True

    def happen(self, warehouse: Warehouse) -> None:
        warehouse.load(self.file, approved=self.approved)


@dataclass(frozen=True)
class Verdict:
    """Somebody decides about a file that is held at this moment."""

    name: str
    is_approved: bool

    def happen(self, warehouse: Warehouse) -> None:
        if self.is_approved:
            warehouse.approve(self.name)
        else:
            warehouse.discard(self.name)


@dataclass(frozen=True)
class Activation:
    """A rule set is to decide the months from one on; published ones only when they are restated."""

    rule_set: RuleSet
    from_month: date

    def happen(self, warehouse: Warehouse) -> None:
        warehouse.activate(self.rule_set, self.from_month)


@dataclass(frozen=True)
class Publication:
    """A refresh, which may compute cut points anew."""

    recut: bool = False
    recut_from: date | None = None

    def happen(self, warehouse: Warehouse) -> None:
        warehouse.publish(recut=self.recut, recut_from=self.recut_from)


Event = Arrival | Verdict | Activation | Publication


@dataclass(frozen=True)
class World:
    """Events in their order; the last one is a publication."""

    events: tuple[Event, ...]

    def play(self, warehouse: Warehouse) -> None:
        """Let all events happen."""
        for event in self.events:
            event.happen(warehouse)

    def publications(self, warehouse: Warehouse) -> Iterator[Publication]:
        """Let all events happen, with a stop after every publication for a look at the results."""
        for event in self.events:
            event.happen(warehouse)
            if isinstance(event, Publication):
                yield event

    def accepted_files(self) -> World:
        """The same files and verdicts with one publication at the end."""
        return World((*(event for event in self.events if not isinstance(event, Publication)), Publication()))
