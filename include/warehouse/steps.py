"""The ordered steps from accepted rows to a publication: Airflow runs each as a task, the command line all in a row."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import text

from include.warehouse import gate
from include.warehouse.database import engine
from include.warehouse.errors import GateRefused
from include.warehouse.refresh import (
    Plan,
    aggregate,
    build_months,
    month_batches,
    plan,
    publish,
    refresh_lock,
    summarize,
    summarize_users,
    vacuum,
)
from include.warehouse.settings import Settings
from include.warehouse.step_log import record_step
from include.warehouse.summary import summary_path, write_summary

# a recut builds all months, and each summary takes seconds
MOST_WRITTEN_AGAIN = 12
# earlier runs of which no Excel was written, being stopped before it, count as well
BUILT_SINCE_THE_LAST_EXCEL = text(
    "select distinct month from ops.run_month join ops.run using (run_id) join mart.month using (month)"
    " where run.status = 'published' and rows_mode <> 'remove' and not is_report_month"
    " and run_month.run_id > coalesce((select max(run_id) from ops.step where step = 'excel' and run_id < :run_id), 0)"
    " order by month desc"
)


@dataclass(frozen=True)
class Step:
    """One step after the plan; its function may be repeated."""

    name: str
    title: str
    function: Callable[[Settings, int], object]


@dataclass(frozen=True)
class RefreshResult:
    """Outcome of a refresh; `excel` is the summary's path where something was published."""

    plan: Plan
    is_published: bool
    warnings: list[str]
    excel: Path | None


def build_snapshot(settings: Settings, run_id: int) -> int:
    """Builds all months of a run, batch after batch; gives the rows."""
    return sum(build_months(settings, run_id, batch) for batch in month_batches(settings, run_id))


def audit(settings: Settings, run_id: int) -> gate.GateResult:
    """Runs the gate; raises GateRefused naming the checks that failed."""
    result = gate.audit(settings, run_id)
    if not result.is_ok:
        raise GateRefused(
            f"run {run_id} is not published: {result.refusal}; see mart.check_result and mart.failed_row for run"
            f" {run_id}, mend the {'data' if result.failed else 'contract'} and refresh again"
        )
    return result


def write_excel(settings: Settings, run_id: int) -> Path | None:
    """Writes the Excel summary of the report month to exports/; None where a run has taken the last month away.

    Summaries that lie there of months built again, such as the one that was open until now, are written anew as well,
    at most the newest twelve. Older ones stay as of the publication that they name.
    """
    started = time.monotonic()
    with engine(settings).connect() as connection:
        if connection.execute(text("select not exists (select from mart.month)")).scalar():
            return None
        built = connection.scalars(BUILT_SINCE_THE_LAST_EXCEL, {"run_id": run_id}).all()
    path = write_summary(settings, None, None)
    outdated = [month for month in built if summary_path(settings, month).exists()]
    for month in outdated[:MOST_WRITTEN_AGAIN]:
        write_summary(settings, month, None)
    with engine(settings).begin() as connection:
        record_step(
            connection, step="excel", run_id=run_id, seconds=time.monotonic() - started, size=path.stat().st_size
        )
    return path


REFRESH_STEPS: tuple[Step, ...] = (
    Step("aggregate", "facts per customer and month", aggregate),
    Step("snapshot", "measures, cut points, scores", build_snapshot),
    Step("summary", "counts and sums per month", summarize),
    Step("gate", "Soda contracts and identities", audit),
    Step("publish", "readers see the new months", publish),
    Step("vacuum", "quick pages", vacuum),
    Step("users", "figures of users who see some customers", summarize_users),
    # last, for a folder that cannot be written keeps nothing else from being done
    Step("excel", "summary for people", write_excel),
)


def complete_publication(settings: Settings, on_step: Callable[[Step], None] = lambda step: None) -> Path | None:
    """Does what the published run was kept from after its publication; gives the Excel summary if it was missing."""
    with engine(settings).connect() as connection:
        found = connection.execute(
            text(
                "select r.run_id, array(select s.step from ops.step s where s.run_id = r.run_id) as done"
                " from ops.run r where r.status = 'published' order by r.run_id desc limit 1"
            )
        ).one_or_none()
    if found is None:
        return None
    excel: Path | None = None
    names = [step.name for step in REFRESH_STEPS]
    for step in REFRESH_STEPS[names.index("publish") + 1 :]:
        if step.name not in found.done:
            on_step(step)
            outcome = step.function(settings, found.run_id)
            excel = outcome if isinstance(outcome, Path) else excel
    return excel


def refresh(
    settings: Settings,
    *,
    from_month: date | None = None,
    recut: bool = False,
    requested_by: str = "command line",
    on_step: Callable[[Step], None] = lambda step: None,
) -> RefreshResult:
    """Plans, builds, audits and publishes what has changed; raises GateRefused where the gate refuses."""
    gate.preload()
    with refresh_lock(settings):
        planned = plan(settings, from_month=from_month, recut=recut, requested_by=requested_by)
        if planned.status == "nothing_to_do":
            return RefreshResult(planned, False, [], complete_publication(settings))
        warnings: list[str] = []
        excel: Path | None = None
        for step in REFRESH_STEPS:
            on_step(step)
            outcome = step.function(settings, planned.run_id)
            if isinstance(outcome, gate.GateResult):
                warnings = outcome.warned
            elif isinstance(outcome, Path):
                excel = outcome
        return RefreshResult(planned, True, warnings, excel)
