"""Applies sql/migrations/0023_no_later_beginning.sql."""

from include.warehouse.migrations import apply

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    apply("0023_no_later_beginning.sql")
