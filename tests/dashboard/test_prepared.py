"""The prepared figures against the snapshot's own rows, after a first build and after corrections of some customers."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import text

from dashboard.data import months, movements, overview
from dashboard.data import warehouse as data_layer
from include.warehouse.database import connect, engine
from include.warehouse.load import load_files
from include.warehouse.settings import Settings
from include.warehouse.steps import refresh
from include.warehouse.users import User, add_user
from tests.fixtures.published import load_and_publish
from tests.fixtures.retailer import write_sales

SELLER = User("seller@example.com", "Seller", "sales")
BOUGHT = ("new", "returning", "resurrected")
MOVEMENT = [
    "month",
    "previous_status",
    "previous_tier",
    "previous_segment",
    "activity_status",
    "value_tier",
    "segment",
]


def same_days_agree() -> None:
    """The prepared first days are what the pages compute where nothing is prepared."""
    report = months.months()[0]
    prepared = read("month_to_day")
    assert set(prepared["month"]) == {report.months_before(1), report.months_before(12)}
    for other in prepared["month"]:
        days = report.as_of_date.day
        assert overview.comparison(report, other) == overview.first_days(other, days)
        assert overview.comparable_revenue(report, other) == overview.revenue_of_first_days(other, days)


def read(view: str) -> pd.DataFrame:
    """A view as the dashboard's current user sees it."""
    with data_layer.connect() as connection:
        return pd.read_sql(f"select * from mart.{view}", connection)


def sums(table: pd.DataFrame, keys: list[str], measures: list[str]) -> dict[object, tuple[float, ...]]:
    """Sums by key, unknown keys as empty text; amounts in whole cents."""
    filled = table.assign(**{key: table[key].fillna("") for key in keys})
    added = filled.groupby(keys)[measures].sum()
    return {
        key: tuple(round(float(value) * 100) for value in row)
        for key, row in zip(added.index, added.to_numpy(), strict=True)
    }


def agree() -> None:
    """Every prepared figure is what the customers add up to."""
    snapshot = read("customer_snapshot").assign(customers=1)
    scored = snapshot[snapshot["r_score"].notna()]
    measures = ["customers", "monetary", "month_amount"]
    shoppers = snapshot.assign(shoppers=(snapshot["month_orders"] > 0).astype(int))
    with_shoppers = [*measures, "shoppers"]
    assert sums(read("month_movement"), MOVEMENT, with_shoppers) == sums(shoppers, MOVEMENT, with_shoppers)
    keys = ["month", "r_score", "f_score", "segment"]
    assert sums(read("month_score"), keys, measures) == sums(scored, keys, measures)

    metrics = pd.concat(
        scored[["month", "customers"]].assign(metric=metric, value=scored[column].astype(float) // 1)
        for metric, column in {"recency": "recency_days", "frequency": "frequency", "monetary": "monetary"}.items()
    )
    keys = ["month", "metric", "value"]
    assert sums(read("month_metric"), keys, ["customers"]) == sums(metrics, keys, ["customers"])

    known = snapshot[snapshot["first_core_date"].notna()]
    first, last = (pd.to_datetime(known[name]).dt.to_period("M") for name in ("first_core_date", "last_core_date"))
    cohorts = known.assign(
        cohort=first.dt.to_timestamp().dt.date,
        buyers=known["growth_state"].isin(BOUGHT).astype(int),
        repeated=(last > first).astype(int),
    )
    keys, measures = ["month", "cohort"], ["customers", "buyers", "repeated", "month_core_amount"]
    assert sums(read("month_cohort"), keys, measures) == sums(cohorts, keys, measures)


def rejects_agree() -> None:
    """The counts of open rejects are what the rejects add up to."""
    rows = read("rejected_records")
    reasons = rows[rows["resolution"].isna()].explode("reasons").rename(columns={"reasons": "reason"})
    keys = ["file_id", "file_name", "feed", "reason"]
    found = reasons.assign(records=1, has_amount=reasons["amount"].notna()).groupby(keys)
    expected = found[["records", "amount", "has_amount"]].sum()
    counted = read("reject_count").set_index(keys)
    assert counted["records"].to_dict() == expected["records"].to_dict()
    assert counted["amount"].notna().to_dict() == (expected["has_amount"] > 0).to_dict()
    assert counted["amount"].fillna(0).astype(float).round(2).to_dict() == (
        expected["amount"].astype(float).round(2).to_dict()
    )


def movements_agree() -> None:
    """Movements between months far apart are what the customers of both add up to."""
    snapshot = read("customer_snapshot")
    known = sorted(snapshot["month"].unique())
    for earlier, later in ((known[0], known[-1]), (known[3], known[9]), (known[-3], known[-1])):
        then = snapshot[snapshot["month"] == earlier].set_index("customer_id")
        for dimension in movements.DIMENSIONS:
            both = snapshot[snapshot["month"] == later].join(then[dimension].rename("origin"), on="customer_id")
            measures = ["customers", "monetary"]
            assert sums(
                movements.movements(earlier, later, dimension).rename(columns={"destination": dimension}),
                ["origin", dimension],
                measures,
            ) == sums(both.assign(customers=1), ["origin", dimension], measures)


@pytest.mark.timeout(300)
def test_prepared_figures_are_what_the_customers_add_up_to(
    fresh_warehouse: Settings, reading: Callable[[Settings], None], tmp_path: Path
) -> None:
    load_and_publish(fresh_warehouse, tmp_path / "files")
    reading(fresh_warehouse)
    agree()
    movements_agree()
    rejects_agree()
    same_days_agree()
    with connect(fresh_warehouse) as owner:
        add_user(owner, SELLER.email, SELLER.role, password="a long enough password")
        owner.execute(
            text("update core.customer_version set responsible_email = :email where customer_id like 'C01%'"),
            {"email": SELLER.email},
        )
    with data_layer.acting_as(SELLER):
        assert read("month_to_day").empty
        assert set(read("month_movement")["customers"]) != {0}
        agree()
        movements_agree()
        rejects_agree()
    # receipts are withdrawn: few customers are touched, their cohorts, months and scores move
    for receipt in ("T9-1", "T40-2"):
        load_files(fresh_warehouse, [write_sales(tmp_path / "sales_2024.csv", 2024, without=receipt)])
        assert refresh(fresh_warehouse).is_published
        with engine(fresh_warehouse).connect() as connection:
            modes = connection.exec_driver_sql(
                "select distinct rows_mode from ops.run_month where run_id = (select max(run_id) from ops.run)"
            ).scalars()
            assert "touched" in set(modes)
        agree()
        movements_agree()
        rejects_agree()
        same_days_agree()
        assert read("reject_count")["records"].sum() > 0
    for change in (
        "update ops.rejected_record set resolution = 'replayed', resolved_by = file_id where line_number % 3 = 0",
        "update ops.rejected_record set resolution = null, resolved_by = null where line_number % 2 = 0",
        "delete from ops.rejected_record where line_number % 5 = 0",
    ):
        with connect(fresh_warehouse) as owner:
            assert owner.execute(text(change)).rowcount
        rejects_agree()
