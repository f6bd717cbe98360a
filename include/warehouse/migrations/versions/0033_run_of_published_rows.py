"""Applies sql/migrations/0033_run_of_published_rows.sql."""

from include.warehouse.migrations import apply

revision = "0033"
down_revision = "0028"


def upgrade() -> None:
    apply("0033_run_of_published_rows.sql")
