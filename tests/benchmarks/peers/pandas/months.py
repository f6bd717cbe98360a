"""Facts per customer and month, and the rows of each month."""

import numpy as np
import pandas as pd

from tests.benchmarks.peers.pandas.masters import ATTRIBUTES, OPT_INS

SEGMENTS = (
    "Prospect",
    "Lapsed",
    "Lost",
    "At risk – high value",
    "At risk",
    "New",
    "Champions",
    "Big spenders",
    "Loyal",
    "Promising",
)
TIERS = np.array(["none", "bronze", "silver", "gold", "platinum"], dtype=object)
STATE = ["activity_status", "value_tier", "tier_rank", "segment", "last_scored_month", "last_scored_tier"]
PUBLISHED = ["month", "customer_id", "as_of_date", *ATTRIBUTES, *OPT_INS, "is_in_master", "first_core_date",
             "last_core_date", "last_purchase_date", "recency_days", "frequency", "monetary_cents", "total_cents",
             "month_cents", "month_core_cents", "month_orders", "month_items", "tenure_months", "activity_status",
             "r_score", "f_score", "m_score", "t_score", "rfmt_score", "rfmt_total", "value_tier", "tier_rank",
             "segment", "is_high_spender", "last_scored_month", "last_scored_tier", "lifecycle_event", "growth_state",
             "abc_class", "previous_status", "previous_tier", "previous_segment"]  # fmt: skip


def aggregate(lines: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """One row a customer and month with lines."""
    lines = pd.merge_asof(
        lines.sort_values("transaction_date"),
        products,
        left_on="transaction_date",
        right_on="version_from",
        by="product_id",
    )
    day = lines["transaction_date"]
    lines["month"] = day.dt.to_period("M").dt.to_timestamp()
    sale, core_sale = ~lines["is_return"], ~lines["is_return"] & lines["is_core"]
    lines["core_cents"] = lines["net_cents"].where(lines["is_core"], 0)
    lines["items"] = lines["quantity"].where(sale, 0)
    lines["core_day"], lines["sale_day"] = day.where(core_sale), day.where(sale)
    key = ["month", "customer_id"]
    facts = lines.groupby(key).agg(
        month_cents=("net_cents", "sum"),
        month_core_cents=("core_cents", "sum"),
        month_items=("items", "sum"),
        first_date=("transaction_date", "min"),
        first_core=("core_day", "min"),
        last_core=("core_day", "max"),
        last_purchase=("sale_day", "max"),
    )
    for name, chosen in (("month_orders", sale), ("core_orders", core_sale)):
        receipts = lines.loc[chosen, [*key, "transaction_id"]].drop_duplicates()
        facts[name] = receipts.groupby(key).size().reindex(facts.index, fill_value=0)
    return facts.reset_index()


def known_customers(facts: pd.DataFrame, customers: pd.DataFrame, last: pd.Timestamp) -> pd.Series:
    """By customer, the day from which they appear."""
    first = facts.groupby("customer_id")["first_date"].min().reindex(customers["customer_id"])
    registered = customers.set_index("customer_id")["registered"]
    return pd.concat([registered, first], axis=1).min(axis=1).fillna(last)


def build_month(
    month: pd.Timestamp,
    as_of: pd.Timestamp,
    facts: pd.DataFrame,
    known: pd.Series,
    previous: pd.DataFrame,
) -> pd.DataFrame:
    """The rows of one month without the master's attributes, by customer."""
    rows = pd.DataFrame(index=known.index[known <= as_of])
    so_far = facts[facts["month"] <= month]
    dates = so_far.groupby("customer_id").agg(
        first_core_date=("first_core", "min"),
        last_core_date=("last_core", "max"),
        last_purchase_date=("last_purchase", "max"),
    )
    window = so_far[so_far["month"] > month - pd.DateOffset(months=12)].groupby("customer_id")
    sums = window.agg(
        frequency=("core_orders", "sum"), monetary_cents=("month_core_cents", "sum"), total_cents=("month_cents", "sum")
    )
    by_customer = facts.set_index("customer_id")
    now = by_customer[by_customer["month"] == month]
    month_columns = ["month_cents", "month_core_cents", "month_orders", "month_items", "core_orders"]
    rows = rows.join(dates).join(sums.join(now[month_columns], how="outer"))
    counts = [*sums.columns, *month_columns]
    rows[counts] = rows[counts].fillna(0).astype("int64")
    before = by_customer[by_customer["month"] == month - pd.DateOffset(months=1)]["core_orders"]
    bought, bought_before = rows["core_orders"] > 0, before.reindex(rows.index, fill_value=0) > 0
    rows["month"], rows["as_of_date"] = month, as_of

    rows["recency_days"] = (as_of - rows["last_core_date"]).dt.days.astype("Int64")
    first = rows["first_core_date"]
    rows["tenure_months"] = ((month.year - first.dt.year) * 12 + month.month - first.dt.month).astype("Int64")
    recency = rows["recency_days"].fillna(10**6).to_numpy(dtype="int64")
    rows["activity_status"] = np.select(
        [
            first.isna(),
            ((as_of - first).dt.days <= 90) & (recency <= 90),
            recency <= 90,
            recency <= 180,
            recency <= 365,
        ],
        ["prospect", "new", "active", "at_risk", "lapsed"],
        "lost",
    )
    _score(rows)
    _name(rows, month, bought, bought_before, previous.reindex(rows.index))
    return rows.rename_axis("customer_id").reset_index()


def _band(values: pd.Series) -> pd.Series:
    """1 to 5 by mid-rank; equal values share a band."""
    doubled = (2 * values.rank(method="average") - 1).round().astype("int64")
    return 1 + 5 * doubled // (2 * len(values))


def _score(rows: pd.DataFrame) -> None:
    scored = rows[rows["activity_status"].isin(["new", "active", "at_risk"])]
    scores = pd.DataFrame(index=scored.index)
    scores["r_score"] = _band(-scored["recency_days"].astype("int64"))
    scores["f_score"] = _band(scored["frequency"])
    scores["m_score"] = _band(scored["monetary_cents"])
    scores["t_score"] = np.searchsorted([0, 6, 12, 24, 36], scored["tenure_months"].astype("int64"), side="right")
    scores["rfmt_total"] = scores.sum(axis=1)
    letters = scores.iloc[:, :4].astype(str)
    scores = scores.astype("Int64")
    scores["rfmt_score"] = letters["r_score"] + letters["f_score"] + letters["m_score"] + letters["t_score"]
    amounts = scored["monetary_cents"][scored["monetary_cents"] > 0]
    by_value = amounts.groupby(amounts).sum().sort_index(ascending=False)
    above = by_value.cumsum() - by_value
    share = amounts.map(100 * above)
    scores["abc_class"] = pd.Series(
        np.select([share < 70 * amounts.sum(), share < 90 * amounts.sum()], ["A", "B"], "C"), amounts.index
    )
    rows[scores.columns] = scores.reindex(rows.index)
    total = rows["rfmt_total"].fillna(0).to_numpy(dtype="int64")
    rows["tier_rank"] = np.select([total >= 17, total >= 14, total >= 10, total > 0], [4, 3, 2, 1], 0)
    rows["value_tier"] = TIERS[rows["tier_rank"]]


def _name(
    rows: pd.DataFrame, month: pd.Timestamp, bought: pd.Series, bought_before: pd.Series, previous: pd.DataFrame
) -> None:
    """Segment, event, growth state and what is remembered of earlier months."""
    status, rank = rows["activity_status"], rows["tier_rank"]
    r, f, m = (rows[name].fillna(0).astype("int64") for name in ("r_score", "f_score", "m_score"))
    rows["segment"] = np.select(
        [
            status == "prospect",
            status == "lapsed",
            status == "lost",
            (status == "at_risk") & (m >= 4),
            status == "at_risk",
            status == "new",
            (r >= 4) & (f >= 4) & (m >= 4),
            m == 5,
            f >= 4,
            r >= 4,
        ],
        SEGMENTS,
        "Needs attention",
    )
    rows["is_high_spender"] = m == 5
    is_scored, is_first = rank > 0, bought & (rows["first_core_date"] >= month)
    rows["last_scored_month"] = previous["last_scored_month"].astype("datetime64[s]").mask(is_scored, month)
    rows["last_scored_tier"] = previous["last_scored_tier"].mask(is_scored, rows["value_tier"])
    was, rank_before = previous["activity_status"].fillna(""), previous["tier_rank"].fillna(0)
    changed = (was != "") & (was != status)
    rows["lifecycle_event"] = np.select(
        [
            is_first,
            bought & was.isin(["lapsed", "lost"]),
            bought & (was == "at_risk"),
            changed & status.isin(["lost", "lapsed", "at_risk"]),
            (rank > rank_before) & (rank_before > 0),
            (rank < rank_before) & (rank > 0),
            bought,
            was == "",
        ],
        ["first_purchase", "reactivated", "recovered", status, "upgraded", "downgraded", "retained", "registered"],
        "none",
    )
    rows["growth_state"] = np.select(
        [is_first, bought & bought_before, bought, bought_before],
        ["new", "returning", "resurrected", "dormant"],
        "inactive",
    )
    for name, source in (("status", "activity_status"), ("tier", "value_tier"), ("segment", "segment")):
        rows[f"previous_{name}"] = previous[source]
