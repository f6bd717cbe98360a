"""Facts per customer and month."""

import polars as pl


def aggregate(lines: pl.LazyFrame, products: pl.DataFrame) -> pl.DataFrame:
    """One row a customer and month with lines; receipts first, so that no distinct count is needed."""
    sale = ~pl.col("is_return")
    core_sale = sale & pl.col("is_core")
    date = pl.col("transaction_date")
    receipts = (
        lines.sort("transaction_date")
        .join_asof(
            products.lazy(),
            left_on="transaction_date",
            right_on="version_from",
            by="product_id",
            check_sortedness=False,
        )
        .group_by(date.dt.truncate("1mo").alias("month"), "customer", "transaction_id")
        .agg(
            pl.col("net_cents").sum().alias("month_cents"),
            pl.col("net_cents").filter(pl.col("is_core")).sum().alias("month_core_cents"),
            pl.col("quantity").filter(sale).sum().alias("month_items"),
            date.min().alias("first_date"),
            date.filter(core_sale).min().alias("first_core_date"),
            date.filter(core_sale).max().alias("last_core_date"),
            date.filter(sale).max().alias("last_purchase_date"),
        )
    )
    return (
        receipts.group_by("month", "customer")
        .agg(
            pl.col("month_cents", "month_core_cents", "month_items").sum(),
            pl.col("last_purchase_date").count().cast(pl.Int32).alias("month_orders"),
            pl.col("last_core_date").count().cast(pl.Int32).alias("core_orders"),
            pl.col("first_date", "first_core_date").min(),
            pl.col("last_core_date", "last_purchase_date").max(),
        )
        .collect()
    )
