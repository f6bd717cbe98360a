"""Signing in and out: the page's states, then a real browser, and what each role is shown."""

import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from dashboard.components import remembered, session
from dashboard.data import months, overview, warehouse
from include.warehouse.credentials import read_credentials
from include.warehouse.database import connect, engine
from include.warehouse.settings import REPOSITORY, Settings
from include.warehouse.users import FIRST_ADMIN, User, add_user, change_user, set_active, set_password
from tests.dashboard.conftest import settled, sign_in

APP = str(REPOSITORY / "dashboard" / "streamlit_app.py")
PAGES = sorted((REPOSITORY / "dashboard" / "app_pages").glob("[a-z]*.py"))
PASSWORD = "correct horse battery"


@pytest.fixture
def warehouse_of_ana(fresh_warehouse: Settings, reading: Callable[[Settings], None]) -> Settings:
    """An empty warehouse with one user."""
    with connect(fresh_warehouse) as owner:
        add_user(owner, "ana@example.com", "viewer", full_name="Ana", password=PASSWORD)
    reading(fresh_warehouse)
    return fresh_warehouse


def opened(**address: str) -> AppTest:
    page = AppTest.from_file(APP, default_timeout=120)
    for name, value in address.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


def submit(page: AppTest, email: str, password: str) -> None:
    page.text_input[0].set_value(email)
    page.text_input[1].set_value(password)
    page.button[0].click().run()
    assert not page.exception


def test_nothing_is_shown_before_signing_in_and_the_link_stays(warehouse_of_ana: Settings) -> None:
    page = opened(month="2025-03")
    assert [title.value for title in page.title] == ["Customer warehouse"]
    submit(page, "ana@example.com", "not her password")
    assert "not right" in page.error[0].value
    assert [title.value for title in page.title] == ["Customer warehouse"]
    submit(page, "ana@example.com", PASSWORD)
    assert [title.value for title in page.title] == ["Overview"]
    assert "2025-03" in page.query_params["month"]


def test_a_session_ends_with_the_user_or_their_password(warehouse_of_ana: Settings) -> None:
    page = opened()
    submit(page, "ana@example.com", PASSWORD)
    page.run()
    assert page.title[0].value == "Overview"
    with connect(warehouse_of_ana) as owner:
        set_password(owner, "ana@example.com", "another long secret")
    page.run()
    assert page.title[0].value == "Customer warehouse"
    submit(page, "ana@example.com", "another long secret")
    assert page.title[0].value == "Overview"
    with connect(warehouse_of_ana) as owner:
        set_active(owner, "ana@example.com", False)
    page.run()
    assert page.title[0].value == "Customer warehouse"


def test_what_the_companys_login_said_lets_in_until_its_time_or_a_sign_out(
    warehouse_of_ana: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: dict[str, object] = {"is_logged_in": True, "email": "Ana@Example.com"}
    monkeypatch.setattr("streamlit.user_info._get_user_info", lambda: said)

    def shown(page: AppTest) -> str:
        page.secrets["auth"] = {"client_id": "warehouse", "server_metadata_url": "https://login.example.com"}
        page.run()
        assert not page.exception
        return str(page.title[0].value)

    said["iat"] = int(time.time()) - 60
    first, second = AppTest.from_file(APP, default_timeout=120), AppTest.from_file(APP, default_timeout=120)
    assert [shown(first), shown(second)] == ["Overview", "Overview"]
    with connect(warehouse_of_ana) as owner:
        owner.execute(text("select access.end_sign_in('ana@example.com', 'oidc', 'signed_out')"))
    # another window still has what was said before, and so has a copy of the cookie
    assert [shown(first), shown(AppTest.from_file(APP, default_timeout=120))] == ["Customer warehouse"] * 2
    said["iat"] = int(time.time()) + 1
    assert shown(second) == "Overview"
    for old in (time.time() - 12 * 3600 - 1, None):
        said["iat"] = old
        assert shown(AppTest.from_file(APP, default_timeout=120)) == "Customer warehouse"


def test_a_cookie_holds_for_its_user_until_its_time_or_a_new_stamp(
    warehouse_of_ana: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = User("ana@example.com", "Ana", "viewer", stamp="one")
    key = remembered.ticket(user).removeprefix(f"{remembered.ROUTE}/")
    cookie = remembered.redeem(key)
    assert cookie is not None
    assert remembered.redeem(key) is None
    assert remembered.user_of(cookie, lambda email: user if email == user.email else None) == user
    other = User("eva@example.com", "Eva", "admin", stamp="one")
    assert remembered.user_of(cookie, lambda email: other) is None
    assert remembered.user_of(cookie, lambda email: User(user.email, "Ana", "viewer", stamp="two")) is None
    assert remembered.user_of(cookie, lambda email: None) is None
    name, expires, signature = cookie.split(".")
    for forged in (
        f"{name}.{int(expires) + 1}.{signature}",
        f"{name}.{expires}.",
        name,
        "",
        "..",
        "é.9.x",
        f"{name}.².",
    ):
        assert remembered.user_of(forged, lambda email: user) is None
    late = remembered.ticket(user).removeprefix(f"{remembered.ROUTE}/")
    monkeypatch.setattr(remembered.time, "time", lambda: int(expires) + 1)
    assert remembered.user_of(cookie, lambda email: user) is None
    assert remembered.redeem(late) is None


def test_without_a_user_no_query_is_asked(warehouse_of_ana: Settings) -> None:
    token = warehouse._acting.set(None)
    try:
        with pytest.raises(warehouse.NotSignedIn):
            months.months()
    finally:
        warehouse._acting.reset(token)


# Roles ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def team(published: Settings) -> Iterator[dict[str, User]]:
    """One user a role in the published warehouse; forty customers belong to the seller."""
    with connect(published) as owner:
        for role in ("marketing", "supervisor", "sales", "analyst", "viewer"):
            supervisor = "supervisor@example.com" if role == "sales" else None
            add_user(owner, f"{role}@example.com", role, supervisor=supervisor, password=PASSWORD)
        owner.execute(
            text(
                "update core.customer_version set responsible_email = 'sales@example.com'"
                " where customer_id between 'C0100' and 'C0139'"
            )
        )
    yield {
        role: User(f"{role}@example.com", role, role)
        for role in ("marketing", "supervisor", "sales", "analyst", "viewer")
    }
    with connect(published) as owner:
        owner.execute(text("update core.customer_version set responsible_email = null"))
        owner.execute(text("delete from access.user_account where email like '%@example.com'"))


@pytest.mark.parametrize("role", ["sales", "supervisor", "viewer"])
@pytest.mark.parametrize("path", [path for path in PAGES if path.stem != "sign_in"], ids=lambda path: path.stem)
def test_every_page_stands_for_every_role(
    path: object, role: str, team: dict[str, User], reading: Callable[[Settings], None], published: Settings
) -> None:
    reading(published)
    page = AppTest.from_file(str(path), default_timeout=120)
    page.session_state[session.USER] = team[role]
    page.query_params["customer"] = "C0100"
    page.run()
    assert not page.exception
    assert not page.error


def test_no_answer_of_one_user_reaches_another_who_sees_less(
    team: dict[str, User], reading: Callable[[Settings], None], published: Settings
) -> None:
    reading(published)
    counted = {}
    for role in ("marketing", "sales", "supervisor", "viewer"):
        page = AppTest.from_file(APP, default_timeout=120)
        with warehouse.signing_in() as connection:
            page.session_state[session.USER] = session.users.find_user(connection, team[role].email)
        page.run()
        assert not page.exception
        with warehouse.acting_as(team[role]):
            counted[role] = int(overview.history(months.months()[0].month)["customers"].max())
    assert counted == {"marketing": 420, "sales": 40, "supervisor": 40, "viewer": 420}


# A real browser ------------------------------------------------------------------------------------------------------


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    yield page
    context.close()


def test_in_through_a_link_kept_across_reloads_and_out(page: Page, address: str, published: Settings) -> None:
    page.goto(f"{address}/customers?month=2025-10&status=active")
    expect(page.get_by_role("heading", name="Customer warehouse")).to_be_visible()
    expect(page.get_by_role("link", name="Movements")).to_have_count(0)
    page.get_by_label("E-mail address").fill(FIRST_ADMIN)
    page.get_by_label("Password", exact=True).fill("not the password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("is not right")).to_be_visible()
    sign_in(page, FIRST_ADMIN, read_credentials(published)["dashboard_admin_password"])
    expect(page.get_by_role("heading", name="Customers", exact=True)).to_be_visible()
    assert "month=2025-10" in page.url
    assert "status=active" in page.url
    cookie = next(cookie for cookie in page.context.cookies() if cookie["name"] == remembered.COOKIE)
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    page.reload()
    expect(page.get_by_role("heading", name="Customers", exact=True)).to_be_visible()
    page.goto(f"{address}/definitions")
    settled(page)
    page.get_by_text("Administrator").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Customer warehouse")).to_be_visible()
    page.goto(f"{address}/customers")
    expect(page.get_by_role("heading", name="Customer warehouse")).to_be_visible()
    # a copy of the cookie is worth nothing any more
    page.context.add_cookies([cookie])
    page.goto(f"{address}/customers")
    expect(page.get_by_role("heading", name="Customer warehouse")).to_be_visible()
    with engine(published).connect() as owner:
        outcomes = owner.exec_driver_sql(
            "select outcome from access.sign_in_event where email = %s order by sign_in_event_id desc limit 3",
            (FIRST_ADMIN,),
        )
        assert outcomes.scalars().all() == ["signed_out", "signed_in", "wrong_password"]


def test_a_seller_sees_their_customers_and_no_others(page: Page, address: str, team: dict[str, User]) -> None:
    page.goto(f"{address}/customers")
    sign_in(page, "sales@example.com", PASSWORD)
    expect(page.get_by_role("heading", name="Customers", exact=True)).to_be_visible()
    expect(page.get_by_text("of 40, sorted by Monetary.")).to_be_visible()


def test_a_summary_has_the_rights_of_the_press_and_none_after_the_session_has_ended(
    page: Page, address: str, team: dict[str, User], published: Settings
) -> None:
    page.goto(f"{address}/?month=2025-10")
    sign_in(page, "marketing@example.com", PASSWORD)
    button = page.get_by_role("button", name="Excel summary of October 2025")
    expect(button).to_be_visible()
    settled(page)

    def taken() -> list[str]:
        with engine(published).connect() as owner:
            log = "select file_name from mart.export_log where exported_by = %s order by export_id"
            return list(owner.exec_driver_sql(log, ("marketing@example.com",)).scalars())

    with page.expect_download():
        button.click()
    assert taken() == ["customer_summary_2025-10.xlsx"]
    settled(page)
    with connect(published) as owner:
        change_user(owner, "marketing@example.com", role="sales", supervisor=None)
        owner.execute(
            text(
                "update core.customer_version set responsible_email = 'marketing@example.com'"
                " where customer_id between 'C0140' and 'C0159'"
            )
        )
    # a part is not handed out under the name of the whole
    with page.expect_download() as download:
        button.click()
    assert download.value.suggested_filename == "customer_summary_2025-10_of_marketing@example.com.xlsx"
    settled(page)
    with connect(published) as owner:
        set_active(owner, "marketing@example.com", False)
    button.click()
    expect(page.get_by_role("heading", name="Customer warehouse")).to_be_visible()
    expect(button).to_have_count(0)
    assert taken() == [
        "customer_summary_2025-10.xlsx",
        "customer_summary_2025-10_of_marketing@example.com.xlsx",
    ]
