"""Applies sql/migrations/0007_quick_acceptance.sql."""

from include.warehouse.migrations import apply

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    apply("0007_quick_acceptance.sql")
