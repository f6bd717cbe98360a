"""Applies sql/migrations/0003_core.sql."""

from include.warehouse.migrations import apply

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    apply("0003_core.sql")
