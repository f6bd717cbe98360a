"""What readers see where a company's own rules decide: other tiers, segments, statuses, bands and window since June."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date
from decimal import Decimal
from io import StringIO
from typing import Any

import openpyxl
import pandas as pd
import pytest
import yaml
from rich.console import Console
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from dashboard.components import numbers, session
from dashboard.data import export, months, overview, saved
from dashboard.data import warehouse as data_layer
from dashboard.data.audience import Audience
from include.warehouse import rules
from include.warehouse.customer_filter import CustomerFilter
from include.warehouse.database import connect, engine
from include.warehouse.settings import REPOSITORY, Settings
from include.warehouse.stack_summary import Addresses, show_summary
from include.warehouse.summary import write_summary
from include.warehouse.users import User, add_user
from tests.dashboard.conftest import ADMIN
from tests.fixtures.published import load_and_publish
from tests.fixtures.workbook import charts, read_table

SELLER = User("seller@example.com", "Seller", "sales")
SINCE = date(2025, 6, 1)
# nobody is known for long enough to reach S or Ghosts
OWN = {
    "window_months": 6,
    "scored_statuses": ["new", "active"],
    "score_bands": 10,
    "tiers": [
        {"tier": "S", "minimum_total": 35},
        {"tier": "A", "minimum_total": 20},
        {"tier": "C", "minimum_total": 4},
    ],
    "segments": [
        {"segment": "Prospect", "statuses": ["prospect"]},
        {"segment": "Away", "statuses": ["at_risk", "lapsed", "lost"]},
        {"segment": "Ghosts", "statuses": ["new", "active"], "r_from": 9, "f_from": 9, "m_from": 9, "t_from": 5},
        {"segment": "Middling", "statuses": ["new", "active"], "r_from": 5, "r_to": 7},
        {"segment": "Rest", "statuses": ["new", "active"]},
    ],
}


@pytest.fixture(scope="module")
def ruled(
    passing_warehouse: Callable[[], AbstractContextManager[Settings]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """The retailer's months, those since June by the company's own rules."""
    folder = tmp_path_factory.mktemp("own_rules")
    content: dict[str, Any] = yaml.safe_load(rules.DEFAULT.read_text(encoding="utf-8"))
    (folder / "own.yml").write_text(yaml.safe_dump(content | OWN), encoding="utf-8")
    with passing_warehouse() as settings:
        with engine(settings).begin() as connection:
            version = rules.draft(connection, folder / "own.yml")
            rules.approve(connection, version)
            rules.activate(connection, version, SINCE)
        load_and_publish(settings, folder)
        with connect(settings) as owner:
            add_user(owner, SELLER.email, SELLER.role, password="a long enough password")
            owner.execute(
                text("update core.customer_version set responsible_email = :email where customer_id like 'C01%'"),
                {"email": SELLER.email},
            )
        yield settings


@pytest.fixture(scope="module")
def customers(ruled: Settings) -> pd.DataFrame:
    with engine(ruled).connect() as connection:
        return pd.read_sql("select * from mart.customer_snapshot", connection)


@pytest.fixture(scope="module")
def book(ruled: Settings, tmp_path_factory: pytest.TempPathFactory) -> openpyxl.Workbook:
    return openpyxl.load_workbook(write_summary(ruled, None, tmp_path_factory.mktemp("summary") / "summary.xlsx"))


def test_make_run_prints_the_tiers_of_the_rules(ruled: Settings, customers: pd.DataFrame) -> None:
    said = StringIO()
    show_summary(Console(file=said, width=200), ruled, Addresses("http://airflow", "http://dashboard"))
    printed = {words[0]: words[-1] for line in said.getvalue().splitlines() if len(words := line.split("│")[1:-1]) == 8}
    printed = {tier.strip(): all_of_it.strip() for tier, all_of_it in printed.items()}
    counted = customers[customers["month"] == date(2025, 11, 1)]["value_tier"].value_counts()
    for tier in ("S", "A", "C", "none"):
        assert printed[tier] == str(counted.get(tier, 0)), said.getvalue()
    assert printed["all"] == "420"


def test_excel_shows_every_tier_and_segment_of_the_rules(book: openpyxl.Workbook, customers: pd.DataFrame) -> None:
    by_tier = customers.groupby(["month", "value_tier"]).size()
    months = {"Nov 2025": date(2025, 11, 1), "Oct 2025": date(2025, 10, 1), "Nov 2024": date(2024, 11, 1)}
    tiers = read_table(book["Tiers"], "tier_by_status")
    assert [row["Value tier"] for row in tiers] == ["S", "A", "C", "No tier"]
    counted = [by_tier.get((months["Nov 2025"], tier), 0) for tier in ("S", "A", "C", "none")]
    assert [row["Customers"] for row in tiers] == counted
    assert counted[0] == 0 < counted[1] * counted[2]
    reach = read_table(book["Opt-in reach"], "reach_by_tier")
    assert [row["Customers"] for row in reach] == counted
    moved = read_table(book["Tier movements"], "tier_movements_customers")
    assert list(moved[0]) == ["From \\ to", "S", "A", "C", "No tier", "Total"]
    # the lowest tier is in the chart, and only statuses that are scored are
    shown = charts(book["Tiers"])["Engaged customers by tier and status"]
    assert set(shown) == {"New", "Active"}
    assert [sum(of_tier) for of_tier in zip(*shown.values(), strict=True)] == counted[:3]

    by_segment = customers.groupby(["month", "segment"]).size()
    segments = {row["Segment"]: row for row in read_table(book["Segments"], "segments")}
    assert list(segments)[:5] == ["Prospect", "Away", "Ghosts", "Middling", "Rest"]
    for name, row in segments.items():
        for title, month in months.items():
            is_of_rules = (name in list(segments)[:5]) == (month >= SINCE) or name == "Prospect"
            assert row[title] == (by_segment.get((month, name), 0) if is_of_rules else None), (name, title)
    assert "Champions" in segments

    for row in read_table(book["Trend"], "thirteen_months"):
        month = row["Month"].date()
        for title, tier in {"S": "S", "A": "A", "C": "C", "Platinum": "platinum", "Bronze": "bronze"}.items():
            is_of_rules = (tier in "SAC") == (month >= SINCE)
            assert row[f"{title} (tier)"] == (by_tier.get((month, tier), 0) if is_of_rules else None), (month, tier)


def test_excel_says_the_parameters_of_the_rules(book: openpyxl.Workbook) -> None:
    titles = {value for sheet in book for row in sheet.iter_rows(values_only=True) for value in row}
    windows = {title for title in titles if isinstance(title, str) and "-month window" in title}
    assert {title.split(", of these customers")[0] for title in windows} == {"Monetary, 6-month window"}
    assert "status is scored: New or Active." in book["Tiers"]["A3"].value
    known = {row["Term"]: row for row in read_table(book["Terms"], "terms")}
    assert known["Window"]["Meaning"] == "the 6 months up to and with the one that is shown"
    assert known["Engaged"]["Meaning"] == "customers whose status is scored: New or Active"
    assert known["Middling (segment)"]["Meaning"] == "status New or Active, R 5 to 7"
    assert known["Ghosts (segment)"]["Meaning"] == "status New or Active, R ≥ 9, F ≥ 9, M ≥ 9, T ≥ 5"
    assert known["Middling (segment)"]["From"] == "Rule set 2"


@pytest.mark.parametrize("user", [ADMIN, SELLER], ids=lambda user: user.role)
def test_an_open_month_is_compared_in_excel_as_on_the_overview(
    user: User, ruled: Settings, reading: Callable[[Settings], None]
) -> None:
    reading(ruled)
    with data_layer.acting_as(user):
        month = months.months()[0]
        flows = [
            overview.whole_month(month.month),
            overview.comparison(month, month.months_before(1)),
            overview.comparison(month, month.months_before(12)),
        ]
        with export.summary(month.month) as file:
            book = openpyxl.load_workbook(file)
    # who sees some customers does not hand a part on as the whole
    is_part = user is SELLER
    assert file.name.endswith("2025-11_of_seller@example.com.xlsx" if is_part else "customer_summary_2025-11.xlsx")
    assert book["Overview"]["A1"].value.startswith("Some of the customers" if is_part else "Customers in")
    subtitles = [sheet["A2"].value for sheet in book]
    assert all(("Only the customers that seller@example.com may see" in line) == is_part for line in subtitles)
    assert ("seller@example.com" in book["About"]["B6"].value) == is_part
    shown = {row["Measure"]: row for row in read_table(book["Overview"], "overview_1")}
    measures = {
        "engaged": "Engaged customers",
        "new": "New customers",
        "won_back": "Won back",
        "lost": "Became lost",
        "revenue": "Revenue",
    }
    for name, measure in measures.items():
        wanted = [float(getattr(known, name)) for known in flows]
        found = shown[measure]
        assert [found["Nov 2025"], found["Oct 2025"], found["Nov 2024"]] == pytest.approx(wanted), measure
        for span, before in (("month", wanted[1]), ("year", wanted[2])):
            change = wanted[0] / before - 1 if before else None
            assert found[f"Change on {span}"] == (change if change is None else pytest.approx(change, abs=1e-6)), (
                measure
            )


@pytest.mark.parametrize(("month", "bands"), [("2025-11", range(7, 11)), ("2025-05", range(4, 6))])
def test_the_page_of_scores_knows_how_many_bands_there_are(
    month: str, bands: range, ruled: Settings, customers: pd.DataFrame, reading: Callable[[Settings], None]
) -> None:
    reading(ruled)
    page = AppTest.from_file(str(REPOSITORY / "dashboard" / "app_pages" / "rfmt.py"), default_timeout=120)
    page.session_state[session.USER] = ADMIN
    page.query_params["month"] = month
    page.run()
    assert not page.exception
    shown = "\n".join(element.value for element in [*page.caption, *page.markdown])
    assert f"R and F of at least {bands[0]}." in shown
    scored = customers[(customers["month"] == date.fromisoformat(f"{month}-01")) & customers["r_score"].notna()]
    share = ((scored["r_score"] >= bands[0]) & (scored["f_score"] >= bands[0])).mean()
    assert f"{numbers.share(share, 1)} of engaged customers buy often and recently" in shown
    assert page.dataframe[0].value["Score"].tolist() == [str(score) for score in range(bands[-1], 0, -1)]


def test_a_tier_that_the_rules_of_a_month_do_not_have_is_nobodys(
    ruled: Settings, customers: pd.DataFrame, reading: Callable[[Settings], None]
) -> None:
    reading(ruled)
    golden = Audience(CustomerFilter(tier=("gold",), segment=("Champions",)))
    key = saved.save(None, "golden", golden, Decimal(20))
    page = AppTest.from_file(str(REPOSITORY / "dashboard" / "app_pages" / "customers.py"), default_timeout=120)
    page.session_state[session.USER] = ADMIN
    page.query_params["month"] = "2025-10"
    page.query_params["audience"] = str(key)
    page.run()
    for _ in range(2):
        assert not page.exception
        assert page.multiselect(key="tier").value == ["gold"]
        assert page.metric[0].value == "0"
        said = "\n".join(warning.value for warning in page.warning)
        assert "**Tier:** nobody has “Gold” in this month" in said
        assert "**Segment:** nobody has “Champions” in this month" in said
        assert not [button for button in page.button if button.label.startswith("CSV")]
        page.run()
    page.selectbox(key="month").set_value("2025-05").run()
    then = customers[customers["month"] == date(2025, 5, 1)]
    wanted = then[(then["value_tier"] == "gold") & (then["segment"] == "Champions")]
    assert page.metric[0].value == str(len(wanted)) != "0"
    assert not page.warning
    assert "changed" not in page.query_params
    saved.delete(key)
