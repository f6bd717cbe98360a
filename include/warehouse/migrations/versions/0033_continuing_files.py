"""Applies sql/migrations/0033_continuing_files.sql."""

from include.warehouse.migrations import apply

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    apply("0033_continuing_files.sql")
