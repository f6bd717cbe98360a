"""Applies sql/migrations/0005_access.sql."""

from include.warehouse.migrations import apply

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    apply("0005_access.sql")
