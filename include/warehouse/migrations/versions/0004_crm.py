"""Applies sql/migrations/0004_crm.sql."""

from include.warehouse.migrations import apply

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    apply("0004_crm.sql")
