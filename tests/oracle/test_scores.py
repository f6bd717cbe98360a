"""Bands, classes and values against numbers computed by hand, and against the definitions' formulas in fractions."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .files import decode
from .rules import RuleSet, decision_table
from .scores import abc_limits, band_by_limits, class_by_limits, mid_rank_limits, recency_band
from .values import net_cents, read_boolean, read_date, read_number, read_whole_number

ABC = RuleSet().abc_percent


def bands(values: list[int]) -> list[int]:
    array = np.array(values, dtype=np.int64)
    return list(band_by_limits(array, mid_rank_limits(array, 5)))


def classes(values: list[int]) -> list[str | None]:
    array = np.array(values, dtype=np.int64)
    return list(class_by_limits(array, abc_limits(array, ABC), ABC))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # scipy: percentileofscore([1, 2, 3, 3, 4], 3, kind="mean") is 60, so 1 + ⌊5 · 0.6⌋ = 4
        ([1, 2, 3, 3, 4], [1, 2, 4, 4, 5]),
        ([1, 2, 3, 4], [1, 2, 4, 5]),  # 12.5, 37.5, 62.5, 87.5
        ([1, 2], [2, 4]),  # 25, 75
        ([7, 7, 7], [3, 3, 3]),  # nobody is told apart
        ([7], [3]),
        ([0, 0, 0, 0, 9], [3, 3, 3, 3, 5]),  # 40 and 90
        ([], []),
    ],
)
def test_mid_rank(values: list[int], expected: list[int]) -> None:
    assert bands(values) == expected


@given(st.lists(st.integers(-20, 20), max_size=60))
def test_bands_follow_the_formula_and_their_limits(values: list[int]) -> None:
    def band(value: int) -> int:
        below, equal = sum(v < value for v in values), values.count(value)
        return 1 + int(5 * Fraction(2 * below + equal, 2 * len(values)))

    assert bands(values) == [band(value) for value in values]


def test_a_smaller_recency_is_better_and_unseen_values_reach_what_they_can() -> None:
    limits = {5: 3, 3: 10, 2: 40}  # no value fell into bands 1 and 4
    assert recency_band(np.array([0, 3, 4, 10, 11, 40, 41]), limits).tolist() == [5, 5, 3, 3, 2, 2, 1]
    assert recency_band(np.array([0, 999]), {}).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([70, 10, 10, 10], ["A", "B", "B", "B"]),  # 0.70 is not below 0.70; equal values share a class
        ([90, 10], ["A", "C"]),  # 0.90 is not below 0.90
        ([50, 50], ["A", "A"]),
        ([69, 21, 10, 0, -5], ["A", "A", "C", None, None]),
        ([0, -1], [None, None]),
    ],
)
def test_abc(values: list[int], expected: list[str | None]) -> None:
    assert classes(values) == expected


@given(st.lists(st.integers(-3, 30), max_size=40))
def test_abc_follows_the_formula(values: list[int]) -> None:
    total = sum(v for v in values if v > 0)

    def share(value: int) -> Fraction:
        return Fraction(sum(v for v in values if v > value), total)

    def letter(value: int) -> str | None:
        if value <= 0:
            return None
        return "A" if share(value) < Fraction(7, 10) else "B" if share(value) < Fraction(9, 10) else "C"

    assert classes(values) == [letter(value) for value in values]


def test_every_cell_has_one_tier_and_one_segment() -> None:
    table = decision_table(RuleSet())
    assert table.score[5, 4, 3, 4] == "5434"
    assert [table.tier[5, 5, 4, t] for t in (1, 2, 3, 4, 5)] == ["gold", "gold", "platinum", "platinum", "platinum"]
    assert (table.tier[1, 1, 1, 1], table.tier[2, 2, 2, 3], table.tier[2, 2, 2, 4]) == ("bronze", "bronze", "silver")
    active, at_risk, new = 2, 3, 1
    assert table.segment[at_risk, 5, 5, 4] == "At risk – high value"
    assert table.segment[at_risk, 5, 5, 3] == "At risk"
    assert table.segment[new, 5, 5, 5] == "New"
    assert [table.segment[active, *rfm] for rfm in ((4, 4, 4), (3, 4, 5), (5, 4, 3), (4, 3, 4), (3, 3, 4))] == [
        "Champions",
        "Big spenders",
        "Loyal",
        "Promising",
        "Needs attention",
    ]
    assert [table.segment[status, 0, 0, 0] for status in (0, 4, 5)] == ["Prospect", "Lapsed", "Lost"]


@pytest.mark.parametrize(
    ("quantity", "price", "discount", "cents"),
    [
        ("2", "3.335", "0", 667),
        ("1", "0.005", "0", 1),  # half away from zero
        ("1", "0.005", "0.01", -1),
        ("-2", "1.5", "-0.25", 325),  # the file's sign of a quantity does not count, a negative discount is a surcharge
        ("0.333", "0.015", "0", 0),
        ("999999999999.99999999999999999999", "1", "0.49999999999999999999999", 99999999999950),
    ],
)
def test_net_amount(quantity: str, price: str, discount: str, cents: int) -> None:
    assert net_cents(Decimal(quantity), Decimal(price), Decimal(discount)) == cents


DAYS_WITH_TIME = (
    "2024-02-03 10:30",
    "2024-02-03 10:30:00.123",
    "2024-02-03T10:30:00+01:00",
    "2024-02-03 10:30:00 UTC",
    "2024-02-03 10:30:00 CET",
    "03/02/2024, 10:30:00",
    "03/02/2024 10:30:00 a. m.",
    "3/2/2024, 10:30:00\u202fAM",
    "2024-02-03 10.30.00",
    "2024-02-03\t10:30:00",
)
NO_TIMES = ("2024-02-03 noon", "2024-02-03 10", "2024-02-03 10:30 later", "2024-02-0310:30", "2024-02-03x10:30")


def test_reading_values() -> None:
    assert [read_number(text) for text in ("+1.50", "-.5", "1e3", "1,5", "1 000", "1000000000000", "٣")] == [
        Decimal("1.5"),
        Decimal("-0.5"),
        *[None] * 5,
    ]
    assert [read_whole_number(text) for text in ("1.0", "1.5", "x")] == [1, None, None]
    day = date(2024, 2, 3)
    written = ("2024-02-03", "03/02/2024", "3/2/2024", "03.02.2024 23:59", "2024-02-03T10:00:00Z")
    assert {read_date(text) for text in (*written, *DAYS_WITH_TIME)} == {day}
    assert {read_date(text) for text in NO_TIMES} == {None}
    assert [read_date(text) for text in ("2023-02-29", "13/13/2024", "20240203", "2024-02-03x")] == [None] * 4
    assert [read_boolean(text) for text in ("SI", "Y", "f", "perhaps")] == [True, True, False, None]


def test_encodings() -> None:
    assert decode("José".encode("cp1252")) == "José"
    assert decode("José".encode()) == "José"
    assert decode(b"\xef\xbb\xbfid") == "id"
    assert decode("José,Zoë,".encode() + b"\xe9") == "José,Zoë,\udce9"  # UTF-8 with one broken byte
    for text in ("S1,x\xa0y", "S1\xa0,Madrid", "S1,café\xa0", "S1,Á. Garc", "S1,10-Ñ", "(©)"):
        assert decode(text.encode("cp1252")) == text
    assert decode(b"a\x81b") == "a\udc81b"  # no letter in either encoding
