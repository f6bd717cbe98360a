"""The dashboard as readers meet it: its data layer on a warehouse, its pages, and a server for the browser."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import streamlit
from playwright.sync_api import Browser, Page, StorageState
from streamlit.testing.v1 import AppTest

from dashboard.data import warehouse as data_layer
from include.warehouse.credentials import read_credentials
from include.warehouse.roles import login_url
from include.warehouse.settings import REPOSITORY, Settings
from include.warehouse.users import FIRST_ADMIN, User

ADMIN = User(FIRST_ADMIN, "Administrator", "admin")


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Settings], None]]:
    """Points the data layer of this process at a warehouse, as the dashboard does for the first administrator."""

    def point(settings: Settings) -> None:
        monkeypatch.setenv("DASHBOARD_URL", login_url(settings, "dashboard"))
        monkeypatch.setenv("WAREHOUSE_HOME", str(settings.home))
        _forget()

    with data_layer.acting_as(ADMIN):
        yield point
    data_layer.engine().dispose()
    _forget()


def _forget() -> None:
    data_layer.engine.cache_clear()
    streamlit.cache_data.clear()


def drawn_charts(page: AppTest) -> list[dict[str, Any]]:
    """What Plotly is given for every chart of a page, in their order."""
    charts: Any = page.get("plotly_chart")
    return [json.loads(chart.proto.spec) for chart in charts]


@contextmanager
def serving(settings: Settings) -> Iterator[tuple[str, int]]:
    """A dashboard that serves a warehouse: its address and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "WAREHOUSE_HOME": str(settings.home),
        "DASHBOARD_URL": login_url(settings, "dashboard"),
        "PYTHONPATH": str(REPOSITORY),
    }
    command = [sys.executable, "-m", "streamlit", "run", str(REPOSITORY / "dashboard" / "server.py")]
    server = subprocess.Popen(
        [*command, f"--server.port={port}", "--server.address=127.0.0.1"], env=environment, cwd=settings.home
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health", server)
        yield f"http://127.0.0.1:{port}", server.pid
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture(scope="session")
def address(published: Settings) -> Iterator[str]:
    """Address of a dashboard that serves the published warehouse."""
    with serving(published) as (found, _):
        yield found


def settled(page: Page) -> None:
    """Waits until the page has run and drawn everything."""
    page.wait_for_selector("h1")
    page.wait_for_function("document.querySelector('.stApp')?.dataset.testScriptState === 'notRunning'")
    page.wait_for_function("document.querySelectorAll('[data-testid=stSkeleton]').length === 0")


def sign_in(page: Page, email: str, password: str) -> None:
    """Fills in the sign-in that stands in place of the page; the browser's context stays signed in."""
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    with page.expect_response("**/session/*"):
        page.get_by_role("button", name="Sign in", exact=True).click()


@pytest.fixture(scope="module")
def signed_in(browser: Browser, address: str, published: Settings) -> StorageState:
    """Cookies of the first administrator, for new contexts of the browser; of no use once somebody signs out."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(address)
    sign_in(page, FIRST_ADMIN, read_credentials(published)["dashboard_admin_password"])
    state = context.storage_state()
    context.close()
    return state


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert server.poll() is None, "the dashboard ended by itself"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    pytest.fail("the dashboard did not start within 90 s")
