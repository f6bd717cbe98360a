"""What an operator wants to know first: which months are published, what became of every file, what waits."""

from typing import Any

from sqlalchemy import Connection, text

from include.warehouse.arrivals import folders_in, pending_files, unreadable_files
from include.warehouse.credentials import read_credentials
from include.warehouse.roles import analyst_address
from include.warehouse.settings import Settings

# what becomes of a file's rows; each has a column rows_…
FATES = ("received", "loaded", "unchanged", "rejected", "duplicate", "superseded")
FILE_COLUMNS = (
    "file_id",
    "file_name",
    "feed",
    "status",
    *(f"rows_{fate}" for fate in FATES),
    "amount_received",
    "amount_loaded",
    "effective_date",
    "received_at",
    "message",
)


def read_status(connection: Connection, settings: Settings, warehouse_url: str) -> dict[str, Any]:
    """The published run (None before the first), every file with its rows by fate, and the files that wait.

    Keys: warehouse_url, analyst_url, analyst_password_in (None where that is not ours), home, report_month,
    published_run, last_run, files, held, unfinished, pending, unreadable, folders.
    """
    published_run = read_published_run(connection)
    has_password = "analyst_password" in read_credentials(settings)
    files = read_files(connection)
    return {
        "warehouse_url": warehouse_url,
        "analyst_url": analyst_address(settings),
        "analyst_password_in": str(settings.secrets) if has_password else None,
        "home": str(settings.home),
        "report_month": published_run["report_month"] if published_run else None,
        "published_run": published_run,
        "last_run": _first(connection, "select * from mart.run order by run_id desc limit 1"),
        "files": files,
        "held": [file["file_name"] for file in files if file["status"] == "held"],
        "unfinished": read_unfinished_files(connection),
        "pending": [path.name for path in pending_files(settings)],
        "unreadable": [path.name for path in unreadable_files(settings)],
        "folders": folders_in(settings.inbox),
    }


def read_published_run(connection: Connection) -> dict[str, Any] | None:
    """The publication that readers see now."""
    return _first(connection, "select * from mart.publication where is_current")


def read_files(connection: Connection) -> list[dict[str, Any]]:
    """Every file received, in the order of receipt, with its rows by fate."""
    columns = ", ".join(FILE_COLUMNS)
    rows = connection.execute(text(f"select {columns} from mart.source_file order by received_at, file_name"))
    return [dict(row) for row in rows.mappings()]


def read_unfinished_files(connection: Connection) -> list[dict[str, Any]]:
    """Files that a load has claimed and neither accepted nor refused: under way, interrupted or failed."""
    rows = connection.execute(
        text(
            "select file_id, file_name, received_at, tries, message from ops.file where status = 'received' order by 1"
        )
    )
    return [dict(row) for row in rows.mappings()]


def read_rejects_by_reason(connection: Connection) -> list[dict[str, Any]]:
    """Open rejects, counted under every reason they carry."""
    rows = connection.execute(
        text(
            "select reason, sum(records)::bigint as rows_rejected"
            " from mart.reject_count group by reason order by rows_rejected desc, reason"
        )
    )
    return [dict(row) for row in rows.mappings()]


def read_customers(connection: Connection) -> list[dict[str, Any]]:
    """Customers of the report month by activity status and value tier."""
    rows = connection.execute(
        text(
            "select activity_status, value_tier, sum(customers) as customers, sum(month_amount) as month_amount"
            " from mart.month_summary join mart.month using (month) where is_report_month"
            " group by activity_status, value_tier order by activity_status, value_tier"
        )
    )
    return [dict(row) for row in rows.mappings()]


def read_tiers(connection: Connection) -> list[str]:
    """Tiers of the report month's rules, the best first, then none."""
    tiers = connection.scalars(
        text(
            "select tier from mart.rule_tier join mart.month using (rule_set) where is_report_month"
            " order by tier_rank desc"
        )
    )
    return [*tiers, "none"]


def _first(connection: Connection, statement: str) -> dict[str, Any] | None:
    row = connection.execute(text(statement)).mappings().first()
    return dict(row) if row else None
