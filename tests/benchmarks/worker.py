"""Runs one job once, in a process of its own, so that its peak of memory is its own.

The order comes as JSON on the command line; the last line of the output is JSON too: seconds by part, peak memory.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from tests.benchmarks.peers import Place, peer_module
from tests.benchmarks.postgresql import Host, peak_memory

WAREHOUSE = "warehouse"
Work = Callable[[], dict[str, float]]


@dataclass(frozen=True)
class Order:
    """What to do: `side` is the warehouse or a peer, `action` what it does, `place` the name of its state."""

    home: str
    side: str
    action: str
    place: str
    files: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> str:
        """For the command line."""
        return json.dumps(asdict(self))


def place_of(host: Host, name: str) -> Place:
    """Folder and database of a peer's state."""
    url = host.url(name).set(drivername="postgresql").render_as_string(hide_password=False)
    return Place(host.home / "peers" / name, url)


def prepared(order: Order) -> Work:
    """Everything that comes before the clock starts; gives what is measured."""
    host = Host(Path(order.home))
    files = [Path(name) for name in order.files]
    if order.side == WAREHOUSE:
        return _prepared_warehouse(host, order, files)
    module = peer_module(order.side)
    place = place_of(host, order.place)
    options = {name: date.fromisoformat(value) for name, value in order.options.items()}
    return lambda: getattr(module, order.action)(files, place, **options)


def _prepared_warehouse(host: Host, order: Order, files: list[Path]) -> Work:
    from tests.benchmarks import warehouse  # noqa: PLC0415 - a peer's memory should not hold it

    settings = host.warehouse(order.place)
    if order.action in ("build", "arrive", "recut", "load_only"):
        warehouse.receive(settings, files)
    if order.action in ("build", "arrive"):
        return lambda: warehouse.publish(settings)
    if order.action == "recut":
        from_month = date.fromisoformat(order.options["from_month"])
        return lambda: warehouse.publish(settings, from_month=from_month, recut=True)
    if order.action == "load_only":
        return lambda: warehouse.load_only(settings)
    raise ValueError(f"the warehouse has no action {order.action}")


def main() -> None:
    """Prepares, runs, and says what it took."""
    order = Order(**json.loads(sys.argv[1]))
    work = prepared(order)
    parts = work()
    print(json.dumps({"parts": parts, "memory": peak_memory()}))


if __name__ == "__main__":
    main()
