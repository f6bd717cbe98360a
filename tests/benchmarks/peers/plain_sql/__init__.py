"""Plain SQL in PostgreSQL: one model a month over all lines, materialised as a table, as a first dbt project has it."""

from tests.benchmarks.peers.plain_sql.job import NAME, build, export

__all__ = ["NAME", "build", "export"]
