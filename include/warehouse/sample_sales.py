"""Sale lines of the sample: what each customer buys in each month, and the dirt of real files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from include.warehouse.sample_csv import Column, decimals, numbered, texts, words, write_header, write_rows
from include.warehouse.sample_model import CONSUMABLE, WEEKDAY, Calendar, Catalogue, Population

COLUMNS = (
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
)

LINES_PER_TRANSACTION = (0.3, 0.28, 0.2, 0.13, 0.09)  # of 1, 2, … 5 lines
PIECES = (0.72, 0.17, 0.06, 0.03, 0.01, 0.01)  # of 1, 2, … 6 pieces
RETURNED_SHARE = 0.02
PROMOTION_PERCENT = (10, 15, 20, 25, 30)  # one offer a month, on one category of products
SALE_WORDS = ("sale", "", "Sale", "SALE")
RETURN_WORDS = ("return", "Return")

# Each entry is one fault: what stands in which columns instead of what belongs there; None leaves the cell out.
# The faults take turns, so a file with as many faulty lines as there are entries holds every one.
FAULTS: tuple[dict[str, bytes | None], ...] = (
    {"transaction_id": b""},
    {"customer_id": b""},
    {"product_id": b""},
    {"transaction_date": b""},
    {"transaction_date": b"2025-02-30"},
    {"transaction_date": b"yesterday"},
    {"transaction_date": b"1999-12-31"},
    {"transaction_date": b"2099-01-01"},
    {"quantity": b""},
    {"quantity": b'"1,5"'},
    {"unit_price": b"12.3.4"},
    {"unit_price": b"1e3"},
    {"discount_amount": b"n/a"},
    {"line_no": b""},
    {"quantity": b"0"},
    {"quantity": b"-2"},
    {"unit_price": b"-4.50"},
    {"discount_amount": b"999.99"},
    {"transaction_type": b"exchange"},
    {"customer_id": b"C-UNKNOWN"},
    {"product_id": b"P-UNKNOWN"},
    {"store_id": b"S-UNKNOWN"},
    {"promotion_id": b"PR-UNKNOWN"},
    {"transaction_type": b"sale,left over"},
    {"promotion_id": None, "transaction_type": None},
    {"product_id": b"P\x9d01"},  # a byte that is neither UTF-8 nor cp1252
    {"customer_id": b"", "product_id": b"", "quantity": b"none"},
    {"quantity": b"0", "transaction_type": b"gift", "store_id": b"S-UNKNOWN"},
    {"transaction_date": b"31/12/1999", "unit_price": b"-1", "product_id": b"P-UNKNOWN"},
)
# Besides, lines come twice under one key: once as they were, once with this quantity.
REPEATED_QUANTITIES = (None, b"24")
KINDS_OF_DIRT = len(FAULTS) + len(REPEATED_QUANTITIES)


@dataclass(frozen=True)
class Lines:
    """Lines of one month, one a row; `ticket` numbers the transactions, `quantity` in thousandths, money in cents."""

    ticket: np.ndarray
    line_no: np.ndarray
    day: np.ndarray
    customer: np.ndarray
    product: np.ndarray
    store: np.ndarray
    quantity: np.ndarray
    price: np.ndarray
    discount: np.ndarray
    has_promotion: np.ndarray
    is_return: np.ndarray

    def pick(self, rows: np.ndarray) -> "Lines":
        return Lines(**{name: values[rows] for name, values in vars(self).items()})


class SalesWriter:
    """Writes the yearly files of one retailer, a month at a time."""

    def __init__(
        self, seed: int, calendar: Calendar, products: Catalogue, people: Population, *, lines: float, dirt: float
    ):
        """`lines`: how many to write in all, about; `dirt`: the share of them that is faulty or comes twice."""
        self.seed = seed
        self.calendar = calendar
        self.products = products
        self.people = people
        self.dirt = dirt
        self.rate = people.rate * self._purchases_per_rate(lines)
        self.lines_written = 0
        self.dirt_written = 0

    def write_year(self, path: Path, months: list[int]) -> None:
        with path.open("wb") as out:
            write_header(out, COLUMNS)
            for month in months:
                rng = np.random.default_rng([self.seed, 100, month])
                lines = self._with_returns(rng, month, self._sales(rng, month))
                write_rows(out, self._with_dirt(rng, self._columns(rng, month, lines), ~lines.is_return))

    def _purchases_per_rate(self, lines: float) -> float:
        """The factor on everybody's rate that gives so many lines; first purchases of those who join come on top."""
        per_transaction = float(np.dot(np.arange(1, 6), LINES_PER_TRANSACTION)) * (1 + RETURNED_SHARE)
        weight, joining = 0.0, 0
        for month in range(self.calendar.months):
            active = self.people.active(month, self.calendar.last_days[month])
            weight += self.calendar.season(month) * float(self.people.rate[active].sum())
            joining += int(self.people.joins(self.calendar, month).sum())
        return max(lines / per_transaction - joining, 0.0) / max(weight, 1e-9)

    def _sales(self, rng: np.random.Generator, month: int) -> Lines:
        people, products = self.people, self.products
        active = people.active(month, self.calendar.last_days[month])
        purchases = rng.poisson(np.where(active, self.rate * self.calendar.season(month), 0.0))
        purchases += people.joins(self.calendar, month)

        buyer = np.repeat(np.arange(len(purchases), dtype=np.int32), purchases)
        day = np.maximum(self._shopping_days(rng, month, len(buyer)), people.joined[buyer])
        order = np.argsort(day, kind="stable")
        buyer, day = buyer[order], day[order]
        store = np.where(
            rng.random(len(buyer)) < 0.85,
            people.home_store[buyer],
            rng.integers(0, len(products.store_ids), len(buyer)),
        )

        per_ticket = 1 + draw(rng, LINES_PER_TRANSACTION, len(buyer))
        ticket = np.repeat(np.arange(len(buyer), dtype=np.int32), per_ticket)
        first_line = np.cumsum(per_ticket) - per_ticket
        customer = buyer[ticket]
        product = self._products_bought(rng, customer)
        quantity = np.where(
            products.by_weight[product],
            rng.integers(10, 400, len(product)) * 5,
            1000 * (1 + draw(rng, PIECES, len(product))),
        )
        price = products.price[product] * (100 + 3 * (month // 12)) // 100
        has_promotion, discount = self._discounts(rng, month, product, quantity * price)
        return Lines(
            ticket=ticket,
            line_no=np.arange(len(ticket)) - first_line[ticket],
            day=day[ticket],
            customer=customer,
            product=product,
            store=store[ticket],
            quantity=quantity,
            price=price,
            discount=discount,
            has_promotion=has_promotion,
            is_return=np.zeros(len(ticket), dtype=bool),
        )

    def _shopping_days(self, rng: np.random.Generator, month: int, size: int) -> np.ndarray:
        days = self.calendar.days(month)
        weights = np.array(WEEKDAY)[(days.astype(int) + 3) % 7]  # 1970-01-01 was a Thursday
        chosen: np.ndarray = days[draw(rng, weights / weights.sum(), size)]
        return chosen

    def _products_bought(self, rng: np.random.Generator, customer: np.ndarray) -> np.ndarray:
        """Half of the time the customer's favourite; else any, mostly consumables; no consumable for some."""
        size = len(customer)
        anything = self.products.draw(rng, size, (CONSUMABLE,))
        durable = self.products.draw(rng, size, (1, 2))
        choice = rng.random(size)
        product = np.where(choice < 0.5, self.people.favourite[customer], anything)
        return np.where((choice > 0.93) | ~self.people.buys_core[customer], durable, product)

    def _discounts(
        self, rng: np.random.Generator, month: int, product: np.ndarray, amount: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Whether a line is on the month's offer, and its discount in cents; `amount` in thousandths of cents."""
        percent, category = offer(month, len(set(self.products.category.tolist())))
        choice = rng.random(len(product))
        has_promotion = (self.products.category[product] == category) & (choice < 0.7)
        coupon = np.where(choice > 0.98, amount // 20_000, 0)  # 5 % without a promotion
        surcharge = np.where(choice < 0.003, -25, 0)
        return has_promotion, np.where(has_promotion, amount * percent // 100_000, coupon + surcharge)

    def _with_returns(self, rng: np.random.Generator, month: int, sales: Lines) -> Lines:
        """Some lines are brought back later in the month, each on a ticket of its own."""
        returned = np.sort(rng.choice(len(sales.day), round(RETURNED_SHARE * len(sales.day)), replace=False))
        goods = sales.pick(returned)
        tickets = int(sales.ticket[-1]) + 1 if len(sales.ticket) else 0
        signs = np.where(rng.random(len(returned)) < 0.7, -1, 1)  # tills write a return with either sign
        days_kept = rng.integers(1, 21, len(returned))
        returns = {
            **vars(goods),
            "ticket": tickets + np.arange(len(returned), dtype=np.int32),
            "line_no": np.zeros_like(goods.line_no),
            "day": np.minimum(goods.day + days_kept, self.calendar.last_days[month]),
            "quantity": goods.quantity * signs,
            "is_return": ~goods.is_return,
        }
        both = Lines(**{name: np.concatenate([values, returns[name]]) for name, values in vars(sales).items()})
        return both.pick(np.argsort(both.day, kind="stable"))

    def _columns(self, rng: np.random.Generator, month: int, lines: Lines) -> dict[str, Column]:
        first_day = self.calendar.first_days[month]
        size = len(lines.ticket)
        tickets = int(lines.ticket.max()) + 1 if size else 0
        year_month = str(first_day)[:7]
        without_store = rng.random(size) < 0.01
        store_ids = self.products.store_ids
        kind_of_sale = draw(rng, (0.88, 0.06, 0.04, 0.02), size)
        kind_of_return = len(SALE_WORDS) + draw(rng, (0.9, 0.1), size)
        return {
            "transaction_id": Column(numbered(f"T{year_month}-", np.arange(tickets), 7), lines.ticket.astype(np.int32)),
            "line_no": texts(lines.line_no, [str(number) for number in range(1, 6)]),
            "transaction_date": texts(
                (lines.day - first_day).astype(int), [str(day) for day in self.calendar.days(month)]
            ),
            "customer_id": Column(self.people.customer_ids, lines.customer.astype(np.int32)),
            "product_id": Column(self.products.product_ids, lines.product.astype(np.int32)),
            "store_id": texts(np.where(without_store, len(store_ids), lines.store), [*store_ids, ""]),
            "quantity": quantities(lines.quantity),
            "unit_price": decimals(lines.price, 2),
            "discount_amount": decimals(lines.discount, 2),
            "promotion_id": texts(lines.has_promotion, ["", promotion_id(year_month)]),
            "transaction_type": texts(
                np.where(lines.is_return, kind_of_return, kind_of_sale), [*SALE_WORDS, *RETURN_WORDS]
            ),
        }

    def _with_dirt(
        self, rng: np.random.Generator, columns: dict[str, Column], is_sale: np.ndarray
    ) -> dict[str, Column]:
        """Spoil some sales with each fault in turn, and repeat some clean ones at the end of the month."""
        sales = np.flatnonzero(is_sale)
        self.lines_written += len(is_sale)
        due = min(round(self.dirt * self.lines_written) - self.dirt_written, len(sales))
        rows = rng.choice(sales, due, replace=False)
        kinds = (self.dirt_written + np.arange(due)) % KINDS_OF_DIRT
        self.dirt_written += due

        repeated = rows[kinds >= len(FAULTS)]
        originals = len(is_sale)
        columns = {
            name: column.pick(np.concatenate([np.arange(originals), repeated])) for name, column in columns.items()
        }
        for kind, fault in enumerate(FAULTS):
            for name, word in fault.items():
                columns[name].put(rows[kinds == kind], word)
        for turn, quantity in enumerate(REPEATED_QUANTITIES):
            if quantity is not None:
                copies = np.flatnonzero(kinds[kinds >= len(FAULTS)] == len(FAULTS) + turn)
                columns["quantity"].put(originals + copies, quantity)
        return columns


def offer(month: int, categories: int) -> tuple[int, int]:
    """Percent and category of the offer of a month, by its position in the calendar."""
    return PROMOTION_PERCENT[month % len(PROMOTION_PERCENT)], month % categories


def promotion_id(year_month: str) -> str:
    return f"PR-{year_month}"


def draw(rng: np.random.Generator, shares: tuple[float, ...] | np.ndarray, size: int) -> np.ndarray:
    """Positions 0, 1, … drawn with the given shares, which sum to 1."""
    return np.searchsorted(np.cumsum(shares)[:-1], rng.random(size), side="right")


def quantities(thousandths: np.ndarray) -> Column:
    """Whole numbers without decimals, weights with three."""
    column = decimals(thousandths, 3)
    spelled = [word.as_py().decode().removesuffix(".000") for word in column.words]
    return Column(words(spelled), column.index)
