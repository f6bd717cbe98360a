"""The checks before publication."""

from pathlib import Path

import polars as pl


class GateRefusedError(Exception):
    """A check failed; nothing was published."""


def check(folder: Path, facts: pl.DataFrame) -> None:
    """Raises GateRefusedError naming the checks that fail."""
    rows = pl.scan_parquet(folder / "months" / "*.parquet")
    lines = pl.scan_parquet(folder / "lines" / "*.parquet")
    months = (
        rows.group_by("month")
        .agg(
            pl.len().cast(pl.Int64).alias("customers"),
            pl.col("customer").n_unique().cast(pl.Int64).alias("distinct"),
            pl.col("previous_status").is_null().sum().cast(pl.Int64).alias("first_appearances"),
            pl.col("growth_state").is_in(["new", "returning", "resurrected"]).sum().cast(pl.Int64).alias("buyers"),
            pl.col("growth_state").is_in(["new", "resurrected"]).sum().cast(pl.Int64).alias("arrived"),
            (pl.col("growth_state") == "dormant").sum().cast(pl.Int64).alias("dormant"),
            (pl.col("value_tier") == "none").ne(pl.col("rfmt_total").is_null()).sum().alias("wrongly_scored"),
            pl.col("month_cents").sum(),
        )
        .sort("month")
        .collect()
    )
    later = months.with_columns(pl.col("customers", "buyers").shift(1).name.suffix("_before")).slice(1)
    files = pl.read_parquet(folder / "files.parquet")
    keys = lines.select(pl.struct("transaction_id", "line_no").is_duplicated().any()).collect().item()
    money = {
        lines.select(pl.col("net_cents").sum()).collect().item(),
        facts.get_column("month_cents").sum(),
        months.get_column("month_cents").sum(),
    }
    checks = {
        "one row per customer and month": (months["customers"] == months["distinct"]).all(),
        "one line per key": not keys,
        "received = loaded + unchanged + rejected + duplicate": (
            files["received"] == files["loaded"] + files["unchanged"] + files["rejected"] + files["duplicate"]
        ).all(),
        "lines, customer-months and months add up to the same money": len(money) == 1,
        "buyers add up": (later["buyers_before"] + later["arrived"] - later["dormant"] == later["buyers"]).all(),
        "customers add up": (later["customers_before"] + later["first_appearances"] == later["customers"]).all(),
        "scores where there should be": months["wrongly_scored"].sum() == 0,
    }
    failed = [name for name, is_ok in checks.items() if not is_ok]
    if failed:
        raise GateRefusedError(", ".join(failed))
