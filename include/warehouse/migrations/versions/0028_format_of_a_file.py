"""Applies sql/migrations/0028_format_of_a_file.sql."""

from include.warehouse.migrations import apply

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    apply("0028_format_of_a_file.sql")
