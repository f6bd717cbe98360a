"""Applies sql/migrations/0021_years_of_a_delta.sql."""

from include.warehouse.migrations import apply

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    apply("0021_years_of_a_delta.sql")
