"""Applies sql/migrations/0013_users_who_see_some.sql."""

from include.warehouse.migrations import apply

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    apply("0013_users_who_see_some.sql")
