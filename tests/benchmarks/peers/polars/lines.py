"""One yearly sales file: every row becomes an accepted line, a duplicate or a reject with all its reasons."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from tests.benchmarks.peers.polars.masters import day

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)$"
DELIMITERS = 10
BEYOND = "beyond"
STANDS_ALONE = ("undecodable", "wrong_column_count")


def read_lines(path: Path) -> pl.DataFrame:
    """All rows as text with what the reader itself would forgive: a byte it cannot decode, a wrong number of cells."""
    columns = path.open(encoding="ascii").readline().strip().split(",")
    frame = pl.read_csv(
        path,
        schema=dict.fromkeys([*columns, BEYOND], pl.String),
        encoding="utf8-lossy",
        empty_string_is_null=False,
        missing_columns="insert",
    )
    delimiters = pl.read_csv(
        path,
        has_header=False,
        skip_lines=1,
        separator="\x01",
        quote_char=None,
        encoding="utf8-lossy",
        new_columns=["row"],
    ).select(pl.col("row").str.count_matches(",", literal=True).alias("delimiters"))
    return pl.concat([frame, delimiters], how="horizontal")


def judge(frame: pl.DataFrame, year: int, customers: pl.DataFrame, keys: dict[str, pl.Series]) -> pl.DataFrame:
    """The rows with values read, `reasons`, and the net amount in cents."""
    texts = [name for name in frame.columns if name not in (BEYOND, "delimiters")]
    trimmed = (
        frame.lazy()
        .with_columns(
            pl.any_horizontal(pl.col(texts).str.contains("\ufffd", literal=True)).alias("undecodable"),
            ((pl.col(BEYOND) != "") | (pl.col("delimiters") < DELIMITERS)).alias("wrong_column_count"),
        )
        .with_columns(pl.col(texts).str.strip_chars())
        .with_columns(pl.when(pl.col(texts) != "").then(pl.col(texts)))
        .with_row_index("row")
    )
    read = trimmed.with_columns(
        day("transaction_date"),
        _number("line_no", 1),
        _number("quantity", 1000),
        _number("unit_price", 100),
        _number("discount_amount", 100),
        pl.col("discount_amount").is_not_null().alias("has_discount"),
        pl.col("transaction_type").str.to_lowercase().fill_null("sale").alias("type"),
    ).join(customers.lazy().select("customer_id", "customer"), on="customer_id", how="left", maintain_order="left")
    is_return = pl.col("type") == "return"
    # thousandths of cents, then rounded half away from zero
    exact = pl.col("quantity").abs() * pl.col("unit_price") - 1000 * pl.col("discount_amount").fill_null(0)
    rounded = exact.sign() * ((2 * exact.abs() + 1000) // 2000)
    amount = pl.when(~pl.col("has_discount") | pl.col("discount_amount").is_not_null()).then(rounded)
    priced = read.with_columns(amount.alias("net_cents")).with_columns(is_return.alias("is_return"))
    today = datetime.now(UTC).date()
    day_read = pl.col("transaction_date")
    faults = {
        "missing_transaction_id": pl.col("transaction_id").is_null(),
        "missing_customer_id": pl.col("customer_id").is_null(),
        "missing_product_id": pl.col("product_id").is_null(),
        "invalid_date": day_read.is_null(),
        "date_outside_period": ~day_read.is_between(date(year, 1, 1), date(year, 12, 31)),
        "future_date": day_read > today,
        "invalid_number": pl.col("net_cents").is_null() | pl.col("line_no").is_null(),
        "non_positive_quantity": pl.when("is_return").then(pl.col("quantity") == 0).otherwise(pl.col("quantity") <= 0),
        "negative_price": pl.col("unit_price") < 0,
        "negative_net_amount": (pl.col("unit_price") >= 0) & (pl.col("net_cents") < 0),
        "invalid_transaction_type": ~pl.col("type").is_in(["sale", "return"]),
        "unknown_customer": pl.col("customer_id").is_not_null() & pl.col("customer").is_null(),
        "unknown_product": ~pl.col("product_id").is_in(keys["product_id"].implode()),
        "unknown_store": ~pl.col("store_id").is_in(keys["store_id"].implode()),
        "unknown_promotion": ~pl.col("promotion_id").is_in(keys["promotion_id"].implode()),
    }
    alone = pl.any_horizontal(STANDS_ALONE)
    judged = priced.with_columns(
        *((fault.fill_null(False) & ~alone).alias(name) for name, fault in faults.items()),
        (pl.col("wrong_column_count") & ~pl.col("undecodable")).alias("wrong_column_count"),
    ).with_columns(
        pl.any_horizontal(*STANDS_ALONE, *faults).alias("is_rejected"),
        pl.when("is_return").then(-pl.col("net_cents")).otherwise("net_cents").alias("net_cents"),
    )
    return judged.collect()


def _number(name: str, unit: int) -> pl.Expr:
    """A number in whole units, such as cents; null where the text is none."""
    text = pl.when(pl.col(name).str.contains(NUMBER)).then(pl.col(name))
    return (text.cast(pl.Float64, strict=False) * unit).round().cast(pl.Int64).alias(name)


REASONS = (
    *STANDS_ALONE,
    "missing_transaction_id",
    "missing_customer_id",
    "missing_product_id",
    "invalid_date",
    "date_outside_period",
    "future_date",
    "invalid_number",
    "non_positive_quantity",
    "negative_price",
    "negative_net_amount",
    "invalid_transaction_type",
    "unknown_customer",
    "unknown_product",
    "unknown_store",
    "unknown_promotion",
)
KEY = ["transaction_id", "line_no"]
KEPT = [
    *KEY,
    "transaction_date",
    "customer",
    "product_id",
    "store_id",
    "quantity",
    "unit_price",
    "discount_amount",
    "promotion_id",
    "is_return",
    "net_cents",
]


def accept(judged: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Accepted lines (the last acceptable row of each key), rejects, and how many rows met which fate."""
    acceptable = judged.lazy().filter(~pl.col("is_rejected"))
    accepted = acceptable.unique(KEY, keep="last", maintain_order=True).select(KEPT).collect()
    rejected = judged.filter("is_rejected")
    counts = pl.DataFrame(
        {
            "received": [judged.height],
            "loaded": [accepted.height],
            "unchanged": [0],
            "rejected": [rejected.height],
            "duplicate": [judged.height - rejected.height - accepted.height],
            "superseded": [0],
        }
    )
    return accepted, rejected, counts
