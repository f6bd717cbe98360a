"""Files that readers take away: on disk below exports/, behind a link that is signed and expires.

The page server never holds them: the database writes them, and the route of dashboard/server.py sends them in pieces.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe
from urllib.parse import quote

from dashboard.data import signed
from include.warehouse.maintenance import DOWNLOAD_SECONDS, remove_expired_downloads
from include.warehouse.settings import load_settings

ROUTE = "/download"
SECRET = "download_key"


@dataclass(frozen=True)
class Download:
    """A file that can be taken away until `expires` (seconds since 1970): its name, address, size in bytes."""

    name: str
    url: str
    size: int
    expires: int


@dataclass(frozen=True)
class Prepared:
    """A file that can be taken away, and for a list its rows and the companion that says how to have it again."""

    file: Download
    about: Download | None
    rows: int | None


def new_file(name: str) -> Path:
    """A path for a new file in a folder of its own; what has expired is removed first."""
    remove_expired_downloads(load_settings())
    folder = _folder() / token_urlsafe(18)
    folder.mkdir(parents=True, mode=0o700)
    return folder / name


def offer(path: Path) -> Download:
    """A signed link to a file that lies where new_file has said."""
    expires = int(time.time()) + DOWNLOAD_SECONDS
    key = path.parent.name
    token = signed.write(key, expires, SECRET, key, path.name)
    return Download(path.name, f"{ROUTE}/{token}/{quote(path.name)}", path.stat().st_size, expires)


def find(token: str, name: str) -> Path | None:
    """The file of a link; None where the link is not ours, has expired, or the file is gone."""
    found = signed.read(token)
    if found is None:
        return None
    key, expires, signature = found
    if not signed.is_signed(signature, expires, SECRET, key, name):
        return None
    path = _folder() / key / name
    return path if path.is_file() else None


def _folder() -> Path:
    return load_settings().downloads
