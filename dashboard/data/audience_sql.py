"""The SQL of an audience: conditions over `mart.customer_snapshot as customer`, with every value bound.

Names come from audience.FIELDS and audience.OPERATORS alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from dashboard.data.audience import (
    AUDIENCE,
    FIELDS,
    MASTER_FIELDS,
    NOT_KNOWN_THEN,
    OPERATORS,
    Audience,
    AudienceError,
    Condition,
    Group,
    typed,
)
from include.warehouse.customer_filter import CHANNELS, HASHED, LOOKED_UP, filter_clauses


@dataclass
class Asked:
    """What is asked of `mart.customer_snapshot as customer`, as it is put together: values by name, and joins.

    The values are in psycopg2's named style. The joins bring what the month's rows do not say, at most one row each.
    `own` is for a reader who sees few customers: it holds for all {rows} that they may see, and an index finds these.
    It narrows what the conditions look through beside the month's customers.
    """

    month: date
    own: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    joins: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.parameters["month"] = self.month

    @property
    def rows(self) -> str:
        """The month's customers, to stand between `from` and `where`."""
        return "\n".join(["mart.customer_snapshot as customer", *self.joins])


def where(audience: Audience, asked: Asked) -> str:
    """Conditions over the rows of `asked`, of which the month is one; adds to it what they need."""
    return "\n    and ".join(["customer.month = %(month)s", *_clauses(audience, "", asked)])


def members_clause(audience: Audience, prefix: str, asked: Asked) -> str:
    """The SQL of belonging to an audience, without the month; adds to `asked` what it needs."""
    return f"({' and '.join(_clauses(audience, f'{prefix}_', asked)) or 'true'})"


def _clauses(audience: Audience, prefix: str, asked: Asked) -> list[str]:
    """What must hold for each customer of an audience, but the month."""
    # what a saved audience within this one searches for need not hold for every row; its names have a prefix
    searched = HASHED if prefix else None
    if asked.own:
        searched = (searched or LOOKED_UP).format(found=f"{{found}} and {asked.own.format(rows='customer_search')}")
    clauses = filter_clauses(audience.filters, prefix, asked.parameters, searched)
    if audience.groups:
        parts = [
            group_clause(group, f"{prefix}group_{number}", asked) for number, group in enumerate(audience.groups, 1)
        ]
        clauses.append(f"({_joined(parts, audience.is_any)})")
    if audience.channel:
        if audience.channel not in CHANNELS:
            raise AudienceError(f"there is no channel {audience.channel[:50]!r}")
        clauses.append(_reached_by(audience.channel, asked.own))
    if audience.half:
        position, share = _holdout(audience.half.audience_id, audience.half.percent, f"{prefix}half", asked)
        clauses.append(f"{position} {'<' if audience.half.is_holdout else '>='} {share}")
    return clauses


def _holdout(audience_id: int, percent: Decimal, prefix: str, asked: Asked) -> tuple[str, str]:
    """A customer's place in an audience and the share below which they are held out, as SQL."""
    asked.parameters |= {f"{prefix}_audience": audience_id, f"{prefix}_percent": percent}
    return f"mart.holdout_position(%({prefix}_audience)s, customer.customer_id)", f"%({prefix}_percent)s"


def group_clause(group: Group, prefix: str, asked: Asked) -> str:
    """The SQL of one group; adds to `asked` what it needs, the values' names beginning with `prefix`."""
    named = [(condition, f"{prefix}_{number}") for number, condition in enumerate(group.conditions, 1)]
    if group.is_excluded and (group.is_any or len(named) == 1):
        # none of them holds: said of each, it lets the planner leave out whom a join finds
        return f"({_joined([_excluded_clause(condition, name, asked) for condition, name in named], is_any=False)})"
    clause = f"({_joined([_condition_clause(condition, name, asked) for condition, name in named], group.is_any)})"
    return f"({clause}) is not true" if group.is_excluded else clause


def _joined(parts: Sequence[str], is_any: bool) -> str:
    return (" or " if is_any else " and ").join(parts)


def _condition_clause(condition: Condition, prefix: str, asked: Asked) -> str:
    if condition.field == AUDIENCE:
        return _audience_clause(condition, prefix, asked)
    elsewhere = _elsewhere(condition, prefix, asked.parameters)
    if elsewhere is None:
        return _comparison(condition, f"customer.{condition.field}", prefix, asked.parameters)
    return _not_among(elsewhere, asked) if condition.operator == NOT_KNOWN_THEN else _among(elsewhere, asked)


def _excluded_clause(condition: Condition, prefix: str, asked: Asked) -> str:
    """The SQL of a condition that must not hold."""
    elsewhere = None if condition.field == AUDIENCE else _elsewhere(condition, prefix, asked.parameters)
    if elsewhere and condition.operator != NOT_KNOWN_THEN:
        return _not_among(elsewhere, asked)
    return f"({_condition_clause(condition, prefix, asked)}) is not true"


@dataclass(frozen=True)
class Elsewhere:
    """Rows of another view or another month: `rows` is what they are called, `asked` what holds for them."""

    view: str
    rows: str
    asked: str


def _elsewhere(condition: Condition, prefix: str, parameters: dict[str, Any]) -> Elsewhere | None:
    """What a condition asks about that the month's row does not say; None where that row says it."""
    about = FIELDS[condition.field]
    if condition.month:
        parameters[f"{prefix}_month"] = condition.month
        asked = f"earlier.month = %({prefix}_month)s"
        if condition.operator != NOT_KNOWN_THEN:
            asked += f" and {_comparison(condition, f'earlier.{about.name}', prefix, parameters)}"
        return Elsewhere("mart.customer_snapshot", "earlier", asked)
    if about.is_master:
        column, _ = MASTER_FIELDS[about.name]
        return Elsewhere("mart.customers", "master", _comparison(condition, f"master.{column}", prefix, parameters))
    return None


def _among(elsewhere: Elsewhere, asked: Asked) -> str:
    """The SQL of being among the customers who are asked for."""
    if asked.own:
        return _among_own(elsewhere, asked.own)
    return f"{_join(elsewhere, asked)}.customer_id is not null"


def _not_among(elsewhere: Elsewhere, asked: Asked) -> str:
    if asked.own:
        return f"({_among_own(elsewhere, asked.own)}) is not true"
    return f"{_join(elsewhere, asked)}.customer_id is null"


def _join(elsewhere: Elsewhere, asked: Asked) -> str:
    """Joins those who are asked for; gives the name of the join. Workers then share one set, wherever it is asked."""
    name = f"{elsewhere.rows}_{len(asked.joins) + 1}"
    asked.joins.append(f"left join ({_found(elsewhere)}) as {name} on {name}.customer_id = customer.customer_id")
    return name


def _among_own(elsewhere: Elsewhere, own: str) -> str:
    """As _among, not joined: the planner takes a user's own customers for ten, and would compare each with each."""
    return f"(customer.customer_id in ({_found(elsewhere)} and {own.format(rows=elsewhere.rows)})) is true"


def _found(elsewhere: Elsewhere) -> str:
    view, rows = elsewhere.view, elsewhere.rows
    return f"select {rows}.customer_id from {view} as {rows} where {elsewhere.asked}"


def _reached_by(channel: str, own: str | None) -> str:
    """The SQL of being opted in to a channel in the current master, whatever month is shown; a closed customer is not.

    For most customers the month's row says it: the master is asked about those for whom it may differ.
    """
    if own:
        return _among_own(Elsewhere("mart.customers", "master", f"master.opt_in_{channel}"), own)
    changed = "select master.customer_id from mart.customers_changed_since(%(month)s) as master"
    return (
        f"(customer.opt_in_{channel} and customer.customer_id not in ({changed})"
        f" or customer.customer_id in ({changed} where master.opt_in_{channel}))"
    )


def _audience_clause(condition: Condition, prefix: str, asked: Asked) -> str:
    saved = condition.saved
    if saved is None:
        raise AudienceError(f"audience {', '.join(condition.values)[:50]} has not been looked up")
    members = members_clause(saved.audience, prefix, asked)
    if condition.operator in ("in", "not_in"):
        return OPERATORS["audience"][condition.operator].format(members=members)
    position, share = _holdout(saved.audience_id, saved.holdout_percent, prefix, asked)
    return OPERATORS["audience"][condition.operator].format(members=members, position=position, share=share)


def _comparison(condition: Condition, column: str, prefix: str, parameters: dict[str, Any]) -> str:
    kind = FIELDS[condition.field].kind
    values = typed(condition, kind)
    names = []
    for number, value in enumerate(values, 1):
        parameters[f"{prefix}_{number}"] = value
        names.append(f"%({prefix}_{number})s")
    return OPERATORS[kind][condition.operator].format(*names, column=column)
