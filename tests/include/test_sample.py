"""The sample files are judged here by an independent reading of definitions §1 and §2, row by row."""

import csv
import hashlib
import io
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from include.warehouse.errors import InputError
from include.warehouse.sample import write_sample
from include.warehouse.settings import REPOSITORY

CUSTOMERS = 1_500
NUMBER = re.compile(r"[+-]?\d+(\.\d*)?|[+-]?\.\d+")
SALES_REASONS = {
    "undecodable",
    "wrong_column_count",
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
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_sample(tmp_path_factory.mktemp("sample"), customers=CUSTOMERS)


@pytest.fixture(scope="module")
def clean_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_sample(tmp_path_factory.mktemp("clean"), customers=CUSTOMERS, dirt=0)


def digest(files: list[Path]) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as text:
        return list(csv.DictReader(text, strict=True))


def of_feed(files: list[Path], feed: str) -> list[Path]:
    return [file for file in files if file.name.startswith(feed)]


def number(text: str) -> Decimal | None:
    return Decimal(text) if NUMBER.fullmatch(text) else None


def day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if "-" in text else date(*reversed([int(part) for part in text.split("/")]))
    except (ValueError, TypeError):
        return None


class Judge:
    """Reads sales files as definitions §2 says, given the keys that the master files brought."""

    def __init__(self, files: list[Path]) -> None:
        self.known = {
            name: {row[f"{name}_id"] for file in of_feed(files, f"{name}s") for row in rows_of(file)} - {""}
            for name in ("customer", "product", "store", "promotion")
        }
        self.reasons: Counter[str] = Counter()
        self.received = 0
        self.accepted: list[dict[str, str]] = []
        for file in of_feed(files, "sales"):
            self.read(file)

    def read(self, file: Path) -> None:
        header, *lines = file.read_bytes().removesuffix(b"\n").split(b"\n")
        names = header.decode().split(",")
        for line in lines:
            self.received += 1
            try:
                cells = next(csv.reader(io.StringIO(line.decode())))
            except UnicodeDecodeError:
                with pytest.raises(UnicodeDecodeError):
                    line.decode("cp1252")
                self.reasons["undecodable"] += 1
                continue
            if len(cells) != len(names):
                self.reasons["wrong_column_count"] += 1
                continue
            row = dict(zip(names, cells, strict=True))
            reasons = self.judge(row, int(file.stem.removeprefix("sales_")))
            self.reasons.update(reasons)
            if not reasons:
                self.accepted.append(row)

    def judge(self, row: dict[str, str], year: int) -> set[str]:
        reasons = {f"missing_{key}" for key in ("transaction_id", "customer_id", "product_id") if not row[key]}
        when = day(row["transaction_date"])
        if when is None:
            reasons.add("invalid_date")
        elif when.year != year:
            reasons.add("date_outside_period")
        if when and when > datetime.now(UTC).date():
            reasons.add("future_date")
        quantity, price = number(row["quantity"]), number(row["unit_price"])
        discount = number(row["discount_amount"] or "0")
        if None in (quantity, price, discount) or not row["line_no"].isdigit():
            reasons.add("invalid_number")
        kind = row["transaction_type"].lower() or "sale"
        if kind not in ("sale", "return"):
            reasons.add("invalid_transaction_type")
        if quantity is not None and (quantity == 0 or (kind != "return" and quantity < 0)):
            reasons.add("non_positive_quantity")
        if price is not None and price < 0:
            reasons.add("negative_price")
        elif quantity is not None and price is not None and discount is not None and net(quantity, price, discount) < 0:
            reasons.add("negative_net_amount")
        for name, keys in self.known.items():
            if row[f"{name}_id"] and row[f"{name}_id"] not in keys:
                reasons.add(f"unknown_{name}")
        return reasons


def net(quantity: Decimal, price: Decimal, discount: Decimal) -> Decimal:
    return (abs(quantity) * price - discount).quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_same_arguments_give_the_same_bytes_and_another_seed_gives_others(tmp_path: Path) -> None:
    first, again, other = (
        digest(write_sample(tmp_path / name, customers=300, months=14, seed=seed))
        for name, seed in (("first", 5), ("again", 5), ("other", 6))
    )
    assert first == again
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first if name.startswith(("sales", "customers")))


def test_thirty_six_months_are_three_yearly_files_with_early_and_late_masters(files: list[Path]) -> None:
    assert sorted(file.name for file in files) == [
        "customers_2023-01-01.csv",
        "customers_2025-07-01.csv",
        "customers_2025-12-31.csv",
        "products_2023-01-01.csv",
        "products_2025-07-01.csv",
        "promotions_2023-01-01.csv",
        "sales_2023.csv",
        "sales_2024.csv",
        "sales_2025.csv",
        "stores_2023-01-01.csv",
    ]
    assert [file.name[:5] == "sales" for file in files] == [False] * 7 + [True] * 3, "masters come first"


def test_volume_follows_the_arguments(tmp_path: Path, files: list[Path]) -> None:
    assert Judge(files).received == pytest.approx(600_000 / 20_000 * CUSTOMERS, rel=0.05)
    few = write_sample(tmp_path, customers=CUSTOMERS, months=15, lines_per_customer_month=0.4)
    assert [file.name for file in of_feed(few, "sales")] == ["sales_2024.csv", "sales_2025.csv"]
    judge = Judge(few)
    assert judge.received == pytest.approx(CUSTOMERS * 15 * 0.4, rel=0.1)
    months = {row["transaction_date"][:7] for row in judge.accepted}
    assert min(months) == "2024-10"
    assert len(months) == 15


def test_dirt_has_every_reason_and_keys_that_come_twice_in_the_share_asked_for(files: list[Path]) -> None:
    judge = Judge(files)
    assert set(judge.reasons) == SALES_REASONS
    keys = Counter((row["transaction_id"], row["line_no"]) for row in judge.accepted)
    repeated = sum(keys.values()) - len(keys)
    assert repeated > 0
    dirty = judge.received - len(judge.accepted) + repeated
    assert dirty / judge.received == pytest.approx(0.03, abs=0.001)


def test_without_dirt_every_line_is_acceptable(clean_files: list[Path]) -> None:
    judge = Judge(clean_files)
    assert not judge.reasons
    keys = {(row["transaction_id"], row["line_no"]) for row in judge.accepted}
    assert len(keys) == len(judge.accepted) == judge.received
    for file in clean_files[:7]:
        rows = rows_of(file)
        assert len({next(iter(row.values())) for row in rows}) == len(rows)
        assert all(next(iter(r.values())) for r in rows)


def test_sales_look_like_a_shop(clean_files: list[Path]) -> None:
    lines = Judge(clean_files).accepted
    returns = [row for row in lines if row["transaction_type"].lower() == "return"]
    assert 0.01 < len(returns) / len(lines) < 0.03
    assert {row["quantity"][0] == "-" for row in returns} == {True, False}
    assert any("." in row["quantity"] for row in lines)
    assert any(row["promotion_id"] and Decimal(row["discount_amount"]) > 0 for row in lines)
    assert any(Decimal(row["discount_amount"]) < 0 for row in lines)
    per_ticket = Counter(row["transaction_id"] for row in lines)
    assert set(per_ticket.values()) == {1, 2, 3, 4, 5}


def test_every_activity_status_has_its_share_in_the_last_month(clean_files: list[Path]) -> None:
    """Statuses by definitions §5 with the default limits of 90, 180 and 365 days."""
    types = {row["product_id"]: row["product_type"] for row in rows_of(of_feed(clean_files, "products")[0])}
    assert set(types.values()) == {"consumable", "device", "accessory"}
    dates: dict[str, list[date]] = {}
    for row in Judge(clean_files).accepted:
        if types[row["product_id"]] == "consumable" and row["transaction_type"].lower() != "return":
            dates.setdefault(row["customer_id"], []).append(date.fromisoformat(row["transaction_date"]))
    as_of = date(2025, 12, 31)
    assert max(max(days) for days in dates.values()) == as_of, "the last month is whole"
    statuses: Counter[str] = Counter(prospect=CUSTOMERS - len(dates))
    for days in dates.values():
        first, recency = as_of - min(days), as_of - max(days)
        limits = {"active": 90, "at_risk": 180, "lapsed": 365}
        status = next((name for name, limit in limits.items() if recency <= timedelta(limit)), "lost")
        statuses["new" if status == "active" and first <= timedelta(90) else status] += 1
    shares = {status: count / CUSTOMERS for status, count in statuses.items()}
    assert set(shares) == {"prospect", "new", "active", "at_risk", "lapsed", "lost"}
    assert min(shares.values()) > 0.03, shares
    assert max(shares.values()) < 0.5, shares


def test_masters_change_close_customers_and_hold_awkward_cells(files: list[Path]) -> None:
    early, later, last = of_feed(files, "customers")
    assert [file.read_bytes().startswith(b"\xef\xbb\xbf") for file in (early, later, last)].count(True) == 1
    states = [{row["customer_id"]: row for row in rows_of(file) if row["customer_id"]} for file in (early, later, last)]
    for before, after in ((states[0], states[1]), (states[1], states[2])):
        gone = before.keys() - after.keys()
        assert 0 < len(gone) / len(before) < 0.05
        moved = [key for key in before.keys() & after.keys() if before[key]["city"] != after[key]["city"]]
        turned = [k for k in before.keys() & after.keys() if before[k]["opt_in_email"] != after[k]["opt_in_email"]]
        assert moved
        assert turned
    assert len({key for state in states for key in state}) == CUSTOMERS
    people = rows_of(last)
    assert any("," in row["full_name"] for row in people)
    assert any("\n" in row["city"] for row in people)
    assert any(not row["email"] for row in people)
    assert any(row["responsible_email"] for row in people)
    assert any(not row["customer_id"] for row in people)
    types = [{r["product_id"]: r["product_type"] for r in rows_of(file)} for file in of_feed(files, "products")]
    assert 0 < sum(types[0][key] != types[1][key] for key in types[0]) < 10


@pytest.mark.parametrize("place", ["docs/analyst_queries.md", "include/warehouse/cli/months.py"])
def test_customers_of_examples_are_in_the_sample(files: list[Path], place: str) -> None:
    named = set(re.findall(r"\bC\d+", (REPOSITORY / place).read_text(encoding="utf-8")))
    assert named
    assert named <= {row["customer_id"] for file in of_feed(files, "customers") for row in rows_of(file)}


@pytest.mark.parametrize("wrong", [{"customers": 0}, {"months": 0}, {"dirt": 0.9}, {"seed": -1}])
def test_arguments_out_of_range_are_named(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        write_sample(tmp_path / "out", **wrong)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()
