"""Applies sql/migrations/0012_noted_report_month.sql."""

from include.warehouse.migrations import apply

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    apply("0012_noted_report_month.sql")
