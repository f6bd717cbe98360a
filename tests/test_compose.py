"""docker-compose.yaml as Docker reads it: no password in it, nothing runs as root or listens outside this machine."""

import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.warehouse.airflow_environment import airflow_environment
from include.warehouse.compose_environment import SECRETS, write_environment
from include.warehouse.settings import REPOSITORY, Settings

FILE = REPOSITORY / "docker-compose.yaml"
VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?::(?P<kind>[-?])(?P<text>[^}]*))?\}")
APP = {"initialise", "api-server", "scheduler", "dag-processor", "triggerer", "worker", "dashboard"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated .env."""
    path = tmp_path_factory.mktemp("compose") / ".env"
    write_environment(path)
    return path


@pytest.fixture(scope="module")
def services(environment: Path) -> dict[str, Any]:
    """Every service with the values of the generated .env."""
    return services_with(environment)


def services_with(environment: Path) -> dict[str, Any]:
    """Every service with all values filled in: by Docker Compose where it is installed, else by the same rules here."""
    if has_compose():
        command = ["docker", "compose", "--file", str(FILE), "--env-file", str(environment), "--profile", "celery"]
        done = subprocess.run([*command, "config"], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        text = done.stdout
    else:
        values = dict(line.split("=", maxsplit=1) for line in environment.read_text().splitlines())
        text = VARIABLE.sub(lambda found: values.get(found["name"], found["text"] or ""), FILE.read_text())
    content: dict[str, Any] = yaml.safe_load(text)
    return dict(content["services"])


def has_compose() -> bool:
    """Whether this machine has Docker's client with its compose plugin."""
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "compose", "version"], check=False, capture_output=True).returncode == 0


def test_every_part_is_a_service(services: dict[str, Any]) -> None:
    assert services.keys() == APP | {"postgres", "redis"}
    for name in ("api-server", "scheduler", "dag-processor", "triggerer"):
        assert services[name]["command"] == ["airflow", name]
        assert services[name]["environment"]["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert {name for name, service in services.items() if service.get("profiles") == ["celery"]} == {"worker", "redis"}
    assert services["initialise"]["command"] == ["sh", "include/docker/initialise.sh"]
    assert (REPOSITORY / "include/docker/initialise.sh").is_file()


def test_celery_is_chosen_where_every_command_reads_it(tmp_path: Path) -> None:
    """What stood in one command alone is forgotten by the next: back to LocalExecutor, the worker left running."""
    readme = (REPOSITORY / "README.md").read_text()
    chosen = re.findall(r"^(?:AIRFLOW_EXECUTOR|COMPOSE_PROFILES)=\w+$", readme, re.MULTILINE)
    environment = tmp_path / ".env"
    environment.write_text("\n".join(chosen))
    write_environment(environment)
    executors = {
        service["environment"]["AIRFLOW__CORE__EXECUTOR"]
        for service in services_with(environment).values()
        if "AIRFLOW__CORE__EXECUTOR" in service.get("environment", {})
    }
    assert executors == {"CeleryExecutor"}
    assert "COMPOSE_PROFILES=celery" in environment.read_text().splitlines()
    for path in (FILE, REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")):
        assert not re.search(r"AIRFLOW_EXECUTOR=\w+ docker|--profile", path.read_text()), path


def test_nothing_runs_as_root_or_may_become_root(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert int(str(service["user"]).split(":")[0]) > 0, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    last_user = re.findall(r"^USER (\d+)", (REPOSITORY / "include/docker/Dockerfile").read_text(), re.MULTILINE)[-1]
    assert {str(services[name]["user"]).split(":")[0] for name in APP} == {last_user}


def test_ports_are_open_to_this_machine_alone(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if service.get("ports")}
    assert published.keys() == {"api-server", "dashboard", "postgres"}
    for ports in published.values():
        for port in ports:
            address = port["host_ip"] if isinstance(port, dict) else port.rpartition(":")[0].rpartition(":")[0]
            assert address == "127.0.0.1"


def test_every_lasting_service_has_a_health_check_and_what_it_waits_for(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert bool(service.get("healthcheck", {}).get("test")) == (name != "initialise"), name
        assert services.keys() >= set(service.get("depends_on", {})), name
    for name in APP - {"initialise"}:
        assert services[name]["depends_on"]["initialise"]["condition"] == "service_completed_successfully"
    assert services["initialise"]["depends_on"]["postgres"]["condition"] == "service_healthy"


def test_state_is_in_volumes(services: dict[str, Any]) -> None:
    declared = yaml.safe_load(FILE.read_text())["volumes"]
    assert declared.keys() == {"postgres", "redis", "warehouse"}
    for name in APP:
        assert "/srv/warehouse" in str(services[name]["volumes"])
    assert "/var/lib/postgresql" in str(services["postgres"]["volumes"])


def test_contracts_are_those_of_the_machine(services: dict[str, Any]) -> None:
    for name in APP:
        mounted = services[name]["environment"]["WAREHOUSE_CONTRACTS"]
        [contracts] = [volume for volume in services[name]["volumes"] if mounted in str(volume)]
        assert (REPOSITORY / contracts["source"] / "sales.yml").is_file()
        assert contracts["read_only"] is True


def test_services_end_in_peace_and_their_logs_are_limited(services: dict[str, Any]) -> None:
    assert services["postgres"]["stop_grace_period"] in ("2m", "2m0s")
    for name in ("scheduler", "worker"):
        assert services[name]["stop_grace_period"] in ("1m", "1m0s")
    for service in services.values():
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}


def test_the_server_logs_no_statement_with_its_values(services: dict[str, Any]) -> None:
    assert "-clog_min_error_statement=panic" in services["postgres"]["command"]


def test_the_file_holds_no_password_and_says_which_one_is_missing(environment: Path) -> None:
    text = FILE.read_text()
    required = {found["name"] for found in VARIABLE.finditer(text) if found["kind"] == "?"}
    assert required == SECRETS.keys()
    assert all(found["kind"] for found in VARIABLE.finditer(text)), "a variable without a default must be required"
    for line in text.splitlines():
        if re.search(r"(PASSWORD|SECRET|_KEY|FERNET|AUTH): ", line) and "PASSWORDS_FILE" not in line:
            assert re.fullmatch(r"\s+\w+: \$\{[A-Z_]+:\?run make compose\}", line), line
        for login in re.findall(r"://[^\s/]*@", line):
            assert re.fullmatch(r"://\w*:\$\{[A-Z_]+:\?run make compose\}@", login), line
    assert all(value not in text for value in environment.read_text().splitlines() if "PASSWORD" in value)


def test_the_generated_file_is_private_and_keeps_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("WAREHOUSE_PASSWORD=mine\n")
    path.chmod(0o600)
    assert "WAREHOUSE_PASSWORD" not in write_environment(path)
    first = path.read_text()
    assert "WAREHOUSE_PASSWORD=mine\n" in first
    assert write_environment(path) == []
    assert path.read_text() == first
    fresh = tmp_path / "fresh.env"
    write_environment(fresh)
    assert stat.S_IMODE(fresh.stat().st_mode) == 0o600
    assert ".env" in (REPOSITORY / ".gitignore").read_text().splitlines()


def test_airflow_is_set_up_as_by_make_run(services: dict[str, Any], fresh_warehouse: Settings) -> None:
    here = airflow_environment(fresh_warehouse, 8080)
    there = services["scheduler"]["environment"]
    only_here = {"AIRFLOW__API__HOST", "AIRFLOW__API__PORT"}
    assert {name for name in here if name.startswith("AIRFLOW__")} - only_here <= there.keys()
    for name in ("LOAD_EXAMPLES", "DAGS_ARE_PAUSED_AT_CREATION", "SIMPLE_AUTH_MANAGER_USERS", "EXECUTOR"):
        assert there[f"AIRFLOW__CORE__{name}"] == here[f"AIRFLOW__CORE__{name}"]
    assert there["SODA_CORE_TELEMETRY_ENABLED"] == here["SODA_CORE_TELEMETRY_ENABLED"] == "false"
