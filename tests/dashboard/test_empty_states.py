"""Every page for whom it has little to show: a seller without customers, and one before and in their first month."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas
import pytest
from sqlalchemy import text

from dashboard.data import cohorts, overview
from dashboard.data.overview import Flows
from include.warehouse.database import connect
from include.warehouse.settings import Settings
from include.warehouse.users import User, add_user
from tests.dashboard.conftest import drawn_charts
from tests.dashboard.test_pages import PAGES, run, texts
from tests.fixtures.published import load_and_publish

NOBODYS = User("nobodys@example.com", "Seller of nobody", "sales")
LATE = User("late@example.com", "Seller of late customers", "sales")
OVERVIEW, COHORTS = (next(path for path in PAGES if path.stem == name) for name in ("overview", "cohorts"))
COHORT_COLUMNS = ["cohort", "k", "customers", "buyers", "repeated", "amount"]
NONE_KNOWN = "None of your customers are known in this month"
FIRST = date(2025, 6, 1)


@pytest.mark.timeout(300)
def test_a_seller_with_nobody_in_a_month_reads_so_on_every_page(
    fresh_warehouse: Settings, reading: Callable[[Settings], None], tmp_path: Path
) -> None:
    load_and_publish(fresh_warehouse, tmp_path / "files")
    reading(fresh_warehouse)
    _assign_late_customers(fresh_warehouse)
    months = ["report", "2025-10", f"{FIRST:%Y-%m}", "2024-02", "2024-01"]
    said = {
        (user, path.stem, month): texts(run(path, user, month=month))
        for user in (NOBODYS, LATE)
        for path in PAGES
        for month in months
    }
    for month in months:
        assert NONE_KNOWN in said[NOBODYS, "overview", month]
        assert "not published" not in said[NOBODYS, "overview", month]
        assert (NONE_KNOWN in said[LATE, "overview", month]) == month.startswith("2024")
        assert (NONE_KNOWN in said[NOBODYS, "movements", month]) == (month != "2024-01"), "the first has no other"
        assert "stayed where they were" not in said[NOBODYS, "movements", month]
        # nothing that they could take away is in the way, and others may well have bought
        assert NONE_KNOWN in said[NOBODYS, "customers", month]
        assert "Take one away" not in said[NOBODYS, "customers", month]
        assert "None of your customers has bought a core product yet" in said[NOBODYS, "cohorts", month]
        assert "None of your customers is scored in this month" in said[NOBODYS, "rfmt", month]
    # published months in which they had nobody are not said to be missing
    assert "Jun 2024: none of your customers" in said[LATE, "overview", f"{FIRST:%Y-%m}"]
    assert "Jun 2024: not published" not in said[LATE, "overview", f"{FIRST:%Y-%m}"]


def test_the_first_month_claims_nothing_that_it_lacks(reading: Callable[[Settings], None], published: Settings) -> None:
    reading(published)
    said = texts(run(OVERVIEW, month="2024-01"))
    assert "the month before" not in said
    assert "Dec 2023: not published" in said
    assert "gained 21 buyers, and nobody paused" in said
    # there is neither platinum nor gold yet
    assert "**Silver holds" in said


def test_revenue_that_stays_is_said_to_stay(
    reading: Callable[[Settings], None], published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading(published)
    monkeypatch.setattr(overview, "comparable_revenue", lambda month, other: overview.revenue(month.month))
    said = texts(run(OVERVIEW, month="2025-10"))
    assert re.search(r"\*\*Revenue did not change: €[\d,]+\*\*", said)


def test_a_month_after_nothing_says_what_was_before(
    reading: Callable[[Settings], None], published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading(published)
    nothing = Flows(engaged=0, new=0, won_back=0, lost=0, revenue=Decimal(0))
    monkeypatch.setattr(overview, "comparison", lambda month, other: nothing)
    page = run(OVERVIEW, month="2025-10")
    captions = [caption.value for caption in page.caption]
    assert captions.count("Sep 2025: 0") == captions.count("Oct 2024: 0") == len(page.metric) - 1
    assert captions.count("Sep 2025: €0") == 1


def test_a_month_without_events_names_no_most_frequent_one(
    reading: Callable[[Settings], None], published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading(published)
    history = overview.history(date(2025, 10, 1))
    is_event = (history["dimension"] == "lifecycle_event") & ~history["value"].isin(["none", "retained", "registered"])
    history.loc[is_event & (history["month"] == date(2025, 10, 1)), "customers"] = 0
    monkeypatch.setattr(overview, "history", lambda month: history)
    said = texts(run(OVERVIEW, month="2025-10"))
    assert "Nobody began to buy, came back, slipped or changed tier in October 2025" in said
    assert "most frequent change" not in said


@pytest.mark.parametrize(("month", "view"), [("2025-11", "recurring"), ("2025-11", "total"), ("2025-10", "cumulative")])
def test_cohorts_that_cannot_be_observed_yet_are_said(
    month: str, view: str, reading: Callable[[Settings], None], published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading(published)
    first = pandas.DataFrame([(date.fromisoformat(f"{month}-01"), 0, 9, 9, 0, 1.0)], columns=COHORT_COLUMNS)
    monkeypatch.setattr(cohorts, "cohorts", lambda shown: first)
    page = run(COHORTS, month=month, show=view)
    said = [info.value for info in page.info]
    assert len(said) == 1
    assert said[0].startswith("Nothing can be observed yet. ")
    assert ("November 2025 is open" in said[0]) == (month == "2025-11")
    assert not page.get("plotly_chart")


def test_revenue_that_runs_below_zero_on_the_way_is_drawn_whole(
    reading: Callable[[Settings], None], published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading(published)
    before, after = (float(overview.revenue(date(2025, month, 1)).amount) for month in (9, 10))
    parts = {"Customers": -2 * before, "Orders per customer": after, "Items per order": before, "Price per item": 0.0}
    monkeypatch.setattr(overview, "contributions", lambda old, new: parts)
    page = run(OVERVIEW, month="2025-10")
    drawn = next(spec for spec in drawn_charts(page) if spec["data"][0]["type"] == "waterfall")
    low, high = drawn["layout"]["yaxis"]["range"]
    assert low < -before < max(before, after) < high


@pytest.mark.parametrize(
    ("is_rise", "parts", "said"),
    [
        (True, (50.0, 40.0, -3.0, -60.0), "customers brought most, while price per item took €60 away"),
        (True, (50.0, 40.0, -3.0, -10.0), "customers brought most**"),
        (False, (5.0, -40.0, 90.0, -60.0), "price per item took most away, while items per order brought €90"),
        (False, (-5.0, -40.0, -1.0, -60.0), "price per item took most away**"),
    ],
)
def test_what_moved_the_revenue_is_what_moved_it_that_way(
    *,
    is_rise: bool,
    parts: tuple[float, ...],
    said: str,
    reading: Callable[[Settings], None],
    published: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading(published)
    shown = overview.revenue(date(2025, 10, 1))
    other = replace(shown, amount=shown.amount + (-1_000 if is_rise else 1_000))
    names = ("Customers", "Orders per customer", "Items per order", "Price per item")
    monkeypatch.setattr(overview, "contributions", lambda old, new: dict(zip(names, parts, strict=True)))
    monkeypatch.setattr(overview, "comparable_revenue", lambda month, before: other)
    assert said in texts(run(OVERVIEW, month="2025-10"))


def _assign_late_customers(settings: Settings) -> None:
    """Makes everybody who was first known in FIRST or later the late seller's."""
    with connect(settings) as owner:
        for user in (NOBODYS, LATE):
            add_user(owner, user.email, user.role, password="a long enough password")
        assigned = owner.execute(
            text(
                """
                update core.customer_version
                set responsible_email = :email
                where customer_id in (
                    select customer_id
                    from mart.customer_snapshot
                    group by customer_id
                    having min(month) >= :first
                )
                returning customer_id
                """
            ),
            {"email": LATE.email, "first": FIRST},
        ).all()
        first = owner.execute(
            text(
                "select min(month) from mart.customer_snapshot join mart.customers using (customer_id)"
                " where responsible_email = :email"
            ),
            {"email": LATE.email},
        ).scalar_one()
    assert assigned
    assert first == FIRST
