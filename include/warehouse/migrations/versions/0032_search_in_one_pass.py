"""Applies sql/migrations/0032_search_in_one_pass.sql."""

from include.warehouse.migrations import apply

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    apply("0032_search_in_one_pass.sql")
