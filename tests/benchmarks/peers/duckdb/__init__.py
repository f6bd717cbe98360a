"""DuckDB on disk: the same ideas in its own SQL, and its best incremental."""

from tests.benchmarks.peers.duckdb.job import NAME, arrive, build, csv, export, load_only, recut

__all__ = ["NAME", "arrive", "build", "csv", "export", "load_only", "recut"]
