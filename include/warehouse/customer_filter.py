"""Which customers of a month: the filter, and the SQL that selects them with every value as a bound parameter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection

from include.warehouse.errors import InputError

STATUSES = ("prospect", "new", "active", "at_risk", "lapsed", "lost")
EVENTS = (
    "first_purchase",
    "reactivated",
    "recovered",
    "lost",
    "lapsed",
    "at_risk",
    "upgraded",
    "downgraded",
    "retained",
    "registered",
    "none",
)
CHANNELS = ("email", "sms", "phone")

# Customers found by a search. Few of them are looked up; by an aggregate, since array(...) gets no parallel workers for
# rows that the planner takes for many.
LOOKED_UP = "customer.customer_id = any ((select array_agg(found.customer_id) from ({found}) as found)::text[])"
# Many of them, as a short text finds, are joined.
JOINED = "customer.customer_id in ({found})"
# The same where it need not hold for every row, as within a saved audience: no index can be asked then.
HASHED = "(customer.customer_id in ({found})) is true"

# A shorter search is a beginning.
SHORTEST_PART = 3

LIST_COLUMNS = {
    "status": "activity_status",
    "tier": "value_tier",
    "event": "lifecycle_event",
    "segment": "segment",
    "customer_group": "customer_group",
    "city": "city",
    "home_store_id": "home_store_id",
}


@dataclass(frozen=True)
class CustomerFilter:
    """Customers of one month; what is left empty restricts nothing, and all that is given must hold.

    Of a list one value must match; None in `customer_group`, `city` or `home_store_id` matches the unknown.
    `opt_in` lists channels (email, sms, phone) to all of which the customer has agreed. `search` is part of an id or,
    for those who may see names, of a name, in any case and without accents; see search_clause for the shortest.
    """

    month: date | None = None
    status: Sequence[str] = ()
    tier: Sequence[str] = ()
    event: Sequence[str] = ()
    segment: Sequence[str] = ()
    opt_in: Sequence[str] = ()
    customer_group: Sequence[str | None] = ()
    city: Sequence[str | None] = ()
    home_store_id: Sequence[str | None] = ()
    search: str | None = None

    def as_document(self) -> dict[str, Any]:
        """What was asked for, for the About sheet: only the conditions that restrict."""
        listed = {name: list(getattr(self, name)) for name in (*LIST_COLUMNS, "opt_in") if getattr(self, name)}
        return listed | ({"search": self.search} if self.search else {})


def where_clause(filters: CustomerFilter, month: date) -> tuple[str, dict[str, Any]]:
    """Conditions over `mart.customer_snapshot as customer`, and their parameters in psycopg2's named style."""
    parameters: dict[str, Any] = {"month": month}
    return "\n    and ".join(["customer.month = %(month)s", *filter_clauses(filters, "", parameters)]), parameters


def filter_clauses(
    filters: CustomerFilter, prefix: str, parameters: dict[str, Any], searched: str | None = None
) -> list[str]:
    """The conditions without the month; adds their values to `parameters`, the names beginning with `prefix`.

    `searched` says how the customers that a search has found, {found}, are taken: LOOKED_UP, JOINED or HASHED; without
    it, by the length of its text.
    """
    conditions = []
    for name, column in LIST_COLUMNS.items():
        values = list(getattr(filters, name))
        if not values:
            continue
        parameters[f"{prefix}{name}"] = [value for value in values if value is not None]
        condition = f"customer.{column} = any(%({prefix}{name})s)"
        conditions.append(f"({condition} or customer.{column} is null)" if None in values else condition)
    conditions += [f"customer.opt_in_{channel}" for channel in CHANNELS if channel in filters.opt_in]
    # nobody has opted in to a channel that does not exist
    conditions += ["false"] if set(filters.opt_in) - set(CHANNELS) else []
    if filters.search:
        found = (
            f"select customer_id from mart.customer_search where {search_clause(filters.search, prefix, parameters)}"
        )
        by_length = LOOKED_UP if len(filters.search) >= SHORTEST_PART else JOINED
        conditions.append((searched or by_length).format(found=found))
    return conditions


def search_clause(text: str, prefix: str, parameters: dict[str, Any]) -> str:
    """The condition over mart.customer_search; adds its values to `parameters`, the names beginning with `prefix`.

    A text of one or two characters is the beginning of an id or of a word of the name: anywhere it would find most.
    """
    found = _without_wildcards(text)
    parameters[f"{prefix}search"] = f"%{found}%" if len(text) >= SHORTEST_PART else f"% {found}%"
    return f"search_text like mart.searchable(%({prefix}search)s)"


def check_filter(connection: Connection, filters: CustomerFilter, rule_set: int) -> None:
    """Raises InputError for a value that no customer can have, so that a typing error does not give an empty list."""
    tiers = connection.exec_driver_sql(
        "select tier from mart.rule_tier where rule_set = %(rule_set)s order by tier_rank desc", {"rule_set": rule_set}
    )
    segments = connection.exec_driver_sql(
        "select segment from mart.rule_segment where rule_set = %(rule_set)s order by position", {"rule_set": rule_set}
    )
    allowed = {
        "status": STATUSES,
        "tier": (*tiers.scalars(), "none"),
        "event": EVENTS,
        "segment": tuple(segments.scalars()),
        "opt_in": CHANNELS,
    }
    for name, values in allowed.items():
        unknown = [value for value in getattr(filters, name) if value not in values]
        if unknown:
            raise InputError(f"{name}: {unknown[0]!r} does not exist; choose from {', '.join(values)}")
    check_texts(filters)


def check_texts(filters: CustomerFilter) -> None:
    """Raises InputError for a value that the database cannot be asked about."""
    texts = [filters.search, *(value for name in LIST_COLUMNS for value in getattr(filters, name))]
    if any(value and not is_storable(value) for value in texts):
        raise InputError("a filter holds a character that no stored text can have, such as NUL; remove it")


def is_storable(value: str) -> bool:
    """Whether a text of the database could hold the value: it has neither NUL nor half a surrogate pair."""
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def storable(value: str) -> str:
    """The value without the characters that no text of the database can hold."""
    return "".join(character for character in value if is_storable(character))


def _without_wildcards(value: str) -> str:
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
