"""The dashboard in a real Chromium: what readers click, and what they take away, against SQL."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import openpyxl
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, expect
from sqlalchemy import text

from include.warehouse.database import engine
from include.warehouse.settings import Settings
from tests.dashboard.conftest import settled

PAGES = ["", "customers", "movements", "cohorts", "rfmt", "customer?customer=C0100", "health", "definitions"]
SECONDS = 60_000


@pytest.fixture(scope="module")
def telephone(browser: Browser, signed_in: StorageState) -> Iterator[BrowserContext]:
    """A small screen, on which what all pages share is fetched and compiled once."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, storage_state=signed_in)
    yield context
    context.close()


@pytest.fixture
def page(browser: Browser, signed_in: StorageState) -> Iterator[Page]:
    size = {"width": 1400, "height": 1000}
    context = browser.new_context(viewport=size, accept_downloads=True, storage_state=signed_in)
    opened = context.new_page()
    opened.set_default_timeout(SECONDS)
    expect.set_options(timeout=SECONDS)
    yield opened
    context.close()


def ids(published: Settings, condition: str, **values: Any) -> set[str]:
    """Customers of a month by a condition in plain SQL."""
    with engine(published).connect() as connection:
        found = connection.execute(text(f"select customer_id from mart.customer_snapshot where {condition}"), values)
        return set(found.scalars())


@pytest.fixture
def visit(address: str) -> Callable[[Page, str], None]:
    """Opens a path of the dashboard."""

    def go(page: Page, path: str) -> None:
        page.goto(f"{address}/{path}")
        settled(page)

    return go


def metric(page: Page, label: str) -> str:
    return page.get_by_test_id("stMetric").filter(has_text=label).get_by_test_id("stMetricValue").inner_text()


def address_of(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_readable_on_a_telephone_and_asks_nobody_else(
    telephone: BrowserContext, address: str, visit: Callable[[Page, str], None], path: str
) -> None:
    opened = telephone.new_page()
    opened.set_default_timeout(SECONDS)
    foreign: list[str] = []
    opened.on("request", lambda asked: foreign.append(asked.url) if not asked.url.startswith(address) else None)
    visit(opened, path)
    assert opened.get_by_test_id("stException").count() == 0
    main = opened.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth - element.clientWidth") == 0
    assert [url for url in foreign if not url.startswith(("data:", "blob:", "ws://127.0.0.1"))] == []
    opened.close()


def test_the_month_is_kept_in_the_address_and_across_pages(page: Page, visit: Callable[[Page, str], None]) -> None:
    visit(page, "")
    page.get_by_test_id("stSelectbox").filter(has_text="Month").get_by_role("combobox").click()
    page.get_by_role("option", name="March 2025").click()
    expect(page.get_by_text("An earlier month; the latest is November 2025")).to_be_visible()
    assert address_of(page)["month"] == ["2025-03"]
    page.get_by_role("link", name="Customers", exact=True).click()
    expect(page.get_by_role("heading", name="Customers")).to_be_visible()
    settled(page)
    assert address_of(page)["month"] == ["2025-03"]


def test_a_filtered_list_is_counted_shown_and_exported_exactly(
    page: Page, visit: Callable[[Page, str], None], published: Settings, tmp_path: Path
) -> None:
    visit(page, "customers?month=2025-10&status=active")
    filter_of_tiers = page.get_by_test_id("stMultiSelect").filter(has_text="Tier")
    filter_of_tiers.get_by_role("combobox").click()
    page.get_by_role("option", name="Gold").click()
    page.keyboard.press("Escape")
    expected = ids(published, "month = '2025-10-01' and activity_status = 'active' and value_tier = 'gold'")
    expect(page.get_by_role("button", name=f"CSV of {len(expected)}", exact=True)).to_be_visible()
    assert metric(page, "Customers") == str(len(expected))
    assert address_of(page)["tier"] == ["gold"]
    with page.expect_download() as download:
        page.get_by_role("button", name=f"CSV of {len(expected)}", exact=True).click()
    download.value.save_as(tmp_path / "list.csv")
    with (tmp_path / "list.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    # with an apostrophe before what a spreadsheet would take for a formula
    assert {row["customer_id"].replace("'", "") for row in rows} == {name.replace("'", "") for name in expected}
    assert not {"email", "phone", "full_name"} & set(rows[0])
    expect(page.get_by_role("link", name="About this file")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    download.value.save_as(tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "list.csv").read_bytes()
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Excel of {len(expected)}", exact=True).click()
    download.value.save_as(tmp_path / "list.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "list.xlsx", read_only=True)["Customers"]
    header, *written = sheet.iter_rows()
    position = [cell.value for cell in header].index("customer_id")
    assert {row[position].value for row in written} == expected
    assert not [cell.value for row in written for cell in row if cell.data_type == "f"]
    page.get_by_role("link", name="Overview", exact=True).click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    settled(page)
    steps_back = page.evaluate("history.length")
    page.get_by_role("link", name="Customers", exact=True).click()
    expect(page.get_by_role("heading", name="Customers")).to_be_visible()
    settled(page)
    assert address_of(page) == {"month": ["2025-10"], "status": ["active"], "tier": ["gold"]}
    # Streamlit's own step to the page, and one for all that was chosen
    assert page.evaluate("history.length") == steps_back + 2


def test_the_summary_can_be_taken_away(page: Page, visit: Callable[[Page, str], None], tmp_path: Path) -> None:
    visit(page, "?month=2025-10")
    with page.expect_download() as download:
        page.get_by_role("button", name="Excel summary of October 2025").click()
    # signed, and it expires
    assert urlsplit(download.value.url).path.startswith("/download/")
    download.value.save_as(tmp_path / "summary.xlsx")
    assert "About" in openpyxl.load_workbook(tmp_path / "summary.xlsx", read_only=True).sheetnames


def test_a_cell_of_the_movements_opens_exactly_its_customers(
    page: Page, visit: Callable[[Page, str], None], published: Settings
) -> None:
    visit(page, "movements?from=2025-07")
    matrix = page.get_by_test_id("stDataFrame")
    matrix.scroll_into_view_if_needed()
    box = matrix.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.55, box["y"] + 35 * 3.5)
    expect(page.get_by_role("heading", name="Customers")).to_be_visible()
    settled(page)
    group = json.loads(address_of(page)["where"][0])["groups"][0]
    was, now = group["conditions"]
    assert was[0] == now[0] == "value_tier"
    assert was[3] == "2025-07"
    expected = ids(
        published,
        "month = '2025-11-01' and value_tier = :now and customer_id in ("
        "select customer_id from mart.customer_snapshot where month = '2025-07-01' and value_tier = :was)",
        was=was[2][0],
        now=now[2][0],
    )
    assert metric(page, "Customers") == str(len(expected))
    assert expected


def test_a_row_of_the_list_opens_its_customer(
    page: Page, visit: Callable[[Page, str], None], published: Settings
) -> None:
    visit(page, "customers?sort=customer_id&order=asc&month=2025-10&search=C01")
    first = min(ids(published, "month = '2025-10-01' and customer_id ilike '%C01%'"))
    box = page.get_by_test_id("stDataFrame").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 16, box["y"] + 35 * 1.5)
    expect(page.get_by_role("heading", name=first)).to_be_visible()
    assert address_of(page) == {"month": ["2025-10"], "customer": [first]}


def test_a_filter_that_nobody_matches_stays_when_the_month_changes(
    page: Page, visit: Callable[[Page, str], None]
) -> None:
    visit(page, "customers?month=2025-10&tier=diamond")
    for month in ("2025-10", "2025-03"):
        expect(page.get_by_text("nobody has “Diamond” in this month")).to_be_visible()
        assert (address_of(page)["month"], address_of(page)["tier"]) == ([month], ["diamond"])
        assert metric(page, "Customers") == "0"
        page.get_by_test_id("stSelectbox").filter(has_text="Month").get_by_role("combobox").click()
        page.get_by_role("option", name="March 2025").click()
        settled(page)


def test_a_page_turn_and_a_sort_go_through_the_database(page: Page, visit: Callable[[Page, str], None]) -> None:
    visit(page, "customers")
    expect(page.get_by_text("1–50 of 420, sorted by Monetary.")).to_be_visible()
    page.get_by_role("button", name="Page 9", exact=True).click()
    expect(page.get_by_text("401–420 of 420, sorted by Monetary.")).to_be_visible()
    assert address_of(page)["page"] == ["9"]
    page.get_by_text("Low to high").click()
    expect(page.get_by_text("1–50 of 420, sorted by Monetary.")).to_be_visible()
    assert "page" not in address_of(page)


def test_an_audience_is_saved_shared_split_and_compared(
    page: Page,
    browser: Browser,
    signed_in: StorageState,
    visit: Callable[[Page, str], None],
    published: Settings,
) -> None:
    for name, path in {
        "Active ones": "customers?month=2025-10&status=active",
        "Best": "customers?month=2025-10&tier=gold",
    }.items():
        visit(page, path)
        page.get_by_role("button", name="Audiences").click()
        page.get_by_label("Name").fill(name)
        page.get_by_test_id("stNumberInputField").fill("20")
        page.get_by_role("button", name="Save as new").click()
        expect(page.get_by_role("button", name=f"Audience: {name}")).to_be_visible()
        settled(page)
    key = address_of(page)["audience"][0]
    other = browser.new_context(viewport={"width": 1400, "height": 1000}, storage_state=signed_in).new_page()
    visit(other, f"customers?month=2025-10&audience={key}")
    gold = ids(published, "month = '2025-10-01' and value_tier = 'gold'")
    expect(other.get_by_role("button", name="Audience: Best")).to_be_visible()
    assert metric(other, "Customers") == str(len(gold))
    other.get_by_text("Holdout only").click()
    held = ids(
        published,
        "month = '2025-10-01' and value_tier = 'gold' and mart.holdout_position(:key, customer_id) < 20",
        key=int(key),
    )
    expect(other.get_by_role("button", name=f"CSV of {len(held)}", exact=True)).to_be_visible()
    assert 0 < len(held) < len(gold)
    other.get_by_role("tab", name="Compare").click()
    expect(other.get_by_text("are in both")).to_be_visible()
    both = ids(published, "month = '2025-10-01' and value_tier = 'gold' and activity_status = 'active'")
    assert both
    assert metric(other, "In both") == str(len(both))
    settled(other)
    other.get_by_test_id("stButton").get_by_role("button", name="Open").first.click()
    expect(other.get_by_role("button", name=f"CSV of {len(both)}", exact=True)).to_be_visible()
    expect(other.get_by_role("tab", name="List")).to_have_attribute("aria-selected", "true")
    expect(other.get_by_test_id("stDataFrame")).to_be_visible()
    other.context.close()


def test_a_link_that_was_changed_gives_nothing(page: Page, visit: Callable[[Page, str], None], address: str) -> None:
    for path in ("download/x.9999999999.0/list.csv", "download/..%2F..%2Fsecrets.json.9999999999.0/secrets.json"):
        answer = page.request.get(f"{address}/{path}")
        assert answer.status in (400, 403, 404)
        assert "password" not in answer.text()


def test_a_name_is_shown_as_it_was_written(page: Page, visit: Callable[[Page, str], None]) -> None:
    name = "![x](http://127.0.0.1:9/x.png) **b** :red[c] $d$ `e` <i>f</i>"
    visit(page, "customers?status=active")
    page.get_by_role("button", name="Audiences").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Save as new").click()
    expect(page.get_by_role("button", name=f"Audience: {name}")).to_be_visible()
    assert page.locator("img[src*='127.0.0.1:9']").count() == 0
