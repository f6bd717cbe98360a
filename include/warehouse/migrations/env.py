"""Alembic's environment: the caller's connection and its transaction."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table_schema="ops",
)
with context.begin_transaction():
    context.run_migrations()
