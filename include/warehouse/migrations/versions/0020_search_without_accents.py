"""Applies sql/migrations/0020_search_without_accents.sql."""

from include.warehouse.migrations import apply

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    apply("0020_search_without_accents.sql")
