"""`make run`: everything comes up, publishes what arrived, says who ended, leaves nothing behind and resumes."""

import io
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from rich.console import Console
from sqlalchemy import text

from include.warehouse import server
from include.warehouse.child_processes import ChildEndedError, ChildProcesses
from include.warehouse.database import connect, engine
from include.warehouse.errors import InputError
from include.warehouse.sample import write_sample
from include.warehouse.settings import REPOSITORY, Settings
from include.warehouse.stack import Stack, drop_sample
from include.warehouse.stack_watch import Outcome

LEAVES_A_GRANDCHILD = (
    "import os, time; grandchild = os.fork();"
    " grandchild or (os.setpgid(0, 0), open('{ready}', 'w').write(str(os.getpid()))); time.sleep(600)"
)


class Run:
    """`make run` in a process of its own, what it says, and how it ends."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.output = home.parent / f"run-{time.monotonic_ns()}.log"
        environment = os.environ | {"WAREHOUSE_HOME": str(home), "PYTHONPATH": str(REPOSITORY)}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "include.warehouse.stack", *arguments],
                env=environment,
                cwd=REPOSITORY,
                stdout=output,
                stderr=output,
            )

    @property
    def said(self) -> str:
        """All it has said so far."""
        return self.output.read_text()

    def wait_until_said(self, words: str, seconds: float) -> None:
        """Waits for words."""
        deadline = time.monotonic() + seconds
        while words not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.2)

    def ended(self, seconds: float) -> int:
        """Waits for the end; gives the status."""
        return self.process.wait(timeout=seconds)


@pytest.fixture
def home(warehouse: Settings) -> Iterator[Path]:
    """A home that the embedded server may enter; what a failed test leaves running there is ended."""
    folder = Path(tempfile.mkdtemp(dir=warehouse.home)) / "home"
    yield folder
    settings = Settings(home=folder, url=None, contracts=warehouse.contracts)
    ChildProcesses(folder, settings.logs).end_left_over()
    server.stop(settings)


def still_running(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that did not end."""
    return [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def files_and_publications(settings: Settings) -> list[tuple[object, ...]]:
    with connect(settings) as connection:
        statement = (
            "select file_name, status, rows_received, rows_loaded from ops.file union all"
            " select 'publication', status, run_id, null from ops.run where status = 'published' order by 1, 3"
        )
        return [tuple(row) for row in connection.execute(text(statement))]


def test_the_stack_publishes_resumes_and_names_who_ended(home: Path, warehouse: Settings) -> None:
    settings = Settings(home=home, url=None, contracts=warehouse.contracts)
    write_sample(settings.inbox, customers=300, months=14, seed=3)
    # they stay there, and nobody waits for them
    for name in (".DS_Store", "sales_2030.csv.part", "sales_2031.csv.ready"):
        (settings.inbox / name).touch()

    first = Run(home, "--once")
    assert first.ended(400) == 0, first.said
    assert "Report month 2025-12, as of 2025-12-31" in first.said
    assert not (home / "sample").exists(), "one's own files came first, and the sample was mixed with them"
    excel = re.search(r"Excel summary\s+(\S+\.xlsx)", first.said)
    assert excel
    assert Path(excel[1]).stat().st_size > 10_000
    assert server.find_postmaster(settings) is None
    server.ensure_running(settings)
    before = files_and_publications(settings)
    assert {row[1] for row in before} == {"loaded", "published"}
    engine(settings).dispose()
    server.stop(settings)

    dashboard = re.search(r"Dashboard\s+http://127\.0\.0\.1:(\d+)", first.said)
    assert dashboard
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", int(dashboard[1])))
        taken.listen()
        again = Run(home)
        again.wait_until_said("The dashboard uses", 120)
        second = Run(home)
        assert second.ended(60) == 2
        assert "another `make run` is up" in second.said
        again.wait_until_said("Everything stays up until Ctrl-C.", 300)
    assert "Report month 2025-12, as of 2025-12-31" in again.said
    assert files_and_publications(settings) == before
    engine(settings).dispose()

    addresses = dict(re.findall(r"^(Airflow|Dashboard)\s+(http://127\.0\.0\.1:\d+)", again.said, re.MULTILINE))
    for address in (f"{addresses['Airflow']}/api/v2/version", addresses["Dashboard"]):
        with urllib.request.urlopen(address, timeout=10) as answer:
            assert answer.status == 200
    started = psutil.Process(again.process.pid).children(recursive=True)
    assert {
        connection.laddr.ip
        for process in started
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    } == {"127.0.0.1"}
    next(process for process in started if "scheduler" in process.cmdline()).kill()
    assert again.ended(90) == 1
    assert "airflow-scheduler ended with status -9; its log" in again.said
    assert still_running(started) == []


def test_ctrl_c_ends_everything(home: Path) -> None:
    run = Run(home)
    run.wait_until_said("Database: ready", 60)
    time.sleep(2)
    started = psutil.Process(run.process.pid).children(recursive=True)
    run.process.send_signal(signal.SIGINT)
    assert run.ended(60) == 0
    assert "Stopping; run again to resume." in run.said
    assert len(started) > 2
    assert still_running(started) == []


def test_a_second_signal_does_not_break_off_the_end(home: Path) -> None:
    """A service manager signals make and this process, and make passes it on."""
    run = Run(home)
    run.wait_until_said("sample files: ready", 120)
    time.sleep(2)
    started = psutil.Process(run.process.pid).children(recursive=True)
    # the end takes as long as that of one who does not heed the signal
    next(process for process in started if "api-server" in process.cmdline()).suspend()
    run.process.terminate()
    run.wait_until_said("Stopping; run again to resume.", 30)
    run.process.terminate()
    assert run.ended(90) == 0, run.said
    assert "Traceback" not in run.said
    assert still_running(started) == []


class EditedContract:
    """A watch that finds a contract which somebody is just editing, and on the third look one that can be used."""

    now = "waiting for files"

    def __init__(self) -> None:
        self.looks = 0

    def outcome(self) -> Outcome:
        self.looks += 1
        if self.looks < 3:
            raise InputError("sales.yml: the contract cannot be used")
        return Outcome.PUBLISHED

    def news(self) -> list[str]:
        return []


def test_a_contract_may_be_edited_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stack, "check", lambda self: None)
    said = io.StringIO()
    console = Console(file=said, width=110)
    stack = Stack(Settings(home=tmp_path, url=None, contracts=tmp_path), console)
    watch: Any = EditedContract()
    assert stack.follow(watch, lambda reached: True, is_attended=True) is Outcome.PUBLISHED
    assert said.getvalue().count("sales.yml: the contract cannot be used") == 1
    watch = EditedContract()
    with pytest.raises(InputError, match=r"sales\.yml"):
        stack.follow(watch, lambda reached: True, is_attended=False)


def test_the_sample_arrives_once_also_after_a_crash(fresh_warehouse: Settings) -> None:
    drop_sample(fresh_warehouse)
    names = sorted(path.name for path in fresh_warehouse.inbox.iterdir())
    assert {"sales_2023.csv", "sales_2024.csv", "sales_2025.csv"} < set(names)
    for path in fresh_warehouse.inbox.iterdir():
        path.unlink()
    drop_sample(fresh_warehouse)
    assert list(fresh_warehouse.inbox.iterdir()) == []

    notes = fresh_warehouse.home / "sample" / ".dropped"
    notes.write_text("\n".join(names[:-1]) + "\n")
    drop_sample(fresh_warehouse)
    assert [path.name for path in fresh_warehouse.inbox.iterdir()] == names[-1:]


def test_what_a_killed_run_left_is_found_and_ended(tmp_path: Path) -> None:
    ready = tmp_path / "grandchild"
    command = [sys.executable, "-c", LEAVES_A_GRANDCHILD.format(ready=ready)]
    child = ChildProcesses(tmp_path, tmp_path).start("child", command, dict(os.environ), REPOSITORY)
    while not (ready.exists() and ready.read_text()):
        time.sleep(0.05)
    child.process.kill()
    child.process.wait()
    grandchild = psutil.Process(int(ready.read_text()))
    assert grandchild.is_running()
    assert ChildProcesses(tmp_path, tmp_path).end_left_over() == 1
    assert not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE


def test_a_child_that_ends_is_named_with_its_last_words(tmp_path: Path) -> None:
    processes = ChildProcesses(tmp_path, tmp_path)
    child = processes.start("part", [sys.executable, "-c", "raise SystemExit('no disk')"], dict(os.environ), tmp_path)
    child.process.wait()
    with pytest.raises(ChildEndedError, match=r"part ended with status 1; its log .*part\.log ends:\nno disk"):
        processes.check()
    processes.stop()
