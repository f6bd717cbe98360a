"""Applies sql/migrations/0002_raw.sql."""

from include.warehouse.migrations import apply

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    apply("0002_raw.sql")
