"""The log of exports: every file that somebody takes away is noted in mart.export_log."""

import json
from pathlib import Path

from sqlalchemy import text

from dashboard.data.warehouse import change


def log_export(path: Path, file_format: str, rows: int, sha256: str, **about: object) -> None:
    """Notes a file for who has signed in; `about` is the rest of what mart.log_export takes."""
    note = {
        "file_name": path.name,
        "format": file_format,
        "rows": rows,
        "bytes": path.stat().st_size,
        "sha256": sha256,
        **about,
    }
    with change() as connection:
        connection.execute(
            text("select mart.log_export(cast(:note as jsonb))"), {"note": json.dumps(note, ensure_ascii=False)}
        )
