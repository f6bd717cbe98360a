"""The figures of the Excel summary: every statement run once, in one view of the database, and hashed.

Each statement is over mart alone and can be run again as it stands: the About sheet has them with the month filled in.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from include.warehouse.palette import tier_colours
from include.warehouse.published import PublishedMonth, read_rule_set, read_tiers
from include.warehouse.summary import customer_queries, quality_queries, trend_queries
from include.warehouse.wording import catalog

MONTH_FIGURES = {
    "trend": trend_queries.TREND,
    "tier_trend": trend_queries.TIER_TREND,
    "tier_by_status": customer_queries.TIER_BY_STATUS,
    "lifecycle_events": customer_queries.LIFECYCLE_EVENTS,
    "segments": customer_queries.SEGMENTS,
    "reach_by_channel": customer_queries.REACH_BY_CHANNEL,
    "reach_by_tier": customer_queries.REACH_BY_TIER,
    "tier_movements": customer_queries.TIER_MOVEMENTS,
    "customer_groups": customer_queries.CUSTOMER_GROUPS,
    "cities": customer_queries.CITIES,
    "stores": customer_queries.STORES,
    "control_totals": quality_queries.CONTROL_TOTALS,
}
OPEN_MONTH_FIGURES = {
    "same_days": trend_queries.SAME_DAYS,
    "same_day_customers": trend_queries.SAME_DAY_CUSTOMERS,
}
QUALITY_FIGURES = {
    "files": quality_queries.FILES,
    "rejects": quality_queries.REJECTS,
    "checks": quality_queries.CHECKS,
    "conservation": quality_queries.CONSERVATION,
}


@dataclass(frozen=True)
class Figure:
    """The rows of one statement, by column name, and the statement with its values filled in."""

    name: str
    columns: list[str]
    rows: list[dict[str, Any]]
    sql: str

    @property
    def sha256(self) -> str:
        """SHA-256 of the columns' names and all values as text, tab between them, a line each (UTF-8)."""
        lines = ["\t".join(self.columns)]
        lines += ["\t".join("" if row[name] is None else str(row[name]) for name in self.columns) for row in self.rows]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class Figures:
    """Everything the summary shows of one month; `rules` are those of its rule set, `comments` the catalog's.

    `tier_colours` are those of the tiers of all rule sets.
    `seen_by` names the reader whose customers these are, where they are not all.
    """

    shown: PublishedMonth
    rules: dict[str, Any]
    comments: dict[str, str]
    tier_colours: dict[str, str]
    by_name: dict[str, Figure]
    seen_by: str | None = None

    def __getitem__(self, name: str) -> list[dict[str, Any]]:
        return self.by_name[name].rows

    @property
    def tiers(self) -> list[str]:
        """Tiers of the month's rules, the best first."""
        return [row["tier"] for row in self.rules["tiers"]]

    @property
    def customers(self) -> int:
        """Customers of the month."""
        return sum(int(row["customers"]) for row in self["tier_by_status"] if not row["is_total"])

    @property
    def month_sha256(self) -> str:
        """One hash over the figures of the month; what came when (files, checks) is not part of it."""
        names = [name for name in self.by_name if name not in QUALITY_FIGURES]
        text = "\n".join(f"{name} {self.by_name[name].sha256}" for name in sorted(names))
        return hashlib.sha256(text.encode()).hexdigest()


def read_figures(connection: Connection, shown: PublishedMonth, seen_by: str | None = None) -> Figures:
    """Runs every statement of the summary for the month; `seen_by` is the reader where they see some customers only."""
    statements = MONTH_FIGURES | (OPEN_MONTH_FIGURES if shown.is_open else {}) | QUALITY_FIGURES
    return Figures(
        shown=shown,
        rules=read_rule_set(connection, shown.rule_set),
        comments=catalog.comments(connection),
        tier_colours=tier_colours(read_tiers(connection)),
        by_name={name: _read(connection, name, statement, shown) for name, statement in statements.items()},
        seen_by=seen_by,
    )


def _read(connection: Connection, name: str, statement: str, shown: PublishedMonth) -> Figure:
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor:
        filled = cursor.mogrify(statement, {"month": shown.month, "as_of_date": shown.as_of_date}).decode().strip()
    result = connection.execution_options(no_parameters=True).exec_driver_sql(filled)
    return Figure(name=name, columns=list(result.keys()), rows=[dict(row) for row in result.mappings()], sql=filled)
