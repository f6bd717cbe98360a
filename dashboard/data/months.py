"""Which publication is in force and which months it shows."""

from dataclasses import dataclass
from datetime import date, datetime

from dashboard.data.warehouse import rows


@dataclass(frozen=True)
class Publication:
    """The publication that readers see now."""

    run_id: int
    published_at: datetime
    known_at: datetime


@dataclass(frozen=True)
class Month:
    """A published month and its flags; see definitions, Calendar."""

    month: date
    as_of_date: date
    is_report_month: bool
    is_open: bool
    short_history: bool
    thin_month: bool
    rule_set: int

    def months_before(self, count: int) -> date:
        """First day of the month `count` months earlier."""
        position = self.month.year * 12 + self.month.month - 1 - count
        return date(position // 12, position % 12 + 1, 1)


def publication() -> Publication | None:
    """The publication in force; None before the first."""
    found = rows("select run_id, published_at, known_at from mart.publication where is_current")
    return Publication(**found[0]) if found else None


def months() -> list[Month]:
    """All published months, the report month first."""
    found = rows(
        """
        select month, as_of_date, is_report_month, is_open, short_history, thin_month, rule_set
        from mart.month
        order by month desc
        """
    )
    return [Month(**month) for month in found]


def currency() -> str:
    """Code of the one currency of all amounts."""
    return str(rows("select value from mart.setting where setting = 'currency'")[0]["value"])
