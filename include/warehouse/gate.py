"""The gate between building and publishing: Soda data contracts on what a run has built and on what it was built from.

Soda judges the contracts in include/contracts/soda; the identities that they read are computed by the database
(ops.check_conservation). A check that fails, or that could not be evaluated, keeps the run from being published.
"""

import os
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import yaml
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from include.warehouse.database import engine
from include.warehouse.errors import WarehouseError
from include.warehouse.refresh import refresh_lock
from include.warehouse.settings import REPOSITORY, Settings
from include.warehouse.step_log import record_step

CONTRACTS = REPOSITORY / "include" / "contracts" / "soda"
# the rows of the run first: the identities are computed meanwhile
ORDER = (
    "crm/snapshot_unpublished",
    "core/sale_line",
    "core/customer_version",
    "core/product_version",
    "core/store_version",
    "core/promotion_version",
    "crm/month_summary",
    "ops/conservation",
)
NEEDS_IDENTITIES = "ops/conservation"
# a metric is about no row in particular: where to look
FAILED_ROWS_OF_METRIC = {
    "as_many_as_summed": "select * from ops.miscounted_months(${var.run_id})",
    "known_customers": "select * from ops.misplaced_customers(${var.run_id})",
}
DATA_SOURCE = "warehouse"
MEMORY = "256MB"
MOST_FAILED_ROWS = 1000
# classes of SQLSTATE that are the server's trouble at the moment, not the statement's: connection, rollback (deadlock),
# resources (disc, memory), object in use, intervention (timeout, shutdown), system error
PASSING_FAULTS = ("08", "40", "53", "55", "57", "58")

# two threads that import Soda at once would see it half imported: it imports its own parts while it is
_importing_soda = threading.Lock()


@dataclass(frozen=True)
class GateResult:
    """Outcome of the gate: names of the checks that failed, that could not be evaluated, and that warned."""

    failed: list[str]
    not_evaluated: list[str]
    warned: list[str]
    checks: int

    @property
    def is_ok(self) -> bool:
        """Whether the run may be published."""
        return not self.failed and not self.not_evaluated

    @property
    def refusal(self) -> str:
        """The checks that keep the run from being published, in words."""
        found = ((self.failed, "failed"), (self.not_evaluated, "could not be evaluated"))
        return "; ".join(f"{', '.join(names)} {outcome}" for names, outcome in found if names)


@dataclass(frozen=True)
class Check:
    """One check of a contract; `failed_rows` selects the rows that fail it, where rows can."""

    contract: str
    name: str
    title: str
    path: str
    severity: str
    failed_rows: str | None


@dataclass(frozen=True)
class Outcome:
    """What Soda found: passed, warned, failed or not_evaluated; measured value and threshold in words."""

    check: Check
    outcome: str
    measured: float | None
    threshold: str | None
    message: str


def audit(settings: Settings, run_id: int) -> GateResult:
    """Judges a built run; writes ops.check_result, ops.failed_row and ops.conservation.

    A run that does not pass gets the status `refused`. May be repeated.
    Raises WarehouseError for a run that is not built or that another one has overtaken, and where a trouble of the
    server's, such as a full disc or a lost session, kept checks from being evaluated.
    """
    started = time.monotonic()
    # a plan meanwhile would take the run over and drop its tables
    with refresh_lock(settings):
        variables = _begin(settings, run_id)
        with ThreadPoolExecutor(max_workers=1) as identities:
            computed = identities.submit(_compute_identities, settings, run_id)
            outcomes = _verify(settings, variables, computed)
        return _end(settings, run_id, outcomes, variables, started)


def _end(
    settings: Settings, run_id: int, outcomes: list[Outcome], variables: Mapping[str, str], started: float
) -> GateResult:
    with engine(settings).begin() as connection:
        _require_building(connection, run_id)
        _write(connection, run_id, outcomes, variables)
        result = _conclude(connection, run_id, outcomes)
        record_step(
            connection,
            step="gate",
            run_id=run_id,
            seconds=time.monotonic() - started,
            rows=int(variables["built_rows"]),
        )
    return result


def _require_building(connection: Connection, run_id: int) -> None:
    """Raises WarehouseError where the run was taken over after all, the lock's session having been ended."""
    run = connection.execute(
        text("select status, message from ops.run where run_id = :run_id for update"), {"run_id": run_id}
    ).one()
    if run.status != "building":
        raise WarehouseError(f"run {run_id} is {run.status} ({run.message}); start a new refresh")


def preload() -> threading.Thread:
    """Imports Soda in the background: it takes seconds, which a build can spend elsewhere. Gives the thread."""
    importing = threading.Thread(target=_soda, daemon=True)
    importing.start()
    return importing


def read_checks(contract: str) -> list[Check]:
    """All checks of the contract `schema/table`, in the order of the file."""
    # libyaml: PyYAML's own parser takes a tenth of the gate's time
    content = yaml.load((CONTRACTS / f"{contract}.yml").read_bytes(), Loader=yaml.CSafeLoader)
    table = contract.replace("/", ".")
    condition = content.get("filter", "true")
    checks = [_check(contract, table, condition, None, entry) for entry in content.get("checks", [])]
    for column in content["columns"]:
        checks += [_check(contract, table, condition, column["name"], entry) for entry in column.get("checks", [])]
    return checks


def _check(contract: str, table: str, condition: str, column: str | None, entry: Mapping[str, Any]) -> Check:
    ((kind, body),) = entry.items()
    body = body or {}
    qualifier = body.get("qualifier")
    path = ".".join(part for part in ("columns", column, "checks", kind, qualifier) if part)
    return Check(
        contract=contract,
        name=".".join(part for part in (contract.split("/")[1], column, qualifier or kind) if part),
        title=body.get("name", "Columns and types are as agreed"),
        path=path if column else path.removeprefix("columns."),
        severity=body.get("threshold", {}).get("level", "fail"),
        failed_rows=_failed_rows(table, condition, column, kind, body),
    )


def _failed_rows(table: str, condition: str, column: str | None, kind: str, body: Mapping[str, Any]) -> str | None:
    """The query for the rows that fail a check: Soda itself gives only their number."""
    if "query" in body:
        return str(body["query"])
    if kind == "metric":
        return FAILED_ROWS_OF_METRIC[body["qualifier"]]
    if "expression" in body:
        fault = str(body["expression"])
    elif kind == "missing":
        fault = f"{column} is null or {column}::text in ({_literals(body.get('missing_values', ['']))})"
    elif "valid_values" in body:
        fault = f"{column} not in ({_literals(body['valid_values'])})"
    elif "valid_min" in body:
        fault = f"{column} < {body['valid_min']}"
    else:
        return None
    return f"select * from {table} where ({condition}) and ({fault})"


def _literals(values: list[str]) -> str:
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)


def _begin(settings: Settings, run_id: int) -> dict[str, str]:
    """Makes the run ready for an audit; gives the variables of the contracts."""
    try:
        with engine(settings).begin() as connection:
            row = connection.execute(
                text(
                    "select :run_id as run_id, built_rows, customer_checksum, known_at::text, audited_until::text,"
                    " current_database() as database from ops.begin_audit(:run_id)"
                ),
                {"run_id": run_id},
            ).one()
    except DBAPIError as error:
        if getattr(error.orig, "pgcode", None) == "P0001":
            raise WarehouseError(error.orig.diag.message_primary) from error  # type: ignore[union-attr]
        raise
    return {name: str(value) for name, value in row._mapping.items()}


def _compute_identities(settings: Settings, run_id: int) -> None:
    with engine(settings).begin() as connection:
        connection.execute(text(f"set local work_mem = '{MEMORY}'"))
        connection.execute(text("call ops.check_conservation(:run_id)"), {"run_id": run_id})


def _verify(settings: Settings, variables: Mapping[str, str], identities: Future[None]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    with _data_source(settings) as (data_source, faults):
        for contract in ORDER:
            if contract == NEEDS_IDENTITIES:
                identities.result()
            outcomes += _verify_contract(data_source, contract, variables)
        found = {outcome.outcome for outcome in outcomes}
        if "not_evaluated" in found and "failed" not in found:
            _raise_passing_fault(faults)
    return outcomes


def _raise_passing_fault(faults: list[Any]) -> None:
    """Raises WarehouseError where the server could not do its work: that says nothing of what was built."""
    passing = [fault for fault in faults if (fault.sqlstate or "08").startswith(PASSING_FAULTS)]
    if passing:
        reason = str(passing[0]).splitlines()[0]
        raise WarehouseError(
            f"the gate could not evaluate all checks: {reason}; nothing is known to be wrong with the run:"
            " see to the database's server, then repeat the gate"
        ) from passing[0]


def _verify_contract(data_source: Any, contract: str, variables: Mapping[str, str]) -> list[Outcome]:
    checks = read_checks(contract)
    soda = _soda()
    try:
        session = soda.verify_contract_locally(
            data_sources=[data_source],
            contract_file_path=str(CONTRACTS / f"{contract}.yml"),
            variables=dict(variables),
        )
    except Exception as error:
        # whatever Soda raises: nothing of this contract was evaluated
        return [Outcome(check, "not_evaluated", None, None, f"Soda stopped: {error}") for check in checks]
    found = {
        result.check.relative_path: result
        for verification in session.contract_verification_results
        for result in verification.check_results
    }
    errors = session.get_errors_str()
    outcomes = [_outcome(check, found.get(check.path), errors) for check in checks]
    if not session.is_ok and not any(outcome.outcome in ("failed", "not_evaluated") for outcome in outcomes):
        return [Outcome(check, "not_evaluated", None, None, f"Soda reports errors: {errors}") for check in checks]
    return outcomes


def _outcome(check: Check, result: Any, errors: str) -> Outcome:
    names = {"PASSED": "passed", "WARN": "warned", "FAILED": "failed"}
    outcome = names.get(result.outcome.value, "not_evaluated") if result else "not_evaluated"
    if outcome == "not_evaluated":
        return Outcome(
            check, outcome, None, None, f"{check.title}: Soda could not evaluate it: {errors or 'no reason given'}"
        )
    threshold = " ".join(str(result.check.threshold).split("\n")[1:]) or None
    return Outcome(check, outcome, result.threshold_value, threshold, f"{check.title}: {outcome}")


def _write(connection: Connection, run_id: int, outcomes: list[Outcome], variables: Mapping[str, str]) -> None:
    """Writes the results, and the failing rows of what failed or warned."""
    for outcome in outcomes:
        kept = None
        if outcome.outcome in ("failed", "warned") and outcome.check.failed_rows:
            kept = _keep_failed_rows(connection, run_id, outcome.check, variables)
        connection.execute(
            text(
                "insert into ops.check_result"
                " (run_id, contract, check_name, severity, outcome, measured, threshold, failed_rows, message)"
                " values"
                " (:run_id, :contract, :check_name, :severity, :outcome, :measured, :threshold, :failed_rows, :message)"
            ),
            {
                "run_id": run_id,
                "contract": outcome.check.contract,
                "check_name": outcome.check.name,
                "severity": outcome.check.severity,
                "outcome": outcome.outcome,
                "measured": outcome.measured,
                "threshold": outcome.threshold,
                "failed_rows": kept,
                "message": outcome.message,
            },
        )


def _keep_failed_rows(connection: Connection, run_id: int, check: Check, variables: Mapping[str, str]) -> int:
    """Keeps the first rows that fail a check; gives how many were kept."""
    query = str(check.failed_rows)
    for name, value in variables.items():
        query = query.replace(f"${{var.{name}}}", value)
    return connection.execute(
        text(
            "insert into ops.failed_row (run_id, check_name, failed_row)"
            f" select :run_id, :check_name, to_jsonb(failing) from ({query}) as failing limit {MOST_FAILED_ROWS}"
        ),
        {"run_id": run_id, "check_name": check.name},
    ).rowcount


def _conclude(connection: Connection, run_id: int, outcomes: list[Outcome]) -> GateResult:
    names: dict[str, list[str]] = {"failed": [], "not_evaluated": [], "warned": [], "passed": []}
    for outcome in outcomes:
        names[outcome.outcome].append(outcome.check.name)
    result = GateResult(names["failed"], names["not_evaluated"], names["warned"], checks=len(outcomes))
    if not result.is_ok:
        connection.execute(
            text("update ops.run set status = 'refused', message = :message where run_id = :run_id"),
            {"run_id": run_id, "message": f"refused by the gate: {result.refusal}"},
        )
    return result


def _soda() -> Any:
    """Soda, with telemetry off."""
    os.environ["SODA_CORE_TELEMETRY_ENABLED"] = "false"
    with _importing_soda:
        return import_module("soda_core.contracts")


@contextmanager
def _data_source(settings: Settings) -> Iterator[tuple[Any, list[Any]]]:
    """The warehouse as Soda's data source, on one connection with the memory that checks of whole tables need.

    And a list to which the errors of its statements will come: Soda logs them only.
    """
    _soda()
    source = import_module("soda_postgres.common.data_sources.postgres_data_source")
    faults: list[Any] = []
    connection = _connect(settings, faults)

    class PoolsConnection(source.PostgresDataSourceConnection):  # type: ignore[name-defined,misc]
        def _create_connection(self, config: object) -> Any:
            return connection

    # Soda's own way to connect knows fewer spellings of an address than the pool does
    data_source = source.PostgresDataSourceImpl(
        source.PostgresDataSourceModel.model_construct(name=DATA_SOURCE), PoolsConnection(DATA_SOURCE, {})
    )
    try:
        data_source.execute_update(f"set work_mem = '{MEMORY}'")
        data_source.execute_update("set time zone 'UTC'")
        yield data_source, faults
    finally:
        data_source.close_connection()


def _connect(settings: Settings, faults: list[Any]) -> Any:
    """A connection as the pool's, for Soda's driver; the errors of its statements are added to the list."""
    psycopg = import_module("psycopg")

    class NotingCursor(psycopg.Cursor):  # type: ignore[name-defined,misc]
        def execute(self, *arguments: Any, **options: Any) -> Any:
            try:
                return super().execute(*arguments, **options)
            except psycopg.Error as error:
                faults.append(error)
                raise

    pool = engine(settings)
    arguments, options = pool.dialect.create_connect_args(pool.url)
    try:
        return psycopg.connect(*arguments, **options, cursor_factory=NotingCursor)
    except psycopg.Error as error:
        raise WarehouseError(f"the gate cannot connect to the warehouse: {error}") from error
