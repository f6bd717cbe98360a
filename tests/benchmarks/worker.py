"""Runs one job once, in a process of its own, so that its peak of memory is its own.

The order comes as JSON on the command line; the last line of the output is JSON too: seconds by part, peak memory.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from include.warehouse.settings import Settings
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
    return lambda: getattr(module, order.action)(files, place, **order.options)


def _prepared_warehouse(host: Host, order: Order, files: list[Path]) -> Work:
    from tests.benchmarks import warehouse  # noqa: PLC0415 - a peer's memory should not hold it

    settings = host.warehouse(order.place)
    if order.action == "dashboard":
        return _prepared_dashboard(settings)
    if order.action in ("csv", "xlsx", "xlsxwriter"):
        from tests.benchmarks import exports  # noqa: PLC0415

        rows, folder = int(order.options["rows"]), Path(order.options["folder"])
        if order.action == "xlsxwriter":
            return exports.write_with_xlsxwriter(settings, rows, folder)
        return exports.write(settings, rows, folder, order.action)
    warehouse.receive(settings, files)
    if order.action == "load_only":
        return lambda: warehouse.load_only(settings)
    if order.action == "recut":
        from_month = date.fromisoformat(order.options["from_month"])
        return lambda: warehouse.publish(settings, from_month=from_month, recut=True)
    return lambda: warehouse.publish(settings)


def _prepared_dashboard(settings: Settings) -> Work:
    """The queries of the pages; the dashboard reads its settings from the environment."""
    os.environ |= {"WAREHOUSE_HOME": str(settings.home), "WAREHOUSE_URL": str(settings.url)}
    from tests.benchmarks import dashboard_queries  # noqa: PLC0415 - reads the environment

    def work() -> dict[str, float]:
        started = time.perf_counter()
        found = dashboard_queries.measure(settings)
        whole = {"whole": time.perf_counter() - started}
        parts = {}
        for row in found:
            is_paint = row["kind"] == "paint" and row["page"] in ("overview", "movements", "rfmt", "every page")
            is_filter = row["kind"] == "filter" and row["page"] == "customers"
            if is_paint or is_filter:
                parts[f"{row['kind']} {row['page']}: {row['query'].split(': ', 1)[1]}"] = row["p95_ms"] / 1000
        slowest = {
            kind: max(seconds for name, seconds in parts.items() if name.startswith(f"{kind} "))
            for kind in ("paint", "filter")
        }
        return whole | slowest | parts

    return work


def main() -> None:
    """Prepares, runs, and says what it took."""
    order = Order(**json.loads(sys.argv[1]))
    work = prepared(order)
    parts = work()
    print(json.dumps({"parts": parts, "memory": peak_memory()}))


if __name__ == "__main__":
    main()
