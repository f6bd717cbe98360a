"""Applies sql/migrations/0025_procedures_of_a_month.sql."""

from include.warehouse.migrations import apply

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    apply("0025_procedures_of_a_month.sql")
