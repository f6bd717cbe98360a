"""Applies sql/migrations/0008_quick_pages.sql."""

from include.warehouse.migrations import apply

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    apply("0008_quick_pages.sql")
