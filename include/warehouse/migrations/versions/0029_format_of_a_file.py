"""Applies sql/migrations/0029_format_of_a_file.sql."""

from include.warehouse.migrations import apply

revision = "0029"
down_revision = "0026"


def upgrade() -> None:
    apply("0029_format_of_a_file.sql")
