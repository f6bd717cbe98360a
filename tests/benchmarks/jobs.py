"""The jobs: what is run on which state, by whom, and which records come of it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from include.warehouse.settings import REPOSITORY
from tests.benchmarks import goals
from tests.benchmarks.data import CORRECTED_MONTH, generate
from tests.benchmarks.goals import goal_for
from tests.benchmarks.peers import peer_module
from tests.benchmarks.results import ITSELF, Record, Results
from tests.benchmarks.runs import Bench, Measured
from tests.benchmarks.sizes import SIZES, TENTH, Size
from tests.benchmarks.worker import WAREHOUSE

DUCKDB = "duckdb"
BASE, BASE_DUCKDB = "base", "base_duckdb"  # published, three whole years
MOST_PEER_SECONDS = 300
MEGABYTE = 1024 * 1024
EXPORTED_ROWS = {"XS": (10_000,), TENTH: (10_000,), "S": (100_000,), "L": (100_000, 1_000_000)}
MOST_XLSX_ROWS = 100_000
SIZES_WITH_TENTH = ("S", "L")


@dataclass
class Session:
    """One invocation: the bench of its size, the peers it was asked for, and where results go."""

    bench: Bench
    peers: list[str]
    results: Results
    say: Callable[[str], None]
    has_base: bool = False

    @property
    def has_duckdb(self) -> bool:
        """Whether DuckDB is to be measured too."""
        return DUCKDB in self.peers

    def run(self, measured: Measured, side: str, action: str, place: str, *files: Path, **options: str) -> None:
        """Runs an action once and says how long it took."""
        parts = self.bench.run(measured, side, action, place, list(files), **options)
        name = side if side == WAREHOUSE else peer_module(side).NAME
        # the dashboard's parts are its queries, dozens of them
        shown = ", ".join(
            f"{part} {seconds:.4g}" for part, seconds in parts.items() if part != "whole" and ":" not in part
        )
        self.say(f"  {name}: {action} {parts['whole']:.2f} s{f' ({shown})' if shown else ''}")

    def compare(self, ours: str, side: str, theirs: str, *, only_rows: bool = False) -> str:
        """Whether the rows of both sides are equal, in words; loud where they are not."""
        found = self.bench.compare(ours, side, theirs, only_rows=only_rows)
        if found.is_equal:
            self.say(f"  {peer_module(side).NAME}: {found.rows:,} rows are equal")
            return "equal"
        self.say(f"  !!! ROWS DIFFER from {peer_module(side).NAME}:")
        for difference in found.differences:
            self.say(f"  !!!   {difference}")
        return "differ: " + "; ".join(found.differences)


def record(
    job: str,
    peer: str,
    size: str,
    ours: Measured,
    theirs: Measured | None = None,
    *,
    part: str = "whole",
    peer_part: str | None = None,
    rows: str | None = None,
) -> Record:
    """The record of one comparison of a part of two sides' runs."""
    seconds = ours.seconds(part)
    peer_seconds = theirs.seconds(peer_part or part) if theirs else None
    goal, unit = goal_for(job, peer, size)
    details, peer_details = (
        {name: round(side.seconds(name), 3) for name in side.parts[0] if name != "whole"} if side else {}
        for side in (ours, theirs)
    )
    return Record(
        job=job,
        peer=peer,
        size=size,
        seconds=round(seconds, 4),
        peer_seconds=None if peer_seconds is None else round(peer_seconds, 4),
        ratio=None if peer_seconds is None else round(seconds / peer_seconds, 4),
        goal=goal,
        goal_unit=unit,
        python_mb=round(ours.memory / MEGABYTE) or None,
        peer_python_mb=(round(theirs.memory / MEGABYTE) or None) if theirs and theirs is not ours else None,
        server_mb=round(ours.server_memory / MEGABYTE) or None,
        rows=rows,
        all_seconds=[round(each, 3) for each in ours.all_seconds(part)],
        all_peer_seconds=[round(each, 3) for each in theirs.all_seconds(peer_part or part)] if theirs else [],
        details=details if part == "whole" else {},
        peer_details=peer_details if part == "whole" else {},
    )


def whole_build(session: Session) -> Iterator[Record]:
    """Files to 36 published months, beside every peer."""
    here, elsewhere = _by_size(session)
    if elsewhere:
        tenth = SIZES[TENTH]
        session.say(f"at {TENTH}, for they are slow: {', '.join(elsewhere)}")
        bench = replace(session.bench, size=tenth, files=generate(session.bench.host.home, tenth))
        yield from _whole_build(replace(session, bench=bench), elsewhere)
    # last, since the other jobs go on from what it leaves
    yield from _whole_build(session, here)


def _by_size(session: Session) -> tuple[list[str], list[str]]:
    """The peers to be measured at this size, and those that are too slow for it: these are measured at a tenth of S."""
    size = session.bench.size
    if size.name not in SIZES_WITH_TENTH:
        return session.peers, []
    here, slow = [], []
    for peer in session.peers:
        is_slow = peer != DUCKDB and _seconds_at_least(session, peer) > MOST_PEER_SECONDS
        (slow if is_slow else here).append(peer)
    # beside L nothing is measured that was too slow for S
    return here, slow if size.name == "S" else []


def _seconds_at_least(session: Session, peer: str) -> float:
    """What a peer would take at this size if its time grew with the lines alone, from a run on few lines."""
    small, name = SIZES["XS"], peer_module(peer).NAME
    known = session.results.find(goals.WHOLE, name, small.name)
    seconds = known.peer_seconds if known and known.peer_seconds else _try(session, peer, small)
    return seconds * session.bench.size.lines / small.lines


def _try(session: Session, peer: str, size: Size) -> float:
    session.say(f"how long {peer_module(peer).NAME} takes for {size.lines:,} lines")
    bench = replace(session.bench, size=size, files=generate(session.bench.host.home, size))
    tried = Measured()
    place = bench.fresh(peer, "tried")
    replace(session, bench=bench).run(tried, peer, "build", place, *bench.files.everything)
    bench.drop("tried")
    return tried.seconds()


def _whole_build(session: Session, peers: list[str]) -> Iterator[Record]:
    bench, size = session.bench, session.bench.size.name
    ours = Measured()
    theirs = {peer: Measured() for peer in peers}
    rows: dict[str, str] = {}
    for number in range(bench.runs):
        is_first = number == 0
        place = bench.fresh(WAREHOUSE, BASE if is_first else "run")
        session.run(ours, WAREHOUSE, "build", place, *bench.files.everything)
        if not is_first:
            bench.drop(place)
        for peer in peers:
            place = bench.fresh(peer, f"base_{peer}")
            session.run(theirs[peer], peer, "build", place, *bench.files.everything)
            if is_first:
                rows[peer] = session.compare(BASE, peer, place)
            if peer != DUCKDB:
                bench.drop(place)
    session.has_base = True
    yield record(goals.GATE, goals.WHOLE, size, ours, ours, part="gate", peer_part="whole")
    for peer in peers:
        name = peer_module(peer).NAME
        yield record(goals.WHOLE, name, size, ours, theirs[peer], rows=rows[peer])
        yield record(goals.LOAD, name, size, ours, theirs[peer], part="load", rows=rows[peer])
        yield record(goals.MONTHS, name, size, ours, theirs[peer], part="months", rows=rows[peer])
    if not peers:
        yield record(goals.WHOLE, ITSELF, size, ours)


def new_month(session: Session) -> Iterator[Record]:
    """The year's file again, with one month more, on what was published a month ago."""
    bench, size = session.bench, session.bench.size.name
    # at L three databases would be too much for many a disk
    session.has_base = False
    bench.drop(BASE)
    bench.drop(BASE_DUCKDB)
    _build_once(session, WAREHOUSE, "eleven", bench.files.eleven_months)
    if session.has_duckdb:
        _build_once(session, DUCKDB, "eleven_duckdb", bench.files.eleven_months)
    ours, theirs, rows = Measured(), Measured(), None
    for number in range(bench.runs):
        bench.fresh(WAREHOUSE, "run", "eleven")
        session.run(ours, WAREHOUSE, "arrive", "run", bench.files.years[-1])
        if session.has_duckdb:
            bench.fresh(DUCKDB, "run_duckdb", "eleven_duckdb")
            session.run(theirs, DUCKDB, "arrive", "run_duckdb", bench.files.years[-1])
            if number == 0:
                rows = session.compare("run", DUCKDB, "run_duckdb", only_rows=True)
    for name in ("run", "run_duckdb", "eleven", "eleven_duckdb"):
        bench.drop(name)
    yield from _beside_whole_build(session, goals.NEW_MONTH, ours)
    if session.has_duckdb:
        yield record(goals.NEW_MONTH, goals.DUCKDB, size, ours, theirs, rows=rows)


def one_byte(session: Session) -> Iterator[Record]:
    """The last year's file with one byte changed in an old line, beside loading that file from nothing."""
    bench, size = session.bench, session.bench.size.name
    _need_base(session)
    again, from_nothing, theirs = Measured(), Measured(), Measured()
    bench.fresh(WAREHOUSE, "masters")
    session.run(Measured(), WAREHOUSE, "load_only", "masters", *bench.files.masters)
    for number in range(bench.runs):
        bench.fresh(WAREHOUSE, "run", "masters")
        session.run(from_nothing, WAREHOUSE, "load_only", "run", bench.files.years[-1])
        session.run(again, WAREHOUSE, "load_only", BASE, bench.files.one_byte_changed(number))
        if session.has_duckdb:
            session.run(theirs, DUCKDB, "load_only", BASE_DUCKDB, bench.files.one_byte_changed(number))
    bench.drop("run")
    bench.drop("masters")
    # back to what it was, so that the next job does not publish this change with its own
    session.run(Measured(), WAREHOUSE, "arrive", BASE, bench.files.years[-1])
    rows = None
    if session.has_duckdb:
        session.run(Measured(), DUCKDB, "arrive", BASE_DUCKDB, bench.files.years[-1])
        rows = session.compare(BASE, DUCKDB, BASE_DUCKDB, only_rows=True)
    yield record(goals.ONE_BYTE, goals.YEAR_FROM_NOTHING, size, again, from_nothing)
    if session.has_duckdb:
        yield record(goals.ONE_BYTE, goals.DUCKDB, size, again, theirs, rows=rows)


def correction(session: Session) -> Iterator[Record]:
    """A delta with lines of 1,000 customers of a month long published; its cut points stay."""
    bench, size = session.bench, session.bench.size.name
    _need_base(session)
    ours, theirs, rows = Measured(), Measured(), None
    for number in range(bench.runs):
        session.run(ours, WAREHOUSE, "arrive", BASE, bench.files.correction(number))
        if session.has_duckdb:
            session.run(theirs, DUCKDB, "arrive", BASE_DUCKDB, bench.files.correction(number))
    if session.has_duckdb:
        rows = session.compare(BASE, DUCKDB, BASE_DUCKDB, only_rows=True)
    yield from _beside_whole_build(session, goals.CORRECTION, ours)
    if session.has_duckdb:
        yield record(goals.CORRECTION, goals.DUCKDB, size, ours, theirs, rows=rows)


def recut(session: Session) -> Iterator[Record]:
    """The same delta, and the cut points of all months since computed anew."""
    bench, size = session.bench, session.bench.size.name
    _need_base(session)
    ours, theirs, rows = Measured(), Measured(), None
    from_month = CORRECTED_MONTH.isoformat()
    for number in range(bench.runs):
        # the variants start where those of `correction` ended, or bytes in force would be skipped
        path = bench.files.correction(number + bench.runs)
        session.run(ours, WAREHOUSE, "recut", BASE, path, from_month=from_month)
        if session.has_duckdb:
            session.run(theirs, DUCKDB, "recut", BASE_DUCKDB, path, from_month=from_month)
    if session.has_duckdb:
        rows = session.compare(BASE, DUCKDB, BASE_DUCKDB, only_rows=True)
        yield record(goals.RECUT, goals.DUCKDB, size, ours, theirs, rows=rows)
    yield from _beside_whole_build(session, goals.RECUT, ours)


def _beside_whole_build(session: Session, job: str, ours: Measured) -> Iterator[Record]:
    """The record beside the whole build of the same size, where that has been measured on this machine."""
    size = session.bench.size.name
    made = record(job, goals.WHOLE, size, ours)
    for peer in (goals.DUCKDB, ITSELF):
        whole = session.results.find(goals.WHOLE, peer, size)
        if whole and whole.seconds and whole.environment == session.results.environment:
            ratio = round(made.seconds / whole.seconds, 4) if made.seconds else None
            made = replace(made, peer_seconds=whole.seconds, ratio=ratio, all_peer_seconds=whole.all_seconds)
            break
    yield made


def _need_base(session: Session) -> None:
    """The published state that corrections and exports start from; made where no whole build came before."""
    if session.has_base:
        return
    _build_once(session, WAREHOUSE, BASE, session.bench.files.everything)
    if session.has_duckdb:
        _build_once(session, DUCKDB, BASE_DUCKDB, session.bench.files.everything)
    session.has_base = True


def _build_once(session: Session, side: str, place: str, files: list[Path]) -> None:
    session.bench.fresh(side, place)
    session.run(Measured(), side, "build", place, *files)


def dashboard(session: Session) -> Iterator[Record]:
    """The queries behind the pages, as `dashboard_queries` measures them."""
    size = session.bench.size.name
    _need_base(session)
    measured = Measured()
    session.run(measured, WAREHOUSE, "dashboard", BASE)
    parts = measured.parts[0]
    for job, part in ((goals.FIRST_PAINT, "paint"), (goals.FILTERS, "filter")):
        made = record(job, ITSELF, size, measured, part=part)
        slowest = {name: value for name, value in parts.items() if name.startswith(f"{part} ")}
        yield replace(made, details=dict(sorted(slowest.items(), key=lambda item: -item[1])[:5]))


def exports(session: Session) -> Iterator[Record]:
    """Customer lists as CSV beside DuckDB's COPY, and as Excel beside XlsxWriter alone."""
    bench, size = session.bench, session.bench.size
    _need_base(session)
    for rows in EXPORTED_ROWS[size.name]:
        csv, duckdb_csv = Measured(), Measured()
        xlsx, xlsxwriter = Measured(), Measured()
        target = str(bench.host.home / "exports")
        equal = None
        for number in range(bench.runs):
            session.run(csv, WAREHOUSE, "csv", BASE, rows=str(rows), folder=target)
            if session.has_duckdb:
                session.run(duckdb_csv, DUCKDB, "csv", BASE_DUCKDB, rows=str(rows), folder=target)
                if number == 0:
                    equal = bench.compare_lists(Path(target))
                    session.say(f"  the two lists: {equal}")
            if rows <= MOST_XLSX_ROWS:
                session.run(xlsx, WAREHOUSE, "xlsx", BASE, rows=str(rows), folder=target)
                session.run(xlsxwriter, WAREHOUSE, "xlsxwriter", BASE, rows=str(rows), folder=target)
        if session.has_duckdb:
            yield record(goals.csv_job(rows), goals.DUCKDB, size.name, csv, duckdb_csv, rows=equal)
        else:
            yield record(goals.csv_job(rows), ITSELF, size.name, csv)
        if xlsx.parts:
            yield record(goals.xlsx_job(rows), goals.XLSXWRITER, size.name, xlsx, xlsxwriter)


def airflow(session: Session) -> Iterator[Record]:
    """Airflow's own share, as `airflow_latency` measures it on a small warehouse of its own."""
    session.say("  Airflow starts, and five files arrive one after the other: some minutes")
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.airflow_latency"],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=True,
    )
    found = json.loads(done.stdout.strip().splitlines()[-1])
    goal, unit = goal_for(goals.AIRFLOW, ITSELF, "")
    yield Record(
        job=goals.AIRFLOW,
        peer=ITSELF,
        size="–",
        seconds=found["airflow_seconds"],
        peer_seconds=None,
        ratio=None,
        goal=goal,
        goal_unit=unit,
        details={"arrival to publication": found["seconds"], "own steps": found["own_seconds"]},
    )


def excel_sheet(session: Session) -> Iterator[Record]:
    """A sheet as full as Excel allows (at XS a small one), into a warehouse that knows the masters."""
    bench = session.bench
    measured = Measured()
    bench.fresh(WAREHOUSE, "run")
    session.run(Measured(), WAREHOUSE, "load_only", "run", *bench.files.masters)
    session.run(measured, WAREHOUSE, "load_only", "run", bench.files.excel_sheet())
    bench.drop("run")
    yield record(goals.EXCEL_SHEET, ITSELF, bench.size.name, measured)


JOBS: dict[str, Callable[[Session], Iterator[Record]]] = {
    "whole": whole_build,
    "exports": exports,
    "dashboard": dashboard,
    "byte": one_byte,
    "correction": correction,
    "recut": recut,
    "month": new_month,
    "excel": excel_sheet,
    "airflow": airflow,
}
BY_DEFAULT = ("whole", "exports", "dashboard", "byte", "correction", "recut", "month")
"""Without `excel` and `airflow`, which take minutes of their own."""
