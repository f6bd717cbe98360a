"""Airflow's own settings: everything below the warehouse's home, on the same PostgreSQL, on 127.0.0.1 alone.

`python -m include.warehouse.airflow_environment …` is Airflow's command line with them.
"""

import json
import os
import sys
from pathlib import Path

from cryptography.fernet import Fernet

from include.warehouse.credentials import credential
from include.warehouse.server import ADDRESS, airflow_url
from include.warehouse.settings import REPOSITORY, Settings, load_settings
from include.warehouse.tuning import core_count

ADMIN = "admin"
FIRST_PORT = 8080


def airflow_environment(settings: Settings, port: int) -> dict[str, str]:
    """Environment of every Airflow process of this home; its API server listens on `port`.

    Creates Airflow's database, keys and the admin's password where they are missing.
    """
    home = settings.home / "airflow"
    home.mkdir(parents=True, exist_ok=True)
    passwords = home / "passwords.json"
    _write_private(passwords, json.dumps({ADMIN: admin_password(settings)}))
    address = f"http://{ADDRESS}:{port}"
    cores = core_count()
    return warehouse_environment(settings) | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__HOST": ADDRESS,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__SECRET_KEY": credential(settings, "airflow_api_secret_key"),
        "AIRFLOW__API__WORKERS": str(max(1, cores // 4)),
        "AIRFLOW__API_AUTH__JWT_SECRET": credential(settings, "airflow_jwt_secret", lambda: os.urandom(64).hex()),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__FERNET_KEY": credential(settings, "airflow_fernet_key", lambda: Fernet.generate_key().decode()),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": str(cores + 2),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(home / "bundles"),
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": airflow_url(settings),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(settings.logs / "airflow"),
        # A task follows the one before within half a second; more often costs an idle machine too much.
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        # A busy API server must not make tasks fail.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "30",
        # A killed scheduler or task is noticed within a minute, so that a restart goes on at once.
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "15",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    }


def warehouse_environment(settings: Settings) -> dict[str, str]:
    """Environment in which a process finds this checkout and this home, and sends nobody usage figures."""
    environment = os.environ | {
        "DO_NOT_TRACK": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONUNBUFFERED": "1",
        "SODA_CORE_TELEMETRY_ENABLED": "false",
        "WAREHOUSE_CONTRACTS": str(settings.contracts),
        "WAREHOUSE_HOME": str(settings.home),
    }
    if settings.url:
        environment["WAREHOUSE_URL"] = settings.url
    return environment


def admin_password(settings: Settings) -> str:
    """Password of the Airflow UI's user admin."""
    return credential(settings, "airflow_admin_password")


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    # Airflow's own command line on this home, such as: db clean --help
    os.execve(
        sys.executable,
        [sys.executable, "-m", "airflow", *sys.argv[1:]],
        airflow_environment(load_settings(), FIRST_PORT),
    )
