"""Applies sql/migrations/0014_rows_of_a_file.sql."""

from include.warehouse.migrations import apply

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    apply("0014_rows_of_a_file.sql")
