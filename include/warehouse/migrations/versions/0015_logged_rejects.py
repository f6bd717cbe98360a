"""Applies sql/migrations/0015_logged_rejects.sql."""

from include.warehouse.migrations import apply

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    apply("0015_logged_rejects.sql")
