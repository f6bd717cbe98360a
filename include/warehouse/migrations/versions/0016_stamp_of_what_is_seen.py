"""Applies sql/migrations/0016_stamp_of_what_is_seen.sql."""

from include.warehouse.migrations import apply

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    apply("0016_stamp_of_what_is_seen.sql")
