"""The dashboard in a real Chromium: what readers click, and what they take away, against SQL."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import openpyxl
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text

from include.warehouse.database import engine
from include.warehouse.settings import Settings

PAGES = ["", "customers", "movements", "cohorts", "rfmt", "customer?customer=C0100", "health", "definitions"]
SECONDS = 60_000


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
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


def settled(page: Page) -> None:
    """Waits until the page has run and drawn everything."""
    page.wait_for_selector("h1")
    page.wait_for_function("document.querySelector('.stApp')?.dataset.testScriptState === 'notRunning'")
    page.wait_for_function("document.querySelectorAll('[data-testid=stSkeleton]').length === 0")


def metric(page: Page, label: str) -> str:
    return page.get_by_test_id("stMetric").filter(has_text=label).get_by_test_id("stMetricValue").inner_text()


def address_of(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_readable_on_a_telephone_and_asks_nobody_else(browser: Browser, address: str, path: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    opened = context.new_page()
    opened.set_default_timeout(SECONDS)
    foreign: list[str] = []
    opened.on("request", lambda asked: foreign.append(asked.url) if not asked.url.startswith(address) else None)
    opened.goto(f"{address}/{path}")
    settled(opened)
    assert opened.get_by_test_id("stException").count() == 0
    main = opened.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth - element.clientWidth") == 0
    assert [url for url in foreign if not url.startswith(("data:", "blob:", "ws://127.0.0.1"))] == []
    context.close()


def test_the_month_is_kept_in_the_address_and_across_pages(page: Page, address: str) -> None:
    page.goto(address)
    settled(page)
    page.get_by_test_id("stSelectbox").filter(has_text="Month").get_by_role("combobox").click()
    page.get_by_role("option", name="March 2025").click()
    expect(page.get_by_text("An earlier month; the latest is November 2025")).to_be_visible()
    assert address_of(page)["month"] == ["2025-03"]
    page.get_by_role("link", name="Customers", exact=True).click()
    expect(page.get_by_role("heading", name="Customers")).to_be_visible()
    settled(page)
    assert address_of(page)["month"] == ["2025-03"]


def test_a_filtered_list_is_counted_shown_and_exported_exactly(
    page: Page, address: str, published: Settings, tmp_path: Path
) -> None:
    page.goto(f"{address}/customers?month=2025-10&status=active")
    settled(page)
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
    assert {row["customer_id"].removeprefix("'") for row in rows} == expected
    assert not {"email", "phone", "full_name"} & set(rows[0])
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Excel of {len(expected)}", exact=True).click()
    download.value.save_as(tmp_path / "list.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "list.xlsx", read_only=True)["Customers"]
    header, *written = sheet.iter_rows()
    position = [cell.value for cell in header].index("customer_id")
    assert {row[position].value for row in written} == expected
    assert not [cell.value for row in written for cell in row if cell.data_type == "f"]


def test_the_summary_can_be_taken_away(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(f"{address}/?month=2025-10")
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Excel summary of October 2025").click()
    download.value.save_as(tmp_path / "summary.xlsx")
    assert "About" in openpyxl.load_workbook(tmp_path / "summary.xlsx", read_only=True).sheetnames


def test_a_cell_of_the_movements_opens_exactly_its_customers(page: Page, address: str, published: Settings) -> None:
    page.goto(f"{address}/movements?from=2025-07")
    settled(page)
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


def test_a_row_of_the_list_opens_its_customer(page: Page, address: str, published: Settings) -> None:
    page.goto(f"{address}/customers?sort=customer_id&order=asc&month=2025-10&search=C01")
    settled(page)
    first = min(ids(published, "month = '2025-10-01' and customer_id ilike '%C01%'"))
    box = page.get_by_test_id("stDataFrame").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 16, box["y"] + 35 * 1.5)
    expect(page.get_by_role("heading", name=first)).to_be_visible()
    assert address_of(page) == {"month": ["2025-10"], "customer": [first]}


def test_a_page_turn_and_a_sort_go_through_the_database(page: Page, address: str) -> None:
    page.goto(f"{address}/customers")
    settled(page)
    expect(page.get_by_text("1–50 of 420, sorted by Monetary.")).to_be_visible()
    page.get_by_role("button", name="Page 9", exact=True).click()
    expect(page.get_by_text("401–420 of 420, sorted by Monetary.")).to_be_visible()
    assert address_of(page)["page"] == ["9"]
    page.get_by_text("Low to high").click()
    expect(page.get_by_text("1–50 of 420, sorted by Monetary.")).to_be_visible()
    assert "page" not in address_of(page)
