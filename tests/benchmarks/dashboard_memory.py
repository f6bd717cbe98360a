"""The memory of the dashboard's server while five people work and one of them exports every customer.

Run on a warehouse with published months: WAREHOUSE_HOME=FOLDER python -m tests.benchmarks.dashboard_memory
"""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from include.warehouse.credentials import read_credentials
from include.warehouse.settings import load_settings
from include.warehouse.users import FIRST_ADMIN
from tests.conftest import launch_browser
from tests.dashboard.conftest import serving, settled, sign_in

PEOPLE = 5
PATHS = ("", "customers?status=active", "movements", "cohorts", "rfmt", "health", "definitions", "customers?tier=gold")
MEGABYTE = 1024 * 1024
MOST_MILLISECONDS = 300_000


def main() -> None:
    """Prints the server's memory at rest and at its highest, the pages opened and the export's rows and seconds."""
    settings = load_settings()
    password = read_credentials(settings)["dashboard_admin_password"]
    with serving(settings) as (address, process), sync_playwright() as driver:
        browser = launch_browser(driver)
        people = _sign_in(browser, address, password)
        at_rest = psutil.Process(process).memory_info().rss
        with _highest_memory(process) as highest:
            exporter, *others = people
            exporter.goto(f"{address}/customers")
            settled(exporter)
            button = exporter.get_by_role("button", name=re.compile(r"^CSV of \d"))
            label = button.inner_text()
            arrived: list[float] = []
            started = time.monotonic()
            exporter.on("download", lambda file: (file.path(), arrived.append(time.monotonic() - started)))
            button.click()
            opened = _work(others, address, arrived)
        browser.close()
    print(f"{label}: {arrived[0]:.1f} s, while {PEOPLE - 1} others opened {opened} pages")
    print(f"server: {at_rest / MEGABYTE:,.0f} MB at rest, {highest[0] / MEGABYTE:,.0f} MB at most")


def _sign_in(browser: Browser, address: str, password: str) -> list[Page]:
    people = []
    for _ in range(PEOPLE):
        page = browser.new_context(accept_downloads=True).new_page()
        page.set_default_timeout(MOST_MILLISECONDS)
        page.goto(address)
        sign_in(page, FIRST_ADMIN, password)
        settled(page)
        people.append(page)
    return people


def _work(people: list[Page], address: str, arrived: list[float]) -> int:
    """Everybody opens one page after the other, all at once, at least each page and until the file has arrived."""
    opened = 0
    paths = cycle(PATHS)
    while opened < len(PATHS) * len(people) or not arrived:
        for page in people:
            page.goto(f"{address}/{next(paths)}", wait_until="commit")
        for page in people:
            settled(page)
        opened += len(people)
    return opened


@contextmanager
def _highest_memory(process: int) -> Iterator[list[int]]:
    highest = [0]
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(0.1):
            highest[0] = max(highest[0], psutil.Process(process).memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield highest
    finally:
        is_over.set()
        watcher.join()


if __name__ == "__main__":
    main()
