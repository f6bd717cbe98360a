"""Applies sql/migrations/0022_part_zero.sql."""

from include.warehouse.migrations import apply

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    apply("0022_part_zero.sql")
