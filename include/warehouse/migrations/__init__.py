"""Alembic's ledger: every revision reads one file of sql/migrations and nothing else."""

import hashlib
from pathlib import Path

from include.warehouse.settings import SQL

FOLDER = SQL / "migrations"
VERSIONS = Path(__file__).parent / "versions"


def apply(file_name: str) -> None:
    """Executes one migration file and records what it contained."""
    from alembic import op

    text = (FOLDER / file_name).read_text(encoding="utf-8")
    connection = op.get_bind()
    connection.execution_options(no_parameters=True).exec_driver_sql(text)
    connection.exec_driver_sql(
        "insert into ops.migration (file_name, sha256) values (%(file_name)s, %(sha256)s)",
        {"file_name": file_name, "sha256": hashlib.sha256(text.encode()).hexdigest()},
    )


def add_revisions() -> list[str]:
    """Writes the revision of every migration file that has none yet; gives the names of those files."""
    files = sorted(path.name for path in FOLDER.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    added = []
    for previous, file_name in zip(["", *files], files, strict=False):
        revision = VERSIONS / f"{file_name.removesuffix('.sql')}.py"
        if revision.exists():
            continue
        down_revision = f'"{previous[:4]}"' if previous else "None"
        revision.write_text(
            f'"""Applies sql/migrations/{file_name}."""\n\n'
            "from include.warehouse.migrations import apply\n\n"
            f'revision = "{file_name[:4]}"\n'
            f"down_revision = {down_revision}\n\n\n"
            "def upgrade() -> None:\n"
            f'    apply("{file_name}")\n'
        )
        added.append(file_name)
    return added
