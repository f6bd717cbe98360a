"""The machine and the versions that a measurement belongs to."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from include.warehouse.tuning import GIGABYTE, core_count, memory_bytes

PACKAGES = ("duckdb", "polars", "pandas", "psycopg2-binary", "soda-core", "XlsxWriter")


def describe(server_version: str) -> str:
    """One line: processor, cores, memory, system, versions."""
    parts = [
        _processor(),
        f"{core_count()} cores",
        f"{memory_bytes() / GIGABYTE:.0f} GB of memory",
        f"{platform.system()} {platform.release()}",
        f"PostgreSQL {server_version}",
        f"Python {platform.python_version()}",
        *(f"{name} {found}" for name in PACKAGES if (found := _version(name))),
    ]
    return ", ".join(parts)


def busy() -> float:
    """How many processes have wanted a core during the last minute."""
    return os.getloadavg()[0]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
