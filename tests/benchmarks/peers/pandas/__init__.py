"""pandas with to_sql into PostgreSQL, as consulting briefs ask for it."""

from tests.benchmarks.peers.pandas.job import NAME, build, export

__all__ = ["NAME", "build", "export"]
