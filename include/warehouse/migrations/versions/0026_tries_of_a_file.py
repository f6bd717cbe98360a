"""Applies sql/migrations/0026_tries_of_a_file.sql."""

from include.warehouse.migrations import apply

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    apply("0026_tries_of_a_file.sql")
