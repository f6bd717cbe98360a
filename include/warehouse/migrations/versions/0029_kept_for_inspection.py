"""Applies sql/migrations/0029_kept_for_inspection.sql."""

from include.warehouse.migrations import apply

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    apply("0029_kept_for_inspection.sql")
