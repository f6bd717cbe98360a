"""Master files: the current products, stores and promotions, and every customer's versions."""

from datetime import date
from pathlib import Path

import polars as pl

ATTRIBUTES = ("customer_group", "city", "home_store_id")
OPT_INS = ("opt_in_email", "opt_in_sms", "opt_in_phone")
YES = ("1", "true", "yes", "y", "t", "si", "sí")
NO = ("0", "false", "no", "n", "f")
BEGINNING, END = date(1, 1, 1), date(9999, 12, 31)


def read_text(path: Path, **options: object) -> pl.DataFrame:
    """A CSV file with every cell as trimmed text, empty ones null."""
    frame = pl.read_csv(path, infer_schema=False, encoding="utf8-lossy", **options)
    return frame.with_columns(pl.all().str.strip_chars()).with_columns(
        pl.when(pl.all() != "").then(pl.all())  # keeps the names
    )


def effective_date(path: Path) -> date:
    """The day in a master file's name."""
    return date.fromisoformat(path.stem.split("_")[1])


def day(column: str) -> pl.Expr:
    """A date in any of the formats that the files may use; null where none reads it."""
    text = pl.col(column)
    return pl.coalesce(
        text.str.to_date("%Y-%m-%d", strict=False),
        text.str.to_date("%d/%m/%Y", strict=False),
        text.str.to_date("%d.%m.%Y", strict=False),
    )


def read_customers(paths: list[Path]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Customers (customer, customer_id, registered) and their versions (version_from … version_to, exclusive).

    The first version counts from the beginning; who is absent from a file keeps the attributes, not the consents.
    """
    states = []
    ends = [*(effective_date(path) for path in paths[1:]), END]
    for path, end in zip(paths, ends, strict=True):
        rows = read_text(path).filter(pl.col("customer_id").is_not_null())
        states.append(
            rows.unique("customer_id", keep="last", maintain_order=True).select(
                "customer_id",
                *ATTRIBUTES,
                *(_boolean(name) for name in OPT_INS),
                day("registration_date").alias("registered"),
                pl.lit(effective_date(path)).alias("version_from"),
                pl.lit(end).alias("file_until"),
            )
        )
    known = pl.concat(states).sort("customer_id", "version_from")
    customers = (
        known.group_by("customer_id", maintain_order=True)
        .agg(pl.col("registered").last())
        .with_row_index("customer")
        .with_columns(pl.col("customer").cast(pl.Int32))
    )
    known = known.join(customers.select("customer_id", "customer"), on="customer_id").with_columns(
        pl.col("version_from").shift(-1).over("customer").fill_null(END).alias("next_from"),
        (pl.int_range(pl.len()).over("customer") == 0).alias("is_first"),
    )
    present = known.with_columns(
        pl.lit(True).alias("is_in_master"),
        pl.when("is_first").then(pl.lit(BEGINNING)).otherwise("version_from").alias("version_from"),
        pl.col("file_until").alias("version_to"),
    )
    closed = known.filter(pl.col("next_from") > pl.col("file_until")).with_columns(
        *(pl.lit(None, pl.Boolean).alias(name) for name in OPT_INS),
        pl.lit(False).alias("is_in_master"),
        pl.col("file_until").alias("version_from"),
        pl.col("next_from").alias("version_to"),
    )
    columns = ["customer", *ATTRIBUTES, *OPT_INS, "is_in_master", "version_from", "version_to"]
    return customers, pl.concat([present.select(columns), closed.select(columns)])


def _boolean(name: str) -> pl.Expr:
    word = pl.col(name).str.to_lowercase()
    return pl.when(word.is_in(YES)).then(True).when(word.is_in(NO)).then(False).alias(name)


def read_products(paths: list[Path]) -> pl.DataFrame:
    """Versions of every product (product_id, version_from, is_core)."""
    states = [
        read_text(path)
        .filter(pl.col("product_id").is_not_null())
        .unique("product_id", keep="last")
        .select(
            "product_id",
            (pl.col("product_type").str.to_lowercase() == "consumable").fill_null(False).alias("is_core"),
            pl.lit(effective_date(path)).alias("version_from"),
        )
        for path in paths
    ]
    versions = pl.concat(states).sort("product_id", "version_from")
    is_first = pl.int_range(pl.len()).over("product_id") == 0
    return versions.with_columns(
        pl.when(is_first).then(pl.lit(BEGINNING)).otherwise("version_from").alias("version_from")
    ).sort("version_from")


def read_keys(paths: list[Path], key: str) -> pl.Series:
    """The ids that a master has ever held."""
    return pl.concat([read_text(path).get_column(key) for path in paths]).drop_nulls().unique()
