"""Figures of the overview: the month's summary with its 13 months, the same days of other months, the revenue tree."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import log
from typing import Any

import pandas

from dashboard.data.frames import frame
from dashboard.data.months import Month
from dashboard.data.warehouse import row, rows
from include.warehouse.first_days import FIRST_DAYS

DIMENSIONS = ("total", "value_tier", "lifecycle_event", "growth_state")


def history(month: date, months: int = 13) -> pandas.DataFrame:
    """Counts and sums of the `months` months that end with `month`.

    One row a month, dimension (see DIMENSIONS) and value of it; money in currency units.
    """
    return frame(
        """
        select
            month,
            case
                when grouping(value_tier) = 0 then 'value_tier'
                when grouping(lifecycle_event) = 0 then 'lifecycle_event'
                when grouping(growth_state) = 0 then 'growth_state'
                else 'total'
            end as dimension,
            coalesce(value_tier, lifecycle_event, growth_state, 'all') as value,
            sum(customers)::bigint as customers,
            sum(scored)::bigint as scored,
            sum(reach_email)::bigint as reach_email,
            sum(reach_sms)::bigint as reach_sms,
            sum(reach_phone)::bigint as reach_phone,
            sum(month_amount) as month_amount
        from mart.month_summary
        where month <= :month and month > :month - make_interval(months => :months)
        group by grouping sets (
            (month),
            (month, value_tier),
            (month, lifecycle_event),
            (month, growth_state)
        )
        order by month
        """,
        month=month,
        months=months,
    )


def tier_by_status(month: date) -> pandas.DataFrame:
    """Customers and their window's money by tier and status; one row each: value_tier, activity_status, customers."""
    return frame(
        """
        select value_tier, activity_status, sum(customers)::bigint as customers, sum(monetary) as monetary
        from mart.month_summary
        where month = :month
        group by value_tier, activity_status
        """,
        month=month,
    )


@dataclass(frozen=True)
class Flows:
    """What an overview counts in a month, or in its first days."""

    engaged: int
    new: int
    won_back: int
    lost: int
    revenue: Decimal


def first_days(month: date, days: int) -> Flows | None:
    """The flows of the first `days` days of a month, as that month would have counted them on its last of these days.

    None where the month is not published. Before the first month nobody had bought.
    """
    statement = FIRST_DAYS.format(month=":month", through=":through")
    found = row(statement, month=month, through=_through(month, days))
    return Flows(**found) if found.pop("months") else None


@dataclass(frozen=True)
class Revenue:
    """A month's revenue and what it is the product of; price_per_item is net of returns."""

    amount: Decimal
    customers: int
    orders: int
    items: Decimal

    @property
    def factors(self) -> dict[str, Decimal] | None:
        """The factors by name, their product being the amount; None where one of them is not positive."""
        if self.amount <= 0 or self.customers <= 0 or self.orders <= 0 or self.items <= 0:
            return None
        return {
            "Customers": Decimal(self.customers),
            "Orders per customer": Decimal(self.orders) / self.customers,
            "Items per order": self.items / self.orders,
            "Price per item": self.amount / self.items,
        }


def revenue(month: date) -> Revenue:
    """Revenue of a whole published month."""
    return Revenue(
        **row(
            """
            select
                coalesce(sum(month_amount), 0) as amount,
                (
                    select coalesce(sum(shoppers), 0)::bigint from mart.month_movement where month = :month
                ) as customers,
                coalesce(sum(month_orders), 0)::bigint as orders,
                coalesce(sum(month_items), 0) as items
            from mart.month_summary
            where month = :month
            """,
            month=month,
        )
    )


def revenue_of_first_days(month: date, days: int) -> Revenue:
    """Revenue of the first `days` days of a published month."""
    return Revenue(
        **row(
            """
            select
                coalesce(sum(net_amount), 0) as amount,
                count(distinct customer_id) filter (where not is_return) as customers,
                count(distinct (customer_id, transaction_id)) filter (where not is_return) as orders,
                coalesce(sum(quantity) filter (where not is_return), 0) as items
            from mart.fact_sale_line
            where transaction_date between :month and :through
            """,
            month=month,
            through=_through(month, days),
        )
    )


def _through(month: date, days: int) -> date:
    """Last of the first `days` days of a month."""
    return month.replace(day=min(days, monthrange(month.year, month.month)[1]))


def contributions(before: Revenue, after: Revenue) -> dict[str, float] | None:
    """How much of the change in revenue each factor brought: additive, by logarithmic mean weights.

    None where a factor of either month is not positive; then only the total can be said.
    """
    old, new = before.factors, after.factors
    if old is None or new is None:
        return None
    first, second = float(before.amount), float(after.amount)
    weight = first if first == second else (second - first) / (log(second) - log(first))
    return {name: weight * log(float(new[name] / old[name])) for name in new}


def comparison(month: Month, other: date) -> Flows | None:
    """The flows of another month to compare `month` with: its same days where `month` is open, else all of it."""
    if not month.is_open:
        return whole_month(other)
    found = _prepared(month, other, "engaged, new_customers as new, won_back, lost, month_amount as revenue")
    return Flows(**found) if found else first_days(other, month.as_of_date.day)


def comparable_revenue(month: Month, other: date) -> Revenue:
    """The revenue of another month to compare `month` with: of its same days where `month` is open, else all of it."""
    if not month.is_open:
        return revenue(other)
    found = _prepared(month, other, "month_amount as amount, customers, orders, items")
    return Revenue(**found) if found else revenue_of_first_days(other, month.as_of_date.day)


def _prepared(month: Month, other: date, columns: str) -> dict[str, Any] | None:
    """Of the months that an open month is most often compared with the first days are prepared."""
    found = rows(
        f"select {columns} from mart.month_to_day where report_month = :month and month = :other and days = :days",
        month=month.month,
        other=other,
        days=month.as_of_date.day,
    )
    return found[0] if found else None


def whole_month(month: date) -> Flows | None:
    """The flows of a published month; None where it is not published."""
    found: dict[str, Any] = row(
        """
        select
            count(*) > 0 as is_published,
            coalesce(sum(scored), 0)::bigint as engaged,
            coalesce(sum(customers) filter (where growth_state = 'new'), 0)::bigint as new,
            coalesce(sum(customers) filter (where lifecycle_event in ('recovered', 'reactivated')), 0)::bigint
                as won_back,
            coalesce(sum(customers) filter (where lifecycle_event = 'lost'), 0)::bigint as lost,
            coalesce(sum(month_amount), 0) as revenue
        from mart.month_summary
        where month = :month
        """,
        month=month,
    )
    return Flows(**found) if found.pop("is_published") else None
