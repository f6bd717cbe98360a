"""Applies sql/migrations/0027_tries_of_a_file.sql."""

from include.warehouse.migrations import apply

revision = "0027"
down_revision = "0024"


def upgrade() -> None:
    apply("0027_tries_of_a_file.sql")
