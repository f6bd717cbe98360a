"""Master files as data frames."""

from datetime import date
from pathlib import Path

import pandas as pd

ATTRIBUTES = ["customer_group", "city", "home_store_id"]
OPT_INS = ["opt_in_email", "opt_in_sms", "opt_in_phone"]
YES = ("1", "true", "yes", "y", "t", "si", "sí")
NO = ("0", "false", "no", "n", "f")
FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y")
BEGINNING, END = pd.Timestamp("1700-01-01").as_unit("us"), pd.Timestamp("2200-01-01").as_unit("us")


def read_text(path: Path) -> pd.DataFrame:
    """A CSV file with every cell as trimmed text, empty ones missing."""
    frame = pd.read_csv(path, dtype=str, encoding="utf-8-sig")
    return frame.apply(lambda column: column.str.strip()).replace("", None)


def effective_date(path: Path) -> pd.Timestamp:
    """The day in a master file's name."""
    return pd.Timestamp(date.fromisoformat(path.stem.split("_")[1])).as_unit("us")


def read_day(text: pd.Series) -> pd.Series:
    """Dates in any of the formats that the files may use."""
    days = pd.to_datetime(text, format=FORMATS[0], errors="coerce")
    for other in FORMATS[1:]:
        missing = days.isna() & text.notna()
        days[missing] = pd.to_datetime(text[missing], format=other, errors="coerce")
    return days


def read_boolean(text: pd.Series) -> pd.Series:
    """Yes and no in many words."""
    word = text.str.lower()
    return pd.Series(pd.NA, text.index, "boolean").mask(word.isin(YES), True).mask(word.isin(NO), False)


def read_customers(paths: list[Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Customers (customer_id, registered) and their versions (version_from … version_to, exclusive)."""
    states = []
    for path, end in zip(paths, [*map(effective_date, paths[1:]), END], strict=True):
        rows = read_text(path).dropna(subset="customer_id").drop_duplicates("customer_id", keep="last")
        rows["registered"] = read_day(rows["registration_date"])
        rows[OPT_INS] = rows[OPT_INS].apply(read_boolean)
        rows["version_from"], rows["version_to"] = effective_date(path), end
        states.append(rows[["customer_id", *ATTRIBUTES, *OPT_INS, "registered", "version_from", "version_to"]])
    known = pd.concat(states).sort_values(["customer_id", "version_from"])
    known["is_in_master"] = True
    next_from = known.groupby("customer_id")["version_from"].shift(-1).fillna(END)
    closed = known[next_from > known["version_to"]].copy()
    closed["version_from"] = closed["version_to"]
    closed["version_to"] = next_from[next_from > known["version_to"]]
    closed[OPT_INS], closed["is_in_master"] = pd.NA, False
    customers = known.groupby("customer_id", as_index=False).tail(1)[["customer_id", "registered"]]
    is_first = known.groupby("customer_id").cumcount() == 0
    known["version_from"] = known["version_from"].mask(is_first, BEGINNING)
    return customers, pd.concat([known, closed]).drop(columns="registered")


def read_products(paths: list[Path]) -> pd.DataFrame:
    """Versions of every product (product_id, version_from, is_core)."""
    states = []
    for path in paths:
        rows = read_text(path).dropna(subset="product_id").drop_duplicates("product_id", keep="last")
        rows["version_from"] = effective_date(path)
        rows["is_core"] = (rows["product_type"].str.lower() == "consumable").fillna(False)
        states.append(rows[["product_id", "version_from", "is_core"]])
    versions = pd.concat(states).sort_values(["product_id", "version_from"])
    is_first = versions.groupby("product_id").cumcount() == 0
    versions["version_from"] = versions["version_from"].mask(is_first, BEGINNING)
    return versions.sort_values("version_from")
