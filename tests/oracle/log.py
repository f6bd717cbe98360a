"""What became of each file and of each rejected row (definitions §2)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date

from .files import FileIdentity, ReceivedFile

LOADED = "loaded"
SKIPPED = "skipped"
HELD = "held"
DISCARDED = "discarded"
REFUSED = "refused"


@dataclass
class FileResult:
    """One row of mart.source_file. Amounts are whole cents; nothing is counted unless the file is applied."""

    file_name: str
    feed: str | None
    sha256: str
    received_on: date
    effective_date: date | None
    status: str = LOADED
    message: str = ""
    rows_received: int = 0
    rows_loaded: int = 0
    rows_unchanged: int = 0
    rows_rejected: int = 0
    rows_duplicate: int = 0
    rows_superseded: int = 0
    amount_received_cents: int = 0
    amount_loaded_cents: int = 0


@dataclass
class Reject:
    """One row of mart.rejected_records; `amount_cents` is None where the amount cannot be read."""

    file: FileResult
    line_number: int
    raw_row: dict[str, str] | list[str]
    reasons: tuple[str, ...]
    amount_cents: int | None = None
    resolved_by: str | None = None


@dataclass
class FileLog:
    """Every file received and every row rejected, in order."""

    files: list[FileResult] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)

    def receive(self, file: ReceivedFile, identity: FileIdentity | None) -> FileResult:
        """Enter a file into the log before anything is decided about it."""
        result = FileResult(
            file_name=file.name,
            feed=identity.feed if identity else None,
            sha256=hashlib.sha256(file.content).hexdigest(),
            received_on=file.received_on,
            effective_date=identity.effective if identity else None,
        )
        self.files.append(result)
        return result

    def reject(self, reject: Reject) -> None:
        """Keep a rejected row and count it on its file."""
        self.rejects.append(reject)
        reject.file.rows_rejected += 1
