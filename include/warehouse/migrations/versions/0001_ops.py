"""Applies sql/migrations/0001_ops.sql."""

from include.warehouse.migrations import apply

revision = "0001"
down_revision = None


def upgrade() -> None:
    apply("0001_ops.sql")
