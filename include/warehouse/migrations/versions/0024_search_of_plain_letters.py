"""Applies sql/migrations/0024_search_of_plain_letters.sql."""

from include.warehouse.migrations import apply

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    apply("0024_search_of_plain_letters.sql")
