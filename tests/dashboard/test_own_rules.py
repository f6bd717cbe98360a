"""What readers see where a company's own rules decide: other tiers, segments, statuses, bands and window since June."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import openpyxl
import pandas as pd
import pytest
import yaml
from rich.console import Console
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from dashboard.components import numbers, session
from dashboard.data import customers as customer_data
from dashboard.data import downloads, export, months, overview, saved, scores
from dashboard.data import warehouse as data_layer
from dashboard.data.audience import Audience, Condition, Group, from_text, to_text
from dashboard.data.rules import all_tiers, best_tiers
from dashboard.data.rules import tiers as tiers_of
from dashboard.data.scores import Band
from include.warehouse import rules
from include.warehouse.customer_filter import CustomerFilter
from include.warehouse.database import connect, engine
from include.warehouse.palette import TIER, tier_colours
from include.warehouse.settings import REPOSITORY, Settings
from include.warehouse.stack_summary import Addresses, show_summary
from include.warehouse.summary import write_summary
from include.warehouse.users import User, add_user
from tests.dashboard.conftest import ADMIN, drawn_charts
from tests.fixtures.published import load_and_publish
from tests.fixtures.workbook import below, charts, read_table

PAGES = sorted(
    path for path in (REPOSITORY / "dashboard" / "app_pages").glob("*.py") if path.stem not in ("__init__", "sign_in")
)
CUSTOMERS, MOVEMENTS, OVERVIEW, RFMT = (
    REPOSITORY / "dashboard" / "app_pages" / f"{name}.py" for name in ("customers", "movements", "overview", "rfmt")
)
SELLER = User("seller@example.com", "Seller", "sales")
SINCE = date(2025, 6, 1)
# nobody is known for long enough to reach S or Ghosts
OWN = {
    "window_months": 6,
    "scored_statuses": ["new", "active"],
    "score_bands": 10,
    "abc_shares": {"A": 0.725, "B": 0.90},
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
# names that a page might take for its own, or for one another
ALIKE = {
    "tiers": [
        {"tier": "gold", "minimum_total": 14},
        {"tier": "Gold", "minimum_total": 11},
        {"tier": "Total", "minimum_total": 9},
        {"tier": "All", "minimum_total": 7},
        {"tier": "from", "minimum_total": 6},
        {"tier": "platinum", "minimum_total": 4},
    ],
    "segments": [
        {"segment": "Prospect", "statuses": ["prospect"]},
        {"segment": "From", "statuses": ["new"]},
        {"segment": "All others", "statuses": ["active", "at_risk", "lapsed", "lost"]},
    ],
}


@pytest.fixture(scope="module")
def ruled(
    passing_warehouse: Callable[[], AbstractContextManager[Settings]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """The retailer's months, those since June by the company's own rules, two of the year before by ALIKE."""
    folder = tmp_path_factory.mktemp("own_rules")
    content: dict[str, Any] = yaml.safe_load(rules.DEFAULT.read_text(encoding="utf-8"))
    with passing_warehouse() as settings:
        with engine(settings).begin() as connection:
            for changed, since in ((OWN, SINCE), (ALIKE, date(2024, 6, 1)), ({}, date(2024, 8, 1))):
                written = yaml.safe_dump(content | changed).replace("tier: Gold\n", "tier: Golden\n")
                (folder / "own.yml").write_text(written, encoding="utf-8")
                version = rules.draft(connection, folder / "own.yml")
                # a name that reads like another is refused in a file, but an older warehouse may have it
                connection.execute(text("update crm.rule_tier set tier = 'Gold' where tier = 'Golden'"))
                rules.approve(connection, version)
                rules.activate(connection, version, since)
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
    of_a_tier = re.compile(r"^ *(\w+)(?: +[\d,]+){6} +([\d,]+) *$", re.MULTILINE)
    _, _, table = said.getvalue().partition("Customers by tier and status")
    printed = dict(of_a_tier.findall(table.partition("Rows")[0]))
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


def test_excel_shows_tiers_whose_names_it_might_take_for_its_own(
    ruled: Settings, customers: pd.DataFrame, tmp_path: Path
) -> None:
    book = openpyxl.load_workbook(write_summary(ruled, date(2024, 7, 1), tmp_path / "alike.xlsx"))
    now, then = (
        customers[customers["month"] == date(2024, month, 1)].set_index("customer_id")["value_tier"] for month in (7, 6)
    )
    then = then.reindex(now.index).fillna("")
    tiers = [*(str(tier["tier"]) for tier in ALIKE["tiers"]), "none"]
    counted = [[((then == source) & (now == target)).sum() for target in tiers] for source in [*tiers, ""]]
    assert all(sum(row) for row in counted[:-1]), "somebody comes from every tier"
    moved = read_table(book["Tier movements"], "tier_movements_customers")
    assert list(moved[0])[1:] == ["Gold", "Gold (2)", "Total", "All", "From", "Platinum", "No tier", "Total (2)"]
    assert [row["From \\ to"] for row in moved] == [
        *("Gold", "Gold", "Total", "All", "From", "Platinum", "No tier"),
        *(["Not yet known"] if sum(counted[-1]) else []),
    ]
    shown = [[value or 0 for value in row.values()][1:] for row in moved]
    assert shown == [[*row, sum(row)] for row in counted if sum(row)]
    totals = below(book["Tier movements"], "tier_movements_customers")[: len(moved[0])]
    assert totals == ["Total", *(sum(column) for column in zip(*counted, strict=True)), len(now)]
    assert "thirteen_months" in book["Trend"].tables


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
    assert "A until 72.5 % of all their money is reached, B until 90 %" in known["ABC class: shares"]["Meaning"]


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
        prepared = export.prepare_summary(month.month)
    _, _, token, name = prepared.file.url.split("/")
    path = downloads.find(token, unquote(name))
    assert path is not None
    book = openpyxl.load_workbook(path)
    # who sees some customers does not hand a part on as the whole
    is_part = user is SELLER
    assert path.name == f"customer_summary_2025-11{'_of_seller@example.com' if is_part else ''}.xlsx"
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


def shown(path: Path, month: str, **asked: str) -> AppTest:
    page = AppTest.from_file(str(path), default_timeout=120)
    page.session_state[session.USER] = ADMIN
    page.session_state["shown as"] = "Breakdown"
    for name, value in ({"month": month} | asked).items():
        page.query_params[name] = value
    page.run()
    assert not page.exception, (path.stem, month, asked, page.exception)
    assert not page.error, (path.stem, month, asked, page.error)
    return page


def traces(page: AppTest, *, having: str) -> dict[str, dict[str, Any]]:
    """The parts of the first chart with a part of this name, by name."""
    for chart in drawn_charts(page):
        parts = {part.get("name"): part for part in chart["data"]}
        if having in parts:
            return parts
    raise AssertionError(f"no chart shows {having}")


# the first month of rules, compared with one of other rules, and a month whose names look alike
@pytest.mark.parametrize("month", ["2025-06", "2024-07"])
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_page_shows_a_month_beside_one_of_other_rules(
    path: Path, month: str, ruled: Settings, customers: pd.DataFrame, reading: Callable[[Settings], None]
) -> None:
    reading(ruled)
    customer = {"customer": str(customers["customer_id"].min())} if path.stem == "customer" else {}
    page = shown(path, month, **customer)
    of_month = customers[customers["month"] == date.fromisoformat(f"{month}-01")]
    tiers = of_month["value_tier"].value_counts()
    if path.stem == "overview":
        table = next(frame.value for frame in page.dataframe if "none" in frame.value)
        wanted = [*(tiers.get(name, 0) for name in table.columns[1:-1]), len(of_month)]
        assert table.iloc[-1].tolist()[1:] == [numbers.count(count) if count else "" for count in wanted]


@pytest.mark.parametrize(
    ("month", "earlier"),
    [("2025-06", "2025-05"), ("2025-11", "2024-07"), ("2024-07", "2024-06"), ("2024-08", "2024-07")],
)
def test_movements_between_months_of_different_rules_add_up(
    month: str, earlier: str, ruled: Settings, customers: pd.DataFrame, reading: Callable[[Settings], None]
) -> None:
    reading(ruled)
    by_month = {name: customers[customers["month"] == date.fromisoformat(f"{name}-01")] for name in (month, earlier)}
    both = by_month[month].merge(by_month[earlier], on="customer_id", how="left", suffixes=("", "_then"))
    for dimension in ("value_tier", "activity_status", "segment"):
        counted = both.groupby([both[f"{dimension}_then"].fillna(""), dimension]).size()
        page = shown(MOVEMENTS, month, by=dimension, **{"from": earlier})
        matrix = page.dataframe[0].value
        assert sorted(matrix.columns[1:]) == sorted(counted.index.unique(1))
        assert len(matrix) == counted.index.unique(0).size
        assert matrix[matrix.columns[1:]].to_numpy(float, na_value=0).sum() == len(by_month[month])
    shown(MOVEMENTS, month, measure="monetary", **{"from": earlier})
    page = shown(MOVEMENTS, month, **{"from": earlier})
    rule_sets = {f"{one.month:%Y-%m}": one.rule_set for one in months.months()}
    now, then = (tiers_of(rule_sets[name]) for name in (month, earlier))
    moved = both[
        (both["value_tier"] != both["value_tier_then"])
        & (both["value_tier"] != "none")
        & ~both["value_tier_then"].isin(["none"])
        & both["value_tier_then"].notna()
    ]
    is_next = pd.Period(month) - 1 == pd.Period(earlier)
    counted = dict.fromkeys(("upgraded", "downgraded", "apart"), 0)
    for to, since, event in zip(moved["value_tier"], moved["value_tier_then"], moved["lifecycle_event"], strict=True):
        ladder = now if since in now else then if to in then else None
        way = "apart"
        if ladder:
            way = "upgraded" if ladder.index(to) < ladder.index(since) else "downgraded"
        counted[way] += 1
        assert event not in ("upgraded", "downgraded") or event == way or not is_next, (since, to)
    assert counted["upgraded"] or counted["apart"]
    said = next(element.value for element in page.markdown if "moved up a tier" in element.value)
    up = numbers.counted(counted["upgraded"], "customer")
    assert f"{up} moved up a tier, {numbers.count(counted['downgraded'])} moved down" in said
    apart = f"{numbers.count(counted['apart'])} between tiers that the rules of neither month compare"
    assert (apart in said) == ("between" in said) == bool(counted["apart"])


def test_the_overview_draws_the_tiers_of_every_month(
    ruled: Settings, customers: pd.DataFrame, reading: Callable[[Settings], None]
) -> None:
    reading(ruled)
    chart = traces(shown(OVERVIEW, "2025-11"), having="Platinum")
    by_tier = customers.groupby(["month", "value_tier"]).size()
    last_13 = sorted(customers["month"].unique())[-13:]
    for name, tier in {"A": "A", "C": "C", "Platinum": "platinum", "Bronze": "bronze"}.items():
        wanted = [by_tier.get((month, tier), 0) if (tier in "SAC") == (month >= SINCE) else None for month in last_13]
        assert chart[name]["y"] == wanted


def test_customers_who_left_are_won_back_by_the_rules_that_scored_them(
    ruled: Settings, customers: pd.DataFrame, reading: Callable[[Settings], None]
) -> None:
    reading(ruled)
    best = {1: {"platinum", "gold"}, 2: {"S", "A"}, 3: {"gold", "Gold"}, 4: {"platinum", "gold"}}
    rule_set = {month: of_month["rule_set"].iloc[0] for month, of_month in customers.groupby("month")}
    for month, alone in (("2024-05", True), ("2025-11", False)):
        page = shown(CUSTOMERS, month)
        now = customers[customers["month"] == date.fromisoformat(f"{month}-01")]
        for preset, statuses in {"Win back": ["lapsed", "lost"], "High value slipping": ["at_risk"]}.items():
            next(button for button in page.button if button.label == preset).click().run()
            assert not page.exception
            groups, is_any = from_text(str(page.query_params["where"]))
            wanted = {
                row.customer_id
                for row in now.itertuples()
                if row.activity_status in statuses
                and (
                    row.m_score >= 4
                    if preset == "High value slipping" and alone
                    else row.last_scored_month and row.last_scored_tier in best[rule_set[row.last_scored_month]]
                )
            }
            audience = Audience(CustomerFilter(month=now["month"].iloc[0]), groups, is_any)
            assert customer_data.total(now["month"].iloc[0], audience) == len(wanted), preset
            assert bool(wanted) != alone or preset != "Win back"
            assert (len(groups) == 1) == alone
    assert best_tiers(1) == ["platinum", "gold"]


def test_conditions_offer_the_values_of_the_month_that_they_ask_about(
    ruled: Settings, customers: pd.DataFrame, reading: Callable[[Settings], None]
) -> None:
    reading(ruled)
    may = date(2025, 5, 1)
    asked = [
        Condition("value_tier", "is", ("gold",), may),
        Condition("segment", "is", ("Champions",), may),
        Condition("previous_tier", "is", ("gold",), SINCE),
        Condition("previous_segment", "is", ("Champions",), SINCE),
        Condition("last_scored_tier", "is", ("gold",)),
        Condition("value_tier", "is", ("A",)),
    ]
    page = shown(CUSTOMERS, "2025-11", where=to_text([Group(tuple(asked))], is_any=False))
    offered = [list(box.options) for box in page.multiselect if box.label == "Values"]
    default = ["Platinum", "Gold", "Silver", "Bronze", "No tier"]
    names = sorted(customers[customers["month"] == may]["segment"].unique())
    assert offered[0] == offered[2] == default
    assert set(names) <= set(offered[1])
    assert offered[1] == offered[3]
    assert offered[4] == ["S", "A", "C", *default[:-1], "Gold", "Total", "All", "From", "No tier"]
    assert offered[5] == ["S", "A", "C", "No tier"]


def test_a_tier_keeps_its_colour_under_other_rules(
    ruled: Settings, book: openpyxl.Workbook, reading: Callable[[Settings], None]
) -> None:
    reading(ruled)
    drawn = {
        month: {name: part["marker"]["color"] for name, part in traces(shown(OVERVIEW, month), having=having).items()}
        for month, having in {"2025-11": "A", "2025-05": "Platinum", "2024-07": "Total"}.items()
    }
    assert drawn["2025-11"]["Platinum"] == drawn["2025-05"]["Platinum"] == TIER["platinum"]
    own = tier_colours(all_tiers())
    assert {own[tier] for tier in "SAC"} == {drawn["2025-11"][tier] for tier in "AC"} | {own["S"]}
    assert len(set(own.values())) == len(own)


def test_bands_say_how_any_value_would_be_scored(ruled: Settings, reading: Callable[[Settings], None]) -> None:
    reading(ruled)
    with engine(ruled).connect() as connection:
        limits = pd.read_sql("select * from mart.cut_point where metric <> 'abc'", connection)
    seen_without_first = 0
    for (month, metric), found in limits.groupby(["month", "metric"]):
        bands = scores.bands(month)[metric]
        better = -1 if metric == "recency" else 1
        step = Decimal("0.01") if metric == "monetary" else Decimal(1)
        known = [(int(row.band), Decimal(f"{row.limit_value:.2f}")) for row in found.itertuples()]
        seen_without_first += min(band for band, _ in known) > 1
        for value in {limit + distance for _, limit in known for distance in (-step, Decimal(0), step)}:
            if value < 0 and metric != "monetary":
                continue
            reached = max((band for band, limit in known if value * better >= limit * better), default=1)
            fitting = [
                band.band
                for band in bands
                if (band.lowest is None or band.lowest <= value) and (band.highest is None or value <= band.highest)
            ]
            assert fitting == [reached], (month, metric, value)
    assert seen_without_first


def test_a_month_in_which_nobody_brought_money_is_drawn(
    ruled: Settings, reading: Callable[[Settings], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    reading(ruled)
    bands, distribution = scores.bands, scores.distribution

    def of_returns(month: date) -> dict[str, list[Band]]:
        return bands(month) | {"monetary": [Band(5, Decimal(0), None), Band(2, None, Decimal("-0.01"))]}

    def returned(month: date, metric: str) -> pd.DataFrame:
        values = pd.DataFrame({"value": [-30, -5, 0], "customers": [2, 1, 3]})
        return values if metric == "monetary" else distribution(month, metric)

    monkeypatch.setattr(scores, "bands", of_returns)
    monkeypatch.setattr(scores, "distribution", returned)
    page = shown(RFMT, "2025-11")
    drawn = drawn_charts(page)[-1]["data"][0]
    assert sum(drawn["y"]) == 6
    assert [value // 1 for value in drawn["x"]] == [-30, -5, 0]


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
