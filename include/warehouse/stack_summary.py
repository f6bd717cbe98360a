"""What `make run` says at its end: the report month, what became of the rows, and where to look."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from sqlalchemy.engine import make_url

from include.warehouse.airflow_environment import ADMIN, admin_password
from include.warehouse.console import Document, show_table
from include.warehouse.credentials import read_credentials
from include.warehouse.database import connect
from include.warehouse.roles import login_url
from include.warehouse.settings import Settings
from include.warehouse.status import (
    FATES,
    read_customers,
    read_files,
    read_published_run,
    read_rejects_by_reason,
    read_tiers,
)
from include.warehouse.users import FIRST_ADMIN

STATUSES = ("new", "active", "at_risk", "lapsed", "lost", "prospect")


@dataclass(frozen=True)
class Addresses:
    """Where people look."""

    airflow: str
    dashboard: str


def show_summary(console: Console, settings: Settings, addresses: Addresses) -> None:
    """Prints the published state and the addresses; says so where nothing is published yet."""
    with connect(settings) as connection:
        publication = read_published_run(connection)
        files = read_files(connection)
        rejects = read_rejects_by_reason(connection)
        customers = read_customers(connection) if publication else []
        tiers = read_tiers(connection)
    console.print()
    if publication:
        console.rule(f"Report month {publication['report_month']:%Y-%m}, as of {publication['as_of_date']}")
        show_customers(console, customers, tiers)
    else:
        console.rule("Nothing is published yet")
    _show_rows(console, files)
    if rejects:
        show_table(console, "Rejected rows by reason", rejects, ["reason", "rows_rejected"])
    for file in files:
        if file["status"] in ("held", "refused"):
            console.print(f"{file['file_name']} is {file['status']}: {file['message']}", markup=False)
    for name, value in _places(settings, addresses):
        console.print(f"{name:15} {value}", markup=False, soft_wrap=True)


def show_customers(console: Console, customers: list[dict[str, Any]], tiers: list[str]) -> None:
    """Customers of the report month: a line a tier, the best first, a column a status, and totals."""
    counted = {(row["value_tier"], row["activity_status"]): int(row["customers"]) for row in customers}
    rows: list[Document] = [
        {"tier": tier, **{status: counted.get((tier, status), 0) for status in STATUSES}} for tier in tiers
    ]
    rows.append({"tier": "all", **{status: sum(row[status] for row in rows) for status in STATUSES}})
    counts = [{**row, "all": sum(row[status] for status in STATUSES)} for row in rows]
    show_table(console, "Customers by tier and status", counts, ["tier", *STATUSES, "all"])


def _show_rows(console: Console, files: list[dict[str, Any]]) -> None:
    loaded = [file for file in files if file["status"] == "loaded"]
    rows = []
    for feed in sorted({file["feed"] for file in loaded}):
        of_feed = [file for file in loaded if file["feed"] == feed]
        rows.append({"feed": feed, **{fate: sum(file[f"rows_{fate}"] or 0 for file in of_feed) for fate in FATES}})
    show_table(console, "Rows", rows, ["feed", *FATES])


def _places(settings: Settings, addresses: Addresses) -> list[tuple[str, str]]:
    excel = newest_excel(settings)
    return [
        ("Excel summary", str(excel) if excel else "none yet"),
        ("Airflow", f"{addresses.airflow}  user {ADMIN}, password {admin_password(settings)}"),
        ("Dashboard", f"{addresses.dashboard}  {_dashboard_login(settings)}"),
        ("SQL, read only", _sql(settings)),
        ("Your own files", f"{settings.inbox}/"),
    ]


def _dashboard_login(settings: Settings) -> str:
    password = read_credentials(settings).get("dashboard_admin_password")
    if password is None:
        return "users: python -m include.warehouse user list"
    return f"user {FIRST_ADMIN}, password {password}"


def _sql(settings: Settings) -> str:
    try:
        url = make_url(login_url(settings, "analyst"))
    except LookupError as error:
        return str(error)
    return f"psql '{url.set(drivername='postgresql').render_as_string(hide_password=False)}'"


def newest_excel(settings: Settings) -> Path | None:
    """The Excel summary written last."""
    return max(settings.exports.glob("*summary*.xlsx"), key=lambda path: path.stat().st_mtime, default=None)
