"""The prepared figures against the snapshot's own rows, after a first build and after corrections of some customers."""

from pathlib import Path

import pandas as pd
import pytest

from include.warehouse.database import engine
from include.warehouse.load import load_files
from include.warehouse.settings import Settings
from include.warehouse.steps import refresh
from tests.fixtures.published import load_and_publish
from tests.fixtures.retailer import write_sales

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


def read(settings: Settings, view: str) -> pd.DataFrame:
    with engine(settings).connect() as connection:
        return pd.read_sql(f"select * from mart.{view}", connection)


def sums(table: pd.DataFrame, keys: list[str], measures: list[str]) -> dict[object, tuple[float, ...]]:
    """Sums by key, unknown keys as empty text; amounts in whole cents."""
    filled = table.assign(**{key: table[key].fillna("") for key in keys})
    added = filled.groupby(keys)[measures].sum()
    return {
        key: tuple(round(float(value) * 100) for value in row)
        for key, row in zip(added.index, added.to_numpy(), strict=True)
    }


def agree(settings: Settings) -> None:
    """Every prepared figure is what the customers add up to."""
    snapshot = read(settings, "customer_snapshot").assign(customers=1)
    scored = snapshot[snapshot["r_score"].notna()]
    measures = ["customers", "monetary", "month_amount"]
    assert sums(read(settings, "month_movement"), MOVEMENT, measures) == sums(snapshot, MOVEMENT, measures)
    keys = ["month", "r_score", "f_score", "segment"]
    assert sums(read(settings, "month_score"), keys, measures) == sums(scored, keys, measures)

    metrics = pd.concat(
        scored[["month", "customers"]].assign(metric=metric, value=scored[column].astype(float) // 1)
        for metric, column in {"recency": "recency_days", "frequency": "frequency", "monetary": "monetary"}.items()
    )
    keys = ["month", "metric", "value"]
    assert sums(read(settings, "month_metric"), keys, ["customers"]) == sums(metrics, keys, ["customers"])

    known = snapshot[snapshot["first_core_date"].notna()]
    first, last = (pd.to_datetime(known[name]).dt.to_period("M") for name in ("first_core_date", "last_core_date"))
    cohorts = known.assign(
        cohort=first.dt.to_timestamp().dt.date,
        buyers=known["growth_state"].isin(BOUGHT).astype(int),
        repeated=(last > first).astype(int),
    )
    keys, measures = ["month", "cohort"], ["customers", "buyers", "repeated", "month_core_amount"]
    assert sums(read(settings, "month_cohort"), keys, measures) == sums(cohorts, keys, measures)


@pytest.mark.timeout(300)
def test_prepared_figures_are_what_the_customers_add_up_to(fresh_warehouse: Settings, tmp_path: Path) -> None:
    load_and_publish(fresh_warehouse, tmp_path / "files")
    agree(fresh_warehouse)
    # receipts are withdrawn: few customers are touched, their cohorts, months and scores move
    for receipt in ("T9-1", "T40-2"):
        load_files(fresh_warehouse, [write_sales(tmp_path / "sales_2024.csv", 2024, without=receipt)])
        assert refresh(fresh_warehouse).is_published
        with engine(fresh_warehouse).connect() as connection:
            modes = connection.exec_driver_sql(
                "select distinct rows_mode from ops.run_month where run_id = (select max(run_id) from ops.run)"
            ).scalars()
            assert "touched" in set(modes)
        agree(fresh_warehouse)
