"""Saved audiences, their holdout and comparison, and the files that readers take away, against SQL and pandas."""

import csv
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from sqlalchemy import text

from dashboard.data import customers, downloads, export, saved
from dashboard.data import warehouse as data_layer
from dashboard.data.audience import AUDIENCE, DEEPEST_AUDIENCE, Audience, AudienceError, Condition, Group, Half
from dashboard.data.customers import Arrangement
from include.warehouse.customer_filter import CustomerFilter
from include.warehouse.database import engine
from include.warehouse.errors import WarehouseError
from include.warehouse.settings import Settings
from include.warehouse.users import User
from tests.fixtures.retailer import ODD_IDS

MONTH = date(2025, 10, 1)
OTHER = User("somebody@example.org", "Somebody", "marketing")
LAPSED = Audience(CustomerFilter(status=("lapsed", "lost")))
GOLD = Audience(groups=(Group((Condition("last_scored_tier", "is", ("gold", "platinum")),)),))


def as_given(cell: str) -> str:
    """A text of a list as the file gave it, without the apostrophe that keeps a spreadsheet from computing it."""
    return re.sub(r"(^|;\s*)'", r"\1", cell)


@pytest.fixture(autouse=True)
def on_published(reading: Callable[[Settings], None], published: Settings) -> None:
    reading(published)


@pytest.fixture(scope="module")
def snapshot(published: Settings) -> pd.DataFrame:
    with engine(published).connect() as connection:
        return pd.read_sql(
            text("select * from mart.customer_snapshot where month = :month"), connection, params={"month": MONTH}
        )


def members(audience: Audience) -> set[str]:
    found = customers.page(MONTH, audience, Arrangement(("customer_id",), "customer_id", False), 1, 1000)
    return set(found["customer_id"])


def named(operator: str, audience_id: int) -> Audience:
    """The customers of the month by their place in a saved audience."""
    return saved.complete(Audience(groups=(Group((Condition(AUDIENCE, operator, (str(audience_id),)),)),)))


def test_a_saved_audience_comes_back_as_it_was_and_only_its_owner_changes_it() -> None:
    filters = CustomerFilter(status=("active",), city=("تونس", None), search='x" or 1=1 -- 🎉')
    asked = Audience(filters, (Group((Condition("monetary", "between", ("1.5", "900")),), is_excluded=True),), True)
    key = saved.save(None, "  Ünïcode 🎉 \u202e name ", asked, Decimal("12.5"))
    found = saved.find(key)
    assert (found.name, found.audience, found.holdout_percent) == ("Ünïcode 🎉 \u202e name", asked, Decimal("12.50"))
    with pytest.raises(AudienceError, match="another audience of yours has this name; choose another"):
        saved.save(None, "Ünïcode 🎉 \u202e name", named("in", key), Decimal(0))
    assert saved.find(key) == found
    with data_layer.acting_as(OTHER):
        with pytest.raises(AudienceError, match="somebody else's"):
            saved.save(found, "mine now", LAPSED, Decimal(0))
        assert not saved.delete(key)
    assert saved.save(found, found.name, LAPSED, Decimal(5)) == key
    # a second window has the audience as it was before
    with pytest.raises(AudienceError, match="saved in another window since"):
        saved.save(found, found.name, GOLD, Decimal(0))
    assert saved.find(key).holdout_percent == 5
    assert saved.find(key).audience == LAPSED
    assert saved.delete(key)
    with pytest.raises(AudienceError, match="does not exist"):
        saved.find(key)
    with pytest.raises(AudienceError, match="does not exist any more; save it as new"):
        saved.save(found, found.name, LAPSED, Decimal(0))


def test_what_was_stored_by_other_means_is_checked_again(published: Settings) -> None:
    hostile = [
        [],
        {"filters": {"status": ["active'; drop table crm.snapshot --"], "nothing": []}},
        {
            "filters": {},
            "conditions": {"match": "all", "groups": [{"match": "all", "conditions": [["1=1", "is", ["x"]]]}]},
        },
        {"filters": {"status": [None]}},
        {"filters": {"search": "\ud800"}},
    ]
    for definition in hostile:
        with pytest.raises(AudienceError):
            saved.from_document(definition)
    with engine(published).begin() as connection:
        connection.execute(
            text("insert into crm.audience (name, owner, definition) values ('broken', 'x', :definition)"),
            {"definition": json.dumps(hostile[1])},
        )
    assert "broken" not in {one.name for one in saved.audiences()}


def test_audiences_are_excluded_from_one_another_and_compared(snapshot: pd.DataFrame) -> None:
    lapsed = saved.save(None, "lapsed", LAPSED, Decimal(0))
    gold = saved.save(None, "gold", GOLD, Decimal(0))
    is_lapsed = snapshot["activity_status"].isin(["lapsed", "lost"])
    is_gold = snapshot["last_scored_tier"].isin(["gold", "platinum"])
    expected = {
        name: set(snapshot["customer_id"][chosen])
        for name, chosen in {
            "both": is_lapsed & is_gold,
            "first": is_lapsed & ~is_gold,
            "second": ~is_lapsed & is_gold,
        }.items()
    }
    assert all(expected.values())
    assert members(named("in", lapsed)) == expected["both"] | expected["first"]
    assert members(named("not_in", gold)) == set(snapshot["customer_id"]) - expected["both"] - expected["second"]
    only_lapsed = Audience(LAPSED.filters, named("not_in", gold).groups)
    assert members(only_lapsed) == expected["first"]
    found = saved.compare(MONTH, LAPSED, GOLD)
    assert {name: part.customers for name, part in found.items()} == {name: len(ids) for name, ids in expected.items()}
    money = snapshot.set_index("customer_id")["monetary"].astype(float)
    for name, part in found.items():
        assert part.monetary == pytest.approx(float(money[list(expected[name])].sum()))


def test_an_audience_cannot_be_part_of_itself() -> None:
    first = saved.save(None, "ring 1", LAPSED, Decimal(0))
    second = saved.save(None, "ring 2", named("in", first), Decimal(0))
    with pytest.raises(AudienceError, match="part of itself"):
        saved.save(saved.find(first), "ring 1", named("in", second), Decimal(0))
    deep = second
    for number in range(DEEPEST_AUDIENCE - 1):
        deep = saved.save(None, f"deeper {number}", named("in", deep), Decimal(0))
    too_deep = Audience(groups=(Group((Condition(AUDIENCE, "in", (str(deep),)),)),))
    with pytest.raises(AudienceError, match="deep"):
        saved.save(None, "too deep", too_deep, Decimal(0))


def test_a_holdout_is_stable_and_has_its_share(snapshot: pd.DataFrame) -> None:
    key = saved.save(None, "campaign", Audience(), Decimal(20))
    held, rest = members(named("held_out", key)), members(named("not_held_out", key))
    assert held | rest == set(snapshot["customer_id"])
    assert not held & rest
    assert 0.12 < len(held) / len(snapshot) < 0.28
    assert members(Audience(half=Half(key, Decimal(20), is_holdout=True))) == held
    saved.save(saved.find(key), "campaign", LAPSED, Decimal(30))
    more = members(Audience(half=Half(key, Decimal(30), is_holdout=True)))
    assert held < more, "a larger share holds out the same customers and more"
    other = saved.save(None, "another campaign", Audience(), Decimal(20))
    assert members(named("held_out", other)) != held


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_an_export_is_written_noted_and_offered_by_a_link_that_expires(
    file_format: str, published: Settings, snapshot: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    audience = Audience(CustomerFilter(month=MONTH, status=("active", "new")))
    prepared = export.prepare(audience, file_format, audience_id=None)
    _, _, token, name = prepared.file.url.split("/")
    path = downloads.find(token, name)
    assert path is not None
    expected = set(snapshot["customer_id"][snapshot["activity_status"].isin(["active", "new"])])
    assert read_ids(path) == expected
    assert prepared.rows == len(expected)
    with engine(published).connect() as connection:
        note = (
            connection.exec_driver_sql("select * from mart.export_log order by export_id desc limit 1").mappings().one()
        )
    assert (note["exported_by"], note["month"], note["rows"], note["format"]) == (
        "admin@warehouse.local",
        MONTH,
        len(expected),
        file_format,
    )
    assert note["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert note["filters"] == {"status": ["active", "new"]}
    assert prepared.about is not None
    about = json.loads((path.parent / prepared.about.name).read_text())
    assert about["sha256"] == note["sha256"]
    with engine(published).connect() as connection:
        again = connection.exec_driver_sql(about["sql"].replace("%", "%%")).mappings().all()
    assert {as_given(row["customer_id"]) for row in again} == expected

    assert downloads.find(token[:-1] + ("0" if token[-1] != "0" else "1"), name) is None
    assert downloads.find(token, "../" + name) is None
    assert downloads.find("..." + token, name) is None
    monkeypatch.setattr(downloads.time, "time", lambda: prepared.file.expires + 1)
    assert downloads.find(token, name) is None


def test_a_summary_is_offered_by_a_link_that_expires_and_noted(
    published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = export.prepare_summary(MONTH)
    _, _, token, name = prepared.file.url.split("/")
    book = downloads.find(token, name)
    assert book is not None
    with engine(published).connect() as connection:
        note = (
            connection.exec_driver_sql("select * from mart.export_log order by export_id desc limit 1").mappings().one()
        )
        known = connection.exec_driver_sql(
            "select count(*) from mart.customer_snapshot where month = %(month)s", {"month": MONTH}
        ).scalar_one()
    content = book.read_bytes()
    assert note["sha256"] == hashlib.sha256(content).hexdigest()
    assert (note["exported_by"], note["month"], note["rows"], note["bytes"], note["file_name"], note["filters"]) == (
        "admin@warehouse.local",
        MONTH,
        known,
        len(content),
        "customer_summary_2025-10.xlsx",
        {"summary_of": "2025-10"},
    )
    monkeypatch.setattr(downloads.time, "time", lambda: prepared.file.expires + 1)
    assert downloads.find(token, name) is None


def read_ids(path: Path) -> set[str]:
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            found = [row["customer_id"] for row in csv.DictReader(file)]
        assert {one for one in found if one[0] in "=+-@"} == set()
        return {as_given(one) for one in found}
    header, *rows = openpyxl.load_workbook(path, read_only=True)["Customers"].iter_rows()
    position = [cell.value for cell in header].index("customer_id")
    assert not [cell for row in rows for cell in row if cell.data_type == "f"]
    return {row[position].value for row in rows}


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
@pytest.mark.parametrize("is_descending", [True, False])
def test_a_file_of_the_list_as_shown(
    file_format: str, is_descending: bool, published: Settings, snapshot: pd.DataFrame
) -> None:
    columns = ("value_tier", "customer_id", "monetary", "current_city", "current_full_name")
    arrangement = Arrangement(columns, "monetary", is_descending)
    prepared = export.prepare(Audience(CustomerFilter(month=MONTH)), file_format, arrangement=arrangement)
    path = downloads.find(*prepared.file.url.split("/")[-2:])
    assert path is not None
    assert prepared.about is not None
    if file_format == "csv":
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
    else:
        header, *rows = openpyxl.load_workbook(path, read_only=True)["Customers"].iter_rows(values_only=True)
    assert tuple(header) == columns
    with engine(published).connect() as connection:
        master = pd.read_sql("select customer_id, city, full_name from mart.customers", connection)
    expected = snapshot.sort_values("customer_id").sort_values(
        "monetary", ascending=not is_descending, kind="stable", na_position="last"
    )
    expected = expected[["value_tier", "customer_id", "monetary"]].merge(master, on="customer_id", how="left")
    assert [as_given(str(row[1])) for row in rows] == expected["customer_id"].tolist()
    assert [float(row[2]) for row in rows] == expected["monetary"].tolist()
    for position, column in enumerate(("city", "full_name"), 3):
        assert [as_given(str(row[position] or "")) for row in rows] == list(expected[column].fillna(""))
    about = json.loads((path.parent / prepared.about.name).read_text())
    assert about["columns"] == list(columns)
    assert ("order=asc" in about["link"]) is not is_descending
    assert "columns=value_tier&columns=customer_id" in about["link"]
    with engine(published).connect() as connection:
        assert connection.exec_driver_sql(
            "select has_contact from mart.export_log order by export_id desc limit 1"
        ).scalar_one()
    with data_layer.acting_as(replace(OTHER, role="viewer")), pytest.raises(WarehouseError, match="contact data"):
        export.prepare(Audience(CustomerFilter(month=MONTH)), file_format, arrangement=arrangement)


def test_an_export_for_a_channel_has_only_who_agreed_by_now_and_what_it_needs(published: Settings) -> None:
    asked = Audience(CustomerFilter(month=date(2025, 3, 1)), channel="email")
    with engine(published).connect() as connection:
        allowed = set(
            connection.exec_driver_sql(
                "select customer_id from mart.customers where is_in_master and opt_in_email"
            ).scalars()
        )
    prepared = export.prepare(asked, "csv", with_contact=True)
    _, _, token, name = prepared.file.url.split("/")
    path = downloads.find(token, name)
    assert path is not None
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert read_ids(path) <= allowed
    assert all(row["email"].endswith("@example.org") for row in rows)
    assert "phone" not in rows[0]
    with (
        data_layer.acting_as(replace(OTHER, role="viewer")),
        pytest.raises(Exception, match="may not see contact data"),
    ):
        export.prepare(asked, "csv", with_contact=True)


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_a_list_for_text_messages_has_numbers_that_can_be_dialled(file_format: str, published: Settings) -> None:
    prepared = export.prepare(
        Audience(CustomerFilter(month=MONTH), channel="sms"), file_format, with_contact=True, audience_id=None
    )
    path = downloads.find(*prepared.file.url.split("/")[-2:])
    assert path is not None
    with engine(published).connect() as connection:
        contacts = connection.exec_driver_sql("select customer_id, phone from mart.customer_contact")
        known = {contact.customer_id: contact.phone for contact in contacts}
    if file_format == "csv":
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
    else:
        header, *rows = openpyxl.load_workbook(path, read_only=True)["Customers"].iter_rows(values_only=True)
    listed = {as_given(row[2]): row[header.index("phone")] for row in rows}
    assert len(listed) > 50
    assert "email" not in header
    for customer_id, phone in listed.items():
        assert known[customer_id].startswith("+34 ")
        assert phone == (f"00{known[customer_id][1:]}" if file_format == "csv" else known[customer_id])
    assert prepared.about is not None
    about = json.loads((path.parent / prepared.about.name).read_text())
    assert ("00 in place of +" in about.get("telephone_numbers", "")) == (file_format == "csv")


@pytest.mark.parametrize(
    ("phone", "written"),
    [
        ("+34600000001", "0034600000001"),
        ("+34 (600) 00-00.01", "0034 (600) 00-00.01"),
        ("+(34) 600", "00(34) 600"),
        ("0034 600", "0034 600"),
        ("+34 600 ext. 5", "'+34 600 ext. 5"),
        ("+1+1", "'+1+1"),
        ("+", "'+"),
        ("+34*2", "'+34*2"),
        ("=1", "'=1"),
        ("-600", "'-600"),
    ],
)
def test_only_a_telephone_number_is_written_otherwise(published: Settings, phone: str, written: str) -> None:
    with engine(published).connect() as connection:
        value = text("select mart.safe_text(mart.dialled_number(:phone))")
        assert connection.execute(value, {"phone": phone}).scalar_one() == written


def test_filters_of_ten_thousand_characters_and_hostile_ones_are_answered() -> None:
    for odd in [*ODD_IDS, "ب" * 10_000, "🎉" * 5_000, "'" * 10_000]:
        condition = Condition("city", "is", tuple([odd] * 20))
        assert members(Audience(groups=(Group((condition,)),))) == set()
        key = saved.save(None, "hostile", Audience(groups=(Group((condition,)),)), Decimal(0))
        assert saved.find(key).audience.groups[0].conditions[0].values[0] == odd
        assert saved.delete(key)
