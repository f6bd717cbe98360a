"""A seller sees their own customers of every audience, whether these are looked up or everybody is looked through."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from dashboard.data import customer, customers, own_customers, saved
from dashboard.data import warehouse as data_layer
from dashboard.data.audience import (
    AUDIENCE,
    NOT_KNOWN_THEN,
    Audience,
    Condition,
    Group,
    Half,
    SavedAudience,
)
from dashboard.data.customers import Arrangement
from include.warehouse.customer_filter import CustomerFilter
from include.warehouse.database import connect
from include.warehouse.settings import Settings
from include.warehouse.users import User, add_user
from tests.fixtures.published import load_and_publish

SELLER = User("seller@example.com", "Seller", "sales")
MONTH, EARLIER = date(2025, 10, 1), date(2024, 12, 1)
FOUND = SavedAudience(7, "found", "somebody", Audience(CustomerFilter(search="1")), Decimal(30))
ACTIVE = SavedAudience(8, "active", "somebody", Audience(CustomerFilter(status=("active", "new"))))


def where(*conditions: Condition, is_any: bool = False, is_excluded: bool = False) -> Audience:
    return Audience(CustomerFilter(month=MONTH), (Group(conditions, is_any, is_excluded),))


def of_saved(operator: str, audience: SavedAudience) -> Condition:
    return Condition(AUDIENCE, operator, (str(audience.audience_id),), saved=audience)


AUDIENCES = {
    "everybody": Audience(CustomerFilter(month=MONTH)),
    "found": Audience(CustomerFilter(month=MONTH, search="c0")),
    "found and asked for": Audience(
        CustomerFilter(month=MONTH, search="1"),
        (Group((Condition("current_opt_in_email", "is_yes"),)),),
        channel="email",
    ),
    "of a channel": Audience(CustomerFilter(month=MONTH), channel="sms"),
    "half": Audience(CustomerFilter(month=MONTH), half=Half(5, Decimal(40), True)),
    "earlier": where(Condition("activity_status", "is", ("active",), EARLIER)),
    "earlier or now": where(
        Condition("activity_status", "is", ("active",), EARLIER),
        Condition("current_opt_in_sms", "is_no"),
        Condition("segment", "is_known"),
        is_any=True,
    ),
    "not earlier": where(Condition("activity_status", "is", ("active",), EARLIER), is_excluded=True),
    "not known then": where(Condition("value_tier", NOT_KNOWN_THEN, (), EARLIER)),
    "in saved": where(of_saved("in", FOUND), of_saved("not_in", ACTIVE)),
    "held out of saved": where(of_saved("held_out", FOUND), of_saved("in", ACTIVE), is_any=True),
}


def ids(audience: Audience) -> set[str]:
    found = customers.page(MONTH, audience, Arrangement(("customer_id",), "monetary"), 1, 10_000)
    assert found["customer_id"].is_unique
    return set(found["customer_id"])


def figures(audience: Audience) -> tuple[object, ...]:
    """What a page shows of an audience, beside its rows."""
    counted = customers.counts(MONTH, audience)
    both = saved.compare(MONTH, audience, where(of_saved("in", ACTIVE)))
    return (
        customers.total(MONTH, audience),
        counted.customers,
        round(counted.monetary, 2),
        counted.reach,
        customers.by_attribute(MONTH, audience, "city", 1000).to_dict("records"),
        customers.group_counts(MONTH, audience.groups) if audience.groups else None,
        {name: (part.customers, part.monetary) for name, part in both.items()},
    )


@pytest.mark.timeout(300)
def test_a_seller_sees_their_own_of_every_audience(
    fresh_warehouse: Settings,
    reading: Callable[[Settings], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load_and_publish(fresh_warehouse, tmp_path / "files")
    reading(fresh_warehouse)
    with connect(fresh_warehouse) as owner:
        add_user(owner, SELLER.email, SELLER.role, password="a long enough password")
        owner.execute(
            text("update core.customer_version set responsible_email = :email where customer_id ~ '[0-4]$'"),
            {"email": SELLER.email},
        )
        theirs = set(
            owner.execute(
                text("select customer_id from mart.customers where responsible_email = :email"), {"email": SELLER.email}
            ).scalars()
        )
    everybodys = {name: ids(audience) for name, audience in AUDIENCES.items()}
    assert all(everybodys.values())
    assert own_customers.own() is None, "an administrator sees all"
    with data_layer.acting_as(SELLER):
        assert own_customers.own() == own_customers.OWN
        looked_up = {name: ids(audience) for name, audience in AUDIENCES.items()}
        assert looked_up == {name: found & theirs for name, found in everybodys.items()}
        assert all(looked_up.values())
        shown = {name: figures(audience) for name, audience in AUDIENCES.items()}
        assert {name: shown[name][0] for name in shown} == {name: len(found) for name, found in looked_up.items()}
        values = {name: customers.values(MONTH, name) for name in customers.ATTRIBUTES}
        people = customer.find("1")

        monkeypatch.setattr(own_customers, "_sees_few", lambda email, visible: False)
        assert own_customers.own() is None
        assert {name: ids(audience) for name, audience in AUDIENCES.items()} == looked_up
        assert {name: figures(audience) for name, audience in AUDIENCES.items()} == shown
        assert {name: customers.values(MONTH, name) for name in customers.ATTRIBUTES} == values
        assert customer.find("1") == people
        assert {person["customer_id"] for person in people} <= theirs
