"""Judging one row of a sales file: its reasons, its key, its amount and its line (definitions §2)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from .files import COLUMNS, CUSTOMERS, PRODUCTS, PROMOTIONS, SALES, STORES, FileIdentity, Record, Table
from .masters import Master
from .values import AMOUNT_LIMIT, net_cents, read_date, read_number, read_whole_number

SALE = "sale"
RETURN = "return"
UNKNOWN_REASONS = frozenset({"unknown_customer", "unknown_product", "unknown_store", "unknown_promotion"})

Key = tuple[str, int]  # transaction_id, line_no


class Line(NamedTuple):
    """An accepted sale line without its key. Two lines are identical where all of these are."""

    transaction_date: date
    customer_id: str
    product_id: str
    store_id: str | None
    quantity: Decimal
    unit_price: Decimal
    discount_amount: Decimal | None
    promotion_id: str | None
    transaction_type: str
    net_cents: int


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """A row and all that is wrong with it. `line` is there where at most unknown ids are wrong."""

    record: Record
    reasons: tuple[str, ...]
    key: Key | None = None
    day: date | None = None
    amount_cents: int | None = None
    line: Line | None = None


class Judge:
    """Judges the rows of one file, which must come in their order."""

    def __init__(self, table: Table, identity: FileIdentity, received_on: date, masters: dict[str, Master]) -> None:
        self._position = [table.position.get(column) for column in COLUMNS[SALES]]
        self._has_line_no = "line_no" in table.position
        self._year = identity.year
        self._received_on = received_on
        self._masters = masters
        self._rows_of_transaction: Counter[str] = Counter()

    def row(self, record: Record) -> JudgedRow:
        """All reasons against a row, in the order of the definitions."""
        if record.problem is not None:
            return JudgedRow(record, (record.problem,))
        texts = [record.fields[at].strip() if at is not None else "" for at in self._position]
        transaction_id, line_no_text, date_text, customer_id, product_id, store_id = texts[:6]
        quantity_text, price_text, discount_text, promotion_id, type_text = texts[6:]
        day = read_date(date_text)
        line_no = self._line_no(transaction_id, line_no_text)
        quantity = read_number(quantity_text)
        unit_price = read_number(price_text)
        discount = read_number(discount_text) if discount_text else None
        word = type_text.lower() or SALE
        net = None
        if quantity is not None and unit_price is not None and (discount is not None or not discount_text):
            net = net_cents(quantity, unit_price, discount or Decimal(0))
            net = net if abs(net) < 100 * AMOUNT_LIMIT else None
        amount = None if net is None else -net if word == RETURN else net
        key = (transaction_id, line_no) if transaction_id and line_no is not None else None

        ids = {"transaction_id": transaction_id, "customer_id": customer_id, "product_id": product_id}
        reasons = [f"missing_{name}" for name, text in ids.items() if not text]
        reasons += self._date_reasons(day)
        if line_no is None or net is None:
            reasons.append("invalid_number")
        reasons += _sign_reasons(word, quantity, unit_price, net)
        if word not in {SALE, RETURN}:
            reasons.append("invalid_transaction_type")
        line = None
        if not reasons:
            assert day is not None
            assert quantity is not None
            assert unit_price is not None
            assert amount is not None
            numbers = (quantity, unit_price, discount)
            line = Line(
                day, customer_id, product_id, store_id or None, *numbers, promotion_id or None, word, net_cents=amount
            )
        reasons += unknown_ids(self._masters, customer_id, product_id, store_id, promotion_id)
        return JudgedRow(record, tuple(reasons), key, day, amount, line)

    def _date_reasons(self, day: date | None) -> list[str]:
        if day is None:
            return ["invalid_date"]
        reasons = []
        if self._year is not None and day.year != self._year:
            reasons.append("date_outside_period")
        if day > self._received_on:
            reasons.append("future_date")
        return reasons

    def _line_no(self, transaction_id: str, text: str) -> int | None:
        if self._has_line_no:
            return read_whole_number(text)
        self._rows_of_transaction[transaction_id] += 1
        return self._rows_of_transaction[transaction_id]


def _sign_reasons(word: str, quantity: Decimal | None, unit_price: Decimal | None, net: int | None) -> list[str]:
    """What is wrong with readable numbers; an unreadable transaction type counts as a sale."""
    reasons = []
    if quantity is not None and (quantity == 0 if word == RETURN else quantity <= 0):
        reasons.append("non_positive_quantity")
    if unit_price is not None and unit_price < 0:
        reasons.append("negative_price")
    elif net is not None and net < 0:
        reasons.append("negative_net_amount")
    return reasons


def unknown_ids(
    masters: dict[str, Master], customer_id: str, product_id: str, store_id: str | None, promotion_id: str | None
) -> list[str]:
    """The reasons for ids that no accepted master file has ever held; an empty id is not unknown."""
    unknown = []
    if customer_id and customer_id not in masters[CUSTOMERS].last_seen:
        unknown.append("unknown_customer")
    if product_id and product_id not in masters[PRODUCTS].last_seen:
        unknown.append("unknown_product")
    if store_id and masters[STORES].ever_loaded and store_id not in masters[STORES].last_seen:
        unknown.append("unknown_store")
    if promotion_id and masters[PROMOTIONS].ever_loaded and promotion_id not in masters[PROMOTIONS].last_seen:
        unknown.append("unknown_promotion")
    return unknown
