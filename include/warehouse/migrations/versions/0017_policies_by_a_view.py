"""Applies sql/migrations/0017_policies_by_a_view.sql."""

from include.warehouse.migrations import apply

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    apply("0017_policies_by_a_view.sql")
