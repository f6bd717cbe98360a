"""Every SQL file parses as PostgreSQL reads it, without a server."""

from pathlib import Path

import pglast
import pytest

SQL = Path(__file__).resolve().parents[2] / "sql"
FILES = sorted(path for path in SQL.rglob("*.sql") if path.name != "schema.sql")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SQL)))
def test_parses(path: Path) -> None:
    statements = pglast.parse_sql(path.read_text(encoding="utf-8"))
    assert statements, f"{path} holds no statement"
