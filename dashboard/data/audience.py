"""Audiences: conditions over a month's customers in and/or groups, and how links and files write them down."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import Any

from include.warehouse.customer_filter import CustomerFilter, is_storable
from include.warehouse.export_customers import COLUMNS

MOST_CONDITIONS = 50
LONGEST_VALUE = 10_000
# What the page can show: whole numbers that a browser keeps, decimals that the database does, and days of its calendar.
LARGEST_NUMBER = 2**53 - 1
MOST_DECIMALS = 16_383
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)
DEEPEST_AUDIENCE = 5


class AudienceError(ValueError):
    """An audience that cannot be understood; the message is for the reader."""


@dataclass(frozen=True)
class Field:
    """Something that a condition can be about; `kind` says which operators fit."""

    name: str
    kind: str
    is_master: bool = False


# Of the list columns those that are picked from a list of values, the rest by what the export calls them.
CHOICES = (
    "activity_status",
    "value_tier",
    "segment",
    "lifecycle_event",
    "growth_state",
    "abc_class",
    "previous_status",
    "previous_tier",
    "previous_segment",
    "last_scored_tier",
    "customer_group",
    "city",
    "home_store_id",
)
NOT_A_CONDITION = ("month",)
KINDS = {"count": "number", "number": "number", "money": "number", "date": "date", "flag": "flag", "text": "text"}
MASTER_FIELDS = {
    "current_city": ("city", "text"),
    "current_customer_group": ("customer_group", "text"),
    "current_home_store_id": ("home_store_id", "text"),
    "current_opt_in_email": ("opt_in_email", "flag"),
    "current_opt_in_sms": ("opt_in_sms", "flag"),
    "current_opt_in_phone": ("opt_in_phone", "flag"),
    "current_is_in_master": ("is_in_master", "flag"),
    "registration_date": ("registration_date", "date"),
    "responsible_email": ("responsible_email", "text"),
    "current_full_name": ("full_name", "text"),
    "current_email": ("email", "text"),
    "current_phone": ("phone", "text"),
}
# Those of the contact data: for who may not see it, nobody has any.
CONTACT_FIELDS = {"current_full_name", "current_email", "current_phone"}
# Being in a saved audience: the value is its key.
AUDIENCE = "audience"
FIELDS = {
    name: Field(name, "choice" if name in CHOICES else KINDS[kind])
    for name, kind in COLUMNS.items()
    if name not in NOT_A_CONDITION
} | {name: Field(name, kind, is_master=True) for name, (_, kind) in MASTER_FIELDS.items()}
FIELDS[AUDIENCE] = Field(AUDIENCE, "audience")

# Operator: the SQL with {column} and one {0}, {1} … for each value; None where it takes a list of values.
OPERATORS: dict[str, dict[str, str]] = {
    "choice": {
        "is": "{column} = any({0})",
        "is_not": "({column} <> all({0}) or {column} is null)",
        "is_unknown": "{column} is null",
        "is_known": "{column} is not null",
    },
    "number": {
        "at_least": "{column} >= {0}",
        "at_most": "{column} <= {0}",
        "between": "{column} between {0} and {1}",
        "equals": "{column} = {0}",
        "is_unknown": "{column} is null",
        "is_known": "{column} is not null",
    },
    "date": {
        "since": "{column} >= {0}",
        "until": "{column} <= {0}",
        "between": "{column} between {0} and {1}",
        "is_unknown": "{column} is null",
        "is_known": "{column} is not null",
    },
    "flag": {
        "is_yes": "{column} is true",
        "is_no": "{column} is false",
        "is_unknown": "{column} is null",
    },
    "text": {
        "is": "{column} = any({0})",
        "is_not": "({column} <> all({0}) or {column} is null)",
        "contains": "position(lower({0}) in lower({column})) > 0",
        "begins_with": "starts_with(lower({column}), lower({0}))",
        "is_unknown": "{column} is null",
        "is_known": "{column} is not null",
    },
}
OPERATORS["audience"] = {
    "in": "{members}",
    "not_in": "({members}) is not true",
    "held_out": "({members} and {position} < {share})",
    "not_held_out": "({members} and {position} >= {share})",
}
LIST_OPERATORS = ("is", "is_not")
# Beside those of its kind, a condition about another month may ask for customers who were not known yet.
NOT_KNOWN_THEN = "not_known_then"


@dataclass(frozen=True)
class Condition:
    """One condition; `month` asks for the value in another month than the one that is shown.

    `saved` is the saved audience that a condition on AUDIENCE names, once it has been looked up.
    """

    field: str
    operator: str
    values: tuple[str, ...] = ()
    month: date | None = None
    saved: "SavedAudience | None" = None


@dataclass(frozen=True)
class Group:
    """Conditions of which all must hold, or any; an excluded group takes its customers away."""

    conditions: tuple[Condition, ...]
    is_any: bool = False
    is_excluded: bool = False


@dataclass(frozen=True)
class Audience:
    """The filters of a list, and groups of conditions of which all must hold, or any.

    With a `channel` only customers who are in the current master and opted in to it there, whatever month is shown.
    With a `half` only those whom that saved audience holds out of a campaign, or all others.
    """

    filters: CustomerFilter = field(default_factory=CustomerFilter)
    groups: tuple[Group, ...] = ()
    is_any: bool = False
    channel: str | None = None
    half: "Half | None" = None

    @property
    def is_everybody(self) -> bool:
        """Whether nothing is asked for."""
        return not self.as_document()

    @property
    def taken_away(self) -> "Audience | None":
        """Whom its groups take away, where everybody else belongs to it; None where more is asked for."""
        others = replace(self, groups=(), is_any=False)
        if not self.groups or not others.is_everybody or not all(group.is_excluded for group in self.groups):
            return None
        taken = tuple(replace(group, is_excluded=False) for group in self.groups)
        return replace(self, groups=taken, is_any=not self.is_any)

    def as_document(self) -> dict[str, Any]:
        """What was asked for, for people and for the About sheet."""
        document = self.filters.as_document()
        if self.groups:
            document["conditions"] = json.loads(to_text(self.groups, self.is_any))
            named = {str(saved.audience_id): saved.as_document() for saved in _saved_in(self.groups)}
            document |= {"audiences": named} if named else {}
        if self.channel:
            document["opted_in_now_to"] = self.channel
        if self.half:
            document["holdout"] = {
                "audience": self.half.audience_id,
                "percent": str(self.half.percent),
                "customers": "held out" if self.half.is_holdout else "all others",
            }
        return document


@dataclass(frozen=True)
class SavedAudience:
    """An audience under a name; `holdout_percent` of its customers are held out of campaigns.

    `changed_at` is when it was saved last, as it is here; `asks_for_contact` is whether its own conditions ask for a
    name, an address or a number.
    """

    audience_id: int
    name: str
    owner: str
    audience: Audience
    holdout_percent: Decimal = Decimal(0)
    changed_at: datetime | None = None
    asks_for_contact: bool = False

    @property
    def label(self) -> str:
        """Its name and its owner's: others may use the name, too."""
        return f"{self.name} · {self.owner}"

    def as_document(self) -> dict[str, Any]:
        """What it asks for, under its name."""
        return {"name": self.name, "owner": self.owner, **self.audience.as_document()}


@dataclass(frozen=True)
class Half:
    """One of the two parts into which a saved audience's holdout splits any list; see mart.holdout_position."""

    audience_id: int
    percent: Decimal
    is_holdout: bool


def asks_the_same(one: Audience, other: Audience) -> bool:
    """Whether both have equal filters and conditions, however written; month, channel and half are left aside."""
    return _meaning(one) == _meaning(other)


def _meaning(audience: Audience) -> tuple[object, ...]:
    filters = {
        name: values if isinstance(values, str) else frozenset(values)
        for name, values in audience.filters.as_document().items()
    }
    groups = [
        (
            [_asked(condition) for condition in group.conditions],
            _is_any(group.is_any, group.conditions),
            group.is_excluded,
        )
        for group in audience.groups
    ]
    return filters, groups, _is_any(audience.is_any, audience.groups)


def _is_any(is_any: bool, parts: Sequence[object]) -> bool:
    """All of one part and any of it are the same."""
    return is_any and len(parts) > 1


def _asked(condition: Condition) -> tuple[object, ...]:
    values: object = condition.values
    if condition.operator in LIST_OPERATORS:
        values = frozenset(condition.values)
    elif FIELDS[condition.field].kind == "number":
        values = [Decimal(value) for value in condition.values]
    return condition.field, condition.operator, values, condition.month


def _saved_in(groups: Sequence[Group]) -> list[SavedAudience]:
    return [condition.saved for group in groups for condition in group.conditions if condition.saved]


def _conditions_in(groups: Sequence[Group]) -> list[Condition]:
    """The conditions of the groups, and those of the saved audiences that were looked up among them."""
    nested = [_conditions_in(one.audience.groups) for one in _saved_in(groups)]
    return [*(condition for group in groups for condition in group.conditions), *chain.from_iterable(nested)]


def months_asked(groups: Sequence[Group]) -> set[date]:
    """The other months that the groups ask about, saved audiences in them included."""
    return {condition.month for condition in _conditions_in(groups) if condition.month}


def fields_asked(groups: Sequence[Group]) -> set[str]:
    """The fields that the groups ask about, saved audiences in them included."""
    return {condition.field for condition in _conditions_in(groups)}


def look_up(
    groups: Sequence[Group], find: Callable[[int], SavedAudience], inside: tuple[int, ...] = ()
) -> tuple[Group, ...]:
    """The groups with the saved audiences that they name, and those that these name.

    Raises AudienceError for one that is part of itself, or nested too deep.
    """
    return tuple(
        replace(group, conditions=tuple(_looked_up(condition, find, inside) for condition in group.conditions))
        for group in groups
    )


def _looked_up(condition: Condition, find: Callable[[int], SavedAudience], inside: tuple[int, ...]) -> Condition:
    if condition.field != AUDIENCE:
        return condition
    audience_id = int(condition.values[0])
    if audience_id in inside:
        raise AudienceError(f"audience {audience_id} would be part of itself")
    if len(inside) == DEEPEST_AUDIENCE:
        raise AudienceError(f"audiences are nested more than {DEEPEST_AUDIENCE} deep")
    saved = find(audience_id)
    groups = look_up(saved.audience.groups, find, (*inside, audience_id))
    return replace(condition, saved=replace(saved, audience=replace(saved.audience, groups=groups)))


def typed(condition: Condition, kind: str) -> list[Any]:
    """The values as the database compares them: a list as one array, numbers and dates by their type."""
    if kind in ("choice", "text") and condition.operator in LIST_OPERATORS:
        return [list(condition.values)]
    if kind == "number":
        return [Decimal(value) for value in condition.values]
    if kind == "date":
        return [date.fromisoformat(value) for value in condition.values]
    return list(condition.values)


def check(condition: Condition) -> None:
    """Raises AudienceError for a condition that does not make sense."""
    about = FIELDS.get(condition.field)
    if about is None:
        raise AudienceError(f"there is no column {condition.field[:50]!r}")
    if condition.operator == NOT_KNOWN_THEN:
        if condition.month is None or condition.values:
            raise AudienceError("“not known then” needs another month and no value")
        return
    if condition.operator not in OPERATORS[about.kind]:
        raise AudienceError(f"{condition.operator[:50]!r} does not fit {condition.field}")
    if (about.is_master or about.kind == "audience") and condition.month:
        raise AudienceError(f"{condition.field} is known only as it is now, not for another month")
    if any(len(value) > LONGEST_VALUE or not is_storable(value) for value in condition.values):
        raise AudienceError(f"a value of {condition.field} is too long or holds a character that no text can have")
    _check_values(condition, about.kind)


def _check_values(condition: Condition, kind: str) -> None:
    if kind in ("choice", "text") and condition.operator in LIST_OPERATORS:
        if not condition.values:
            raise AudienceError(f"{condition.field}: choose at least one value")
        return
    wanted = values_wanted(kind, condition.operator)
    if len(condition.values) != wanted:
        raise AudienceError(f"{condition.field}: {condition.operator} takes {wanted} value{'s' * (wanted != 1)}")
    if kind == "audience":
        if not (condition.values[0].isascii() and condition.values[0].isdecimal() and len(condition.values[0]) < 19):
            raise AudienceError(f"{condition.values[0][:50]!r} is not the key of an audience")
        return
    try:
        values = typed(condition, kind)
    except (InvalidOperation, ValueError) as error:
        raise AudienceError(f"{condition.field}: {', '.join(condition.values)[:50]!r} cannot be read") from error
    if kind == "number" and not all(_is_in_range(value) for value in values):
        raise AudienceError(f"{condition.field}: {', '.join(condition.values)[:50]!r} is out of range")
    if kind == "date" and not all(FIRST_DAY <= value <= LAST_DAY for value in values):
        raise AudienceError(f"{condition.field}: {', '.join(condition.values)[:50]!r} is out of range")


def _is_in_range(value: Decimal) -> bool:
    if not value.is_finite() or abs(value) > LARGEST_NUMBER:
        return False
    return int(value.as_tuple().exponent) >= -MOST_DECIMALS


def values_wanted(kind: str, operator: str) -> int:
    """How many values an operator takes that does not take a list."""
    if kind == "audience":
        return 1
    return OPERATORS[kind][operator].count("{") - OPERATORS[kind][operator].count("{column}")


def to_text(groups: Sequence[Group], is_any: bool) -> str:
    """The groups as one line of JSON, as links and exports keep them; from_text reads it."""
    return json.dumps(
        {
            "match": "any" if is_any else "all",
            "groups": [
                {
                    "match": "any" if group.is_any else "all",
                    "exclude": group.is_excluded,
                    "conditions": [
                        [
                            condition.field,
                            condition.operator,
                            list(condition.values),
                            # strftime leaves the zeros of a year before 1000 out
                            *([condition.month.isoformat()[:7]] if condition.month else []),
                        ]
                        for condition in group.conditions
                    ],
                }
                for group in groups
            ],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def from_text(text: str) -> tuple[tuple[Group, ...], bool]:
    """Reads to_text: the groups and whether any of them is enough. Raises AudienceError."""
    try:
        document = json.loads(text)
        groups = tuple(
            Group(
                conditions=tuple(
                    Condition(
                        field=str(name),
                        operator=str(operator),
                        values=tuple(str(value) for value in values),
                        month=date.fromisoformat(f"{month[0]}-01") if month else None,
                    )
                    for name, operator, values, *month in group["conditions"]
                ),
                is_any=group["match"] == "any",
                is_excluded=bool(group["exclude"]),
            )
            for group in document["groups"]
        )
        is_any = document["match"] == "any"
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise AudienceError("the conditions of this link cannot be read; it may have been cut off") from error
    if sum(len(group.conditions) for group in groups) > MOST_CONDITIONS:
        raise AudienceError(f"more than {MOST_CONDITIONS} conditions")
    if any(not group.conditions for group in groups):
        raise AudienceError("a group has no condition")
    for group in groups:
        for condition in group.conditions:
            check(condition)
    return groups, is_any
