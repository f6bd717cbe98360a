"""Applies sql/migrations/0019_narrow_rejects.sql."""

from include.warehouse.migrations import apply

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    apply("0019_narrow_rejects.sql")
