"""The accepted lines as arrays of customers × months, from which every measure follows (definitions §3, §5)."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .judge import SALE, Key, Line
from .masters import Master
from .rules import RuleSet
from .scores import Integers

NEVER = 0  # an ordinal that stands for no date
EPOCH = date(1970, 1, 1).toordinal()
PRODUCT_TYPE = 4  # place in a product's values


def month_number(day: date) -> int:
    """Months since January 1970."""
    return (day.year - 1970) * 12 + day.month - 1


def first_day(month: int) -> date:
    """The date that stands for a month."""
    return date(1970 + month // 12, month % 12 + 1, 1)


def last_day(month: int) -> date:
    """The last day of a month."""
    first = first_day(month)
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])


def dates(ordinals: Integers) -> NDArray[np.datetime64]:
    """Ordinals as datetime64[s], NaT for NEVER."""
    days = (ordinals - EPOCH).astype("datetime64[D]")
    days[ordinals == NEVER] = np.datetime64("NaT")
    return days.astype("datetime64[s]")


def decimals(numbers: NDArray[np.int64] | NDArray[np.object_], scale: int) -> NDArray[np.object_]:
    """Whole numbers of 10^-scale as Decimal."""
    distinct, place = np.unique(numbers, return_inverse=True)
    table = np.array([Decimal(int(each)).scaleb(-scale) for each in distinct], dtype=object)
    return table[place.reshape(-1)] if len(distinct) else np.array([], dtype=object)


@dataclass(frozen=True)
class CoreMeasures:
    """What depends on which products are core; arrays are customers × months."""

    amount: Integers  # cents of core lines, sales and returns
    orders: Integers  # distinct transactions with a core sale line
    last_date: Integers  # last core purchase until the end of the month, NEVER before the first
    first_date: Integers  # per customer, NEVER where there is none
    first_month: Integers  # per customer, column of the first core purchase, -1 where there is none


class Facts:
    """The current lines of all customers. Raises ValueError where there are none."""

    def __init__(self, lines: Mapping[Key, Line], customers: Sequence[str], products: Master) -> None:
        if not lines:
            raise ValueError("there are no lines")
        self.customers = list(customers)
        place = {customer: i for i, customer in enumerate(self.customers)}
        all_lines = list(lines.values())
        product_ids = sorted({line.product_id for line in all_lines})
        product_place = {product: i for i, product in enumerate(product_ids)}
        transactions: dict[str, int] = {}

        self._customer = np.array([place[line.customer_id] for line in all_lines], dtype=np.int64)
        self._product = np.array([product_place[line.product_id] for line in all_lines], dtype=np.int64)
        self._day = np.array([line.transaction_date.toordinal() for line in all_lines], dtype=np.int64)
        self._cents = np.array([line.net_cents for line in all_lines], dtype=np.int64)
        self._is_sale = np.array([line.transaction_type == SALE for line in all_lines], dtype=bool)
        self._transaction = np.array(
            [transactions.setdefault(transaction, len(transactions)) for transaction, _ in lines], dtype=np.int64
        )
        self._products = products.versions(product_ids)

        months = (self._day - EPOCH).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        self.months = list(range(int(months.min()), int(months.max()) + 1))
        self._month = months - self.months[0]
        latest = int(self._day.max())
        self.as_of = [last_day(month).toordinal() for month in self.months[:-1]] + [latest]
        self.is_open = latest < last_day(self.months[-1]).toordinal()

        quantities = {line.quantity for line in all_lines}
        self.quantity_scale = max(0, *(-int(quantity.as_tuple().exponent) for quantity in quantities))
        whole = {quantity: int(quantity.scaleb(self.quantity_scale)) for quantity in quantities}
        fits = max(map(abs, whole.values())) * len(all_lines) < 2**62
        self._quantity = np.array([whole[line.quantity] for line in all_lines], dtype=np.int64 if fits else object)
        self._core: dict[frozenset[str], CoreMeasures] = {}

    def _sums(
        self, weights: NDArray[np.int64] | NDArray[np.object_], mask: NDArray[np.bool_] | slice = slice(None)
    ) -> Integers:
        sums: NDArray[Any] = np.zeros((len(self.customers), len(self.months)), dtype=weights.dtype)
        np.add.at(sums, (self._customer[mask], self._month[mask]), weights[mask])
        return sums

    def _distinct_transactions(self, mask: NDArray[np.bool_]) -> Integers:
        count = np.zeros((len(self.customers), len(self.months)), dtype=np.int64)
        cell = self._customer[mask] * len(self.months) + self._month[mask]
        width = int(self._transaction.max()) + 1
        distinct = pd.unique(cell * width + self._transaction[mask])
        np.add.at(count.reshape(-1), distinct // width, 1)
        return count

    def _latest(self, mask: NDArray[np.bool_]) -> Integers:
        latest = np.full((len(self.customers), len(self.months)), NEVER, dtype=np.int64)
        np.maximum.at(latest, (self._customer[mask], self._month[mask]), self._day[mask])
        return np.maximum.accumulate(latest, axis=1)

    def _earliest(self, mask: NDArray[np.bool_]) -> Integers:
        beyond = np.iinfo(np.int64).max
        earliest = np.full(len(self.customers), beyond, dtype=np.int64)
        np.minimum.at(earliest, self._customer[mask], self._day[mask])
        return np.where(earliest == beyond, NEVER, earliest)

    @cached_property
    def first_transaction(self) -> Integers:
        """Per customer: ordinal of the first sale or return."""
        return self._earliest(np.ones(len(self._day), dtype=bool))

    @cached_property
    def amount(self) -> Integers:
        """Cents of all lines, customers × months."""
        return self._sums(self._cents)

    @cached_property
    def orders(self) -> Integers:
        """Distinct transactions of sales, customers × months."""
        return self._distinct_transactions(self._is_sale)

    @cached_property
    def items(self) -> Integers:
        """Quantity of sales in 10^-quantity_scale, customers × months."""
        return self._sums(self._quantity, self._is_sale)

    @cached_property
    def last_purchase(self) -> Integers:
        """Ordinal of the last sale until the end of each month, customers × months."""
        return self._latest(self._is_sale)

    def core(self, rules: RuleSet) -> CoreMeasures:
        """The measures of core products under a rule set."""
        if rules.core_product_types not in self._core:
            self._core[rules.core_product_types] = self._core_measures(rules)
        return self._core[rules.core_product_types]

    def _core_measures(self, rules: RuleSet) -> CoreMeasures:
        is_core_version = np.array([_is_core(values[PRODUCT_TYPE], rules) for values in self._products.values])
        version = self._products.version[self._products.row_at(self._day), self._product]
        is_core = is_core_version[version]
        purchase = is_core & self._is_sale
        orders = self._distinct_transactions(purchase)
        bought = orders > 0
        return CoreMeasures(
            amount=self._sums(self._cents, is_core),
            orders=orders,
            last_date=self._latest(purchase),
            first_date=self._earliest(purchase),
            first_month=np.where(bought.any(axis=1), bought.argmax(axis=1), -1),
        )


def _is_core(product_type: object, rules: RuleSet) -> bool:
    return isinstance(product_type, str) and rules.is_core(product_type)


def window_sum(values: Integers, month: int, width: int) -> Integers:
    """Sum over the trailing window that ends in this month (a column), per customer."""
    total: Integers = values[:, max(0, month - width + 1) : month + 1].sum(axis=1)
    return total
