"""Applies sql/migrations/0031_audiences_without_statistics.sql."""

from include.warehouse.migrations import apply

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    apply("0031_audiences_without_statistics.sql")
