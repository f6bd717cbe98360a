"""Reading one value from its text (definitions §1, Values). None means that the text cannot be read."""

from __future__ import annotations

import re
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

LIMIT = Decimal(10) ** 12
AMOUNT_LIMIT = Decimal(10) ** 15  # a larger net amount is not read: whole cents of many lines must add up in 64 bits

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)
_TIME_OF_DAY = (
    r"(?:(?:T|,?[ \t]+)\d{1,2}[:.]\d{2}(?:[:.]\d{2}(?:[.,]\d+)?)?"
    r"[\s\u00a0\u202f]*(?:[AP]M|[ap]m|[ap]\.[\s\u00a0]?m\.)?\s*(?:[A-Z]{1,5})?(?:[+-]\d{2}(?::?\d{2})?)?)?"
)
_DATES = (
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})" + _TIME_OF_DAY, re.ASCII),
    re.compile(r"(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4})" + _TIME_OF_DAY, re.ASCII),
    re.compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})" + _TIME_OF_DAY, re.ASCII),
)
_TRUE = frozenset({"1", "true", "yes", "y", "t", "si", "sí"})
_FALSE = frozenset({"0", "false", "no", "n", "f"})

# Wide enough that no product of two readable numbers is ever rounded before it becomes cents.
_EXACT = Context(prec=400)
_CENT = Decimal("0.01")


@lru_cache(maxsize=200_000)
def read_number(text: str) -> Decimal | None:
    """A plain decimal number below 10¹²."""
    if not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    return number if number.copy_abs() < LIMIT else None


@lru_cache(maxsize=50_000)
def read_date(text: str) -> date | None:
    """A day in one of the contracts' default formats; a time of day is ignored."""
    for pattern in _DATES:
        if match := pattern.fullmatch(text):
            try:
                return date(int(match["year"]), int(match["month"]), int(match["day"]))
            except ValueError:
                continue
    return None


def read_boolean(text: str) -> bool | None:
    """A yes or no in any case."""
    word = text.casefold()
    return True if word in _TRUE else False if word in _FALSE else None


def read_whole_number(text: str) -> int | None:
    """A number without a fraction; 1.0 is 1."""
    number = read_number(text)
    return int(number) if number is not None and number == number.to_integral_value() else None


def net_cents(quantity: Decimal, unit_price: Decimal, discount: Decimal) -> int:
    """round(|quantity| × unit_price − discount, 2), half away from zero, in whole cents."""
    exact = _EXACT.subtract(_EXACT.multiply(quantity.copy_abs(), unit_price), discount)
    return int(exact.quantize(_CENT, ROUND_HALF_UP, _EXACT).scaleb(2, _EXACT))


def to_money(cents: int) -> Decimal:
    """Whole cents as an amount with two decimals."""
    return _EXACT.scaleb(Decimal(cents), -2)
