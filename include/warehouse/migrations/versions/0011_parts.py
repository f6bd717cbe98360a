"""Applies sql/migrations/0011_parts.sql."""

from include.warehouse.migrations import apply

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    apply("0011_parts.sql")
