"""Writes .env for docker-compose.yaml: generated passwords and PostgreSQL fitted to this machine. Run by: make compose

What the file already holds stays, so that a database once created is opened again.
"""

import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet

from include.warehouse.settings import REPOSITORY
from include.warehouse.tuning import core_count, server_settings

FILE = REPOSITORY / ".env"
SECRETS: dict[str, Callable[[], str]] = {
    "POSTGRES_PASSWORD": lambda: secrets.token_hex(18),
    "WAREHOUSE_PASSWORD": lambda: secrets.token_hex(18),
    "AIRFLOW_PASSWORD": lambda: secrets.token_hex(18),
    "AIRFLOW_ADMIN_PASSWORD": lambda: secrets.token_hex(12),
    "AIRFLOW_API_SECRET_KEY": lambda: secrets.token_hex(32),
    "AIRFLOW_JWT_SECRET": lambda: secrets.token_hex(64),
    "AIRFLOW_FERNET_KEY": lambda: Fernet.generate_key().decode(),
    "REDIS_PASSWORD": lambda: secrets.token_hex(18),
}
POSTGRESQL_SETTINGS = (
    "shared_buffers",
    "effective_cache_size",
    "maintenance_work_mem",
    "work_mem",
    "temp_buffers",
    "max_wal_size",
    "max_worker_processes",
    "max_parallel_workers",
    "max_parallel_workers_per_gather",
    "max_parallel_maintenance_workers",
)


def write_environment(path: Path) -> list[str]:
    """Adds to `path` what it lacks; gives the names added."""
    known = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = {line.partition("=")[0] for line in known}
    chosen, _ = server_settings(path.parent)
    wanted = {name: generate() for name, generate in SECRETS.items()}
    wanted |= {f"POSTGRES_{name.upper()}": chosen[name] for name in POSTGRESQL_SETTINGS}
    wanted["AIRFLOW_PARALLELISM"] = str(core_count() + 2)
    added = [name for name in wanted if name not in names]
    path.touch(mode=0o600)
    path.write_text("\n".join([*known, *(f"{name}={wanted[name]}" for name in added), ""]), encoding="utf-8")
    return added


if __name__ == "__main__":
    count = len(write_environment(FILE))
    print(f"{FILE}: {count} values added. The Airflow UI's password is AIRFLOW_ADMIN_PASSWORD in it.")
    print("Now: docker compose up --detach --build")
