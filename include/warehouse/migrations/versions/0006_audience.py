"""Applies sql/migrations/0006_audience.sql."""

from include.warehouse.migrations import apply

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    apply("0006_audience.sql")
