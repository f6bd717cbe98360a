"""Applies sql/migrations/0018_masters_after_a_month.sql."""

from include.warehouse.migrations import apply

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    apply("0018_masters_after_a_month.sql")
