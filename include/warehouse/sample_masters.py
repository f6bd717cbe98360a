"""Master files of the sample: customers three times, products twice, stores and promotions once.

Between two customers files people move, change their consent and their group, and some are closed: they are left out
of the later file. With dirt, a few rows lack their key, come twice or hold an optional value that cannot be read.
"""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from include.warehouse.sample_csv import Column, decimals, join, numbered, texts, words, write_header, write_rows
from include.warehouse.sample_model import PRODUCT_TYPES, STORE_CITIES, Calendar, Catalogue, Population
from include.warehouse.sample_sales import draw, offer, promotion_id

CUSTOMER_COLUMNS = (
    "customer_id",
    "full_name",
    "email",
    "phone",
    "city",
    "customer_group",
    "home_store_id",
    "registration_date",
    "opt_in_email",
    "opt_in_sms",
    "opt_in_phone",
    "responsible_email",
)
FIRST_NAMES = (
    "María", "José", "Ángel", "Begoña", "Íñigo", "Núria", "Àlex", "Joan", "Lucía", "Martín", "Sofía", "Óscar", "Inés",
    "Raúl", "Iván", "Zoë", "François", "Chloé", "Jürgen", "Käthe", "Łukasz", "Małgorzata", "Søren", "Åsa", "Jiří",
    "João", "Conceição", "Niamh", "Élodie", "Carmen", "Pablo", "Elena", "Hugo", "Marta", "Daniel",
)  # fmt: skip
SURNAMES = (
    "García", "Fernández", "López", "Martínez", "Sánchez", "Pérez", "Gómez", "Jiménez", "Muñoz", "Núñez", "Peña",
    "Ibáñez", "Domínguez", "Vázquez", "Castaño", "Güell", "Puig", "Etxeberria", "Müller", "Schäfer", "Dvořák",
    "Nowakówna", "Lefèvre", "D'Angelo", "O'Brien", "Sørensen", "Lindström", "Gonçalves", "Ortiz", "Ramos", "Vidal",
)  # fmt: skip
DOMAINS = ("correo.example", "mail.example", "cafés-peña.example", "example.com", "example.org")
CUSTOMER_GROUPS = ("Club", "Particular", "Hostelería", "Oficina", "")
GROUP_SHARES = (0.34, 0.44, 0.1, 0.08, 0.04)
YES_WORDS = ("1", "true", "yes", "Y", "si", "TRUE")
NO_WORDS = ("0", "false", "no", "N", "f")
CLOSED_SHARE = 0.02  # of the customers in one file, at most, that are left out of the next
CUSTOMERS_AT_A_TIME = 100_000


class CustomersWriter:
    """Writes one state of the customers after the other, each with what changed since."""

    def __init__(self, seed: int, people: Population, store_ids: list[str], dirt: float):
        self.people = people
        self.store_ids = store_ids
        self.dirt = dirt
        self.rng = np.random.default_rng([seed, 2])
        size = len(people.joined)
        cities = len(STORE_CITIES)  # one number more stands for an unknown city
        self.name = self.rng.integers(0, len(FIRST_NAMES) * len(SURNAMES) ** 2, size)
        self.city = np.where(self.rng.random(size) < 0.85, people.home_store, self.rng.integers(0, cities + 1, size))
        self.group = draw(self.rng, GROUP_SHARES, size)
        self.home_store = people.home_store.copy()
        self.opt_ins = [self._consent(share, size) for share in (0.62, 0.35, 0.14)]
        self.present = self.closed = np.zeros(size, dtype=bool)
        self.extras = self.rng.random(size)  # decides which optional fields are empty, and who is looked after

    def change(self, month: int) -> None:
        """What happens until the next file: about 5 % change; of those who stopped buying before `month` some close."""
        size = len(self.closed)
        moves = np.flatnonzero(self.rng.random(size) < 0.02)
        self.city[moves] = self.home_store[moves] = self.rng.integers(0, len(STORE_CITIES), len(moves))
        regroups = np.flatnonzero(self.rng.random(size) < 0.01)
        self.group[regroups] = draw(self.rng, GROUP_SHARES, len(regroups))
        for opt_in in self.opt_ins:
            turns = np.flatnonzero(self.rng.random(size) < 0.01)
            opt_in[turns] = self._consent(0.3, len(turns))
        gone = self.rng.permutation(np.flatnonzero(self.present & (self.people.left <= month)))
        self.closed[gone[: int(CLOSED_SHARE * self.present.sum())]] = True

    def write(self, path: Path, day: np.datetime64, *, byte_order_mark: bool) -> None:
        """The customers who joined until `day` and are not closed."""
        self.present = (self.people.joined <= day) & ~self.closed
        present = np.flatnonzero(self.present)
        with path.open("wb") as out:
            if byte_order_mark:
                out.write(b"\xef\xbb\xbf")
            write_header(out, CUSTOMER_COLUMNS)
            for start in range(0, len(present), CUSTOMERS_AT_A_TIME):
                write_rows(out, self._columns(present[start : start + CUSTOMERS_AT_A_TIME]))
            if self.dirt > 0 and len(present):
                write_rows(out, self._dirty_columns(present[:5]))

    def _consent(self, share: float, size: int) -> np.ndarray:
        """Word numbers: yes with the given share, in 5 % unknown, else no."""
        yes = self.rng.integers(0, len(YES_WORDS), size)
        no = len(YES_WORDS) + self.rng.integers(0, len(NO_WORDS), size)
        unknown = len(YES_WORDS) + len(NO_WORDS)
        choice = self.rng.random(size)
        return np.where(choice < 0.05, unknown, np.where(choice < 0.05 + 0.95 * share, yes, no))

    def _columns(self, rows: np.ndarray) -> dict[str, Column]:
        extras = self.extras[rows]
        first, last, second_last = np.unravel_index(self.name[rows], (len(FIRST_NAMES), len(SURNAMES), len(SURNAMES)))
        registered = self.people.joined[rows]
        first_day = registered.min()
        days = [str(day) for day in np.arange(first_day, registered.max() + 1)]
        sellers = [f"ventas.{store.lower()}@empresa.example" for store in self.store_ids]
        consent_words = [*YES_WORDS, *NO_WORDS, ""]
        return {
            "customer_id": Column(self.people.customer_ids, rows.astype(np.int32)),
            "full_name": each(full_names(first, last, second_last, reverse=extras < 0.01)),
            "email": emails(rows, first, last, missing=(extras > 0.3) & (extras < 0.4)),
            "phone": phones(rows, missing=(extras > 0.5) & (extras < 0.58)),
            "city": with_newlines(texts(self.city[rows], [*STORE_CITIES, ""]), rows),
            "customer_group": texts(self.group[rows], CUSTOMER_GROUPS),
            "home_store_id": texts(self.home_store[rows], self.store_ids),
            "registration_date": texts(
                np.where(extras > 0.97, len(days), (registered - first_day).astype(int)), [*days, ""]
            ),
            **{
                name: texts(opt_in[rows], consent_words)
                for name, opt_in in zip(CUSTOMER_COLUMNS[8:11], self.opt_ins, strict=True)
            },
            "responsible_email": texts(np.where(extras > 0.8, self.home_store[rows], len(sellers)), [*sellers, ""]),
        }

    def _dirty_columns(self, rows: np.ndarray) -> dict[str, Column]:
        """The given customers once more, in turn: key missing twice, as before, with unreadable optional values."""
        columns = self._columns(rows)
        columns["customer_id"].put(np.arange(len(rows))[:2], b"")
        columns["registration_date"].put(np.arange(len(rows))[3:], b"soon")
        columns["opt_in_email"].put(np.arange(len(rows))[3:], b"maybe")
        return columns


def full_names(first: np.ndarray, last: np.ndarray, second_last: np.ndarray, *, reverse: np.ndarray) -> pa.Array:
    """First name and two surnames; where `reverse`, "Surname, First name" in quotes."""
    given = words(FIRST_NAMES).take(pa.array(first))
    family = words(SURNAMES).take(pa.array(last))
    straight = join(given, family, words(SURNAMES).take(pa.array(second_last)), between=b" ")
    quoted = join(b'"', family, b", ", given, b'"')
    return pa.compute.if_else(pa.array(reverse), quoted, straight)


def emails(rows: np.ndarray, first: np.ndarray, last: np.ndarray, *, missing: np.ndarray) -> Column:
    """first.last and the customer's number at one of the domains, without accents; empty where missing."""
    addresses = join(
        words(slug(name) for name in FIRST_NAMES).take(pa.array(first)),
        b".",
        words(slug(name) for name in SURNAMES).take(pa.array(last)),
        numbered("", rows + 1, 1),
        b"@",
        words(DOMAINS).take(pa.array(rows % len(DOMAINS))),
    )
    column = each(addresses)
    column.put(np.flatnonzero(missing), b"")
    return column


def phones(rows: np.ndarray, *, missing: np.ndarray) -> Column:
    column = each(numbered("+34 6", (rows.astype(np.int64) + 1) * 7_919_069 % 100_000_000, 8))
    column.put(np.flatnonzero(missing), b"")
    return column


def with_newlines(cities: Column, rows: np.ndarray) -> Column:
    """One customer in 500 gives the city on two lines."""
    cities.put(np.flatnonzero(rows % 500 == 7), b'"Palma\n(Illes Balears)"')
    return cities


def each(distinct: pa.Array) -> Column:
    """A column in which every row has a word of its own."""
    return Column(distinct, np.arange(len(distinct), dtype=np.int32))


def slug(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.translate(str.maketrans("Łłø", "Llo")))
    return re.sub("[^a-z]", "", letters.lower())


def write_products(path: Path, products: Catalogue, *, changed: bool, dirt: float) -> None:
    """All products; `changed` gives the later state, in which four are of another type and costs rose by 4 %."""
    kinds = products.product_type.copy()
    if changed:
        consumables, accessories = (np.flatnonzero(kinds == kind)[-2:] for kind in (0, 2))
        kinds[consumables], kinds[accessories] = 2, 0
    costs = products.price * (58 if not changed else 60) // 100
    number = np.arange(len(kinds))
    columns = {
        "product_id": Column(products.product_ids, number.astype(np.int32)),
        "product_name": texts(number, products.names),
        "category": texts(number, products.categories),
        "family": texts(number, products.families),
        "product_type": texts(kinds, PRODUCT_TYPES),
        "unit_cost": decimals(costs, 2),
    }
    write_master(path, columns, dirt)


def write_stores(path: Path, products: Catalogue, dirt: float) -> None:
    number = np.arange(len(products.store_ids))
    columns = {
        "store_id": texts(number, products.store_ids),
        "store_name": texts(number, [f"Tienda {city}" for city in STORE_CITIES]),
        "city": texts(number, list(STORE_CITIES)),
        "region": texts(number, list(STORE_CITIES.values())),
    }
    write_master(path, columns, dirt)


def write_promotions(path: Path, calendar: Calendar, products: Catalogue, dirt: float) -> None:
    """One offer a month, on one category of products."""
    number = np.arange(calendar.months)
    category_names = list(dict.fromkeys(products.categories))
    offers = [offer(month, len(category_names)) for month in number.tolist()]
    columns = {
        "promotion_id": texts(number, [promotion_id(str(day)[:7]) for day in calendar.first_days]),
        "promotion_name": texts(number, [f"{category_names[category]} del mes" for _, category in offers]),
        "promotion_type": texts(np.zeros_like(number), ["percent"]),
        "discount_percent": texts(number, [str(percent) for percent, _ in offers]),
        "valid_from": texts(number, [str(day) for day in calendar.first_days]),
        "valid_to": texts(number, [str(day) for day in calendar.last_days]),
    }
    write_master(path, columns, dirt)


def write_master(path: Path, columns: dict[str, Column], dirt: float) -> None:
    """A small master file; with dirt its first row comes once more at the end, without its key."""
    with path.open("wb") as out:
        write_header(out, columns)
        write_rows(out, columns)
        if dirt > 0:
            keyless = {name: column.pick(np.array([0])) for name, column in columns.items()}
            keyless[next(iter(columns))].put(np.array([0]), b"")
            write_rows(out, keyless)


def customer_file_days(calendar: Calendar) -> Sequence[tuple[np.datetime64, int]]:
    """Day and month position of each customers file: the first day, six months before the end, the end."""
    months = sorted({0, max(0, calendar.months - 6)})
    return [(calendar.first_days[month], month) for month in months] + [(calendar.last_days[-1], calendar.months - 1)]
