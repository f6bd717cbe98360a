"""Hypothesis strategies for small worlds: files with all kinds of dirt, corrections, re-sends, and publications."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from .encoding import DIALECTS, EXCEL_ERROR, PLAIN, UNREADABLE, Dialect, encode, suitable
from .files import COLUMNS, CUSTOMERS, PRODUCTS, PROMOTIONS, SALES, STORES, ReceivedFile
from .log import HELD
from .model import Oracle
from .worlds import Arrival, Event, Publication, Verdict, World

MAX_LINES = 200
Row = dict[str, str]
T = TypeVar("T")

_SALES_COLUMNS = list(COLUMNS[SALES])
_OPTIONAL_SALES_COLUMNS = ("line_no", "store_id", "discount_amount", "promotion_id", "transaction_type")
_PRICES = ("10", "20", "10.00", "5.5", "99.99", "3.335", "30", "0.005", "1000", "0", "50")
_QUANTITIES = ("1", "2", "3", "0.5", "1.250")
_DISCOUNTS = ("", "", "0", "0.50", "-2", "1")
_TYPES = ("sale", "sale", "", "return", "Sale", "sale", "RETURN")
_GAPS = (30, 31, 7, 1, 14, 30, 60, 89, 90, 91, 180, 181, 365)
_PRODUCT_TYPES = ("consumable", "consumable", "device", "Consumable", "accessory", "")


@st.composite
def worlds(draw: DrawFn) -> World:
    """Worlds whose sales end shortly before the day on which the first files are received.

    Days long past: the gate refuses sales after the day on which it runs, whatever day a test says.
    """
    shop = _Shop(draw, draw(st.dates(date(2022, 1, 1), date(2024, 12, 31))))
    shop.open()
    for _ in range(draw(st.integers(0, 7))):
        draw(st.sampled_from(shop.happenings()))()
        if draw(st.booleans()):
            shop.publish()
    shop.publish()
    return World(tuple(shop.events))


class _Shop:
    """A company whose truth changes and whose files say so, more or less."""

    def __init__(self, draw: DrawFn, received_on: date) -> None:
        self.draw = draw
        self.received_on = received_on
        self.events: list[Event] = []
        self.sent: list[ReceivedFile] = []
        self.oracle = Oracle()  # knows which files are held
        self.used_dates: dict[str, list[date]] = {}

        months = draw(st.integers(2, 20))
        self.last_day = received_on - timedelta(days=draw(st.sampled_from((0, 1, received_on.day, 5))))
        self.first_day = _months_before(self.last_day, months - 1)
        self.horizon = self.last_day  # what the files tell of; later lines have not happened yet
        absent = draw(st.sets(st.sampled_from(_OPTIONAL_SALES_COLUMNS), max_size=2))
        self.columns = [column for column in _SALES_COLUMNS if column not in absent]

        self.customer_ids = [f"C{i}" for i in range(draw(st.integers(3, 15) | st.integers(3, 40)))]
        self.product_ids = [f"P{i}" for i in range(draw(st.integers(1, 5)))]
        self.store_ids = ["101", "102", "S3"]
        self.promotion_ids = ["SUMMER", "winter"]
        self.masters: dict[str, dict[str, Row]] = {
            CUSTOMERS: {key: self._customer(key) for key in self.customer_ids[draw(st.integers(0, 2)) :]},
            PRODUCTS: {key: self._product(key) for key in self.product_ids},
            STORES: {key: {"store_id": key, "store_name": f"Shop {key}", "city": "Lima"} for key in self.store_ids[:2]},
            PROMOTIONS: {"SUMMER": {"promotion_id": "SUMMER", "discount_percent": "10", "valid_from": "01/06/2024"}},
        }
        self.lines: dict[tuple[str, str], Row] = {}
        self._trade(self.first_day, [draw(self._habits()) for _ in range(draw(st.integers(1, 40)))])

    # ---- what is true

    def _pick(self, values: Sequence[T]) -> T:
        return self.draw(st.sampled_from(values))

    def _customer(self, key: str) -> Row:
        opt_ins = ("", "1", "no", "TRUE", "Si", "f")
        span = (self.last_day - self.first_day).days
        day = self.first_day + timedelta(days=self.draw(st.integers(-40, span + 40)))
        return {
            "customer_id": key,
            "full_name": self._pick(("José", "Ana", 'Zoë; "the" one', "two\nlines")),
            "city": self._pick(("Lima", "Örebro", "")),
            "customer_group": self._pick(("", "gold club", "staff")),
            "home_store_id": self._pick(("", "101", "S3")),
            "registration_date": self._pick(("", day.isoformat(), day.strftime("%d/%m/%Y"), day.strftime("%d.%m.%Y"))),
            "opt_in_email": self._pick(opt_ins),
            "opt_in_sms": self._pick(opt_ins),
        }

    def _product(self, key: str) -> Row:
        return {"product_id": key, "product_name": f"Thing {key}", "product_type": self._pick(_PRODUCT_TYPES)}

    def _habits(self) -> SearchStrategy[tuple[int, ...]]:
        """A customer who buys one thing every so often: indices into the lists above."""
        span = (self.last_day - self.first_day).days
        return st.tuples(
            st.integers(0, len(self.customer_ids) - 1),
            st.integers(0, len(self.product_ids) - 1),
            st.integers(0, span) | st.integers(0, span // 4),
            st.sampled_from(_GAPS),
            st.integers(1, 8),
            st.integers(0, len(_PRICES) - 1),
            st.integers(0, len(_QUANTITIES) - 1),
            st.integers(0, len(_DISCOUNTS) - 1),
            st.integers(0, len(_TYPES) - 1),
            st.integers(0, 8),
        )

    def _trade(self, start: date, habits: Iterable[tuple[int, ...]]) -> None:
        for customer, product, offset, gap, count, price, quantity, discount, kind, place in habits:
            for i in range(count):
                day = start + timedelta(days=offset + i * gap)
                if day > self.last_day or len(self.lines) >= MAX_LINES:
                    break
                self._add_line(
                    day,
                    {
                        "customer_id": self.customer_ids[customer],
                        "product_id": self.product_ids[product],
                        "store_id": ("", *self.store_ids[:2])[place % 3],
                        "quantity": _QUANTITIES[quantity],
                        "unit_price": _PRICES[price],
                        "discount_amount": _DISCOUNTS[discount],
                        "promotion_id": ("", "", "SUMMER")[place // 3],
                        "transaction_type": _TYPES[kind],
                    },
                )

    def _add_line(self, day: date, row: Row) -> None:
        transaction = f"T{row['customer_id']}-{day:%y%m%d}"
        line_no = 1
        while (transaction, str(line_no)) in self.lines:
            line_no += 1
        key = (transaction, str(line_no))
        identity = {"transaction_id": transaction, "line_no": str(line_no), "transaction_date": day.isoformat()}
        self.lines[key] = identity | row

    def _told(self) -> list[tuple[str, str]]:
        """Keys of the lines that have happened."""
        return [key for key, row in self.lines.items() if _day_of(row) <= self.horizon]

    def _years(self) -> list[int]:
        return sorted({_day_of(self.lines[key]).year for key in self._told()}) or [self.horizon.year]

    # ---- what happens

    def open(self) -> None:
        """The first files, in some order: masters may come after the sales that need them."""
        if self.draw(st.booleans()):
            self.horizon = _months_before(self.last_day, self.draw(st.integers(0, 3))) + timedelta(days=20)
        masters = [CUSTOMERS, PRODUCTS, *(feed for feed in (STORES, PROMOTIONS) if self.draw(st.booleans()))]
        steps: list[partial[Any]] = [partial(self._send_master, feed) for feed in masters]
        steps += [partial(self._send_year, year) for year in self._years()]
        for step in self.draw(st.permutations(steps)):
            step()

    def happenings(self) -> list[Callable[[], None]]:
        """What may happen next; simpler things first."""
        possible = [
            self._time_goes_on,
            self._days_pass,
            self._correct_a_year,
            self._send_delta,
            self._change_customers,
            self._send_parts,
            self._change_products,
            self._open_stores_and_promotions,
            self._send_again,
            self._send_master_of_another_day,
            self._take_last_month_back,
            self._find_older_sales,
            self._send_rubbish,
            self._recut,
        ]
        return possible + [self._decide] * bool(self.oracle.held_files())

    def publish(self) -> None:
        self.events.append(Publication())

    def _recut(self) -> None:
        since = self.draw(st.none() | st.integers(0, 20))
        self.events.append(Publication(True, None if since is None else _months_before(self.last_day, since)))

    def _time_goes_on(self) -> None:
        before = set(self._years())
        self.horizon = min(self.last_day, self.horizon + timedelta(days=self._pick((30, 61, 5, 200))))
        self._trade(self.first_day, self.draw(st.lists(self._habits(), max_size=2)))
        for year in self._years():
            if year == self.horizon.year or year not in before:
                self._send_year(year)

    def _days_pass(self) -> None:
        """Without sales: what was of the future may be accepted when it is sent again."""
        self.received_on += timedelta(days=self._pick((1, 7, 40)))

    def _correct_a_year(self) -> None:
        year = self._pick(self._years())
        keys = [key for key in self._told() if _day_of(self.lines[key]).year == year]
        for key in self._some(keys):
            self._edit(key)
        self._send_year(year)

    def _send_parts(self) -> None:
        year = self._pick(self._years())
        keys = [key for key in self._told() if _day_of(self.lines[key]).year == year]
        for part in self._pick(((1, 2), (1,), (0,), (0, 1))):
            chosen = [key for i, key in enumerate(keys) if i % 2 == part % 2]
            for key in self._some(chosen):
                self._edit(key)
            self._send_sales(f"sales_{year}_part{part}", [self.lines[key] for key in chosen if key in self.lines])

    def _send_delta(self) -> None:
        for key in (chosen := self._some(self._told())):
            self._edit(key)
        day = self.horizon - timedelta(days=self.draw(st.integers(0, 2)))
        known = set(self.lines)
        habits = self.draw(st.lists(self._habits(), max_size=2))
        self._trade(day, [(*habit[:2], habit[2] % 3, *habit[3:]) for habit in habits])
        fresh = [key for key in self.lines if key not in known]
        rows = [self.lines[key] for key in (*chosen, *fresh) if key in self.lines]
        self._send_sales(f"sales_{day.isoformat()}{self._pick(('', '_evening'))}", rows)

    def _take_last_month_back(self) -> None:
        told = self._told()
        if not told:
            return
        month = max(_day_of(self.lines[key]) for key in told).replace(day=1)
        for key in told:
            if _day_of(self.lines[key]) >= month:
                del self.lines[key]
        self._send_year(month.year)

    def _find_older_sales(self) -> None:
        start = self.first_day - timedelta(days=self._pick((20, 40, 100, 200)))
        known = set(self.lines)
        habits = self.draw(st.lists(self._habits(), min_size=1, max_size=3))
        self._trade(start, [(*habit[:2], habit[2] % 30, *habit[3:]) for habit in habits])
        for year in sorted({_day_of(row).year for key, row in self.lines.items() if key not in known}):
            self._send_year(year)

    def _change_customers(self) -> None:
        people = self.masters[CUSTOMERS]
        for key in self._some(self.customer_ids):
            if key in people and self.draw(st.booleans()):
                del people[key]
            else:
                people[key] = self._customer(key)
        self._send_master(CUSTOMERS)

    def _change_products(self) -> None:
        for key in self._some(self.product_ids):
            self.masters[PRODUCTS][key] = self._product(key)
        self._send_master(PRODUCTS)

    def _open_stores_and_promotions(self) -> None:
        for key in self.draw(st.sets(st.sampled_from(self.store_ids))):
            self.masters[STORES][key] = {"store_id": key, "store_name": "New", "city": "Quito"}
        for key in self.draw(st.sets(st.sampled_from(self.promotion_ids))):
            self.masters[PROMOTIONS][key] = {"promotion_id": key, "discount_percent": self._pick(("5", "many"))}
        for feed in self._pick(((STORES,), (PROMOTIONS,), (STORES, PROMOTIONS))):
            self._send_master(feed)

    def _send_again(self) -> None:
        file = self._pick(self.sent)
        force = self.draw(st.booleans())
        self._arrive(ReceivedFile(file.name, file.content, self.received_on, file.effective, force))

    def _send_master_of_another_day(self) -> None:
        masters = [(file, feed) for file in self.sent for feed in self.masters if file.name.startswith(feed)]
        file, feed = self._pick(masters)
        name = f"{feed}_{self._effective(feed).isoformat()}.{file.name.rpartition('.')[2]}"
        self._arrive(ReceivedFile(name, file.content, self.received_on))

    def _send_rubbish(self) -> None:
        name, content = self._pick(
            (
                ("sales_2024.csv", b""),
                ("sales_2024.csv", b"transaction_id,transaction_date\nT1,2024-01-01\n"),
                ("customers.csv", b"customer_id,city,City\nC1,Lima,Quito\n"),
                ("products.xlsx", b"product_id,product_type\nP1,device\n"),
                ("suppliers.csv", b"supplier_id\n1\n"),
            )
        )
        self._arrive(ReceivedFile(name, content, self.received_on))

    def _decide(self) -> None:
        self._judge(self._pick(self.oracle.held_files()))

    def _judge(self, name: str) -> None:
        verdict = Verdict(name, self.draw(st.booleans()))
        verdict.happen(self.oracle)
        self.events.append(verdict)

    # ---- what is said about it

    def _some(self, values: Sequence[T]) -> list[T]:
        if not values:
            return []
        places = self.draw(st.sets(st.integers(0, len(values) - 1), min_size=1, max_size=4))
        return [values[i] for i in sorted(places)]

    def _edit(self, key: tuple[str, str]) -> None:
        """Change a line of the past, or take it away."""
        row = dict(self.lines[key])
        change = self._pick(
            ("unit_price", "quantity", "customer_id", "transaction_date", "nothing", "type", "product_id", "line")
        )
        if change == "line":
            del self.lines[key]
            return
        if change == "unit_price":
            row[change] = self._pick(_PRICES)
        elif change == "quantity":
            row[change] = self._pick((*_QUANTITIES, "-1"))
        elif change == "customer_id":
            row[change] = self._pick(self.customer_ids)
        elif change == "product_id":
            row[change] = self._pick(self.product_ids)
        elif change == "type":
            row["transaction_type"] = self._pick(_TYPES)
        elif change == "transaction_date":
            day = _day_of(row)
            ends = day.replace(day=calendar.monthrange(day.year, day.month)[1])
            moved = self._pick((day.replace(day=1), ends, ends + timedelta(days=1), day - timedelta(days=1)))
            if moved.year == day.year and moved <= self.received_on:
                row[change] = moved.isoformat()
        self.lines[key] = row

    def _send_year(self, year: int) -> None:
        rows = [self.lines[key] for key in self._told() if _day_of(self.lines[key]).year == year]
        self._send_sales(f"sales_{year}{self._pick(('', '_v2'))}", rows)

    def _send_sales(self, stem: str, rows: list[Row]) -> None:
        texts = [[row.get(column, "") for column in self.columns] for row in rows]
        for dirt in self.draw(st.lists(st.sampled_from(_DIRT), max_size=3)):
            self._soil(texts, self.columns, dirt)
        dialect = suitable(self._dialect(), self.columns, texts)
        content = encode(self.columns, texts, dialect)
        self._arrive(ReceivedFile(f"{stem}.{dialect.extension}", content, self.received_on))

    def _send_master(self, feed: str) -> None:
        columns = list(COLUMNS[feed])
        texts = [[row.get(column, "") for column in columns] for row in self.masters[feed].values()]
        for dirt in self.draw(st.lists(st.sampled_from(_MASTER_DIRT), max_size=2)):
            self._soil(texts, columns, dirt)
        dialect = suitable(self._dialect(), columns, texts)
        day = self._effective(feed)
        in_name = self.draw(st.booleans())
        stem = f"{feed}_{day.isoformat()}" if in_name else feed
        given = None if in_name else self._pick((day, None))
        content = encode(columns, texts, dialect)
        self._arrive(ReceivedFile(f"{stem}.{dialect.extension}", content, self.received_on, given))

    def _effective(self, feed: str) -> date:
        used = self.used_dates.setdefault(feed, [])
        span = (self.last_day - self.first_day).days
        fresh = self.first_day + timedelta(days=self.draw(st.integers(-30, span + 30)))
        day = self._pick((fresh, *used))
        used.append(day)
        return day

    def _dialect(self) -> Dialect:
        return self._pick(DIALECTS) if self.draw(st.integers(0, 7)) == 7 else PLAIN

    def _soil(self, texts: list[list[str]], columns: Sequence[str], dirt: tuple[str, str]) -> None:
        """Put a bad copy of a row, or a second copy, somewhere into the file."""
        if not texts:
            return
        column, text = dirt
        row = list(self._pick(texts))
        row += [""] * (len(columns) - len(row))
        if column == "more":
            row.append(text)
        elif column == "fewer":
            row = row[:1]
        elif column == "empty":
            row = [""] * len(columns)
        elif column in columns:
            row[columns.index(column)] = text
            if column != columns[0] and self.draw(st.booleans()):
                row[0] = f"X{self.draw(st.integers(0, 3))}"  # a key of its own
        if column == "future":
            day = self.received_on + timedelta(days=self._pick((1, 30)))
            row[columns.index("transaction_date")] = day.isoformat()
        texts.insert(self.draw(st.integers(0, len(texts))), row)

    def _arrive(self, file: ReceivedFile) -> None:
        is_approved = self.draw(st.integers(0, 4)) != 4
        self.sent.append(file)
        self.events.append(Arrival(file, is_approved))
        result = self.oracle.load(file, approved=is_approved)
        if result.status == HELD and self.draw(st.booleans()):
            self._judge(file.name)


_DIRT = (
    ("copy", ""),
    ("unit_price", "10"),
    ("customer_id", "C39"),
    ("customer_id", "C7"),
    ("customer_id", "nobody"),
    ("customer_id", ""),
    ("product_id", "P4"),
    ("product_id", ""),
    ("store_id", "S3"),
    ("promotion_id", "winter"),
    ("transaction_id", ""),
    ("transaction_id", f"T{UNREADABLE[0]}"),
    ("transaction_id", f"zero{UNREADABLE[1]}byte"),
    ("line_no", ""),
    ("line_no", "2.0"),
    ("line_no", "1.5"),
    ("transaction_date", ""),
    ("transaction_date", "2023-02-30"),
    ("transaction_date", "31/12/2023"),
    ("transaction_date", "01.01.2024 13:45"),
    ("transaction_date", "1999-12-31"),
    ("future", ""),
    ("quantity", "0"),
    ("quantity", "-1"),
    ("quantity", "1e3"),
    ("quantity", "1000000000000"),
    ("unit_price", "-5"),
    ("unit_price", "999999999999"),
    ("unit_price", ""),
    ("unit_price", "+4.50"),
    ("discount_amount", "free"),
    ("discount_amount", EXCEL_ERROR),
    ("discount_amount", "5000"),
    ("transaction_type", "refund"),
    ("more", "surplus"),
    ("fewer", ""),
    ("empty", ""),
)
_MASTER_DIRT = (
    ("copy", ""),
    ("city", "Quito"),
    ("product_type", "device"),
    ("customer_id", ""),
    ("product_id", " "),
    ("registration_date", "soon"),
    ("opt_in_email", "perhaps"),
    ("opt_in_email", EXCEL_ERROR),
    ("full_name", f"Jos{UNREADABLE[0]}"),
    ("more", "surplus"),
    ("fewer", ""),
    ("empty", ""),
)


def _day_of(row: Row) -> date:
    return date.fromisoformat(row["transaction_date"])


def _months_before(day: date, months: int) -> date:
    """The first day of the month so many months before."""
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)
