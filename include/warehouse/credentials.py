"""Generated passwords and keys, kept in one file that only its owner can read."""

import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from include.warehouse.settings import Settings


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds an exclusive lock on the file `path`, creating it; the lock ends with the process at the latest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def credential(settings: Settings, name: str, generate: Callable[[], str] | None = None) -> str:
    """The secret called `name`; generated and stored when it is asked for the first time."""
    with locked(settings.home / ".secrets.lock"):
        known = read_credentials(settings)
        if name not in known:
            known[name] = generate() if generate else secrets.token_urlsafe(18)
            _write(settings.secrets, known)
        return known[name]


def read_credentials(settings: Settings) -> dict[str, str]:
    """All secrets so far, name to value; empty before the first."""
    try:
        text = settings.secrets.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    return dict(json.loads(text))


def _write(path: Path, content: dict[str, str]) -> None:
    """Replaces the file in one step, so that a reader never sees half of it."""
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        json.dump(content, handle, indent=2)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(path)
