"""Saved audiences: conditions under a name, kept in the warehouse as checked JSON."""

import json
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any

from psycopg2 import errors
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from dashboard.data.audience import (
    AUDIENCE,
    LONGEST_VALUE,
    Audience,
    AudienceError,
    SavedAudience,
    from_text,
    look_up,
    to_text,
)
from dashboard.data.audience_sql import Asked, members_clause
from dashboard.data.own_customers import looked_up, own
from dashboard.data.warehouse import change, connect, current_user, rows
from include.warehouse.customer_filter import CustomerFilter, is_storable

LONGEST_NAME = 200
MOST_HELD_OUT = 90
SELECT = """
select
    audience_id, name, owner, definition, holdout_percent, changed_at,
    mart.asks_for_contact(definition) as asks_for_contact
from mart.audience
"""
FILTERS = [item.name for item in fields(CustomerFilter) if item.name not in ("month", "search")]
MAY_BE_UNKNOWN = ("customer_group", "city", "home_store_id")


def audiences() -> list[SavedAudience]:
    """All saved audiences by name, without those that they name; one that cannot be read any more is left out."""
    found = []
    for row in rows(f"{SELECT} order by name"):
        try:
            found.append(_read(row))
        except AudienceError:
            continue
    return found


def find(audience_id: int) -> SavedAudience:
    """The saved audience with this key, without those that it names. Raises AudienceError."""
    found = rows(f"{SELECT} where audience_id = :audience_id", audience_id=audience_id)
    if not found:
        raise AudienceError(f"audience {audience_id} does not exist any more{_or_hidden()}")
    return _read(found[0])


def _or_hidden() -> str:
    """What else may be so for who asks: the view leaves out what they may not know, and does not say so."""
    user = current_user()
    if user.may_see_contact and not user.is_restricted:
        return ""
    return (
        ", or asks for a name, an address or a number, and so is shown only to its owner"
        " and to who sees the contact data of all customers"
    )


def complete(audience: Audience, inside: tuple[int, ...] = ()) -> Audience:
    """The audience with all saved ones that it names, as they are now. Raises AudienceError."""
    return replace(audience, groups=look_up(audience.groups, find, inside))


def save(replaced: SavedAudience | None, name: str, audience: Audience, holdout_percent: Decimal) -> int:
    """Saves for who has signed in, as a new audience or in place of `replaced` as it was read; gives the key.

    Raises AudienceError for what cannot be saved: no name or a taken one, a share out of range, part of itself, in
    place of one that is somebody else's, deleted, or changed since it was read.
    """
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not is_storable(name):
        raise AudienceError(f"a name has 1 to {LONGEST_NAME} characters")
    if not 0 <= holdout_percent <= MOST_HELD_OUT:
        raise AudienceError(f"a holdout is 0 to {MOST_HELD_OUT} %")
    complete(audience, (replaced.audience_id,) if replaced else ())
    try:
        with change() as connection:
            saved: int = connection.execute(
                text("select mart.save_audience(:key, :changed_at, :name, cast(:definition as jsonb), :percent)"),
                {
                    "key": replaced.audience_id if replaced else None,
                    "changed_at": replaced.changed_at if replaced else None,
                    "name": name,
                    "definition": json.dumps(to_document(audience), ensure_ascii=False),
                    "percent": holdout_percent,
                },
            ).scalar_one()
    except DBAPIError as error:
        if isinstance(error.orig, errors.UniqueViolation):
            raise AudienceError(
                "another audience of yours has this name; choose another name, or open that one and save changes there"
            ) from error
        if isinstance(error.orig, errors.RaiseException):
            raise AudienceError(str(error.orig.diag.message_primary)) from error
        raise
    return saved


def delete(audience_id: int) -> bool:
    """Deletes an audience of who has signed in; gives whether it was theirs."""
    with change() as connection:
        return bool(connection.execute(text("select mart.delete_audience(:key)"), {"key": audience_id}).scalar_one())


def built_on(audience_id: int) -> list[SavedAudience]:
    """The audiences, as the reader sees them, that name this one, or one that does: without it they cannot be asked."""
    known = audiences()
    needed, found = {audience_id}, list[SavedAudience]()
    while new := [one for one in known if one.audience_id not in needed and needed & named_in(one.audience)]:
        found += new
        needed |= {one.audience_id for one in new}
    return found


def asks_for_contact(one: SavedAudience) -> bool:
    """Whether it, or one that it names, asks for a name, an address or a number: it does not open for everybody."""
    known = {other.audience_id: other for other in audiences()}
    needed, new = {one.audience_id}, [one]
    while new:
        if any(other.asks_for_contact for other in new):
            return True
        named = set[int]().union(*(named_in(other.audience) for other in new)) - needed
        needed |= named
        new = [known[key] for key in named if key in known]
    return False


def to_document(audience: Audience) -> dict[str, Any]:
    """Filters and conditions as JSON; from_document reads it. Month, channel and half are chosen anew each time."""
    document: dict[str, Any] = {"filters": audience.filters.as_document()}
    if audience.groups:
        document["conditions"] = json.loads(to_text(audience.groups, audience.is_any))
    return document


def from_document(document: Any) -> Audience:
    """Reads to_document, trusting nothing. Raises AudienceError."""
    if not isinstance(document, dict) or not isinstance(document.get("filters"), dict):
        raise AudienceError("this audience cannot be read")
    filters = _filters(document["filters"])
    if "conditions" not in document:
        return Audience(filters)
    groups, is_any = from_text(json.dumps(document["conditions"]))
    return Audience(filters, groups, is_any)


def named_in(audience: Audience) -> set[int]:
    """The keys of the audiences that the conditions name."""
    conditions = (condition for group in audience.groups for condition in group.conditions)
    return {int(condition.values[0]) for condition in conditions if condition.field == AUDIENCE}


def _filters(document: dict[str, Any]) -> CustomerFilter:
    search = document.get("search")
    if document.keys() - {*FILTERS, "search"} or not (search is None or _is_text(search)):
        raise AudienceError("this audience has a filter that does not exist")
    chosen: dict[str, Any] = {}
    for name in FILTERS:
        values = document.get(name, [])
        if not isinstance(values, list) or not all(
            _is_text(value) or (value is None and name in MAY_BE_UNKNOWN) for value in values
        ):
            raise AudienceError(f"this audience has an unreadable filter: {name}")
        chosen[name] = tuple(values)
    return CustomerFilter(search=search, **chosen)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_VALUE and is_storable(value)


def _read(row: dict[str, Any]) -> SavedAudience:
    return SavedAudience(
        audience_id=row["audience_id"],
        name=row["name"],
        owner=row["owner"],
        audience=from_document(row["definition"]),
        holdout_percent=row["holdout_percent"],
        changed_at=row["changed_at"],
        asks_for_contact=row["asks_for_contact"],
    )


@dataclass(frozen=True)
class Part:
    """One part of a comparison of two audiences."""

    customers: int
    monetary: float


PARTS = {(True, True): "both", (True, False): "first", (False, True): "second"}


def compare(month: date, first: Audience, second: Audience) -> dict[str, Part]:
    """Customers of a month in both, only in the first, and only in the second, in one pass: both, first, second."""
    asked = Asked(month, own())
    one, two = (members_clause(audience, name, asked) for name, audience in (("first", first), ("second", second)))
    # others need not be joined to what another month says; a user's own are few, and conditions would be asked twice
    either = "true" if asked.own else f"({one} or {two})"
    with connect() as connection:
        found = connection.exec_driver_sql(
            f"""
            select
                {one} is true as is_first,
                {two} is true as is_second,
                count(*) as customers,
                sum(customer.monetary_cents) * 0.01 as monetary
            from {asked.rows}
            where customer.month = %(month)s
                and {either}
                and {looked_up("customer")}
            group by 1, 2
            """,
            asked.parameters,
        )
        parts = {PARTS[row.is_first, row.is_second]: row for row in found if row.is_first or row.is_second}
    return {
        name: Part(parts[name].customers, float(parts[name].monetary or 0)) if name in parts else Part(0, 0.0)
        for name in PARTS.values()
    }
