"""Rule sets: drafted from YAML, proved and compiled by the database, activated from a month on.

A rule set is data. This module reads the file and calls the routines; what a rule means is decided in SQL.
"""

import logging
import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from include.warehouse.database import call
from include.warehouse.errors import InputError
from include.warehouse.plain_yaml import read_yaml
from include.warehouse.published import read_tiers
from include.warehouse.settings import SQL
from include.warehouse.wording import words

log = logging.getLogger(__name__)

DEFAULT = SQL / "rules" / "default.yml"
PLAIN_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)?(\.[0-9]+)?")


def _in_plain_digits(value: object) -> object:
    if isinstance(value, str) and not PLAIN_NUMBER.fullmatch(value):
        raise PydanticCustomError("plain_digits", "write a number in plain digits, such as 30 or 0.5")
    return value


def _printable(value: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise PydanticCustomError("control_character", "write it without control characters, on one line")
    return value


Status = Literal["prospect", "new", "active", "at_risk", "lapsed", "lost"]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(_printable)
]
Whole = Annotated[int, BeforeValidator(_in_plain_digits)]
Number = Annotated[Decimal, BeforeValidator(_in_plain_digits), Field(max_digits=20)]
Days = Annotated[Whole, Field(ge=0, le=100_000)]
Score = Annotated[Whole, Field(ge=1, le=99)] | None


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False)


class Weights(_Part):
    """Weights of the four scores in rfmt_total."""

    r: Number
    f: Number
    m: Number
    t: Number


class Tier(_Part):
    """A value tier and the least rfmt_total that reaches it."""

    tier: Name
    minimum_total: Number


class Segment(_Part):
    """A segment: statuses and limits of the scores, both ends included; a missing limit is open."""

    segment: Name
    statuses: list[Status] = Field(min_length=1)
    r_from: Score = None
    r_to: Score = None
    f_from: Score = None
    f_to: Score = None
    m_from: Score = None
    m_to: Score = None
    t_from: Score = None
    t_to: Score = None


class AbcShares(_Part):
    """Cumulative shares of monetary below which a customer is A, then B."""

    A: Number
    B: Number


class RuleSet(_Part):
    """A rule set as sql/rules/default.yml writes it; days, months and shares as numbers."""

    title: Name
    core_product_types: list[Name] = Field(min_length=1)
    window_months: Annotated[Whole, Field(ge=1, le=600)]
    new_days: Days
    active_days: Days
    at_risk_days: Days
    lapsed_days: Days
    scored_statuses: list[Status] = Field(min_length=1)
    score_bands: Annotated[Whole, Field(ge=2, le=99)]
    tenure_bands: list[Annotated[Whole, Field(ge=0, le=10_000)]] = Field(min_length=1, max_length=99)
    weights: Weights
    tiers: list[Tier] = Field(min_length=1, max_length=99)
    segments: list[Segment] = Field(min_length=1, max_length=999)
    min_scored_customers: Annotated[Whole, Field(ge=0, le=1_000_000_000)]
    abc_shares: AbcShares


@dataclass(frozen=True)
class Check:
    """One check of the prover; `first_failing_cell` is empty where it passed or concerns no cell."""

    check_name: str
    is_ok: bool
    first_failing_cell: str | None
    message: str


@dataclass(frozen=True)
class Proof:
    """What the prover found out about a rule set."""

    rule_set_id: int
    checks: tuple[Check, ...]

    @property
    def is_ok(self) -> bool:
        """Whether every check passed."""
        return all(check.is_ok for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that did not pass."""
        return tuple(check for check in self.checks if not check.is_ok)


def read_rule_set(path: Path) -> RuleSet:
    """Reads a rule set from YAML; raises InputError naming the file and every field that cannot be used."""
    if not path.exists():
        raise InputError(f"{path} does not exist; copy {DEFAULT} and change it")
    content = read_yaml(path)
    try:
        return RuleSet.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}" for fault in error.errors()
        )
        raise InputError(f"{path} is not a rule set: {faults}; see {DEFAULT}") from error


def draft(connection: Connection, path: Path) -> int:
    """Stores a rule set file as a draft and gives its version; raises InputError where the file cannot be used.

    A tier that an approved rule set names in other capitals is the same one, and takes the name it has there.
    """
    rule_set = read_rule_set(path)
    _refuse_twins(path, "tiers", [tier.tier for tier in rule_set.tiers])
    _refuse_alike(path, [tier.tier for tier in rule_set.tiers])
    for tier in rule_set.tiers:
        tier.tier = _spelled_as_before(connection, tier.tier)
    _refuse_twins(path, "segments", [segment.segment for segment in rule_set.segments])
    rule_set_id: int = connection.execute(
        text(
            "insert into crm.rule_set (title, core_product_types, window_months, new_days, active_days, at_risk_days,"
            " lapsed_days, scored_statuses, score_bands, tenure_bands, weight_r, weight_f, weight_m, weight_t,"
            " min_scored_customers, abc_share_a, abc_share_b)"
            " values (:title, :core_product_types, :window_months, :new_days, :active_days, :at_risk_days,"
            " :lapsed_days, :scored_statuses, :score_bands, :tenure_bands, :weight_r, :weight_f, :weight_m, :weight_t,"
            " :min_scored_customers, :abc_share_a, :abc_share_b)"
            " returning rule_set_id"
        ),
        {
            **rule_set.model_dump(exclude={"weights", "tiers", "segments", "abc_shares", "core_product_types"}),
            "core_product_types": sorted(set(rule_set.core_product_types)),
            **{f"weight_{score}": weight for score, weight in rule_set.weights},
            "abc_share_a": rule_set.abc_shares.A,
            "abc_share_b": rule_set.abc_shares.B,
        },
    ).scalar_one()
    connection.execute(
        text(
            "insert into crm.rule_tier (rule_set_id, tier_rank, tier, minimum_total)"
            " values (:rule_set_id, :tier_rank, :tier, :minimum_total)"
        ),
        [
            {"rule_set_id": rule_set_id, "tier_rank": rank, **tier.model_dump()}
            for rank, tier in enumerate(reversed(rule_set.tiers), start=1)
        ],
    )
    connection.execute(
        text(
            "insert into crm.rule_segment (rule_set_id, position, segment, statuses,"
            " r_from, r_to, f_from, f_to, m_from, m_to, t_from, t_to)"
            " values (:rule_set_id, :position, :segment, :statuses,"
            " :r_from, :r_to, :f_from, :f_to, :m_from, :m_to, :t_from, :t_to)"
        ),
        [
            {"rule_set_id": rule_set_id, "position": position, **segment.model_dump()}
            for position, segment in enumerate(rule_set.segments, start=1)
        ],
    )
    return rule_set_id


def prove(connection: Connection, rule_set_id: int) -> Proof:
    """Lets the database prove a rule set; nothing is changed. Raises InputError for an unknown version."""
    rows = _call(connection, "crm.prove_rule_set", p_rule_set_id=rule_set_id)
    return Proof(rule_set_id=rule_set_id, checks=tuple(Check(**row) for row in rows))


def approve(connection: Connection, rule_set_id: int) -> None:
    """Approves and compiles a draft; raises InputError naming the first check and cell that fail."""
    _call(connection, "crm.approve_rule_set", p_rule_set_id=rule_set_id)


def activate(connection: Connection, rule_set_id: int, from_month: date | None) -> str:
    """Lets an approved rule set decide months from `from_month` on; gives a sentence on what that means.

    The first rule set decides all months. Published months change only when a refresh is asked to restate them.
    """
    rows = _call(connection, "crm.activate_rule_set", p_rule_set_id=rule_set_id, p_from_month=from_month)
    return str(rows[0]["activate_rule_set"])


def ensure_default(connection: Connection) -> None:
    """Drafts, approves and activates the default rules in a warehouse that has no rule set yet."""
    if connection.execute(text("select exists (select from crm.rule_set)")).scalar_one():
        return
    rule_set_id = draft(connection, DEFAULT)
    approve(connection, rule_set_id)
    activate(connection, rule_set_id, None)


def show(connection: Connection) -> list[dict[str, Any]]:
    """All rule sets in order of version: state, active_from (None for all months), parameters, tiers and segments."""
    rows = connection.execute(
        text(
            "select rule_set_id, title, state, nullif(active_from, '-infinity') as active_from, approved_at,"
            " core_product_types, window_months, new_days, active_days, at_risk_days, lapsed_days, scored_statuses,"
            " score_bands, tenure_bands, weight_r, weight_f, weight_m, weight_t, min_scored_customers,"
            " abc_share_a, abc_share_b,"
            " (select jsonb_agg(to_jsonb(rule_tier) - 'rule_set_id' order by tier_rank desc)"
            "  from crm.rule_tier where rule_tier.rule_set_id = rule_set.rule_set_id) as tiers,"
            " (select jsonb_agg(jsonb_strip_nulls(to_jsonb(rule_segment) - 'rule_set_id') order by position)"
            "  from crm.rule_segment where rule_segment.rule_set_id = rule_set.rule_set_id) as segments"
            " from crm.rule_set order by rule_set_id"
        )
    )
    return [dict(row) for row in rows.mappings()]


def _call(connection: Connection, routine: str, **parameters: object) -> list[dict[str, Any]]:
    """Calls a rule routine; what it raises for a person becomes an InputError, the transaction stays usable."""
    try:
        with connection.begin_nested():
            return call(connection, routine, **parameters)
    except DBAPIError as error:
        if getattr(error.orig, "pgcode", None) == "P0001":
            raise InputError(error.orig.diag.message_primary) from error  # type: ignore[union-attr]
        raise


def _refuse_twins(path: Path, field: str, names: list[str]) -> None:
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise InputError(f"{path} is not a rule set: {field}: {', '.join(twins)} is named twice")


def _refuse_alike(path: Path, tiers: list[str]) -> None:
    named = {_alike("none"): "none", "none": "none"}
    for tier in tiers:
        other = named.setdefault(_alike(tier), tier)
        if other != tier:
            known = "what customers without scores have" if other == "none" else other
            raise InputError(f"{path} is not a rule set: tiers: {tier} reads like {known}; give it another name")


def _spelled_as_before(connection: Connection, tier: str) -> str:
    earlier = [name for names in read_tiers(connection) for name in names]
    if tier in earlier:
        return tier
    spelled = {_alike(name): name for name in earlier}.get(_alike(tier), tier)
    if spelled != tier:
        log.warning("the tier %s is stored as %s: an earlier rule set names it so", tier, spelled)
    return spelled


def _alike(tier: str) -> str:
    """What pages show of a tier's name, capitals aside."""
    return words.tier(tier).casefold()
