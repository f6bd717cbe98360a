"""What readers see now: the publication and one of its months."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, text

from include.warehouse.errors import InputError

PUBLISHED_MONTH = """
select
    month.month,
    month.as_of_date,
    month.is_report_month,
    month.is_open,
    month.is_frozen,
    month.short_history,
    month.thin_month,
    month.rule_set,
    month.run_id as month_run_id,
    publication.run_id,
    publication.published_at at time zone 'UTC' as published_at,
    publication.known_at at time zone 'UTC' as known_at,
    publication.procedure_versions,
    publication.files_known,
    currency.value as currency,
    prices_include_tax.value as prices_include_tax
from mart.publication
join mart.month on month.month = coalesce(%(month)s::date, publication.report_month)
join mart.setting as currency on currency.setting = 'currency'
join mart.setting as prices_include_tax on prices_include_tax.setting = 'prices_include_tax'
where publication.is_current
"""


@dataclass(frozen=True)
class PublishedMonth:
    """One published month and the publication it is part of; moments are in UTC."""

    month: date
    as_of_date: date
    is_report_month: bool
    is_open: bool
    is_frozen: bool
    short_history: bool
    thin_month: bool
    rule_set: int
    month_run_id: int
    run_id: int
    published_at: datetime
    known_at: datetime
    procedure_versions: list[str]
    files_known: int
    currency: str
    prices_include_tax: str

    def as_document(self) -> dict[str, Any]:
        """What an export says of where its figures come from."""
        return {
            "month": f"{self.month:%Y-%m}",
            "as_of_date": self.as_of_date.isoformat(),
            "is_open": self.is_open,
            "rule_set": self.rule_set,
            "run_id": self.run_id,
            "published_at": f"{self.published_at.isoformat()}Z",
            "known_at": f"{self.known_at.isoformat()}Z",
            "procedure_versions": self.procedure_versions,
            "currency": self.currency,
        }


def read_rule_set(connection: Connection, rule_set: int) -> dict[str, Any]:
    """Parameters of a rule set by name, tiers (best first) and segments (in order) among them as lists of rows."""

    def rows(statement: str) -> list[dict[str, Any]]:
        return [dict(row) for row in connection.execute(text(statement), {"rule_set": rule_set}).mappings()]

    return rows("select * from mart.rule_set where rule_set = :rule_set")[0] | {
        "tiers": rows(
            "select tier, tier_rank, minimum_total from mart.rule_tier where rule_set = :rule_set"
            " order by tier_rank desc"
        ),
        "segments": rows("select * from mart.rule_segment where rule_set = :rule_set order by position"),
    }


def read_tiers(connection: Connection) -> list[list[str]]:
    """Tiers, best first, of every rule set that was ever approved, in the order of approval, which never changes."""
    found = connection.execute(
        text(
            "select array_agg(rule_tier.tier order by rule_tier.tier_rank desc)"
            " from mart.rule_set join mart.rule_tier using (rule_set)"
            " where rule_set.approved_at is not null"
            " group by rule_set.rule_set, rule_set.approved_at"
            " order by rule_set.approved_at, rule_set.rule_set"
        )
    )
    return list(found.scalars())


def published_month(connection: Connection, month: date | None) -> PublishedMonth:
    """The month, or the report month; raises InputError where it is not published."""
    row = connection.exec_driver_sql(PUBLISHED_MONTH, {"month": month}).mappings().first()
    if row:
        return PublishedMonth(**row)
    if month is None:
        raise InputError("no month is published yet; run: python -m include.warehouse refresh")
    raise InputError(f"the month {month:%Y-%m} is not published; see the published months in mart.month")
