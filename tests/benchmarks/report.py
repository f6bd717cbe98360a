"""docs/benchmarks.md from the records."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tests.benchmarks import goals
from tests.benchmarks.goals import goal_for
from tests.benchmarks.results import ITSELF, MEGABYTES, SECONDS, Record, Results
from tests.benchmarks.sizes import SIZES

HEAD = """# Benchmarks

Written by `make bench`; the records are in [benchmarks.json](benchmarks.json), what is measured and how is in
[decisions/017_benchmarks.md](decisions/017_benchmarks.md). Seconds are medians of all runs, in brackets fastest
and slowest; the sides took turns, each run in a process of its own from a fresh state. A ratio is this warehouse by the
other: below 1 it is the quicker one. Process start and imports are not counted on any side. "Rows" says whether both
published the same: every column of every customer and month, and what became of every line.
"""
CSV_JOBS = (
    goals.WHOLE,
    goals.NEW_MONTH,
    goals.ONE_BYTE,
    goals.CORRECTION,
    goals.RECUT,
    *(goals.csv_job(rows) for rows in (10_000, 100_000, 1_000_000)),
)


def derived(results: Results) -> list[Record]:
    """Records that follow from others: growth from S to L, and the most memory of Python."""
    found = []
    small, large = _whole(results, "S"), _whole(results, "L")
    # two machines say nothing about growth: then the earlier record stays
    if small and large and small.seconds and large.seconds and small.environment == large.environment:
        goal, unit = goal_for(goals.GROWTH, ITSELF, "L")
        found.append(
            Record(
                job=goals.GROWTH,
                peer=ITSELF,
                size="L",
                seconds=large.seconds,
                peer_seconds=small.seconds,
                ratio=round(large.seconds / small.seconds, 3),
                goal=goal,
                goal_unit=unit,
                details={"lines": SIZES["L"].lines / SIZES["S"].lines},
            )
        )
    for size in SIZES:
        peaks = {
            record.job: record.python_mb
            for record in results.records
            if record.size == size and record.job in CSV_JOBS and record.python_mb
        }
        if peaks:
            goal, unit = goal_for(goals.MEMORY, ITSELF, size)
            most = max(peaks.values())
            found.append(
                Record(
                    job=goals.MEMORY,
                    peer=ITSELF,
                    size=size,
                    seconds=None,
                    peer_seconds=None,
                    ratio=None,
                    goal=goal,
                    goal_unit=unit,
                    python_mb=most,
                    details=peaks,
                )
            )
    return found


def _whole(results: Results, size: str) -> Record | None:
    for peer in (goals.DUCKDB, ITSELF):
        if record := results.find(goals.WHOLE, peer, size):
            return record
    return None


def write(results: Results, path: Path) -> None:
    """Writes the page beside the records."""
    parts = [HEAD]
    for size in ("–", *SIZES):
        records = [record for record in results.records if record.size == size]
        if records:
            parts += [_title(size), _table(records), *_parts_of_the_build(records)]
    parts.append(_environments(results.records))
    path.write_text("\n".join(parts), encoding="utf-8")


def _title(size: str) -> str:
    if size == "–":
        return "## Independent of size\n"
    found = SIZES[size]
    return f"## Size {size}: {found.customers:,} customers, {found.lines:,} lines, {found.months} months, 3 % dirt\n"


def _table(records: Iterable[Record]) -> str:
    lines = [
        "| job | here, s | beside | its s | ratio | goal | | Python, MB | PostgreSQL, MB | its Python, MB | rows |",
        "|---|--:|---|--:|--:|--:|---|--:|--:|--:|---|",
    ]
    for record in sorted(records, key=_position):
        lines.append(
            "| "
            + " | ".join(
                [
                    record.job,
                    _seconds(record.seconds, record.all_seconds),
                    record.peer,
                    _seconds(record.peer_seconds, record.all_peer_seconds),
                    "" if record.ratio is None else f"**{record.ratio:.2f}**",
                    _goal(record),
                    {None: "", True: "met", False: "missed"}[record.is_met],
                    _number(record.python_mb),
                    _number(record.server_mb),
                    _number(record.peer_python_mb),
                    _rows(record),
                ]
            )
            + " |"
        )
    return "\n".join(lines) + "\n"


ORDER = (
    goals.WHOLE,
    goals.LOAD,
    goals.MONTHS,
    goals.GATE,
    goals.NEW_MONTH,
    goals.ONE_BYTE,
    goals.CORRECTION,
    goals.RECUT,
    goals.FIRST_PAINT,
    goals.FILTERS,
)


def _position(record: Record) -> tuple[int, str]:
    return (ORDER.index(record.job) if record.job in ORDER else len(ORDER), record.job)


def _seconds(median: float | None, runs: list[float]) -> str:
    if median is None:
        return ""
    shown = f"{median:.3f}" if median < 1 else f"{median:.2f}" if median < 100 else f"{median:.0f}"
    return f"{shown} ({min(runs):.2f} – {max(runs):.2f})" if len(runs) > 1 else shown


def _goal(record: Record) -> str:
    if record.goal is None:
        return ""
    if record.goal_unit == SECONDS:
        return f"{record.goal:g} s"
    return f"{record.goal:g} MB" if record.goal_unit == MEGABYTES else f"{record.goal:g}"


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _rows(record: Record) -> str:
    if record.rows in (None, "equal"):
        return record.rows or ""
    return f"**ROWS DIFFER** {record.rows}"


def _parts_of_the_build(records: list[Record]) -> list[str]:
    """Where the time of the whole build goes."""
    build = next((record for record in records if record.job == goals.WHOLE and record.details), None)
    if build is None or not build.seconds:
        return []
    shares = [
        f"{part} {seconds:.2f} s ({100 * seconds / build.seconds:.0f} %)" for part, seconds in build.details.items()
    ]
    return [f"The whole build's parts: {', '.join(shares)}.\n"]


def _environments(records: list[Record]) -> str:
    lines = ["## Machines and versions\n"]
    by_environment: dict[str, set[str]] = {}
    for record in records:
        by_environment.setdefault(record.environment, set()).add(f"{record.size} on {record.measured_at[:10]}")
    for environment, measured in sorted(by_environment.items()):
        lines.append(f"* {environment} ({', '.join(sorted(measured))})")
    return "\n".join(lines) + "\n"


def add_derived(results: Results) -> None:
    """Brings derived records up to date with those they follow from."""
    results.add([replace(record) for record in derived(results)])
