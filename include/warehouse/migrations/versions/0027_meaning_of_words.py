"""Applies sql/migrations/0027_meaning_of_words.sql."""

from include.warehouse.migrations import apply

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    apply("0027_meaning_of_words.sql")
