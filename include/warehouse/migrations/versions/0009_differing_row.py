"""Applies sql/migrations/0009_differing_row.sql."""

from include.warehouse.migrations import apply

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    apply("0009_differing_row.sql")
