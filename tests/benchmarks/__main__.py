"""The benchmark: every job for this warehouse and for each peer, and the report. `make bench`, or with options:

python -m tests.benchmarks --size S --jobs whole month --peers duckdb --runs 3 --output docs/benchmarks
"""

import argparse
import shutil
import signal
import sys
import time
from pathlib import Path

from include.warehouse.settings import REPOSITORY
from tests.benchmarks import machine, report
from tests.benchmarks.data import VARIANTS, generate
from tests.benchmarks.jobs import BY_DEFAULT, JOBS, Session
from tests.benchmarks.peers import BY_DEFAULT as PEERS_BY_DEFAULT
from tests.benchmarks.peers import PEERS
from tests.benchmarks.postgresql import Host
from tests.benchmarks.results import Record, Results
from tests.benchmarks.runs import Bench, RunFailedError
from tests.benchmarks.sizes import SIZES

QUIET = 1.0


def main() -> int:
    """Runs what was asked for; 1 where rows differ or a job failed, 0 otherwise (a missed goal is no error)."""
    asked = _arguments()
    # as Ctrl-C: the server is stopped and the databases go
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    size = SIZES[asked.size]
    home = asked.home.resolve()
    started = time.monotonic()
    _say(f"size {size.name}: {size.customers:,} customers, {size.lines:,} lines, {size.months} months")
    if machine.busy() > QUIET:
        _say(
            f"!!! this machine is busy (load {machine.busy():.1f}): the figures will say more about that than about us"
        )
    files = generate(home, size)
    host = Host(home)
    host.start()
    try:
        results = Results(asked.output.with_suffix(".json"), machine.describe(host.version()))
        session = Session(Bench(host, size, files, asked.runs), asked.peers, results, _say)
        measured: list[Record] = []
        failed: list[str] = []
        for name in asked.jobs:
            _say(f"{name} ({time.monotonic() - started:.0f} s since the start)")
            try:
                for record in JOBS[name](session):
                    measured.append(record)
                    results.add([record])
                    report.add_derived(results)
                    report.write(results, asked.output.with_suffix(".md"))
            except RunFailedError as error:
                _say(f"!!! {name} FAILED: {error}")
                failed.append(name)
    finally:
        host.stop()
        if not asked.keep:
            for folder in ("server", "homes", "peers", "rows", "exports"):
                shutil.rmtree(home / folder, ignore_errors=True)
    for record in measured:
        _say(_line(record))
    differing = [record for record in measured if record.rows not in (None, "equal")]
    for record in differing:
        _say(f"!!! ROWS DIFFER: {record.job}, {record.peer}: {record.rows}")
    _say(f"{asked.output}.md and .json after {time.monotonic() - started:.0f} s")
    for name in failed:
        _say(f"!!! {name} FAILED; its records are those of an earlier run, if there are any")
    return 1 if differing or failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, default="S", help="default: S")
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(BY_DEFAULT), help=f"default: {BY_DEFAULT}")
    parser.add_argument(
        "--peers", nargs="*", choices=PEERS, default=list(PEERS_BY_DEFAULT), help=f"default: {PEERS_BY_DEFAULT}"
    )
    parser.add_argument("--runs", type=int, choices=range(1, VARIANTS + 1), default=3, help="of each job; default: 3")
    parser.add_argument(
        "--output", type=Path, default=REPOSITORY / "docs" / "benchmarks", help="the report, without .md and .json"
    )
    parser.add_argument(
        "--home", type=Path, default=REPOSITORY / ".warehouse" / "benchmark", help="files and databases while it runs"
    )
    parser.add_argument("--keep", action="store_true", help="leave the databases where they are")
    return parser.parse_args()


def _line(record: Record) -> str:
    parts = [f"{record.job}, {record.size}:"]
    if record.seconds is not None:
        parts.append(f"{record.seconds:.3f} s")
    if record.python_mb and record.seconds is None:
        parts.append(f"{record.python_mb} MB")
    if record.ratio is not None:
        parts.append(f"= {record.ratio:.2f} x {record.peer}")
    if record.is_met is not None:
        parts.append(f"(goal {record.goal:g} {record.goal_unit}: {'met' if record.is_met else 'missed'})")
    return " ".join(parts)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
