"""What users would pick instead of this warehouse, each as its own users would write it well.

A peer is a package with a NAME, `build`, which takes files to published months, and `export`, which writes its rows for
the comparison; some can do more: `arrive`, `recut`, `load_only`, `write_csv`.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

PEERS = ("duckdb", "polars", "pandas", "plain_sql", "pandas_copy")
BY_DEFAULT = ("duckdb", "polars", "pandas", "plain_sql")


@dataclass(frozen=True)
class Place:
    """Where a peer keeps its state: a folder and a PostgreSQL database (libpq URL), both its own."""

    folder: Path
    url: str


def peer_module(peer: str) -> ModuleType:
    """The peer's package."""
    return import_module(f"tests.benchmarks.peers.{peer}")
