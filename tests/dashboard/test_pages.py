"""Every page in each of its states, run by Streamlit's own test runner."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas
import pytest
from streamlit.proto.Metric_pb2 import Metric as MetricProto
from streamlit.testing.v1 import AppTest

from dashboard.components import numbers, session, words
from dashboard.data import cohorts, customers, health, overview, scores
from dashboard.data import warehouse as data_layer
from dashboard.data.audience import Audience
from include.warehouse import explain
from include.warehouse.settings import REPOSITORY, Settings
from include.warehouse.users import User
from include.warehouse.wording import terms
from tests.dashboard.conftest import ADMIN, drawn_charts

PAGES = sorted(
    path for path in (REPOSITORY / "dashboard" / "app_pages").glob("*.py") if path.stem not in ("__init__", "sign_in")
)
NO_MONTH = {"data_health"}
CUSTOMERS = REPOSITORY / "dashboard" / "app_pages" / "customers.py"
HEALTH = REPOSITORY / "dashboard" / "app_pages" / "data_health.py"
SELLER = User("seller@example.org", "Seller", "sales")


def run(path: Path, user: User = ADMIN, **address: str | list[str]) -> AppTest:
    page = AppTest.from_file(str(path), default_timeout=120)
    page.session_state[session.USER] = user
    for name, value in address.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception, page.exception
    return page


def texts(page: AppTest) -> str:
    shown = [*page.title, *page.caption, *page.markdown, *page.info, *page.warning, *page.error]
    return "\n".join(element.value for element in shown)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_before_the_first_publication_a_page_says_so(
    path: Path, fresh_warehouse: Settings, reading: Callable[[Settings], None]
) -> None:
    reading(fresh_warehouse)
    assert "Nothing is published yet" in texts(run(path))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_shows_the_report_month_and_any_other(
    path: Path, reading: Callable[[Settings], None], published: Settings
) -> None:
    reading(published)
    customer = {"customer": "C0100"} if path.stem == "customer" else {}
    page = run(path, **customer)
    if path.stem in NO_MONTH:
        return
    assert page.selectbox(key="month").value == "report"
    assert "Open month" in texts(page)
    # the other pages show the open month beside whole ones, or alone
    assert ("days of other months" in texts(page)) == (path.stem == "overview")
    page.selectbox(key="month").set_value("2024-02").run()
    assert not page.exception
    assert page.query_params["month"] == "2024-02"
    assert "Short history" in texts(page)
    first = run(path, month="2024-01", **customer)
    assert first.selectbox(key="month").value == "2024-01"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_an_address_that_makes_no_sense_is_ignored(
    path: Path, reading: Callable[[Settings], None], published: Settings
) -> None:
    reading(published)
    nonsense = "x' or 1=1 -- \U0001f600 \u202e" + "y" * 10_000
    names = ["month", "status", "tier", "where", "sort", "order", "columns", "page", "by", "from", "measure", "show"]
    page = run(path, **dict.fromkeys([*names, "search", "customer", "city", "opt_in", "section"], nonsense))
    if path == CUSTOMERS:
        assert _customers(run(path, page="9" * 5_000)) == 420
    if path.stem not in NO_MONTH:
        assert page.selectbox(key="month").value == "report"


def test_a_filter_value_that_nobody_can_have_is_asked_and_said(
    reading: Callable[[Settings], None], published: Settings
) -> None:
    reading(published)
    page = run(CUSTOMERS, status=["lost", "asleep"], segment="*Nobody*", city="x\0")
    assert page.multiselect(key="status").value == ["lost", "asleep"]
    assert _customers(page) == 0
    said = [warning.value for warning in page.warning]
    assert [text for text in said if "Status" in text and "asleep" in text and "lost" not in text]
    assert [text for text in said if "Segment" in text and r"\*Nobody\*" in text]
    page.multiselect(key="segment").set_value([]).run()
    page.multiselect(key="city").set_value([]).run()
    assert _customers(page) > 0
    assert [warning for warning in page.warning if "asleep" in warning.value], "as long as it is chosen"
    for button in page.button:
        if button.label.startswith("CSV of"):
            button.click().run()
    assert not page.error
    page.multiselect(key="status").set_value(["lost", "lapsed"]).run()
    assert not page.warning
    assert _customers(run(CUSTOMERS, opt_in="carrier pigeon")) == 0


def test_an_open_month_is_compared_with_the_same_days(reading: Callable[[Settings], None], published: Settings) -> None:
    reading(published)
    page = run(REPOSITORY / "dashboard" / "app_pages" / "overview.py")
    shown = texts(page)
    assert "1–17 Nov 2024" in shown
    assert "open and left out" in shown
    assert shown.count("Line: whole months until Oct 2025") == len(page.metric) - 1, (
        "who is engaged is counted each day"
    )
    assert "compared with the month before once the month is whole" in shown
    revenue = next(metric for metric in page.metric if metric.label == "Revenue")
    assert re.fullmatch(r"€[\d,]+", revenue.value)
    factors = next(table.value for table in page.dataframe if "Factor" in table.value)
    assert list(factors) == ["Factor", "1–17 Oct 2025", "1–17 Nov 2025", "Brought"], "both months are named alike"


def test_filters_conditions_and_clearing(reading: Callable[[Settings], None], published: Settings) -> None:
    reading(published)
    page = run(REPOSITORY / "dashboard" / "app_pages" / "customers.py", status=["active"], tier=["gold", "nobody"])
    assert page.multiselect(key="status").value == ["active"]
    assert page.multiselect(key="tier").value == ["gold", "nobody"]
    narrowed = _customers(page)
    page.multiselect(key="tier").set_value([]).run()
    assert _customers(page) > narrowed
    assert "tier" not in page.query_params
    page.text_input(key="search").set_value("no such customer").run()
    assert "No customer matches" in texts(page)
    next(button for button in page.button if button.label == "Clear all filters").click().run()
    assert _customers(page) == 420
    next(button for button in page.button if button.label == "Win back").click().run()
    assert not page.exception
    assert '"last_scored_tier","is",["platinum","gold"]' in page.query_params["where"]
    assert 0 < _customers(page) < 420


def test_a_breakdown_of_one_value_says_that_all_have_it(
    reading: Callable[[Settings], None], published: Settings
) -> None:
    reading(published)
    page = AppTest.from_file(str(REPOSITORY / "dashboard" / "app_pages" / "customers.py"), default_timeout=120)
    page.session_state[session.USER] = ADMIN
    page.session_state["shown as"] = "Breakdown"
    page.query_params["tier"] = "gold"
    page.run()
    assert not page.exception
    assert "**All have the tier Gold**" in texts(page)


def test_a_name_from_a_file_or_the_rules_is_shown_as_it_was_written(
    reading: Callable[[Settings], None], published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading(published)
    name, escaped = '<a href="x">&<b>*1*', '&lt;a href="x"&gt;&amp;&lt;b&gt;*1*'
    grid = scores.grid(date(2025, 10, 1))
    found = customers.by_attribute(date(2025, 10, 1), Audience(), "city").assign(value=name)
    monkeypatch.setattr(customers, "by_attribute", lambda *asked: found.head(1))
    monkeypatch.setattr(scores, "grid", lambda month: grid.assign(segment="<b>"))
    monkeypatch.setattr(words, "tier", lambda tier: f"{tier} {name}")
    pages = {stem: run(PAGES[0].with_name(f"{stem}.py"), month="2025-10") for stem in ("overview", "rfmt", "movements")}
    breakdown = AppTest.from_file(str(CUSTOMERS), default_timeout=120)
    breakdown.session_state[session.USER] = ADMIN
    breakdown.session_state["shown as"] = "Breakdown"
    pages["customers"] = breakdown.run()
    pages["customer"] = run(PAGES[0].with_name("customer.py"), month="2025-10", customer="C0100")
    for stem, page in pages.items():
        drawn = drawn_charts(page)
        labels = "\n".join(_strings([(chart["data"], chart["layout"].get("annotations")) for chart in drawn]))
        assert "<b>*" not in labels, stem
        assert escaped in labels or "<br>&lt;b&gt;" in labels, stem
        said = "\n".join([texts(page), *(str(metric.value) for metric in page.metric)])
        assert name not in said, stem
        assert (words.plain(name) in said) == (stem in ("overview", "customers", "customer")), stem


def _strings(drawn: Any) -> list[str]:
    """All texts of a chart."""
    if isinstance(drawn, dict | list | tuple):
        return [text for part in (drawn.values() if isinstance(drawn, dict) else drawn) for text in _strings(part)]
    return [drawn] if isinstance(drawn, str) else []


def test_names_are_offered_to_whoever_may_see_them(reading: Callable[[Settings], None], published: Settings) -> None:
    reading(published)
    path = REPOSITORY / "dashboard" / "app_pages" / "customers.py"
    asked = ["customer_id", "current_full_name", "current_city"]
    page = run(path, columns=asked)
    assert list(page.dataframe[0].value) == asked
    assert page.dataframe[0].value["current_full_name"].notna().any()
    viewer = run(path, User("viewer@example.org", "Viewer", "viewer"), columns=asked)
    assert list(viewer.dataframe[0].value) == ["customer_id", "current_city"]
    offered = viewer.multiselect(key="columns").options
    assert "City now" in offered
    assert "Name now" not in offered


def _customers(page: AppTest) -> int:
    metric = next(metric for metric in page.metric if metric.label == "Customers")
    return int(str(metric.value).replace(",", ""))


def test_the_amounts_of_a_file_add_up(reading: Callable[[Settings], None], published: Settings) -> None:
    reading(published)
    page = run(HEALTH)
    assert "received = loaded + unchanged + rejected + duplicate" in texts(page)
    files = page.dataframe[0].value
    for kind in ("rows", "amount"):
        fates = files[[f"{kind}_{fate}" for fate in ("loaded", "unchanged", "rejected", "duplicate")]]
        assert list(fates.sum(axis="columns").round(2)) == list(files[f"{kind}_received"].astype(float).round(2))
    assert files["amount_rejected"].abs().max() > 0


def test_a_file_sent_again_with_as_many_rows_has_a_bar_of_its_own(
    reading: Callable[[Settings], None], published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading(published)
    received = health.files().head(1)
    monkeypatch.setattr(health, "files", lambda: pandas.concat([received, received]))
    [chart] = drawn_charts(run(HEALTH))
    for bar in chart["data"]:
        assert len(set(bar["y"])) == 2, bar["name"]
    assert len(set(chart["layout"]["yaxis"]["ticktext"])) == 1
    assert chart["layout"]["height"] >= 200, "else a telephone's legend is longer than its half, and scrolls"


@pytest.mark.parametrize("section", ["Files", "Checks", "Conservation", "Runs"])
def test_figures_of_all_customers_are_left_out_in_words_for_who_sees_some(
    section: str, reading: Callable[[Settings], None], published: Settings
) -> None:
    reading(published)
    said = "speak of all customers and are left out"
    assert said not in texts(run(HEALTH, section=section))
    page = run(HEALTH, SELLER, section=section)
    assert said in texts(page)
    shown = page.dataframe[0].value
    assert len(shown)
    # dates and messages can be missing, figures cannot: those are left out whole
    assert not {"left_value", "right_value", "rows_received", "amount_received", "measured", "failed_rows"} & set(shown)


def test_a_warehouse_that_does_not_answer_is_said_in_words(
    reading: Callable[[Settings], None], published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading(published)
    monkeypatch.setenv("DASHBOARD_URL", "postgresql://nobody:x@127.0.0.1:1/none")
    page = AppTest.from_file(str(REPOSITORY / "dashboard" / "streamlit_app.py"), default_timeout=120)
    page.session_state[session.USER] = ADMIN
    page.run()
    assert not page.exception
    assert "does not answer" in page.error[0].value


def whole_app(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The dashboard from its entrance, for the first administrator."""
    monkeypatch.setattr(session, "check", lambda: ADMIN)
    page = AppTest.from_file(str(REPOSITORY / "dashboard" / "streamlit_app.py"), default_timeout=120)
    page.session_state[session.USER] = ADMIN
    page.run()
    assert not page.exception
    return page


def test_an_error_of_a_page_is_said_in_words_and_logged_at_the_same_time(
    reading: Callable[[Settings], None],
    published: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    reading(published)

    def fail(month: date) -> None:
        raise IndexError("single positional indexer is out-of-bounds")

    monkeypatch.setattr(overview, "history", fail)
    page = whole_app(monkeypatch)
    said = page.error[0].value
    assert said.startswith("**This page could not be drawn.**")
    assert "positional indexer" not in said
    moment = re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", said)
    assert moment
    logged = next(record for record in caplog.records if moment[0] in record.getMessage())
    assert logged.exc_info
    assert logged.exc_info[0] is IndexError


def test_what_somebody_searches_for_is_in_no_log(
    reading: Callable[[Settings], None],
    published: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    reading(published)
    # its own line of the program is in the log
    sought = "María García"

    def search(month: date) -> None:
        data_layer.rows("select * from mart.customers where full_name = mart.not_yet(:search)", search=sought)

    monkeypatch.setattr(overview, "history", search)
    page = whole_app(monkeypatch)
    assert "older than the dashboard" in page.error[0].value
    assert "UndefinedFunction) function mart.not_yet(unknown) does not exist" in caplog.text
    assert "mart.not_yet(%(search)s)" in caplog.text
    assert "García" not in caplog.text


def test_a_page_that_stops_is_no_error(
    fresh_warehouse: Settings, reading: Callable[[Settings], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    reading(fresh_warehouse)
    page = whole_app(monkeypatch)
    assert "Nothing is published yet" in texts(page)
    assert not page.error


def test_halves_are_rounded_up_as_people_do_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbers, "currency_prefix", lambda: "€")
    assert [numbers.money(value) for value in (1_130_638.5, Decimal("0.5"), -2.5)] == ["€1,130,639", "€1", "−€3"]
    assert numbers.money(2.675, 2) == "€2.68"
    assert numbers.money(sum([0.1] * 3 + [0.2])) == "€1"
    assert numbers.money(-0.4) == "€0"
    assert [numbers.short_money(value) for value in (12_500, 950.5, 1_250_000)] == ["€13k", "€951", "€1.3M"]
    assert [numbers.counted(value, "day") for value in (0, 1, 1_200)] == ["0 days", "1 day", "1,200 days"]


def test_what_did_not_change_neither_rises_nor_falls(
    reading: Callable[[Settings], None], published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading(published)
    same = overview.whole_month(date(2025, 10, 1))
    assert same is not None
    nearly = replace(same, revenue=same.revenue * Decimal("1.0001"), lost=same.lost + 1)
    monkeypatch.setattr(overview, "comparison", lambda month, other: nearly)
    page = run(REPOSITORY / "dashboard" / "app_pages" / "overview.py", month="2025-10")
    drawn = {metric.label: (metric.delta, metric.proto.direction, metric.proto.color) for metric in page.metric}
    unmoved = ("0.0 %", MetricProto.NONE, MetricProto.GRAY)
    assert drawn["Engaged customers"] == drawn["Revenue"] == unmoved
    assert drawn["Became lost"][1:] == (MetricProto.DOWN, MetricProto.GREEN)
    assert not re.search(r"[+-]0\.0 %", texts(page))


def test_a_month_that_gave_back_more_than_it_sold_is_not_said_to_have_sold_nothing(
    reading: Callable[[Settings], None], published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading(published)
    gave_back = overview.Revenue(Decimal("-5.25"), customers=2, orders=3, items=Decimal(4))
    monkeypatch.setattr(overview, "comparable_revenue", lambda month, other: gave_back)
    shown = texts(run(REPOSITORY / "dashboard" / "app_pages" / "overview.py", month="2025-10"))
    assert "**Revenue went from −€5 to €" in shown
    assert "factor of one of the months is not above zero" in shown


@pytest.mark.parametrize("month", ["2024-01", "2025-10"])
def test_scores_are_told_by_the_customer_in_the_middle(
    month: str, reading: Callable[[Settings], None], published: Settings
) -> None:
    reading(published)
    page = run(REPOSITORY / "dashboard" / "app_pages" / "rfmt.py", month=month)
    [middle] = data_layer.rows(
        """
        select
            percentile_disc(0.5) within group (order by recency_days) as recency,
            percentile_disc(0.5) within group (order by frequency) as frequency,
            floor(percentile_disc(0.5) within group (order by monetary)) as monetary,
            min(frequency) as least
        from mart.customer_snapshot
        where month = :month and r_score is not null
        """,
        month=date.fromisoformat(f"{month}-01"),
    )
    said = [element.value for element in page.markdown if "in the middle" in element.value]
    assert said == [
        f"**Recency: the customer in the middle has {numbers.counted(middle['recency'], 'day')}**",
        f"**Frequency: the customer in the middle has {numbers.counted(middle['frequency'], 'purchase')}**",
        f"**Monetary: the customer in the middle has {numbers.money(middle['monetary'])}"
        f" to {numbers.money(middle['monetary'] + 1)}**",
    ]
    worst = page.dataframe[0].value["Frequency"].iloc[-1]
    assert (worst == "no purchase") == (month == "2024-01"), "everybody who is scored has bought"
    assert middle["least"] == 1


def test_every_cohort_and_age_is_on_the_map(
    reading: Callable[[Settings], None], published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading(published)
    firsts = [date(2022 + number // 12, number % 12 + 1, 1) for number in range(46)]
    rows = [(first, age, 9, 4, 5, 1234.5) for number, first in enumerate(firsts) for age in range(46 - number)]
    found = pandas.DataFrame(rows, columns=["cohort", "k", "customers", "buyers", "repeated", "amount"])
    monkeypatch.setattr(cohorts, "cohorts", lambda month: found)
    page = run(REPOSITORY / "dashboard" / "app_pages" / "cohorts.py", show="total", month="2025-10")
    chart = drawn_charts(page)[0]["data"][0]
    table = page.dataframe[0].value
    assert len(chart["y"]) == len(table) == 46
    assert chart["x"] == list(table.columns[2:]) == [str(age) for age in range(46)]
    assert (chart["text"][-1][-1], chart["customdata"][-1][-1]) == ("€57k", "€56,787.00")


def test_a_finding_about_money_speaks_of_money(reading: Callable[[Settings], None], published: Settings) -> None:
    reading(published)
    path = REPOSITORY / "dashboard" / "app_pages" / "movements.py"
    for dimension in ("value_tier", "activity_status", "segment"):
        findings = [element.value for element in run(path, by=dimension, measure="monetary").markdown]
        assert all("€" in text or "money" in text for text in findings)
        assert "customer" in run(path, by=dimension).markdown[0].value


def test_a_customer_is_told_up_to_the_chosen_month(reading: Callable[[Settings], None], published: Settings) -> None:
    reading(published)
    path = REPOSITORY / "dashboard" / "app_pages" / "customer.py"
    page = run(path, customer="C0100", month="2025-02")
    assert {table.proto.placeholder for table in page.dataframe} == {""}, "what is unknown is blank"
    shown = texts(page)
    found = re.search(r"Bought in \d+ of (\d+) months? up to February 2025", shown)
    assert found
    assert int(found[1]) <= 14
    products = page.dataframe[1].value
    assert list(products)[:2] == ["Product", "Net"], "what they are ordered by is seen on a telephone"


def _why(customer_id: str, month: str = "2025-10") -> dict[str, tuple[str, str]]:
    page = run(REPOSITORY / "dashboard" / "app_pages" / "customer.py", customer=customer_id, month=month)
    table = page.table[0].value.map(lambda text: text.replace("\\", ""))
    return {row["What"]: (row["Value"], row["Why"]) for row in table.to_dict("records")}


def _snapshot(condition: str) -> dict[str, Any]:
    found = data_layer.rows(
        f"select * from mart.customer_snapshot where month = '2025-10-01' and {condition}"
        " and customer_id ~ '^C[0-9]+$' order by customer_id limit 1"
    )
    return found[0]


@pytest.mark.parametrize("status", ["new", "active", "at_risk", "lapsed", "lost", "prospect"])
def test_why_a_customer_is_where_they_are_names_every_rule_value_and_limit(
    status: str, reading: Callable[[Settings], None], published: Settings
) -> None:
    reading(published)
    row = _snapshot(f"activity_status = '{status}' and (m_score is null or abc_class is not null)")
    why = _why(row["customer_id"])
    if row["first_core_date"]:
        first, last = words.day(row["first_core_date"]), words.day(row["last_core_date"])
        assert (
            f"First core purchase {first}, {(row['as_of_date'] - row['first_core_date']).days} day" in why["Status"][1]
        )
        assert f"last core purchase {last}, {row['recency_days']} day" in why["Status"][1]
    assert ("New would be: first core purchase at most 90 days ago" in why["Status"][1]) == (status == "active")
    if row["m_score"] is None:
        named = f"not scored: status {words.status(status)} is not one of New, Active or At risk"
        assert named == why["Scores"][1] == why["High spender"][1] == why["ABC class"][1]
        last_scored = row["last_scored_month"]
        then = (
            f"last scored in {words.month(last_scored)}: {words.tier(row['last_scored_tier'])}" if last_scored else ""
        )
        assert (then or "never scored until now") in why["Tier"][1]
    else:
        assert [why[name][0] for name in "RFMT"] == list(row["rfmt_score"])
        limits = data_layer.rows(
            "select limit_value from mart.cut_point where month = '2025-10-01' and metric = 'abc' order by band desc"
        )
        a, b = (numbers.money(float(limit["limit_value"]), 2) for limit in limits)
        assert why["ABC class"] == (
            row["abc_class"],
            f"monetary {numbers.money(float(row['monetary']), 2)}; A from {a}, B from {b}, C below",
        )
        assert why["High spender"] == (
            "Yes" if row["is_high_spender"] else "No",
            f"M is {row['m_score']}; a high spender has M = 5, the best band",
        )
    assert why["Event"][0] == words.EVENT[row["lifecycle_event"]]
    assert terms.EVENTS[row["lifecycle_event"]] in why["Event"][1]
    assert why["Growth"] == (words.GROWTH[row["growth_state"]], terms.GROWTH[row["growth_state"]])


def test_a_value_worse_than_every_limit_is_not_said_to_reach_one(
    reading: Callable[[Settings], None], published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading(published)
    monkeypatch.setattr(explain, "_cut_points", lambda *_: {("monetary", 1): 500_000, ("monetary", 2): 600_000})
    row = _snapshot("m_score = 1")
    value, next_limit = (numbers.money(float(amount), 2) for amount in (row["monetary"], 600_000))
    said = f"{value} reaches no limit, hence band 1, band 2 would be from {next_limit}"
    assert _why(row["customer_id"])["M"] == ("1", said)


def test_a_segment_names_the_rules_that_were_tried_before_it(
    reading: Callable[[Settings], None], published: Settings
) -> None:
    reading(published)
    why = _why(_snapshot("segment = 'Loyal'")["customer_id"])
    segments = data_layer.rows(
        "select segment from mart.rule_segment where rule_set = 1 and position <"
        " (select position from mart.rule_segment where rule_set = 1 and segment = 'Loyal') order by position"
    )
    tried = why["Segments tried before"][1].split("; ")
    assert [text.split(" (")[0] for text in tried] == [row["segment"] for row in segments]
    assert "Champions (status Active, R ≥ 4, F ≥ 4, M ≥ 4)" in tried
    assert "Segments tried before" not in _why(_snapshot("activity_status = 'prospect'")["customer_id"])


@pytest.mark.parametrize("view", ["recurring", "cumulative", "revenue", "total"])
def test_both_retentions_are_defined_whatever_is_shown(
    view: str, reading: Callable[[Settings], None], published: Settings
) -> None:
    reading(published)
    shown = texts(run(REPOSITORY / "dashboard" / "app_pages" / "cohorts.py", show=view))
    assert all(shown.count(terms.COHORTS[name]) == 1 for name in {"recurring", "cumulative", view})


def test_every_term_is_defined_and_says_where_its_meaning_comes_from(
    reading: Callable[[Settings], None], published: Settings
) -> None:
    reading(published)
    path = REPOSITORY / "dashboard" / "app_pages" / "definitions.py"
    page = run(path)
    table = page.table[0].value.map(lambda text: text.replace("\\", ""))
    known = {row["Term"]: (row["Meaning"], row["From"]) for row in table.to_dict("records")}
    assert len(known) == len(table), "a term has one meaning"
    wanted = (
        "Core purchase", "Revenue", "Cohort", "Recurring retention", "Cumulative retention", "Engaged", "Won back",
        "Reach", "Holdout", "Open month", "Short history", "Thin month", "Cut point", "Buyers", "Revenue tree",
        "Dormant (growth)", "Window", "Growth accounting",
    )  # fmt: skip
    assert set(wanted) <= set(known)
    for row in data_layer.rows(
        "select attname::text as name, col_description(attrelid, attnum) as meaning from pg_attribute"
        " where attrelid = 'mart.customer_snapshot'::regclass and attnum > 0 and attname <> 'month'"
    ):
        assert (row["meaning"], f"Catalog: mart.customer_snapshot.{row['name']}") in known.values()
    ruled = data_layer.rows("select * from mart.rule_set where rule_set = 1")[0]
    assert known["Lost (status)"] == (f"last core purchase more than {ruled['lapsed_days']} days ago", "Rule set 1")
    active = f"last core purchase at most {ruled['active_days']} days ago, and not new"
    assert known["Active (status)"] == (active, "Rule set 1")
    assert known["Retained (event)"] == (terms.EVENTS["retained"], "Pages")
    page.text_input(key="find").set_value("cumulative RETENTION").run()
    found = page.table[0].value["Term"]
    assert found.iloc[0] == "Cumulative retention"
    assert len(found) < 5
    assert run(path, find="holdout").table[0].value["Term"].iloc[0] == "Holdout"
    assert "No term" in run(path, find="zzzz").info[0].value
    assert [one.value for one in run(path, part="Status").caption if "the first that fits" in one.value]
    assert run(path, part="Event and growth").table[0].value["Lifecycle event"].iloc[0] == "First purchase"
