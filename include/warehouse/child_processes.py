"""Processes that `make run` starts and, whatever happens, ends."""

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from include.warehouse.errors import WarehouseError
from include.warehouse.settings import REPOSITORY

GRACE_SECONDS = 20.0
LEAST_GRACE_SECONDS = 3.0


class ChildEndedError(WarehouseError):
    """A process ended that should have gone on; the message holds the last lines of its log."""


@dataclass(frozen=True)
class Child:
    """One started process and its log."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


class ChildProcesses:
    """The processes of one home.

    Each has a session of its own, which its own children share; the sessions are noted in a file, so that also a later
    run finds what a killed one left.
    """

    def __init__(self, home: Path, logs: Path) -> None:
        self.sessions = home / "sessions.txt"
        self.logs = logs
        self.children: list[Child] = []

    def start(self, name: str, command: Sequence[str], environment: dict[str, str], folder: Path) -> Child:
        """Starts a process; its own session also keeps the terminal's Ctrl-C from it."""
        log = self.logs / f"{name}.log"
        if log.exists():
            log.replace(log.with_suffix(".previous.log"))
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        with self.sessions.open("a") as sessions:
            sessions.write(f"{process.pid}\n")
        child = Child(name, process, log)
        self.children.append(child)
        return child

    def wait_for(self, child: Child) -> None:
        """Waits for a process that does one thing; raises ChildEndedError where it fails."""
        if child.process.wait():
            raise ChildEndedError(_last_words(child))
        self.children.remove(child)

    def check(self) -> None:
        """Raises ChildEndedError where one has ended."""
        for child in self.children:
            if child.process.poll() is not None:
                raise ChildEndedError(_last_words(child))

    def stop(self) -> None:
        """Ends all, the first one last, because the others report to it; by force after a time of grace."""
        deadline = time.monotonic() + GRACE_SECONDS
        for group in (self.children[1:], self.children[:1]):
            for child in group:
                child.process.terminate()
            for child in group:
                try:
                    child.process.wait(timeout=max(LEAST_GRACE_SECONDS, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    child.process.kill()
                    child.process.wait()
        self.children.clear()
        self.end_left_over()

    def end_left_over(self) -> int:
        """Kills what is still there of the noted sessions; gives how many processes that were."""
        noted = {int(line) for line in self.sessions.read_text().splitlines()} if self.sessions.exists() else set()
        left = [process for process in psutil.process_iter() if _belongs_to(process, noted)]
        for process in left:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(left, timeout=10)
        self.sessions.unlink(missing_ok=True)
        return len(left)


def _belongs_to(process: psutil.Process, sessions: set[int]) -> bool:
    """Whether a process is of one of the sessions; its folder tells it from one that has the same number by chance."""
    try:
        return os.getsid(process.pid) in sessions and Path(process.cwd()).is_relative_to(REPOSITORY)
    except (ProcessLookupError, PermissionError, psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _last_words(child: Child) -> str:
    lines = child.log.read_text(errors="replace").splitlines()[-20:]
    return "\n".join([f"{child.name} ended with status {child.process.returncode}; its log {child.log} ends:", *lines])
