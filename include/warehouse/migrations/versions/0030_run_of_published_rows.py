"""Applies sql/migrations/0030_run_of_published_rows.sql."""

from include.warehouse.migrations import apply

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    apply("0030_run_of_published_rows.sql")
