"""The form of the DAG rebuild_months, read and checked."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from include.warehouse.errors import InputError

# each is a task: Airflow makes no more than 1,024 of one
MOST_MONTHS = 600


@dataclass(frozen=True)
class RebuildRequest:
    """Which months to build: to publish them, or with `known_at` to inspect them."""

    first_month: date
    last_month: date
    known_at: datetime | None
    is_recut: bool
    is_dry_run: bool

    @property
    def months(self) -> list[date]:
        """Every month of the range, in order."""
        count = (self.last_month.year - self.first_month.year) * 12 + self.last_month.month - self.first_month.month + 1
        start = self.first_month.year * 12 + self.first_month.month - 1
        return [date((start + step) // 12, (start + step) % 12 + 1, 1) for step in range(count)]


def read_request(params: dict[str, Any]) -> RebuildRequest:
    """Reads the form; raises InputError where its fields contradict each other.

    A moment without an offset is in UTC, as Airflow shows times.
    """
    first_month = _month(params["first_month"])
    known_at = _moment(params["known_at"]) if params["known_at"] else None
    if known_at is not None and known_at.tzinfo is None:
        known_at = known_at.replace(tzinfo=UTC)
    if params["last_month"] and known_at is None:
        raise InputError(
            "last month goes only with known at: what is published runs to the report month, as each month reads"
            " the one before; leave last month empty"
        )
    if known_at is not None and (params["recut"] or params["dry_run"]):
        raise InputError("known at never publishes: leave recut and dry run off")
    last_month = _month(params["last_month"]) if params["last_month"] else first_month
    if last_month < first_month:
        raise InputError(f"last month {last_month:%Y-%m} is before first month {first_month:%Y-%m}")
    request = RebuildRequest(
        first_month=first_month,
        last_month=last_month,
        known_at=known_at,
        is_recut=bool(params["recut"]),
        is_dry_run=bool(params["dry_run"]),
    )
    if len(request.months) > MOST_MONTHS:
        raise InputError(
            f"from {first_month:%Y-%m} to {last_month:%Y-%m} there are {len(request.months):,} months; name"
            f" {MOST_MONTHS} at most"
        )
    return request


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{text} is not a moment; write it like 2025-08-01T06:00:00Z") from error


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise InputError(f"{text} is not a month; write YYYY-MM") from error
