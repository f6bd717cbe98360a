"""Figures of the dashboard against the retailer's own lines and against pandas."""

import tempfile
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dashboard.data import cohorts, customers, export, far_pages, months, movements, overview, saved, scores
from dashboard.data.audience import (
    FIELDS,
    NOT_KNOWN_THEN,
    OPERATORS,
    Audience,
    AudienceError,
    Condition,
    Group,
    check,
    from_text,
    to_text,
)
from dashboard.data.audience_sql import Asked, where
from dashboard.data.customers import Arrangement
from include.warehouse.customer_filter import CustomerFilter
from include.warehouse.database import engine
from include.warehouse.export_customers import every_column
from include.warehouse.settings import Settings
from tests.benchmarks import dashboard_queries
from tests.fixtures.retailer import ODD_CITIES, ODD_IDS, Line, lines

REPORT_MONTH = date(2025, 11, 1)
LAST_MONTH = date(2025, 10, 1)


@pytest.fixture(autouse=True)
def on_published(reading: Callable[[Settings], None], published: Settings) -> None:
    reading(published)


@pytest.fixture(scope="module")
def snapshot(published: Settings) -> pd.DataFrame:
    with engine(published).connect() as connection:
        found = pd.read_sql("select * from mart.customer_snapshot", connection)
        master = pd.read_sql("select customer_id, registration_date from mart.customers", connection)
    return found.merge(master, on="customer_id")


def month_lines(month: date, through: int = 31) -> list[Line]:
    return [line for line in lines() if line.day.replace(day=1) == month and line.day.day <= through]


def test_the_open_month_is_the_default_and_compared_with_the_same_days() -> None:
    newest = months.months()[0]
    assert (newest.month, newest.as_of_date, newest.is_open) == (REPORT_MONTH, date(2025, 11, 17), True)
    compared = overview.comparison(newest, LAST_MONTH)
    assert compared is not None
    same_days = month_lines(LAST_MONTH, through=17)
    assert compared.revenue == sum(line.amount for line in same_days)
    first_core: dict[str, date] = {}
    for line in lines():
        if line.is_core and not line.is_return:
            first_core[line.customer_id] = min(line.day, first_core.get(line.customer_id, line.day))
    assert compared.new == sum(date(2025, 10, 1) <= day <= date(2025, 10, 17) for day in first_core.values())


def test_the_first_days_of_a_month_are_the_month_once_all_are_counted() -> None:
    for month in months.months():
        days = month.as_of_date.day
        assert overview.first_days(month.month, days) == overview.whole_month(month.month), month.month
        assert overview.revenue_of_first_days(month.month, days) == overview.revenue(month.month), month.month
    assert overview.first_days(date(2023, 12, 1), 31) is None
    assert overview.whole_month(date(2023, 12, 1)) is None


def test_the_revenue_tree_is_the_lines_and_its_parts_add_up() -> None:
    for month in (date(2024, 6, 1), date(2025, 3, 1), LAST_MONTH):
        found = overview.revenue(month)
        sold = [line for line in month_lines(month) if not line.is_return]
        assert found.amount == sum(line.amount for line in month_lines(month))
        assert found.customers == len({line.customer_id for line in sold})
        assert found.orders == len({line.transaction_id for line in sold})
        assert found.items == sum(line.quantity for line in sold)
    before, after = overview.revenue(date(2024, 6, 1)), overview.revenue(LAST_MONTH)
    brought = overview.contributions(before, after)
    assert brought is not None
    assert sum(brought.values()) == pytest.approx(float(after.amount - before.amount))
    nothing = overview.Revenue(Decimal(0), 0, 0, Decimal(0))
    assert overview.contributions(nothing, after) is None


def test_the_history_adds_up_by_every_dimension(snapshot: pd.DataFrame) -> None:
    history = overview.history(REPORT_MONTH)
    assert sorted(history["month"].unique()) == sorted(snapshot["month"].unique())[-13:]
    for dimension in overview.DIMENSIONS[1:]:
        mine = history[history["dimension"] == dimension].set_index(["month", "value"])["customers"]
        expected = snapshot.groupby(["month", dimension]).size()
        assert mine.to_dict() == {key: count for key, count in expected.items() if key[0] >= date(2024, 11, 1)}


def test_movements_are_those_of_the_customers_and_lead_to_them(snapshot: pd.DataFrame) -> None:
    for earlier in (LAST_MONTH, date(2024, 12, 1)):
        now = snapshot[snapshot["month"] == REPORT_MONTH]
        then = snapshot[snapshot["month"] == earlier]
        both = now.merge(then, on="customer_id", how="left", suffixes=("", "_then"))
        for dimension in movements.DIMENSIONS:
            found = movements.movements(earlier, REPORT_MONTH, dimension)
            expected = both.groupby([both[f"{dimension}_then"].fillna(""), dimension]).size().to_dict()
            assert {(row.origin, row.destination): row.customers for row in found.itertuples()} == expected
            for row in list(found.itertuples())[:6]:
                groups, is_any = from_text(movements.link(earlier, dimension, row.origin, row.destination))
                audience = Audience(CustomerFilter(month=REPORT_MONTH), groups, is_any)
                assert customers.total(REPORT_MONTH, audience) == row.customers


def test_cohorts_are_those_of_the_lines() -> None:
    bought: dict[str, set[date]] = defaultdict(set)
    amounts: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for line in lines():
        if line.is_core:
            month = line.day.replace(day=1)
            amounts[line.customer_id, month] += line.amount
            if not line.is_return:
                bought[line.customer_id].add(month)
    found = cohorts.cohorts(LAST_MONTH).set_index(["cohort", "k"])
    for cohort in (date(2024, 2, 1), date(2025, 1, 1), date(2025, 8, 1)):
        members = [customer for customer, months_ in bought.items() if min(months_) == cohort]
        ages = (LAST_MONTH.year - cohort.year) * 12 + LAST_MONTH.month - cohort.month
        assert list(found.loc[cohort].index) == list(range(ages + 1))
        for k in range(ages + 1):
            month = date(cohort.year + (cohort.month - 1 + k) // 12, (cohort.month - 1 + k) % 12 + 1, 1)
            row = found.loc[(cohort, k)]
            assert row["customers"] == len(members)
            assert row["buyers"] == sum(month in bought[customer] for customer in members)
            repeats = [min(bought[customer] - {cohort}, default=None) for customer in members]
            assert row["repeated"] == sum(first is not None and first <= month for first in repeats)
            assert row["amount"] == pytest.approx(float(sum(amounts[customer, month] for customer in members)))


def test_every_score_lies_in_its_band(snapshot: pd.DataFrame) -> None:
    scored = snapshot[(snapshot["month"] == LAST_MONTH) & snapshot["r_score"].notna()]
    bands = scores.bands(LAST_MONTH)
    for metric, score in {"recency": "r_score", "frequency": "f_score", "monetary": "m_score"}.items():
        for row in scored.itertuples():
            value = Decimal(str(getattr(row, scores.METRICS[metric])))
            fitting = [
                band.band
                for band in bands[metric]
                if (band.lowest is None or band.lowest <= value) and (band.highest is None or value <= band.highest)
            ]
            assert fitting == [getattr(row, score)], (metric, row.customer_id)
        counted = scores.distribution(LAST_MONTH, metric).set_index("value")["customers"]
        expected = scored[scores.METRICS[metric]].astype(float).floordiv(1).astype(int).value_counts()
        assert counted.to_dict() == expected.to_dict()


CHOICE_VALUES = [
    "active",
    "lost",
    "gold",
    "none",
    "Champions",
    "retained",
    "S1",
    "private",
    "=HYPERLINK(1)",
    "x' or 1=1",
]
NUMBERS = ["0", "3", "-1.5", "30", "250.25", "1e3"]
DAYS = ["2024-05-01", "2025-01-31", "2025-11-17"]
# What pandas has no column for here; the movements' tests cover other months.
TESTED = [
    name
    for name, about in FIELDS.items()
    if (not about.is_master and about.kind != "audience") or name == "registration_date"
]


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    name = draw(st.sampled_from(TESTED))
    kind = FIELDS[name].kind
    operator = draw(st.sampled_from(sorted(OPERATORS[kind])))
    wanted = OPERATORS[kind][operator].count("{") - OPERATORS[kind][operator].count("{column}")
    if kind in ("choice", "text") and operator in ("is", "is_not"):
        values = draw(st.lists(st.sampled_from(CHOICE_VALUES + ODD_IDS), min_size=1, max_size=3))
    elif kind == "number":
        values = sorted(draw(st.lists(st.sampled_from(NUMBERS), min_size=wanted, max_size=wanted)), key=float)
    elif kind == "date":
        values = sorted(draw(st.lists(st.sampled_from(DAYS), min_size=wanted, max_size=wanted)))
    else:
        values = draw(st.lists(st.sampled_from(["c01", "a", "5", "%", "_", "'"]), min_size=wanted, max_size=wanted))
    return Condition(name, operator, tuple(values))


groups = st.lists(
    st.builds(
        Group,
        conditions=st.lists(conditions(), min_size=1, max_size=3).map(tuple),
        is_any=st.booleans(),
        is_excluded=st.booleans(),
    ),
    min_size=1,
    max_size=3,
).map(tuple)


def matches(row: pd.Series, condition: Condition) -> bool:
    """The condition as a person would judge it, one customer at a time."""
    value = row[condition.field]
    values = condition.values
    if pd.isna(value) or condition.operator in ("is_unknown", "is_known"):
        return condition.operator in (("is_unknown", "is_not") if pd.isna(value) else ("is_known",))
    kind = FIELDS[condition.field].kind
    if kind == "number":
        return _compares(condition.operator, Decimal(str(value)), [Decimal(text) for text in values])
    if kind == "date":
        return _compares(condition.operator, value, [date.fromisoformat(text) for text in values])
    if kind == "flag":
        return bool(value) == (condition.operator == "is_yes")
    if condition.operator in ("is", "is_not"):
        return (value in values) == (condition.operator == "is")
    text, part = str(value).lower(), values[0].lower()
    return part in text if condition.operator == "contains" else text.startswith(part)


def _compares(operator: str, value: Any, limits: list[Any]) -> bool:
    if operator in ("at_least", "since"):
        return bool(value >= limits[0])
    if operator in ("at_most", "until"):
        return bool(value <= limits[0])
    return bool(value == limits[0] if operator == "equals" else limits[0] <= value <= limits[1])


def in_audience(row: pd.Series, chosen: tuple[Group, ...], is_any: bool) -> bool:
    verdicts = []
    for group in chosen:
        parts = [matches(row, condition) for condition in group.conditions]
        verdicts.append((any(parts) if group.is_any else all(parts)) != group.is_excluded)
    return any(verdicts) if is_any else all(verdicts)


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=groups, is_any=st.booleans())
def test_an_audience_is_who_a_person_would_pick(
    snapshot: pd.DataFrame, chosen: tuple[Group, ...], is_any: bool
) -> None:
    month = snapshot[snapshot["month"] == LAST_MONTH]
    expected = {row["customer_id"] for _, row in month.iterrows() if in_audience(row, chosen, is_any)}
    audience = Audience(CustomerFilter(month=LAST_MONTH), chosen, is_any)
    assert from_text(to_text(chosen, is_any)) == (chosen, is_any)
    page = customers.page(LAST_MONTH, audience, Arrangement(("customer_id",), "customer_id", False), 1, 1000)
    assert set(page["customer_id"]) == expected
    _check_groups(customers.counts(LAST_MONTH, audience), month[month["customer_id"].isin(expected)])
    with tempfile.TemporaryDirectory() as folder:
        written = export.write_list(audience, "csv", Path(folder) / "list.csv", every_column())
        assert len(written.path.read_text(encoding="utf-8").splitlines()) == 1 + written.rows == 1 + len(expected)


def _check_groups(counts: customers.Counts, expected: pd.DataFrame) -> None:
    """Every figure of every status, tier and segment, added up from the audience's rows."""
    by = ["activity_status", "value_tier", "segment"]
    sums = {"monetary": "monetary_cents", "month_amount": "month_cents"}
    reach = {"email": "opt_in_email", "sms": "opt_in_sms", "phone": "opt_in_phone"}
    rows = expected[by].assign(
        customers=1,
        **{name: expected[column] for name, column in sums.items()},
        **{name: expected[column].eq(True).astype(int) for name, column in reach.items()},
    )
    wanted = rows.groupby(by).sum().sort_index()
    found = counts.groups.set_index(by).sort_index()
    assert found.index.tolist() == wanted.index.tolist()
    for name in ("customers", *reach):
        assert found[name].tolist() == wanted[name].tolist(), name
    for name in sums:
        assert found[name].mul(100).round().tolist() == wanted[name].tolist(), name
    assert counts.customers == len(expected)
    assert counts.reach == {name: wanted[name].sum() for name in reach}


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=groups, second=groups, is_any=st.booleans())
def test_two_audiences_share_whom_both_hold(
    snapshot: pd.DataFrame, first: tuple[Group, ...], second: tuple[Group, ...], is_any: bool
) -> None:
    month = snapshot[snapshot["month"] == LAST_MONTH]
    shown = CustomerFilter(month=LAST_MONTH)
    compared = saved.compare(LAST_MONTH, Audience(shown, first, is_any), Audience(shown, second))
    in_first = month.apply(in_audience, axis=1, chosen=first, is_any=is_any)
    in_second = month.apply(in_audience, axis=1, chosen=second, is_any=False)
    parts = {"both": in_first & in_second, "first": in_first & ~in_second, "second": ~in_first & in_second}
    for name, is_in in parts.items():
        assert compared[name].customers == is_in.sum()
        assert round(100 * compared[name].monetary) == month["monetary_cents"][is_in].sum()


def test_the_workbook_holds_exactly_the_audience(snapshot: pd.DataFrame, tmp_path: Path) -> None:
    group = Group((Condition("value_tier", "is", ("gold", "platinum"), date(2025, 3, 1)),), is_excluded=True)
    audience = Audience(CustomerFilter(month=LAST_MONTH, status=("active", "lapsed")), (group,))
    then = snapshot[(snapshot["month"] == date(2025, 3, 1)) & snapshot["value_tier"].isin(["gold", "platinum"])]
    now = snapshot[(snapshot["month"] == LAST_MONTH) & snapshot["activity_status"].isin(["active", "lapsed"])]
    expected = set(now["customer_id"]) - set(then["customer_id"])
    written = export.write_list(audience, "xlsx", tmp_path / "list.xlsx", every_column())
    workbook = openpyxl.load_workbook(written.path, read_only=True)
    header, *rows = workbook["Customers"].iter_rows(values_only=True)
    assert {row[header.index("customer_id")] for row in rows} == expected
    about = {row[0]: row[1] for row in workbook["About"].iter_rows(values_only=True)}
    assert about["rows"] == len(expected) > 0
    assert not {"full_name", "email", "phone"} & set(header)


def test_a_list_for_a_channel_asks_the_current_master(published: Settings) -> None:
    with engine(published).connect() as connection:
        allowed = set(
            connection.exec_driver_sql(
                "select customer_id from mart.customers where is_in_master and opt_in_email"
            ).scalars()
        )
        known = set(
            connection.exec_driver_sql(
                "select customer_id from mart.customer_snapshot where month = '2025-03-01'"
            ).scalars()
        )
    month = date(2025, 3, 1)
    audience = Audience(CustomerFilter(month=month), channel="email")
    page = customers.page(month, audience, Arrangement(("customer_id",), "customer_id", False), 1, 1000)
    assert set(page["customer_id"]) == allowed & known


@pytest.mark.parametrize("is_descending", [True, False])
def test_pages_of_the_list_follow_each_other(snapshot: pd.DataFrame, is_descending: bool) -> None:
    audience = Audience(CustomerFilter(month=LAST_MONTH))
    arrangement = Arrangement(("customer_id", "recency_days"), "recency_days", is_descending)
    month = snapshot[snapshot["month"] == LAST_MONTH].sort_values("customer_id", key=lambda ids: ids.map(str.encode))
    expected = month.sort_values("recency_days", ascending=not is_descending, na_position="last", kind="stable")
    for rows in (70, 100, len(month), 1000):
        numbers = range(1, -(-len(month) // rows) + 2)
        for known in (None, len(month)):
            pages = [
                customers.page(LAST_MONTH, audience, arrangement, number, rows, listed=known) for number in numbers
            ]
            assert [customer for page in pages for customer in page["customer_id"]] == list(expected["customer_id"])


@pytest.mark.parametrize("is_descending", [True, False])
@pytest.mark.parametrize("sort", customers.CHOOSABLE_COLUMNS)
def test_a_page_far_within_a_list_is_found_by_a_histogram(
    monkeypatch: pytest.MonkeyPatch, sort: str, is_descending: bool
) -> None:
    audience = Audience(CustomerFilter(month=LAST_MONTH))
    arrangement = Arrangement(("customer_id",), sort, is_descending)
    whole = customers.page(LAST_MONTH, audience, arrangement, 1, 1000)["customer_id"].tolist()
    monkeypatch.setattr(far_pages, "FAR", 1)
    for number in (2, 3, len(whole) // 14, -(-len(whole) // 7), len(whole)):
        page = customers.page(LAST_MONTH, audience, arrangement, number, 7, listed=len(whole))
        assert page["customer_id"].tolist() == whole[7 * (number - 1) : 7 * number]


def test_a_list_shows_what_the_current_master_says(published: Settings) -> None:
    with engine(published).connect() as connection:
        rows = connection.exec_driver_sql("select * from mart.customers").mappings().all()
    master = {row["customer_id"]: row for row in rows}
    arrangement = Arrangement(tuple(customers.MASTER_COLUMNS), "customer_id")
    page = customers.page(LAST_MONTH, Audience(CustomerFilter(month=LAST_MONTH)), arrangement, 1, 1000)
    for shown in page.to_dict("records"):
        for name, column in customers.MASTER_COLUMNS.items():
            value = master[shown["customer_id"]][column]
            assert shown[name] == value or (pd.isna(shown[name]) and value is None)


@pytest.mark.parametrize(
    "broken",
    [
        Condition("customer_id; drop table crm.snapshot", "is", ("x",)),
        Condition("city", "is or 1=1", ("x",)),
        Condition("city", "contains", ("x",)),
        Condition("monetary", "at_least", ("1; select",)),
        Condition("monetary", "at_least", ("NaN",)),
        Condition("monetary", "at_least", ("1e999999",)),
        Condition("monetary", "between", ("1",)),
        Condition("first_core_date", "since", ("2025-02-30",)),
        Condition("customer_id", "contains", ("\0",)),
        Condition("customer_id", "contains", ("\ud800",)),
        Condition("customer_id", "contains", ("x" * 10_001,)),
        Condition("registration_date", "since", ("2025-02-01",), LAST_MONTH),
        Condition("city", NOT_KNOWN_THEN),
        Condition("city", "is"),
    ],
)
def test_a_condition_that_makes_no_sense_is_refused(broken: Condition) -> None:
    with pytest.raises(AudienceError):
        check(broken)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"match":"all","groups":[{"conditions":[]}]}', "[" * 100_000])
def test_a_link_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(AudienceError):
        from_text(text)


def test_every_query_that_is_measured_runs(published: Settings) -> None:
    measured = dashboard_queries.measure(published, repeats=1)
    assert len({row["query"] for row in measured}) == len(measured) > 0


def test_hostile_texts_are_values_and_nothing_else() -> None:
    for text in [*ODD_IDS, *(city for city in ODD_CITIES if city), "x" * 10_000, "أحمد 🎉", "%s %(month)s {0}"]:
        condition = Condition("customer_id", "contains", (text,))
        check(condition)
        asked = Asked(LAST_MONTH)
        conditions = where(Audience(CustomerFilter(), (Group((condition,)),)), asked)
        assert text not in conditions
        assert text in asked.parameters.values()
        audience = Audience(CustomerFilter(month=LAST_MONTH, search=text), (Group((condition,)),))
        assert customers.total(LAST_MONTH, audience) == sum(text.lower() in odd.lower() for odd in ODD_IDS)


def test_everybody_is_counted_as_the_rows_say(snapshot: pd.DataFrame) -> None:
    for month, rows in snapshot.groupby("month"):
        counted = customers.counts(month, Audience())
        assert counted.customers == counted.known == len(rows)
        assert counted.reach == {
            channel: int(rows[f"opt_in_{channel}"].eq(True).sum()) for channel in ("email", "sms", "phone")
        }
        found = counted.groups.set_index(["activity_status", "value_tier", "segment"]).sort_index()
        expected = rows.groupby(["activity_status", "value_tier", "segment"])
        assert found["customers"].to_dict() == expected.size().to_dict()
        for money in ("monetary", "month_amount"):
            assert found[money].round(2).to_dict() == expected[money].sum().astype(float).round(2).to_dict()
