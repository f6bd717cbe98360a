"""Settings of the embedded PostgreSQL, derived from the machine's memory, cores and disk.

Durability is never traded: fsync stays on and wal_level stays replica, as on a production server.
"""

import os
import shutil
from pathlib import Path

import psutil

MEGABYTE = 1024 * 1024
GIGABYTE = 1024 * MEGABYTE


def memory_bytes() -> int:
    """Memory of the machine, or of the container if that has less."""
    total = int(psutil.virtual_memory().total)
    for limit in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        if limit.exists() and limit.read_text().strip().isdigit():
            total = min(total, int(limit.read_text()))
    return total


def core_count() -> int:
    """Cores that this process may use, of the machine or of the container if that has fewer."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = Path("/sys/fs/cgroup/cpu.max")
    if quota.exists():
        share, period = quota.read_text().split()
        if share.isdigit():
            cores = min(cores, max(1, int(share) // int(period)))
    return cores


def server_settings(home: Path) -> tuple[dict[str, str], str]:
    """PostgreSQL settings by name, and one line for people that says what was chosen and from what."""
    memory, cores = memory_bytes(), core_count()
    free_disk = shutil.disk_usage(home).free
    shared_buffers = _megabytes(memory / 4, 128, 8192)
    maintenance_work_mem = _megabytes(memory / 16, 64, 2048)
    work_mem = _megabytes(memory / 384, 8, 128)
    max_wal_size = _megabytes(free_disk / 4, 1024, 8192)
    chosen = {
        "shared_buffers": shared_buffers,
        "effective_cache_size": _megabytes(memory * 3 / 4, 256, 1024 * 1024),
        "maintenance_work_mem": maintenance_work_mem,
        "work_mem": work_mem,
        # the judged rows of a file wait in a temporary table
        "temp_buffers": _megabytes(memory / 96, 16, 256),
        "wal_buffers": "64MB",
        "min_wal_size": "1GB",
        "max_wal_size": max_wal_size,
        "checkpoint_timeout": "15min",
        "wal_level": "replica",
        "fsync": "on",
        "random_page_cost": "1.1",
        "jit": "off",
        "max_connections": "200",
        "max_worker_processes": str(2 * cores + 8),
        "max_parallel_workers": str(cores),
        "max_parallel_workers_per_gather": str(min(4, cores)),
        "max_parallel_maintenance_workers": str(min(4, cores)),
        "dynamic_shared_memory_type": _shared_memory_type(),
        "shared_preload_libraries": "pg_stat_statements",
        "timezone": "UTC",
        "log_timezone": "UTC",
        # the driver writes values into statements: those that fail would leave names and passwords in the log
        "log_min_error_statement": "panic",
    }
    line = (
        f"PostgreSQL fitted to {memory / GIGABYTE:.0f} GB of memory and {cores} cores:"
        f" shared_buffers {shared_buffers}, work_mem {work_mem}, maintenance_work_mem {maintenance_work_mem},"
        f" max_wal_size {max_wal_size}, {cores} parallel workers."
    )
    return chosen, line


def _megabytes(size: float, least: int, most: int) -> str:
    return f"{max(least, min(most, int(size / MEGABYTE)))}MB"


def _shared_memory_type() -> str:
    """Parallel queries share memory through /dev/shm; in a container that is often too small, files are not."""
    shared = Path("/dev/shm")
    return "posix" if shared.is_dir() and shutil.disk_usage(shared).total >= GIGABYTE else "mmap"
