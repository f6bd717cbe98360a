"""Processes that `make run` starts and, whatever happens, ends."""

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from include.warehouse.errors import WarehouseError

MARK = "WAREHOUSE_STACK"
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
    """The processes of one home. All carry a mark in their environment, by which also their own children are found."""

    def __init__(self, home: Path, logs: Path) -> None:
        self.home = home
        self.logs = logs
        self.children: list[Child] = []

    def start(self, name: str, command: Sequence[str], environment: dict[str, str], folder: Path) -> Child:
        """Starts a process in a session of its own, so that Ctrl-C in the terminal reaches only us."""
        log = self.logs / f"{name}.log"
        if log.exists():
            log.replace(log.with_suffix(".previous.log"))
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                env=environment | {MARK: str(self.home)},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
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
        """Ends all: the newest first, so that those which others need go last; by force after a time of grace."""
        deadline = time.monotonic() + GRACE_SECONDS
        for child in reversed(self.children):
            child.process.terminate()
            try:
                child.process.wait(timeout=max(LEAST_GRACE_SECONDS, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
        self.children.clear()
        end_marked(self.home)


def end_marked(home: Path) -> int:
    """Kills what an earlier run of this home left behind; gives how many there were."""
    left = [process for process in psutil.process_iter() if _is_marked(process, home)]
    for process in left:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(left, timeout=10)
    return len(left)


def _is_marked(process: psutil.Process, home: Path) -> bool:
    try:
        return process.pid != os.getpid() and process.environ().get(MARK) == str(home)
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return False


def _last_words(child: Child) -> str:
    lines = child.log.read_text(errors="replace").splitlines()[-20:]
    return "\n".join([f"{child.name} ended with status {child.process.returncode}; its log {child.log} ends:", *lines])
