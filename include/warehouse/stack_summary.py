"""What `make run` says at its end: the report month, what became of the rows, and where to look."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy.engine import make_url

from include.warehouse.airflow_environment import ADMIN, admin_password
from include.warehouse.console import in_words
from include.warehouse.credentials import read_credentials
from include.warehouse.database import connect
from include.warehouse.roles import login_url
from include.warehouse.settings import Settings
from include.warehouse.status import (
    read_customers,
    read_files,
    read_published_run,
    read_rejects_by_reason,
    read_tiers,
)
from include.warehouse.users import FIRST_ADMIN

STATUSES = ("new", "active", "at_risk", "lapsed", "lost", "prospect")
FATES = ("received", "loaded", "unchanged", "rejected", "duplicate", "superseded")


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
        console.print(_customer_table(customers, tiers))
    else:
        console.rule("Nothing is published yet")
    console.print(_row_table(files))
    if rejects:
        console.print(_reject_table(rejects))
    for file in files:
        if file["status"] in ("held", "refused"):
            console.print(f"{file['file_name']} is {file['status']}: {file['message']}", markup=False)
    for name, value in _places(settings, addresses):
        console.print(f"{name:15} {value}", markup=False, soft_wrap=True)


def _customer_table(customers: list[dict[str, Any]], tiers: list[str]) -> Table:
    counted = {(row["value_tier"], row["activity_status"]): row["customers"] for row in customers}
    table = _table("Customers by tier and status", "tier", [*STATUSES, "all"])
    for tier in tiers:
        counts = [int(counted.get((tier, status), 0)) for status in STATUSES]
        table.add_row(tier, *(in_words(count) for count in (*counts, sum(counts))))
    totals = [sum(int(counted.get((tier, status), 0)) for tier in tiers) for status in STATUSES]
    table.add_section()
    table.add_row("all", *(in_words(count) for count in (*totals, sum(totals))))
    return table


def _row_table(files: list[dict[str, Any]]) -> Table:
    table = _table("Rows", "feed", FATES)
    loaded = [file for file in files if file["status"] == "loaded"]
    for feed in sorted({file["feed"] for file in loaded}):
        of_feed = [file for file in loaded if file["feed"] == feed]
        table.add_row(feed, *(in_words(sum(file[f"rows_{fate}"] or 0 for file in of_feed)) for fate in FATES))
    return table


def _reject_table(rejects: list[dict[str, Any]]) -> Table:
    table = _table("Rejected rows by reason", "reason", ["rows"])
    for reject in rejects:
        table.add_row(reject["reason"], in_words(reject["rows_rejected"]))
    return table


def _table(title: str, first: str, others: list[str] | tuple[str, ...]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="")
    table.add_column(first)
    for name in others:
        table.add_column(name.replace("_", " "), justify="right")
    return table


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
