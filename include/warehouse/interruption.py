"""Ctrl-C, and the end that a service manager asks for: they reach a process also while it waits for the database."""

import os
import select
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Protocol
from weakref import WeakSet

import psycopg2

SIGNALS = (signal.SIGINT, signal.SIGTERM)
CANCEL_SECONDS = 0.2


class Session(Protocol):
    """A connection to a database."""

    def cancel(self) -> None:
        """Ends the statement under way; from any thread."""


_sessions: WeakSet[Session] = WeakSet()
_sessions_lock = threading.Lock()


class StoppedError(KeyboardInterrupt):
    """Somebody has stopped the process by signal `number`."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def cancel_when_stopped(session: Session) -> None:
    """Has the session's statement cancelled when the process is stopped."""
    with _sessions_lock:
        _sessions.add(session)


@contextmanager
def stoppable() -> Iterator[None]:
    """Ends the body with StoppedError on Ctrl-C or SIGTERM; every statement of this process is cancelled.

    The driver waits for the server in C, where Python itself would hear of a signal only when the statement is over.
    Only for the main thread; signals are handled as before afterwards.
    """
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        received.append(number)
        # the first time the cancelled statement's error leads out, which the driver could take badly together with this
        if len(received) > 1:
            raise StoppedError(received[0])

    arrived, arrives = os.pipe()
    os.set_blocking(arrives, False)
    watcher = threading.Thread(target=_cancel_on_signal, args=(arrived,), daemon=True)
    watcher.start()
    handlers = {number: signal.signal(number, stop) for number in SIGNALS}
    wakeup = signal.set_wakeup_fd(arrives, warn_on_full_buffer=False)
    try:
        yield
    except BaseException as error:
        if received:
            raise StoppedError(received[0]) from error
        raise
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(arrives)
        watcher.join()


def _cancel_on_signal(arrived: int) -> None:
    """Waits for a signal, then cancels again and again: threads may have further statements to begin.

    What goes on without the database gets the signal once more.
    """
    number = os.read(arrived, 1)
    is_repeated = False
    while number:
        with _sessions_lock:
            sessions = list(_sessions)
        for session in sessions:
            with suppress(psycopg2.Error):
                session.cancel()
        if select.select([arrived], [], [], CANCEL_SECONDS)[0]:
            number = os.read(arrived, 1)
        elif not is_repeated:
            is_repeated = True
            signal.pthread_kill(threading.main_thread().ident or 0, number[0])
    os.close(arrived)
