"""The customer list: counts, breakdowns and pages of exactly the customers of an audience."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas

from dashboard.data import far_pages
from dashboard.data.audience import CONTACT_FIELDS, MASTER_FIELDS, Audience, Group
from dashboard.data.audience_sql import Asked, group_clause, where
from dashboard.data.far_pages import Place
from dashboard.data.frames import frame, with_nullable_types
from dashboard.data.own_customers import looked_up, own
from dashboard.data.warehouse import connect
from include.warehouse.export_customers import COLUMNS, Layout

FIRST_COLUMNS = (
    "customer_id",
    "activity_status",
    "value_tier",
    "segment",
    "lifecycle_event",
    "recency_days",
    "frequency",
    "monetary",
    "month_amount",
    "rfmt_score",
    "customer_group",
    "city",
    "home_store_id",
    "opt_in_email",
    "opt_in_sms",
    "opt_in_phone",
)
CHOOSABLE_COLUMNS = tuple(column for column in COLUMNS if column not in ("month", "as_of_date", "run_id"))
# What the newest master says, shown beside the month's columns; e-mail and phone leave the warehouse in exports alone.
NAME = "current_full_name"
MASTER_COLUMNS = {
    name: column for name, (column, _) in MASTER_FIELDS.items() if name == NAME or name not in CONTACT_FIELDS
}
# Amounts and what has the same order, but is sorted in half the time.
CENTS = {
    "monetary": "monetary_cents",
    "total_amount": "total_cents",
    "month_amount": "month_cents",
    "month_core_amount": "month_core_cents",
}
ATTRIBUTES = ("customer_group", "city", "home_store_id")


# From the sums that are prepared for every month; those of a user who sees few customers are theirs.
GROUPS_OF_EVERYBODY = """
        select
            activity_status,
            value_tier,
            segment,
            sum(customers)::bigint as customers,
            sum(monetary) as monetary,
            sum(month_amount) as month_amount,
            sum(reach_email)::bigint as email,
            sum(reach_sms)::bigint as sms,
            sum(reach_phone)::bigint as phone
        from mart.month_summary
        where month = %(month)s
        group by activity_status, value_tier, segment
        """


@dataclass(frozen=True)
class Counts:
    """What an audience holds, by status, tier and segment."""

    customers: int
    known: int
    monetary: float
    month_amount: float
    reach: dict[str, int]
    groups: pandas.DataFrame


def counts(month: date, audience: Audience) -> Counts:
    """Customers of an audience, their money, reach by channel, and customers by status, tier and segment."""
    everybody = _everybody(month)
    groups = everybody if audience.is_everybody else _grouped(month, audience)
    return Counts(
        customers=int(groups["customers"].sum()),
        known=int(everybody["customers"].sum()),
        monetary=float(groups["monetary"].sum()),
        month_amount=float(groups["month_amount"].sum()),
        reach={channel: int(groups[channel].sum()) for channel in ("email", "sms", "phone")},
        groups=groups,
    )


def _grouped(month: date, audience: Audience) -> pandas.DataFrame:
    if audience.taken_away:
        return _everybody_but(month, audience.taken_away)
    asked, conditions = _where(audience, month)
    return _frame(_groups_of(asked, conditions), asked.parameters)


def _groups_of(asked: Asked, conditions: str) -> str:
    """SQL of what is counted of each status, tier and segment."""
    return f"""
        select
            activity_status,
            value_tier,
            segment,
            count(*) as customers,
            sum(monetary_cents) * 0.01 as monetary,
            sum(month_cents) * 0.01 as month_amount,
            count(*) filter (where opt_in_email) as email,
            count(*) filter (where opt_in_sms) as sms,
            count(*) filter (where opt_in_phone) as phone
        from {asked.rows}
        where {conditions}
        group by activity_status, value_tier, segment
        """


def _everybody(month: date) -> pandas.DataFrame:
    """As _grouped for an audience that asks for nothing, from the sums that are prepared for every month."""
    return _frame(GROUPS_OF_EVERYBODY, {"month": month})


def _everybody_but(month: date, taken_away: Audience) -> pandas.DataFrame:
    """As _grouped for all who are not `taken_away`: in most lists fewer are counted than those who stay."""
    asked, conditions = _where(taken_away, month)
    return _frame(
        f"""
        with everybody as ({GROUPS_OF_EVERYBODY}),
        taken_away as ({_groups_of(asked, conditions)})
        select
            activity_status,
            value_tier,
            segment,
            everybody.customers - coalesce(taken_away.customers, 0) as customers,
            everybody.monetary - coalesce(taken_away.monetary, 0) as monetary,
            everybody.month_amount - coalesce(taken_away.month_amount, 0) as month_amount,
            everybody.email - coalesce(taken_away.email, 0) as email,
            everybody.sms - coalesce(taken_away.sms, 0) as sms,
            everybody.phone - coalesce(taken_away.phone, 0) as phone
        from everybody
        left join taken_away using (activity_status, value_tier, segment)
        where everybody.customers > coalesce(taken_away.customers, 0)
        """,
        asked.parameters,
    )


def total(month: date, audience: Audience) -> int:
    """Customers of an audience."""
    asked, conditions = _where(audience, month)
    found = _frame(f"select count(*) as customers from {asked.rows} where {conditions}", asked.parameters)
    return int(found["customers"].iloc[0])


def group_counts(month: date, groups: tuple[Group, ...]) -> list[int]:
    """Customers of the month in each group by itself, in one pass."""
    asked = Asked(month, own())
    counted = [
        f"count(*) filter (where {group_clause(group, f'group_{number}', asked)}) as group_{number}"
        for number, group in enumerate(groups, 1)
    ]
    found = _frame(
        f"select {', '.join(counted)} from {asked.rows} where customer.month = %(month)s and {looked_up('customer')}",
        asked.parameters,
    )
    return [int(count) for count in found.iloc[0]]


def by_attribute(month: date, audience: Audience, attribute: str, most: int = 12) -> pandas.DataFrame:
    """Customers of an audience by one of ATTRIBUTES, the most frequent values first: value, customers, monetary."""
    asked, conditions = _where(audience, month)
    return _frame(
        f"""
        select
            customer.{_listed(attribute, ATTRIBUTES)} as value,
            count(*) as customers,
            sum(monetary_cents) * 0.01 as monetary
        from {asked.rows}
        where {conditions}
        group by 1
        order by customers desc, value
        limit %(most)s
        """,
        asked.parameters | {"most": most},
    )


@dataclass(frozen=True)
class Arrangement:
    """Columns of the list, from COLUMNS and MASTER_COLUMNS, and the one of COLUMNS that it is sorted by."""

    columns: tuple[str, ...] = FIRST_COLUMNS
    sort: str = "monetary"
    is_descending: bool = True

    def shown(self) -> list[str]:
        """The columns, and customer_id in any case: first, unless it is among them."""
        return list(self.columns) if "customer_id" in self.columns else ["customer_id", *self.columns]

    def sorted_by(self) -> str:
        """The column by which PostgreSQL sorts."""
        sort = _listed(self.sort, COLUMNS)
        return f"customer.{CENTS.get(sort, sort)}"

    def direction(self, *, is_from_end: bool = False) -> str:
        """SQL of how it sorts by that column: the unknown comes last; `is_from_end` the other way round."""
        direction = "desc" if self.is_descending != is_from_end else "asc"
        return f"{direction} nulls {'first' if is_from_end else 'last'}"

    def order(self, *, is_from_end: bool = False, is_tied: bool = False) -> str:
        """SQL of the order: ties go by customer_id, as all do where `is_tied`; `is_from_end` the other way round."""
        ties = f"customer.customer_id {'desc' if is_from_end else 'asc'}"
        return ties if is_tied else f"{self.sorted_by()} {self.direction(is_from_end=is_from_end)}, {ties}"

    def layout(self) -> Layout:
        """A file with these columns in this order."""
        shown = self.shown()
        return Layout(
            kinds={
                column: MASTER_FIELDS[column][1] if column in MASTER_COLUMNS else COLUMNS[column] for column in shown
            },
            sources={column: _source(column) for column in shown},
            joins=_joins(shown, "customer"),
            order=self.order(),
            has_contact=NAME in shown,
        )


def page(
    month: date, audience: Audience, arrangement: Arrangement, number: int, rows: int, *, listed: int | None = None
) -> pandas.DataFrame:
    """Page `number`, from 1, of a list with `rows` a page; the unknown comes last, ties go by customer_id.

    Columns are those of the arrangement, and customer_id in any case. A page nearer to the end of the list, which has
    `listed` customers in all, is looked for from there: fewer need to be sorted.
    """
    asked, conditions = _where(audience, month)
    columns = arrangement.shown()
    shown = ",\n            ".join(f"{_source(column)} as {column}" for column in columns)
    before = (number - 1) * rows
    limit = min(rows, max(0, listed - before)) if listed is not None else rows
    after = max(0, listed - before - limit) if listed is not None else before
    is_from_end = after < before
    place = _place(asked, conditions, arrangement, after if is_from_end else before, limit, is_from_end=is_from_end)
    # the keys of the page first: PostgreSQL would compute the columns of every customer before it sorts
    return _frame(
        f"""
        select
            {shown}
        from (
            select customer.customer_id
            from {asked.rows}
            where {conditions}
                and {place.condition}
            order by {arrangement.order(is_from_end=is_from_end, is_tied=place.is_tied)}
            limit %(limit)s offset %(offset)s
        ) as chosen
        join mart.customer_snapshot as customer
            on customer.customer_id = chosen.customer_id and customer.month = %(month)s
        {_joins(columns, "chosen")}
        order by {arrangement.order()}
        """,
        asked.parameters | place.parameters | {"limit": limit, "offset": place.offset},
    )


def _place(
    asked: Asked, conditions: str, arrangement: Arrangement, offset: int, limit: int, *, is_from_end: bool
) -> Place:
    """Where a page is; one that is not far from where it is looked for is among all customers of the list."""
    if offset < far_pages.FAR or arrangement.sort == "customer_id":
        return Place(offset)
    return far_pages.place(
        asked,
        conditions,
        offset,
        limit,
        sort=arrangement.sort,
        column=arrangement.sorted_by(),
        direction=arrangement.direction(is_from_end=is_from_end),
    )


def _source(column: str) -> str:
    return f"master.{MASTER_COLUMNS[column]}" if column in MASTER_COLUMNS else f"customer.{_listed(column, COLUMNS)}"


def _joins(columns: list[str], rows: str) -> str:
    """The join with the newest master, where a column needs it."""
    is_needed = any(column in MASTER_COLUMNS for column in columns)
    return f"left join mart.customers as master on master.customer_id = {rows}.customer_id" if is_needed else ""


def values(month: date, attribute: str) -> list[str | None]:
    """The values of one of ATTRIBUTES in a month, None for unknown last."""
    found = _frame(
        f"""
        select {_listed(attribute, ATTRIBUTES)} as value
        from mart.customer_snapshot as customer
        where month = %(month)s and {looked_up("customer")}
        group by 1
        order by 1 nulls last
        """,
        {"month": month},
    )
    return [None if pandas.isna(value) else str(value) for value in found["value"]]


def store_names() -> dict[str, str]:
    """Name of every store that has one."""
    found = frame("select store_id, store_name from mart.stores where store_name is not null")
    return dict(zip(found["store_id"], found["store_name"], strict=True))


def _where(audience: Audience, month: date) -> tuple[Asked, str]:
    """As `where`; of a user who sees few customers these are looked up, where a search does not do that already."""
    asked = Asked(month, own())
    conditions = where(audience, asked)
    return asked, conditions if audience.filters.search else f"{conditions}\n    and {looked_up('customer')}"


def _listed(name: str, names: Sequence[str] | dict[str, str]) -> str:
    """The name, if it is one of `names`: what is not from a list never becomes SQL."""
    if name not in names:
        raise ValueError(f"{name!r} is not one of {', '.join(names)}")
    return name


def _frame(statement: str, parameters: dict[str, Any]) -> pandas.DataFrame:
    with connect() as connection:
        result = connection.exec_driver_sql(statement, parameters)
        found = pandas.DataFrame.from_records(result.fetchall(), columns=list(result.keys()), coerce_float=True)
    return with_nullable_types(found)
