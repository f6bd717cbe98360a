"""Nightly care: retention, statistics, and proof that nothing was lost or altered."""

import shutil
import time
from pathlib import Path

from sqlalchemy import text

from include.warehouse.database import connect
from include.warehouse.errors import VerificationError
from include.warehouse.file_hash import sha256_of
from include.warehouse.settings import Settings

NAMED_AT_MOST = 5
# lies in archive/NUMBER/ in the place of a file that was moved away on purpose
MOVED_NOTE = "moved.txt"
# How long the link to a file holds, and how long a download that began in time may still be under way.
DOWNLOAD_SECONDS = 3600
DOWNLOAD_GRACE_SECONDS = 1800


def drop_expired_raw(settings: Settings) -> list[str]:
    """Drops rows as received that are older than raw_retention_days; gives the tables. Loads wait."""
    with connect(settings) as connection:
        return list(connection.scalars(text("select ops.drop_expired_raw()")))


def drop_expired_runs(settings: Settings) -> list[str]:
    """Drops what runs older than unpublished_retention_days left unpublished; gives the tables. Builds wait."""
    with connect(settings) as connection:
        return list(connection.scalars(text("select ops.drop_expired_runs()")))


def remove_expired_downloads(settings: Settings) -> int:
    """Removes the files of the dashboard whose links no longer hold; gives how many folders of them there were."""
    before = time.time() - DOWNLOAD_SECONDS - DOWNLOAD_GRACE_SECONDS
    expired = [folder for folder in settings.downloads.glob("*") if _modified(folder) < before]
    for folder in expired:
        shutil.rmtree(folder, ignore_errors=True)
    return len(expired)


def analyze(settings: Settings) -> int:
    """Refreshes the statistics of every table, partitioned parents included (autovacuum leaves those out)."""
    with connect(settings) as connection:
        tables = connection.scalars(
            text(
                "select oid::regclass::text from pg_class"
                " where relnamespace::regnamespace::text in ('core', 'crm', 'ops')"
                " and relkind in ('r', 'p') and not relispartition order by 1"
            )
        ).all()
        for table in tables:
            connection.exec_driver_sql(f"analyze {table}")
    return len(tables)


def verify_archive(settings: Settings) -> int:
    """Compares every archived file with the SHA-256 of its receipt; gives how many there are.

    A file that was moved away on purpose has a note in its place. Raises VerificationError naming the files that have
    other bytes, then those that are missing.
    """
    with connect(settings) as connection:
        receipts = connection.execute(
            text(
                "select path, sha256 from ops.file where path like 'archive/%' and sha256 is not null order by file_id"
            )
        ).all()
    altered, missing, present = [], [], 0
    for path, sha256 in receipts:
        if not (settings.home / path).is_file():
            if not (settings.home / path).with_name(MOVED_NOTE).is_file():
                missing.append(path)
            continue
        present += 1
        if sha256_of(settings.home / path) != sha256:
            altered.append(path)
    found = []
    if altered:
        found.append(f"{len(altered)} with other bytes ({_some(altered)}); restore them from a backup")
    if missing:
        found.append(
            f"{len(missing)} missing ({_some(missing)}); restore them, or leave {MOVED_NOTE} in the folder of one that"
            " was moved away"
        )
    if found:
        raise VerificationError(f"the archive is not what was loaded: {'; '.join(found)}")
    return present


def verify_conservation(settings: Settings) -> int:
    """Checks that rows and money are conserved from file to published months; gives how many identities there are.

    Raises VerificationError naming the identities that do not hold.
    """
    with connect(settings) as connection:
        identities = connection.execute(
            text("select identity, scope, left_value, right_value from ops.verify_conservation()")
        ).all()
    broken = [
        f"{identity} ({scope}): {left} is not {right}" for identity, scope, left, right in identities if left != right
    ]
    if broken:
        raise VerificationError(
            f"rows or money are not conserved: {_some(broken)}; publish nothing before it is found why"
        )
    return len(identities)


def _modified(path: Path) -> float:
    """When a path was changed last; now, where somebody else has just removed it."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()


def _some(found: list[str]) -> str:
    more = f" and {len(found) - NAMED_AT_MOST} more" if len(found) > NAMED_AT_MOST else ""
    return ", ".join(found[:NAMED_AT_MOST]) + more
