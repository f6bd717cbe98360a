"""polars with Parquet files: one for each year of lines and for each published month."""

from tests.benchmarks.peers.polars.job import NAME, build, export

__all__ = ["NAME", "build", "export"]
