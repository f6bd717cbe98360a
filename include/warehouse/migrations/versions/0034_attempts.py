"""Applies sql/migrations/0034_attempts.sql."""

from include.warehouse.migrations import apply

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    apply("0034_attempts.sql")
