"""One yearly sales file: read, cleaned, split into accepted lines and rejects."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from tests.benchmarks.peers.pandas.masters import read_day

COLUMNS = [
    "transaction_id",
    "line_no",
    "transaction_date",
    "customer_id",
    "product_id",
    "store_id",
    "quantity",
    "unit_price",
    "discount_amount",
    "promotion_id",
    "transaction_type",
]
BEYOND = "beyond"
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
STANDS_ALONE = ["undecodable", "wrong_column_count"]
KEPT = ["transaction_id", "line_no", "transaction_date", "customer_id", "product_id", "store_id", "quantity",
        "unit_price", "discount_amount", "promotion_id", "is_return", "net_cents"]  # fmt: skip


def read_lines(path: Path) -> pd.DataFrame:
    """All rows as text, and how many delimiters each line has."""
    how = {"skiprows": 1, "dtype": str, "encoding": "utf-8", "encoding_errors": "replace", "keep_default_na": False}
    rows = pd.read_csv(path, names=[*COLUMNS, BEYOND], **how)
    # the reader takes a short row for one with empty cells
    whole = pd.read_csv(path, names=["line"], sep="\x01", quoting=csv.QUOTE_NONE, **how)["line"]
    return rows.assign(delimiters=whole.str.count(","))


def judge(rows: pd.DataFrame, year: int, keys: dict[str, pd.Series]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows with values read, and one column of flags for each reason; every reason that applies is set."""
    faults = pd.DataFrame(index=rows.index)
    faults["undecodable"] = np.logical_or.reduce(
        [rows[name].str.contains("\ufffd", regex=False, na=False) for name in COLUMNS]
    )
    is_wrong = rows[BEYOND].fillna("").ne("") | (rows["delimiters"] < len(COLUMNS) - 1)
    faults["wrong_column_count"] = is_wrong & ~faults["undecodable"]
    text = rows[COLUMNS].apply(lambda column: column.str.strip()).replace("", None)

    lines = text[["transaction_id", "customer_id", "product_id", "store_id", "promotion_id"]].copy()
    lines["transaction_date"] = read_day(text["transaction_date"])
    lines["line_no"] = read_number(text["line_no"], 1)
    lines["quantity"] = read_number(text["quantity"], 1000)
    lines["unit_price"] = read_number(text["unit_price"], 100)
    lines["discount_amount"] = read_number(text["discount_amount"], 100)
    kind = text["transaction_type"].str.lower().fillna("sale")
    lines["is_return"] = kind == "return"
    # thousandths of cents, then rounded half away from zero
    exact = lines["quantity"].abs() * lines["unit_price"] - 1000 * lines["discount_amount"].fillna(0)
    net = np.sign(exact) * ((2 * exact.abs() + 1000) // 2000)
    net = net.mask(text["discount_amount"].notna() & lines["discount_amount"].isna())

    for name in ("transaction", "customer", "product"):
        faults[f"missing_{name}_id"] = lines[f"{name}_id"].isna()
    day, quantity = lines["transaction_date"], lines["quantity"]
    faults["invalid_date"] = day.isna()
    faults["date_outside_period"] = day.notna() & (day.dt.year != year)
    faults["future_date"] = day > pd.Timestamp.now().normalize()
    faults["invalid_number"] = net.isna() | lines["line_no"].isna()
    faults["non_positive_quantity"] = (quantity == 0) | (quantity < 0) & ~lines["is_return"]
    faults["negative_price"] = lines["unit_price"] < 0
    faults["negative_net_amount"] = (lines["unit_price"] >= 0) & (net < 0)
    faults["invalid_transaction_type"] = ~kind.isin(["sale", "return"])
    for name, known in keys.items():
        faults[f"unknown_{name}"] = lines[f"{name}_id"].notna() & ~lines[f"{name}_id"].isin(known)
    alone = faults[STANDS_ALONE].any(axis=1)
    others = [name for name in faults if name not in STANDS_ALONE]
    faults[others] = faults[others].fillna(False).astype(bool).mul(~alone, axis=0)
    lines["net_cents"] = net.where(~lines["is_return"], -net)
    return lines, faults


def read_number(text: pd.Series, unit: int) -> pd.Series:
    """Numbers in whole units, such as cents; missing where the text is none."""
    number = pd.to_numeric(text.where(text.str.fullmatch(NUMBER).fillna(False)), errors="coerce")
    return (number.astype("Float64") * unit).round().astype("Int64")


def accept(lines: pd.DataFrame, faults: pd.DataFrame) -> pd.DataFrame:
    """The last acceptable row of each key."""
    acceptable = lines[~faults.any(axis=1)]
    return acceptable.drop_duplicates(["transaction_id", "line_no"], keep="last")[KEPT]
