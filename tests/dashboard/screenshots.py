"""Pictures of every page for docs/screenshots: light and dark, and as on a telephone.

Run, with the dashboard of WAREHOUSE_HOME running: python -m tests.dashboard.screenshots http://127.0.0.1:8501 [FOLDER]
"""

import sys
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright

from include.warehouse.credentials import read_credentials
from include.warehouse.settings import REPOSITORY, load_settings
from include.warehouse.users import FIRST_ADMIN
from tests.conftest import launch_browser
from tests.dashboard.conftest import settled, sign_in

PAGES = {
    "overview": "",
    "customers": "customers?status=lapsed&status=lost",
    "movements": "movements",
    "cohorts": "cohorts",
    "rfmt": "rfmt",
    "customer": "customer?customer={customer}",
    "data_health": "health",
    "definitions": "definitions",
}
LOOKS = {"light": (1280, "light"), "dark": (1280, "dark"), "telephone": (390, "light")}
TALLEST = 4_000


def main(address: str, folder: Path) -> None:
    """Writes one picture a page and look."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = launch_browser(driver)
        for look in LOOKS:
            _take(_open(browser, look, None), f"{address}/", folder / f"sign_in_{look}.png")
        signed_in = _sign_in(browser, address)
        customer = _first_customer(browser, address, signed_in)
        for name, path in PAGES.items():
            for look in LOOKS:
                context = _open(browser, look, signed_in)
                _take(context, f"{address}/{path.format(customer=customer)}", folder / f"{name}_{look}.png")
        browser.close()


def _open(browser: Browser, look: str, signed_in: StorageState | None) -> BrowserContext:
    width, light = LOOKS[look]
    return browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if light == "dark" else "light",
        storage_state=signed_in,
    )


def _sign_in(browser: Browser, address: str) -> StorageState:
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    sign_in(page, FIRST_ADMIN, read_credentials(load_settings())["dashboard_admin_password"])
    page.wait_for_selector("h1", timeout=60_000)
    state = context.storage_state()
    context.close()
    return state


def _first_customer(browser: Browser, address: str, signed_in: StorageState) -> str:
    """The customer whom a click on the first row of the list opens."""
    page = browser.new_page(viewport={"width": 1280, "height": 2400}, storage_state=signed_in)
    page.goto(f"{address}/customers?status=lapsed")
    _settle(page)
    box = page.get_by_test_id("stDataFrame").bounding_box()
    if box is None:
        raise RuntimeError(f"{address} shows no customer; publish a month first")
    page.mouse.click(box["x"] + 16, box["y"] + 35 * 1.5)
    page.wait_for_url("**/customer?**")
    customer = page.url.split("customer=")[1].split("&")[0]
    page.close()
    return customer


def _take(context: BrowserContext, url: str, path: Path) -> None:
    page = context.new_page()
    page.goto(url)
    _settle(page)
    height = page.get_by_test_id("stMainBlockContainer").evaluate("element => element.scrollHeight")
    width = page.evaluate("window.innerWidth")
    page.set_viewport_size({"width": width, "height": min(int(height), TALLEST)})
    page.wait_for_timeout(1500)
    page.screenshot(path=path)
    context.close()
    print(path)


def _settle(page: Page) -> None:
    page.set_default_timeout(60_000)
    settled(page)
    page.wait_for_timeout(1500)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else REPOSITORY / "docs" / "screenshots")
