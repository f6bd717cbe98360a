"""Published months by hand in small cases, and what must hold in any world."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

from .compare import assert_same
from .files import PRODUCTS
from .log import LOADED
from .model import Oracle, ReceivedFile
from .strategies import worlds
from .worlds import World

TODAY = date(2025, 6, 30)
HEADER = "transaction_id,transaction_date,customer_id,product_id,quantity,unit_price,transaction_type\n"
KEY = ["month", "customer_id"]


def oracle_with(*sales: tuple[str, str] | tuple[str, str, str], customers: str = "") -> Oracle:
    """Core sales of one piece at 10 each, or at the price given; customers without a registration date."""
    oracle = Oracle()
    ids = sorted({sale[0] for sale in sales})
    oracle.load(received("customers_2020-01-01.csv", customers or "customer_id\n" + "\n".join(ids) + "\n"))
    oracle.load(received("products_2020-01-01.csv", "product_id,product_type\nP1,consumable\nP2,device\n"))
    send(oracle, *sales)
    return oracle


def received(name: str, text: str) -> ReceivedFile:
    return ReceivedFile(name, text.encode(), TODAY)


def send(oracle: Oracle, *sales: tuple[str, ...]) -> None:
    """All sales of their years, which replace what was known of them."""
    for year in sorted({day[:4] for _, day, *_ in sales}):
        rows = [
            f"T{customer}{day},{day},{customer},P1,1,{price[0] if price else 10},\n"
            for customer, day, *price in sales
            if day.startswith(year)
        ]
        oracle.load(received(f"sales_{year}.csv", HEADER + "".join(rows)), approved=True)


def row(oracle: Oracle, customer: str, month: str) -> dict[str, Any]:
    frame = oracle.snapshot()
    chosen = frame[(frame["customer_id"] == customer) & (frame["month"] == pd.Timestamp(f"{month}-01"))]
    (values,) = chosen.to_dict("records")
    return {name: _plain(value) for name, value in values.items()}


@pytest.mark.parametrize(
    ("days", "since_first", "status"),
    [
        (90, 90, "new"),
        (90, 91, "active"),
        (91, 91, "at_risk"),
        (180, 300, "at_risk"),
        (181, 300, "lapsed"),
        (365, 365, "lapsed"),
        (366, 366, "lost"),
    ],
)
def test_status_at_the_exact_day(days: int, since_first: int, status: str) -> None:
    as_of = date(2025, 5, 20)
    first, last = as_of - timedelta(days=since_first), as_of - timedelta(days=days)
    oracle = oracle_with(("C1", first.isoformat()), ("C1", last.isoformat()), ("C2", as_of.isoformat()))
    oracle.publish()
    found = row(oracle, "C1", "2025-05")
    assert (found["activity_status"], found["recency_days"]) == (status, days)
    assert oracle.months()["is_open"].tolist()[-1]


@pytest.mark.parametrize(("tenure", "score"), [(0, 1), (5, 1), (6, 2), (11, 2), (12, 3), (23, 3), (24, 4), (36, 5)])
def test_tenure_bands(tenure: int, score: int) -> None:
    first = (pd.Timestamp("2025-06-30") - pd.DateOffset(months=tenure)).date()
    oracle = oracle_with(("C1", first.isoformat()), ("C1", "2025-06-02"))
    oracle.publish()
    found = row(oracle, "C1", "2025-06")
    assert (found["tenure_months"], found["t_score"]) == (tenure, score)


def test_a_month_by_hand() -> None:
    """Two core purchases and a device in March, of which one core piece comes back in April."""
    oracle = oracle_with(("C1", "2025-01-31"), ("C2", "2025-04-30"))
    oracle.load(
        received(
            "sales_2025-04-30.csv",
            HEADER
            + "A,2025-03-01,C1,P1,2,3.335,sale\n"
            + "A,2025-03-01,C1,P2,1.5,100,\n"
            + "B,2025-03-31,C1,P1,1,20,\n"
            + "B,2025-04-02,C1,P1,-1,20,return\n",
        )
    )
    oracle.publish()
    expected = {
        "first_core_date": date(2025, 1, 31),
        "last_core_date": date(2025, 3, 31),
        "last_purchase_date": date(2025, 3, 31),
        "recency_days": 30,
        "frequency": 3,
        "monetary": Decimal("16.67"),
        "total_amount": Decimal("166.67"),
        "month_amount": Decimal("-20.00"),
        "month_core_amount": Decimal("-20.00"),
        "month_orders": 0,
        "month_items": 0,
        "growth_state": "dormant",
        # of two customers the worse is in band 2, the better in band 4
        "rfmt_score": "2441",
        "rfmt_total": 11,
        "value_tier": "silver",
        "previous_tier": "silver",
        "lifecycle_event": "none",
        "segment": "New",
    }
    found = row(oracle, "C1", "2025-04")
    assert {name: found[name] for name in expected} == expected
    march = row(oracle, "C1", "2025-03")
    assert (march["month_orders"], march["month_items"], march["growth_state"]) == (2, Decimal("4.5"), "resurrected")
    assert row(oracle, "C1", "2025-02")["lifecycle_event"] == "none"
    assert row(oracle, "C1", "2025-01")["lifecycle_event"] == "first_purchase"


def test_known_from() -> None:
    customers = "customer_id,registration_date\nC1,2025-02-28\nC2,2025-03-01\nC3,\nC4,2030-01-01\n"
    oracle = oracle_with(("C4", "2025-01-05"), ("C4", "2025-03-20"), customers=customers)
    oracle.publish()
    frame = oracle.snapshot()
    first = frame.groupby("customer_id")["month"].min().dt.month.to_dict()
    assert first == {"C1": 2, "C2": 3, "C3": 3, "C4": 1}  # C3 since the day this publication speaks of
    events = frame.sort_values("month").groupby("customer_id")["lifecycle_event"].first().to_dict()
    assert events == {"C1": "registered", "C2": "registered", "C3": "registered", "C4": "first_purchase"}
    assert row(oracle, "C3", "2025-03")["as_of_date"] == date(2025, 3, 20)
    send(oracle, ("C4", "2025-01-05"), ("C4", "2025-03-20"), ("C4", "2025-04-01"))
    oracle.publish()
    assert len(oracle.snapshot()[lambda rows: rows["customer_id"] == "C3"]) == 2


STEADY = [(f"C{i}", f"2025-0{month}-1{i}", str(10 * i)) for i in range(1, 6) for month in (1, 2, 3)]
REPORT_MONTH = pd.Timestamp("2025-03-01")


def test_a_correction_against_frozen_cuts_moves_nobody_else() -> None:
    oracle = oracle_with(*STEADY)
    oracle.publish()
    before = _frozen_rows_of_others(oracle)
    assert row(oracle, "C1", "2025-01")["m_score"] == 1
    send(oracle, *STEADY[1:], ("C1", "2025-01-11", "1000"))
    oracle.publish()
    assert (row(oracle, "C1", "2025-01")["m_score"], row(oracle, "C5", "2025-01")["m_score"]) == (5, 5)
    assert_same(before, _frozen_rows_of_others(oracle), KEY)
    assert row(oracle, "C5", "2025-03")["m_score"] == 4  # the report month is not frozen
    replaced = oracle.history()
    assert set(replaced[replaced["month"] < REPORT_MONTH]["customer_id"]) == {"C1"}
    oracle.publish(recut=True, recut_from=date(2025, 2, 1))
    assert [row(oracle, "C5", f"2025-0{month}")["m_score"] for month in (1, 2)] == [5, 4]
    oracle.publish(recut=True)
    assert row(oracle, "C5", "2025-01")["m_score"] == 4


def _frozen_rows_of_others(oracle: Oracle) -> pd.DataFrame:
    frame = oracle.snapshot()
    return frame[(frame["customer_id"] != "C1") & (frame["month"] < REPORT_MONTH)]


def test_months_taken_away_and_put_in_front() -> None:
    oracle = oracle_with(*STEADY)
    oracle.publish()
    send(oracle, *(sale for sale in STEADY if sale[1] < "2025-03"))
    oracle.publish()
    months = oracle.months()
    assert months["as_of_date"].dt.date.tolist() == [date(2025, 1, 31), date(2025, 2, 15)]
    assert months["is_open"].tolist() == [False, True]
    assert (oracle.history()["month"] == pd.Timestamp("2025-03-01")).sum() == 5
    assert row(oracle, "C1", "2025-01")["previous_status"] is None
    send(oracle, ("C1", "2024-11-30"))
    oracle.publish()
    assert oracle.months()["month"].dt.month.tolist() == [11, 12, 1, 2]
    assert row(oracle, "C1", "2025-01")["previous_status"] == "new"
    assert row(oracle, "C1", "2024-12")["growth_state"] == "dormant"


ANY_WORLD = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


@given(world=worlds())
@ANY_WORLD
def test_conservation_and_identities_in_any_world(world: World) -> None:
    oracle = Oracle()
    for _ in world.publications(oracle):
        files = [file for file in oracle.log.files if file.status == LOADED]
        for file in files:
            fates = file.rows_loaded + file.rows_unchanged + file.rows_rejected + file.rows_duplicate
            assert file.rows_received == fates
        sales = [file for file in files if file.feed == "sales"]
        lines, rows = oracle.sale_lines(), oracle.snapshot()
        assert len(lines) == sum(file.rows_loaded - file.rows_superseded for file in sales)
        assert lines["net_amount"].sum() == rows["month_amount"].sum()
        _check_identities(rows, oracle.months()["month"].tolist())


def _check_identities(rows: pd.DataFrame, months: list[pd.Timestamp]) -> None:
    assert not rows.duplicated(KEY).any()
    buyers_before, customers_before = 0, 0
    for month in months:
        of_month = rows[rows["month"] == month]
        state = of_month["growth_state"].value_counts()
        buyers = sum(state.get(name, 0) for name in ("new", "returning", "resurrected"))
        assert buyers == buyers_before + state.get("new", 0) + state.get("resurrected", 0) - state.get("dormant", 0)
        assert buyers == ((of_month["last_core_date"] >= month) & of_month["last_core_date"].notna()).sum()
        assert len(of_month) == customers_before + of_month["previous_status"].isna().sum()
        scored = of_month["activity_status"].isin(["new", "active", "at_risk"])
        assert (scored == (of_month["value_tier"] != "none")).all()
        assert (scored == of_month["r_score"].notna()).all()
        buyers_before, customers_before = buyers, len(of_month)


@given(world=worlds())
@ANY_WORLD
def test_a_recut_of_all_months_equals_a_rebuild_from_nothing(world: World) -> None:
    """But for customers known only by the day of a publication, which rebuilds keep."""
    gradual, at_once = Oracle(), Oracle()
    world.play(gradual)
    gradual.publish(recut=True)
    world.accepted_files().play(at_once)
    customers = gradual.customers()
    dated = set(customers.loc[customers["registration_date"].notna(), "customer_id"])
    dated |= set(gradual.sale_lines()["customer_id"])

    def of_dated(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[frame["customer_id"].isin(dated)]

    assert_same(of_dated(at_once.snapshot()), of_dated(gradual.snapshot()), KEY)
    assert_same(at_once.cut_points(), gradual.cut_points(), ["month", "metric", "band"])


@given(world=worlds())
@ANY_WORLD
def test_measures_against_a_plain_loop(world: World) -> None:
    oracle = Oracle()
    world.play(oracle)
    lines = oracle.sale_lines().to_dict("records")
    for line in lines:
        line["is_core"] = _is_core(oracle, line["product_id"], line["transaction_date"])
    for found in oracle.snapshot().iloc[::7].to_dict("records"):
        mine = [line for line in lines if line["customer_id"] == found["customer_id"]]
        expected = _measures(mine, found["month"].date(), found["as_of_date"].date())
        assert {name: _plain(found[name]) for name in expected} == expected


def _is_core(oracle: Oracle, product: str, day: date) -> bool:
    holding = [period for period in oracle.masters[PRODUCTS].periods if product in period.rows]
    if not holding:
        return str(oracle.masters[PRODUCTS].last_seen[product][4]).lower() == "consumable"
    valid = [period for period in holding if period.effective <= day] or holding[:1]
    return str(valid[-1].rows[product][4]).lower() == "consumable"


def _measures(lines: list[dict[str, Any]], month: date, as_of: date) -> dict[str, Any]:
    start = date(month.year - 1 + month.month // 12, month.month % 12 + 1, 1)  # eleven months before
    past = [line for line in lines if line["transaction_date"] <= as_of]
    window = [line for line in past if line["transaction_date"] >= start]
    now = [line for line in past if line["transaction_date"] >= month]
    core = [line["transaction_date"] for line in past if line["is_core"] and line["transaction_type"] == "sale"]
    return {
        "first_core_date": min(core, default=None),
        "last_core_date": max(core, default=None),
        "last_purchase_date": max(
            (x["transaction_date"] for x in past if x["transaction_type"] == "sale"), default=None
        ),
        "recency_days": (as_of - max(core)).days if core else None,
        "frequency": len(
            {
                (x["transaction_date"].replace(day=1), x["transaction_id"])
                for x in window
                if x["is_core"] and x["transaction_type"] == "sale"
            }
        ),
        "monetary": sum(x["net_amount"] for x in window if x["is_core"]),
        "total_amount": sum(x["net_amount"] for x in window),
        "month_amount": sum(x["net_amount"] for x in now),
        "month_core_amount": sum(x["net_amount"] for x in now if x["is_core"]),
        "month_orders": len({x["transaction_id"] for x in now if x["transaction_type"] == "sale"}),
        "month_items": sum(x["quantity"] for x in now if x["transaction_type"] == "sale"),
    }


def _plain(value: Any) -> Any:
    if pd.isna(value):
        return None
    return value.date() if isinstance(value, pd.Timestamp) else value


def test_comparison_reports_what_differs() -> None:
    left = pd.DataFrame({"id": [1, 2], "value": [Decimal("1.0"), None], "day": pd.to_datetime(["2024-01-01", None])})
    right = pd.DataFrame({"day": [None, date(2024, 1, 1)], "id": [2, 1], "value": [None, 1], "more": [0, 0]})
    assert_same(left, right, ["id"])
    with pytest.raises(AssertionError, match=r"value: 1 of 2 rows differ\n  1: expected 1.0, actual 2"):
        assert_same(left, right.assign(value=[None, 2]), ["id"])
    with pytest.raises(AssertionError, match="missing: 1 rows"):
        assert_same(left, right[:1], ["id"])
    with pytest.raises(AssertionError, match="missing: 1 rows"):
        assert_same(pd.concat([left, left]), pd.concat([right, right[:1]]), ["id"])
