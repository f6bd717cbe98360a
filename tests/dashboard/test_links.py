"""Links, bookmarks and defaults: a page shows what its address says, or says that it does not."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.components import session
from dashboard.data import customers, downloads, export, saved
from dashboard.data import warehouse as data_layer
from dashboard.data.audience import Audience, AudienceError, Condition, Group, Half, asks_the_same, from_text
from include.warehouse.customer_filter import CustomerFilter
from include.warehouse.database import engine
from include.warehouse.settings import REPOSITORY, Settings
from include.warehouse.users import User
from tests.dashboard.conftest import ADMIN

MONTH = date(2025, 10, 1)
PAGES = REPOSITORY / "dashboard" / "app_pages"


@pytest.fixture(autouse=True)
def on_published(reading: Callable[[Settings], None], published: Settings) -> None:
    reading(published)


def opened(name: str, *, state: dict[str, object] | None = None, **address: str | list[str]) -> AppTest:
    page = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=120)
    page.session_state[session.USER] = ADMIN
    for key, value in (state or {}).items():
        page.session_state[key] = value
    for key, text in address.items():
        page.query_params[key] = text
    page.run()
    assert not page.exception, page.exception
    return page


def link(*condition: object) -> str:
    return json.dumps({"match": "all", "groups": [{"match": "all", "exclude": False, "conditions": [condition]}]})


def count(published: Settings, condition: str = "true") -> int:
    with engine(published).connect() as connection:
        statement = f"select count(*) from mart.customer_snapshot where month = '2025-10-01' and {condition}"
        return int(connection.exec_driver_sql(statement).scalar_one())


def shown(page: AppTest) -> int:
    return int(str(next(one for one in page.metric if one.label == "Customers").value).replace(",", ""))


def test_a_count_that_is_no_whole_number_is_asked_as_it_stands(published: Settings) -> None:
    page = opened("customers", month="2025-10", where=link("frequency", "at_least", ["2.5"]))
    assert shown(page) == count(published, "frequency >= 2.5") != count(published, "frequency >= 2")
    assert '"2.5"' in page.query_params["where"]


@pytest.mark.parametrize(
    "condition",
    [
        ("first_core_date", "since", ["0001-01-01"]),
        ("first_core_date", "until", ["9999-12-31"]),
        ("first_core_date", "between", ["1899-12-31", "2025-01-01"]),
        ("frequency", "at_least", ["1e19"]),
        ("monetary", "at_most", ["-99999999999999999999"]),
        ("monetary", "at_least", ["1e-16384"]),
    ],
)
def test_a_value_that_no_field_can_show_stops_the_page(condition: tuple[object]) -> None:
    page = opened("customers", month="2025-10", where=link(*condition))
    assert "out of range" in page.error[0].value
    assert not page.metric


def test_a_condition_that_is_left_out_is_said_and_no_field_takes_more_than_can_be_asked(published: Settings) -> None:
    page = opened("customers", month="2025-10", where=link("monetary", "between", ["10", "500"]))
    assert shown(page) == count(published, "monetary between 10 and 500")
    assert "left out" not in "".join(one.value for one in page.caption)
    assert [(field.min, field.max) for field in page.number_input[:2]] == [(-(2**53 - 1), 2**53 - 1)] * 2
    next(one for one in page.button if one.label == "Add a condition").click().run()
    assert shown(page) == count(published, "monetary between 10 and 500")
    assert any("1 condition has no value yet and is left out" in one.value for one in page.caption)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ({"where": '{"match":"all","groups":[{"mat'}, "may have been cut off"),
        ({"audience": "987654321"}, "does not exist"),
        ({"audience": "gold"}, "cannot be read"),
    ],
)
def test_a_link_that_cannot_be_read_shows_nobody_until_somebody_starts_afresh(
    published: Settings, address: dict[str, str], said: str
) -> None:
    page = opened("customers", month="2025-10", status="active", **address)
    assert said in page.error[0].value
    assert not page.metric
    assert not [label for label in labels(page) if label.startswith(("CSV", "Excel"))]
    press(page, "Start afresh with all customers")
    assert shown(page) == count(published)
    assert address_of(page) == {"month": "2025-10"}


def test_what_a_server_would_refuse_as_an_address_holds_in_the_window_and_is_said(published: Settings) -> None:
    hostile = "\N{PARTY POPPER}\N{ARABIC LETTER BEH}" * 1_000
    asked = {"search": hostile, "city": hostile[:1_000], "where": link("current_city", "contains", [hostile])}
    for name, text in asked.items():
        page = opened("customers", month="2025-10", **{name: text})
        for _ in range(2):
            assert shown(page) == 0 < count(published)
            assert address_of(page) == {"month": "2025-10"}
            assert any("too long for a link" in one.value.lower() for one in page.caption), name
            page.run()


@pytest.mark.parametrize("operator", [("at_least", ["5"]), ("not_known_then", [])])
def test_a_condition_on_a_month_that_is_not_published_is_kept_and_said(
    published: Settings, operator: tuple[str, list[str]]
) -> None:
    asked = link("monetary", *operator, "0001-01")
    page = opened("customers", month="2025-10", where=asked)
    assert "January 0001 is not published" in page.error[0].value
    assert not page.metric
    chosen = next(one for one in page.selectbox if "January 0001 (not published)" in one.options)
    assert chosen.value == date(1, 1, 1)
    assert json.loads(address_of(page)["where"])["groups"][0]["conditions"][0][3] == "0001-01"
    inside = saved.save(None, "long ago", Audience(groups=from_text(asked)[0]), Decimal(0))
    page = opened("customers", month="2025-10", where=link("audience", "not_in", [str(inside)]))
    assert "January 0001 is not published" in page.error[0].value
    other = saved.save(None, "of now", Audience(CustomerFilter(status=("active",))), Decimal(0))
    page = opened("customers", state={"shown as": "Compare"}, month="2025-10")
    page.selectbox(key=f"compare First {page.selectbox[-2].value}").set_value(inside).run()
    page.selectbox(key=page.selectbox[-1].key).set_value(other).run()
    assert "cannot be compared: January 0001 is not published" in page.error[0].value
    assert "In both" not in [metric.label for metric in page.metric]
    for key in (inside, other):
        saved.delete(key)


def test_a_condition_on_another_month_is_asked_of_that_month(published: Settings) -> None:
    page = opened("customers", month="2025-10", where=link("activity_status", "is", ["active"], "2025-03"))
    earlier = "select customer_id from mart.customer_snapshot where month = '2025-03-01' and activity_status = 'active'"
    assert shown(page) == count(published, f"customer_id in ({earlier})") < count(published)


def test_a_search_with_a_character_that_no_text_has_is_answered(published: Settings) -> None:
    page = opened("customers", month="2025-10", search="C0\x00100")
    assert shown(page) == 1
    assert page.query_params["search"] == "C0100"


def test_the_latest_month_and_the_compared_one_can_be_bookmarked() -> None:
    report = opened("overview").selectbox(key="month")
    assert report.value == "report"
    assert report.options[0].removesuffix(" (latest)") == report.options[1] == "November 2025"
    page = opened("overview", month="2025-11", against="2025-03")
    assert page.query_params["month"] == "2025-11"
    assert page.query_params["against"] == "2025-03"
    assert page.selectbox(key="against").value == "2025-03"
    page = opened("overview", month="2025-11", against="2031-01")
    assert page.selectbox(key="against").value == "before"
    assert "against" not in page.query_params


@pytest.mark.parametrize(("asked", "said"), [("2031-07", "July 2031"), ("*x*", r"“\*x\*”")])
def test_a_month_that_is_not_published_is_said_until_another_is_chosen(asked: str, said: str) -> None:
    page = opened("cohorts", month=asked)
    for _ in range(2):
        assert [one.value for one in page.warning] == [
            f"**{said} is no published month.** This is November 2025, the latest."
        ]
        assert page.selectbox(key="month").value == "report"
        page.segmented_control(key="show").set_value("total").run()
    page.selectbox(key="month").set_value("2025-10").run()
    assert not page.warning
    page.selectbox(key="month").set_value("report").run()
    assert not page.warning


def test_a_column_that_a_link_names_twice_is_shown_once() -> None:
    page = opened("customers", month="2025-10", columns=["city", "city", "monetary"])
    assert list(page.dataframe[0].value.columns) == ["city", "monetary"]


def test_audiences_of_one_name_are_told_apart_by_their_owners() -> None:
    for owner in (ADMIN, User("eva@example.com", "Eva", "marketing")):
        with data_layer.acting_as(owner):
            saved.save(None, "Namesakes", Audience(CustomerFilter(status=("lost",))), Decimal(0))
    namesakes = ["Namesakes · admin@warehouse.local", "Namesakes · eva@example.com"]
    one = next(one for one in saved.audiences() if one.name == "Namesakes")
    asked = link("audience", "not_in", [str(one.audience_id)])
    page = opened("customers", state={"shown as": "Compare"}, month="2025-10", where=asked)
    offered = {one.label: one.options for one in page.selectbox}
    for place in ("Open", "First", "Second", "Audience"):
        assert sorted(name for name in offered[place] if name.startswith("Namesakes")) == namesakes, place


def test_two_audiences_without_customers_are_compared_in_words() -> None:
    keys = [
        saved.save(None, name, Audience(CustomerFilter(search=name)), Decimal(0)) for name in ("AAA none", "AAB none")
    ]
    page = opened("customers", state={"shown as": "Compare"}, month="2025-10", audience=str(keys[0]))
    page.selectbox(key=f"compare Second {keys[0]}").set_value(keys[1]).run()
    assert "**Nobody is in either of them in this month**" in [one.value for one in page.markdown]
    assert [one.value for one in page.metric[-3:]] == ["0", "0", "0"]
    assert all(one.disabled for one in page.button if one.label == "Open")
    for key in keys:
        saved.delete(key)


def test_shares_of_a_breakdown_are_of_all_customers(published: Settings) -> None:
    page = opened("customers", state={"shown as": "Breakdown"}, month="2025-10")
    with engine(published).connect() as connection:
        most = connection.exec_driver_sql(
            "select city, count(*) as customers from mart.customer_snapshot"
            " where month = '2025-10-01' group by city order by 2 desc limit 1"
        ).one()
    texts = "\n".join(one.value for one in page.markdown)
    found = re.search(r"is the most frequent city: ([\d.]+) %", texts)
    assert found
    assert float(found[1]) == pytest.approx(100 * most.customers / count(published), abs=0.06)


def test_a_campaign_leaves_the_holdout_out_unless_said_otherwise() -> None:
    key = saved.save(None, "mailing", Audience(CustomerFilter()), Decimal(30))
    reached = Audience(CustomerFilter(month=MONTH), channel="email")
    rest = replace(reached, half=Half(key, Decimal("30.00"), is_holdout=False))
    everybody, others = (customers.total(MONTH, one) for one in (reached, rest))
    assert 0 < others < everybody
    page = opened("customers", state={"export channel": "email"}, month="2025-10", audience=str(key))
    assert f"CSV of {others}" in [button.label for button in page.button]
    page.toggle(key="leave out the holdout").set_value(False).run()
    assert f"CSV of {everybody}" in [button.label for button in page.button]


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception, page.exception
    return page


def labels(page: AppTest) -> set[str]:
    return {button.label for button in page.button} | {one.proto.popover.label for one in page.get("popover")}


def address_of(page: AppTest) -> dict[str, str]:
    given = page.query_params.items()
    return {name: value if isinstance(value, str) else value[0] for name, value in given}


def test_an_audience_that_was_changed_is_named_linked_and_logged_as_changed(published: Settings) -> None:
    gold = Audience(CustomerFilter(tier=("gold",)))
    key = saved.save(None, "Golden", gold, Decimal(30))
    page = opened("customers", month="2025-10", audience=str(key))
    assert shown(page) == count(published, "value_tier = 'gold'")
    assert "Audience: Golden" in labels(page)
    press(page, f"CSV of {shown(page)}")
    page.session_state["export channel"] = "email"
    press(page, "Clear all filters")
    assert shown(page) == count(published)
    assert "Audience: Golden (changed)" in labels(page)
    assert page.toggle(key="leave out the holdout as saved").value is False
    assert not [one for one in page.get("button_group") if "Holdout of" in one.label]
    assert shown(opened("customers", **address_of(page))) == count(published)
    press(page, f"CSV of {shown(page)}")
    logged = data_layer.rows("select audience_id, filters from mart.export_log order by export_id desc limit 2")
    assert [(row["audience_id"], row["filters"]) for row in logged] == [(None, {}), (key, {"tier": ["gold"]})]
    press(page, "Go back to what was saved")
    assert shown(page) == count(published, "value_tier = 'gold'")
    assert "Audience: Golden" in labels(page)
    assert "changed" not in page.query_params
    saved.delete(key)


def test_of_two_windows_the_second_to_save_is_told_and_a_name_is_taken_once() -> None:
    key = saved.save(None, "in two windows", Audience(CustomerFilter(tier=("gold",))), Decimal(30))
    first, second = (opened("customers", month="2025-10", audience=str(key)) for _ in range(2))
    first.multiselect(key="tier").set_value(["gold", "silver"]).run()
    press(first, "Save changes")
    assert not first.error
    press(first, "Save changes")
    assert not first.error, "a window knows what it saved itself"
    press(second, "Save changes")
    assert "Not saved: it was saved in another window since" in second.error[0].value
    assert saved.find(key).audience.filters.tier == ("gold", "silver")
    press(second, "Go back to what was saved")
    assert second.multiselect(key="tier").value == ["gold", "silver"]
    press(second, "Save as new")
    assert "another audience of yours has this name" in second.error[0].value
    fresh = opened("customers", month="2025-10")
    next(one for one in fresh.text_input if one.label == "Name").set_value("in two windows")
    press(fresh, "Save as new")
    assert "another audience of yours has this name" in fresh.error[0].value
    assert (saved.find(key).audience.filters.tier, saved.find(key).holdout_percent) == (("gold", "silver"), 30)
    saved.delete(key)


def test_an_audience_written_otherwise_is_not_a_changed_one() -> None:
    asked = Audience(
        CustomerFilter(status=("new", "active")), (Group((Condition("monetary", "at_least", ("5",)),), is_any=True),)
    )
    other = Audience(
        CustomerFilter(MONTH, status=("active", "new")), (Group((Condition("monetary", "at_least", ("5.0",)),)),), True
    )
    assert asks_the_same(asked, other)
    assert not asks_the_same(asked, replace(other, groups=(replace(other.groups[0], is_excluded=True),)))
    assert not asks_the_same(asked, Audience())
    key = saved.save(None, "written otherwise", asked, Decimal(0))
    assert "Audience: written otherwise" in labels(opened("customers", month="2025-10", audience=str(key)))
    saved.delete(key)


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_the_companion_of_a_list_has_the_link_that_shows_it_again(file_format: str, published: Settings) -> None:
    groups = (Group((Condition("monetary", "at_least", ("50",), date(2025, 3, 1)),)),)
    asked = Audience(CustomerFilter(MONTH, ("active", "new"), city=("Málaga", None)), groups)
    key = saved.save(None, "linked & shared", asked, Decimal(20))
    held = replace(asked, half=Half(key, Decimal("20.00"), is_holdout=True))
    for audience, audience_id in ((asked, None), (held, key), (Audience(CustomerFilter(MONTH)), key)):
        prepared = export.prepare(audience, file_format, audience_id=audience_id)
        link = companion(prepared)["link"]
        path, query = link.split("?")
        assert path == "customers"
        page = AppTest.from_file(str(PAGES / f"{path}.py"), default_timeout=120)
        page.session_state[session.USER] = ADMIN
        for name, values in parse_qs(query, keep_blank_values=True).items():
            page.query_params[name] = values
        page.run()
        assert shown(page) == prepared.rows == customers.total(MONTH, audience)
    reached = replace(asked, channel="email", half=Half(key, Decimal(20), is_holdout=False))
    about = companion(export.prepare(reached, file_format, page_url="https://crm.example.org/shop/customers"))
    assert about["link"].startswith("https://crm.example.org/shop/customers?month=2025-10&status=active")
    assert about["left_out_of_link"] == ["opted_in_now_to", "holdout"]
    long = replace(asked, filters=replace(asked.filters, search="x" * 7_000))
    assert "link" not in companion(export.prepare(long, "csv"))
    saved.delete(key)


def companion(prepared: downloads.Prepared) -> dict[str, Any]:
    assert prepared.about is not None
    _, _, token, name = prepared.about.url.split("/")
    path = downloads.find(token, name)
    assert path is not None
    about: dict[str, Any] = json.loads(path.read_text())
    return about


def test_an_audience_is_deleted_only_after_a_second_question_that_names_who_uses_it() -> None:
    base = saved.save(None, "base", Audience(CustomerFilter(status=("lost",))), Decimal(0))
    uses = Audience(groups=(Group((Condition("audience", "not_in", (str(base),)),)),))
    direct = saved.save(None, "direct *user*", uses, Decimal(0))
    uses = Audience(groups=(Group((Condition("audience", "in", (str(direct),)),)),))
    indirect = saved.save(None, "indirect", uses, Decimal(0))
    page = opened("customers", month="2025-10", audience=str(base))
    press(page, "Delete this audience")
    said = "\n".join(one.value for one in page.warning)
    assert "would stop working" in said
    assert r"direct \*user\*" in said
    assert "indirect" in said
    assert saved.find(base).name == "base"
    press(page, "Keep it")
    assert "Delete for good" not in labels(page)
    press(page, "Delete this audience")
    press(page, "Delete for good")
    assert "audience" not in page.query_params
    with pytest.raises(AudienceError, match="does not exist"):
        saved.find(base)
    for key in (direct, indirect):
        saved.delete(key)


@pytest.mark.parametrize(
    "audience",
    [
        Audience(CustomerFilter(search="Maria")),
        Audience(groups=(Group((Condition("current_email", "contains", ("maria",)),)),)),
    ],
)
def test_an_audience_that_asks_for_a_name_or_an_address_is_not_shown_to_who_may_not_know(audience: Audience) -> None:
    owner = User("owner@example.org", "Owner", "sales")
    with data_layer.acting_as(owner):
        key = saved.save(None, "by name", audience, Decimal(0))
        uses = saved.save(None, "by name, within", Audience(groups=(within(key),)), Decimal(0))
        plain = saved.save(None, "by tier", Audience(CustomerFilter(tier=("gold",))), Decimal(0))
        # what its owner shares says for whom it opens
        assert [saved.asks_for_contact(saved.find(one)) for one in (key, uses, plain)] == [True, True, False]
    for one, is_said in ((key, True), (uses, True), (plain, False)):
        captions = [caption.value for caption in opened("customers", month="2025-10", audience=str(one)).caption]
        assert any("opens only for its owner" in caption for caption in captions) == is_said
    for role, knows in {"marketing": True, "viewer": False, "analyst": False, "sales": False}.items():
        with data_layer.acting_as(User(f"{role}@example.org", role, role)):
            assert (key in [one.audience_id for one in saved.audiences()]) == knows, role
            if not knows:
                with pytest.raises(AudienceError, match="does not exist any more, or asks for a name, an address"):
                    saved.find(key)
    viewer = User("viewer@example.org", "viewer", "viewer")
    for one, said in ((key, "The audience of this link cannot be opened"), (uses, "cannot be answered")):
        page = opened("customers", state={session.USER: viewer}, month="2025-10", audience=str(one))
        assert said in page.error[0].value
        assert "or asks for a name, an address or a number, and so is shown only to its owner" in page.error[0].value
    with data_layer.acting_as(owner):
        assert saved.find(key).audience == audience
        for one in (uses, plain, key):
            assert saved.delete(one)
    # who sees all of them is told what is so
    with pytest.raises(AudienceError, match=r"does not exist any more$"):
        saved.find(key)


@pytest.mark.parametrize("field", ["current_full_name", "current_email", "current_phone"])
def test_who_may_not_see_contact_data_is_told_so_in_place_of_a_count(published: Settings, field: str) -> None:
    # for such a reader nobody has any: all would be counted
    asked, contact = link(field, "is_unknown", []), {"Name now", "E-mail address now", "Phone number now"}
    for role, may_see in {"viewer": False, "analyst": False, "marketing": True}.items():
        reader = {session.USER: User(f"{role}@example.org", role, role)}
        page = opened("customers", state=reader, month="2025-10", where=asked)
        assert any("and your role sees none" in one.value for one in page.error) != may_see
        assert bool(page.metric) == may_see
        page = opened("customers", state=reader, month="2025-10", where=link("city", "is_known", []))
        offered = next(one for one in page.selectbox if one.label == "Column").options
        assert contact & set(offered) == (contact if may_see else set())
        assert page.text_input(key="search").placeholder == ("Customer id or name" if may_see else "Customer id")


def within(key: int) -> Group:
    return Group((Condition("audience", "in", (str(key),)),))


def test_the_log_of_exports_does_not_tell_what_was_searched_to_who_may_not_know() -> None:
    for audience in (Audience(CustomerFilter(month=MONTH, search="C01")), Audience(CustomerFilter(month=MONTH))):
        export.prepare(audience, "csv")
    newest = "select filters from mart.export_log order by export_id desc limit 2"
    for role, knows in {"marketing": True, "viewer": False, "analyst": False}.items():
        with data_layer.acting_as(User(f"{role}@example.org", role, role)):
            everybody, searched = (row["filters"] for row in data_layer.rows(newest))
        assert everybody == {}
        assert searched == ({"search": "C01"} if knows else {"left_out": "a name, an address or a number"})
