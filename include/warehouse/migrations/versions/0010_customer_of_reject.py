"""Applies sql/migrations/0010_customer_of_reject.sql."""

from include.warehouse.migrations import apply

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    apply("0010_customer_of_reject.sql")
