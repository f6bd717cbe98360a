"""Running jobs: each run in its own process from a fresh state, the sides in turns."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from include.warehouse.settings import REPOSITORY
from tests.benchmarks.compare import Comparison, compare, compare_lists, csv_to_parquet
from tests.benchmarks.data import Files
from tests.benchmarks.peers import peer_module
from tests.benchmarks.postgresql import Host
from tests.benchmarks.sizes import Size
from tests.benchmarks.worker import WAREHOUSE, Order, place_of

MEMORY_EVERY_SECONDS = 0.25


class RunFailedError(Exception):
    """A run ended with an error; the message holds its last words."""


@dataclass
class Measured:
    """All runs of one side of a job: seconds by part, bytes of its Python, bytes of the server."""

    parts: list[dict[str, float]] = field(default_factory=list)
    memory: int = 0
    server_memory: int = 0

    def seconds(self, part: str = "whole") -> float:
        """Median of the runs."""
        return statistics.median(run[part] for run in self.parts)

    def all_seconds(self, part: str = "whole") -> list[float]:
        """Every run."""
        return [run[part] for run in self.parts]


@dataclass
class Bench:
    """One size on one machine: its files, its server and the folder for everything else."""

    host: Host
    size: Size
    files: Files
    runs: int

    def warehouse_from(self, name: str, template: str | None = None) -> str:
        """A warehouse in a fresh state: empty, or as another one is."""
        self.host.copy(name, *([template] if template else []))
        return name

    def peer_from(self, name: str, template: str | None = None) -> str:
        """A peer's place in a fresh state: empty, or the files of another one."""
        folder = self.host.home / "peers" / name
        shutil.rmtree(folder, ignore_errors=True)
        if template:
            shutil.copytree(self.host.home / "peers" / template, folder)
        else:
            folder.mkdir(parents=True)
            self.host.create(name)
        return name

    def fresh(self, side: str, name: str, template: str | None = None) -> str:
        """A side's state, made anew."""
        make = self.warehouse_from if side == WAREHOUSE else self.peer_from
        return make(name, template)

    def drop(self, name: str) -> None:
        """Removes what `fresh` made."""
        self.host.drop(name)
        shutil.rmtree(self.host.home / "peers" / name, ignore_errors=True)

    def run(
        self,
        measured: Measured,
        side: str,
        action: str,
        place: str,
        files: list[Path] | None = None,
        **options: str,
    ) -> dict[str, float]:
        """Runs an action once, in its own process, and adds it to what was measured."""
        order = Order(str(self.host.home), side, action, place, [str(path) for path in files or []], options)
        self.host.settle()
        os.sync()
        with self._server_memory() as peak:
            answer = _worker(order)
        measured.parts.append(answer["parts"])
        measured.memory = max(measured.memory, answer["memory"])
        measured.server_memory = max(measured.server_memory, peak[0])
        return answer["parts"]

    def export(self, side: str, place: str, folder: Path) -> None:
        """Writes a side's published rows for the comparison."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if side == WAREHOUSE:
            from tests.benchmarks import warehouse  # noqa: PLC0415 - a worker of a peer imports this module too

            warehouse.export(self.host.warehouse(place), folder, csv_to_parquet)
        else:
            peer_module(side).export(place_of(self.host, place), folder)

    def compare_lists(self, folder: Path) -> str:
        """Whether the exported lists of both sides say the same."""
        return compare_lists(folder / "warehouse.csv", folder / "duckdb.csv")

    def compare(self, ours: str, side: str, theirs: str, *, only_rows: bool = False) -> Comparison:
        """Compares the warehouse `ours` with a peer's state `theirs`; `only_rows` leaves out the files' counts."""
        folder = self.host.home / "rows"
        self.export(WAREHOUSE, ours, folder / "ours")
        self.export(side, theirs, folder / side)
        found = compare(folder / "ours", folder / side, only_rows=only_rows)
        shutil.rmtree(folder)
        return found

    @contextmanager
    def _server_memory(self) -> Iterator[list[int]]:
        """Watches the server while something runs; the list's one cell is the most it held."""
        peak, is_over = [0], threading.Event()

        def watch() -> None:
            while not is_over.wait(MEMORY_EVERY_SECONDS):
                peak[0] = max(peak[0], self.host.memory())

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield peak
        finally:
            is_over.set()
            watcher.join()


def _worker(order: Order) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.worker", order.as_json()],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip()[-2000:] or f"ended with status {done.returncode}; -9 is often for want of memory"
        raise RunFailedError(f"{order.side}, {order.action}: {said}")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))
