"""Whether the warehouse has accepted and published what the oracle says."""

from decimal import Decimal

import pandas as pd

from dashboard.data.audience import Audience
from include.warehouse.customer_filter import CHANNELS, CustomerFilter

from .compare import assert_same
from .model import Oracle
from .warehouse import RealWarehouse

# words are not compared; a row as received is the reader's test
WITHOUT_WORDS = ["message", "received_at", "rejected_at", "raw_row"]


def assert_accepted_alike(oracle: Oracle, real: RealWarehouse) -> None:
    """Every file's counts and money, every reject with its reasons and who resolved it, every current line."""
    assert_same(
        oracle.source_files().drop(columns=WITHOUT_WORDS, errors="ignore").reset_index(names="number"),
        real.frame("source_file order by file_id").reset_index(names="number"),
        ["number"],
    )
    assert_same(
        oracle.rejected_records().drop(columns=WITHOUT_WORDS, errors="ignore"),
        real.frame("rejected_records"),
        ["file_name", "line_number"],
    )
    assert_same(oracle.sale_lines(), real.frame("sale_line"), ["transaction_id", "line_no"])


def assert_equal_results(oracle: Oracle, real: RealWarehouse) -> None:
    """Every result that the definitions describe, accepted and published."""
    assert_accepted_alike(oracle, real)
    assert_same(oracle.customers(), real.frame("customers"), ["customer_id"])
    assert_same(oracle.products(), real.frame("products"), ["product_id"])
    assert_same(oracle.stores(), real.frame("stores"), ["store_id"])
    assert_same(oracle.promotions(), real.frame("promotion_details"), ["promotion_id"])
    assert_same(oracle.months(), real.frame("month"), ["month"])
    assert_same(oracle.snapshot(), real.frame("customer_snapshot"), ["month", "customer_id"])
    assert_same(score_limits(oracle), real.frame("cut_point where metric <> 'abc'"), ["month", "metric", "band"])


def assert_same_reach(oracle: Oracle, real: RealWarehouse) -> None:
    """Who may be written to: opted in by the newest master, published or not, of the customers of any month."""
    customers, snapshot = oracle.customers(), oracle.snapshot()
    for channel in CHANNELS:
        is_reached = customers["is_in_master"].eq(True) & customers[f"opt_in_{channel}"].eq(True)
        reached = set(customers[is_reached]["customer_id"])
        for first_day, rows in snapshot.groupby("month"):
            month = pd.Timestamp(first_day).date()
            found = real.audience(Audience(CustomerFilter(month=month), channel=channel), month)
            assert found == reached & set(rows["customer_id"]), (channel, month)


def score_limits(oracle: Oracle) -> pd.DataFrame:
    """Limits of the score bands by the warehouse's names; those of abc are compared by the classes they give."""
    limits = oracle.cut_points()
    limits = limits[limits["metric"] != "abc"].copy()
    limits["band"] = limits["band"].astype(int)
    limits["limit_value"] = limits["limit_value"].astype(object)
    is_money = limits["metric"] == "m"
    limits.loc[is_money, "limit_value"] = limits.loc[is_money, "limit_value"].map(lambda cents: Decimal(cents) / 100)
    limits["metric"] = limits["metric"].map({"r": "recency", "f": "frequency", "m": "monetary"})
    return limits
