"""The invented retailer behind the sample files: its months, products, stores and customers.

It sells coffee, tea and chocolate. What is used up and bought again is a `consumable`; machines are a `device`, cups
and filters an `accessory`. Everything is drawn from one seed, so the same arguments give the same retailer.
Days are whole numbers, counted as numpy's datetime64[D] counts them.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from include.warehouse.sample_csv import numbered

NEVER = 10**6  # a month that does not come
PRODUCT_TYPES = ("consumable", "device", "accessory")
CONSUMABLE = 0

# category, product type, families, sizes, lowest and highest price in cents, sold by weight
ASSORTMENT = (
    (
        "Café en grano",
        0,
        ("Arábica", "Robusta", "Mezcla", "Descafeinado"),
        ("250 g", "500 g", "1 kg"),
        450,
        2400,
        False,
    ),
    ("Café molido", 0, ("Arábica", "Torrefacto", "Mezcla", "Descafeinado"), ("250 g", "500 g"), 320, 990, False),
    ("Café a granel", 0, ("Etiopía", "Colombia", "Perú", "Costa Rica"), ("por peso",), 1650, 3900, True),
    ("Cápsulas", 0, ("Intenso", "Suave", "Crème", "Bio"), ("10 uds.", "30 uds.", "60 uds."), 290, 2250, False),
    ("Té", 0, ("Earl Grey", "Sencha", "Rooibos", "Té rojo"), ("20 bolsitas", "100 g"), 240, 890, False),
    ("Té a granel", 0, ("Darjeeling", "Jazmín", "Moruno"), ("por peso",), 3200, 7900, True),
    ("Chocolate", 0, ("Negro 70 %", "Con leche", "Pâte à tartiner"), ("100 g", "300 g"), 190, 790, False),
    ("Galletas", 0, ("Mantequilla", "Avena", "Jengibre"), ("150 g", "300 g"), 150, 560, False),
    ("Bebida vegetal", 0, ("Avena", "Almendra", "Soja"), ("1 l", "6 × 1 l"), 160, 1150, False),
    ("Cafetera", 1, ("Espresso", "Goteo", "Italiana"), ("clásica", "plus", "pro"), 2900, 64900, False),
    ("Molinillo", 1, ("Manual", "Eléctrico"), ("clásico", "pro"), 2400, 28900, False),
    ("Taza", 2, ("Porcelana", "Vidrio", "Gres"), ("80 ml", "180 ml", "300 ml"), 450, 1900, False),
    ("Filtro", 2, ("Papel", "Tela"), ("n.º 2", "n.º 4"), 190, 1290, False),
    ("Limpieza", 2, ("Descalcificador", "Pastillas"), ("uso doméstico", "profesional"), 590, 2190, False),
)

STORE_CITIES = {
    "Madrid": "Centro", "Barcelona": "Este", "València": "Este", "Sevilla": "Sur", "Zaragoza": "Norte",
    "Málaga": "Sur", "Palma": "Este", "Bilbao": "Norte", "Alacant": "Este", "Córdoba": "Sur", "Valladolid": "Centro",
    "A Coruña": "Norte", "Vitoria-Gasteiz": "Norte", "Gijón": "Norte", "Logroño": "Norte", "Cádiz": "Sur",
    "Almería": "Sur", "León": "Centro", "Lisboa": "Portugal", "Coímbra": "Portugal", "Évora": "Portugal",
    "Perpiñán": "Francia", "Toulouse": "Francia", "Bayonne": "Francia",
}  # fmt: skip

SEASON = (0.95, 0.92, 1.0, 0.98, 0.97, 0.93, 0.88, 0.78, 0.98, 1.05, 1.2, 1.36)  # January … December
WEEKDAY = (0.9, 0.9, 0.95, 1.0, 1.25, 1.5, 0.5)  # Monday … Sunday


@dataclass(frozen=True)
class Calendar:
    """First and last day of each month in order, as datetime64[D]."""

    first_days: np.ndarray
    last_days: np.ndarray

    @classmethod
    def ending(cls, end: date, months: int) -> "Calendar":
        last_month = np.datetime64(end, "M")
        first_days = np.arange(last_month - (months - 1), last_month + 1).astype("datetime64[D]")
        after = (first_days.astype("datetime64[M]") + 1).astype("datetime64[D]")
        return cls(first_days, np.minimum(after - 1, np.datetime64(end, "D")))

    @property
    def months(self) -> int:
        return len(self.first_days)

    def years(self) -> list[tuple[int, list[int]]]:
        """Each calendar year with the positions of its months."""
        year_of = self.first_days.astype("datetime64[Y]").astype(int) + 1970
        return [(int(year), np.flatnonzero(year_of == year).tolist()) for year in np.unique(year_of)]

    def days(self, month: int) -> np.ndarray:
        return np.arange(self.first_days[month], self.last_days[month] + 1)

    def season(self, month: int) -> float:
        """Purchases of the month against an ordinary whole month; less where the month ends early."""
        calendar_month = self.first_days[month].astype("datetime64[M]").astype(int) % 12
        return SEASON[calendar_month] * min(1.0, len(self.days(month)) / 28)


@dataclass(frozen=True)
class Catalogue:
    """Products, one a row, and stores. `price` in cents per unit or kilogram; popularity is a weight."""

    product_ids: pa.Array
    names: list[str]
    categories: list[str]
    families: list[str]
    category: np.ndarray
    product_type: np.ndarray
    price: np.ndarray
    by_weight: np.ndarray
    popularity: np.ndarray
    store_ids: list[str]

    def draw(self, rng: np.random.Generator, size: int, product_types: tuple[int, ...]) -> np.ndarray:
        """`size` products of the given types, the popular ones more often."""
        weights = np.where(np.isin(self.product_type, product_types), self.popularity, 0.0)
        limits = np.cumsum(weights / weights.sum())
        drawn: np.ndarray = np.searchsorted(limits, rng.random(size), side="right").clip(max=len(limits) - 1)
        return drawn


def catalogue(seed: int) -> Catalogue:
    rng = np.random.default_rng([seed, 0])
    rows = [
        (f"{category} {family} {size}", category, family, number, kind, price // 5 * 5, weighed)
        for number, (category, kind, families, sizes, low, high, weighed) in enumerate(ASSORTMENT)
        for family in families
        for size, price in zip(sizes, np.sort(rng.integers(low, high, len(sizes))), strict=True)
    ]
    names, categories, families, category, kinds, prices, weighed = zip(*rows, strict=True)
    rarity = np.where(np.array(kinds) == PRODUCT_TYPES.index("device"), 5, 1)  # machines last for years
    popularity = rng.permutation(1 / np.arange(1, len(rows) + 1) ** 0.8) / rarity
    return Catalogue(
        product_ids=numbered("P", np.arange(1, len(rows) + 1), 4),
        names=list(names),
        categories=list(categories),
        families=list(families),
        category=np.array(category),
        product_type=np.array(kinds),
        price=np.array(prices, dtype=np.int64),
        by_weight=np.array(weighed),
        popularity=popularity,
        store_ids=[f"S{number:02d}" for number in range(1, len(STORE_CITIES) + 1)],
    )


@dataclass(frozen=True)
class Population:
    """Customers, one a row. `joined` is a day; `left`, `pause_from`, `pause_until` are positions of months.

    A customer buys from the day of joining until `left`, except from `pause_from` until `pause_until`, on average
    `rate` times in an ordinary month. `buys_core` and `buys` tell apart who never buys a consumable, or nothing.
    """

    customer_ids: pa.Array
    joined: np.ndarray
    left: np.ndarray
    pause_from: np.ndarray
    pause_until: np.ndarray
    rate: np.ndarray
    buys: np.ndarray
    buys_core: np.ndarray
    home_store: np.ndarray
    favourite: np.ndarray

    def active(self, month: int, last_day: np.datetime64) -> np.ndarray:
        pausing = (self.pause_from <= month) & (month < self.pause_until)
        active: np.ndarray = self.buys & (self.joined <= last_day) & (month < self.left) & ~pausing
        return active

    def joins(self, calendar: Calendar, month: int) -> np.ndarray:
        """Who makes a first purchase in the month because they have just joined."""
        in_month = (self.joined >= calendar.first_days[month]) & (self.joined <= calendar.last_days[month])
        joins: np.ndarray = self.buys & in_month
        return joins


def population(seed: int, customers: int, calendar: Calendar, products: Catalogue) -> Population:
    rng = np.random.default_rng([seed, 1])
    months = calendar.months
    first, last = calendar.first_days[0], calendar.last_days[-1]

    # The longer the period, the more of the customers joined within it; the others came in the eight years before.
    is_new = rng.random(customers) < months / (months + 28)
    days_before = rng.integers(1, 8 * 365, customers)
    days_into = rng.integers(0, int((last - first).astype(int)) + 1, customers)
    joined = first + np.where(is_new, days_into, -days_before)
    joined_month = np.searchsorted(calendar.first_days, joined, side="right") - 1

    is_loyal = rng.random(customers) < 0.45
    stay = rng.exponential(np.where(is_loyal, 120.0, 20.0))
    left = np.maximum(joined_month, 0) + 1 + stay.astype(np.int64)
    pauses = rng.random(customers) < 0.2
    pause_from = np.where(pauses, np.maximum(joined_month, 0) + 1 + rng.exponential(10.0, customers), NEVER)
    pause_from = pause_from.astype(np.int64)
    kind = rng.random(customers)
    return Population(
        customer_ids=numbered("C", np.arange(1, customers + 1), 7),
        joined=joined,
        left=left,
        pause_from=pause_from,
        pause_until=pause_from + rng.integers(4, 16, customers),
        rate=np.minimum(rng.lognormal(0.0, 0.8, customers) * np.where(is_loyal, 1.6, 0.7), 20.0),
        buys=kind > 0.04,
        buys_core=kind > 0.07,
        home_store=(rng.power(0.6, customers) * len(products.store_ids)).astype(np.int64),
        favourite=products.draw(rng, customers, (CONSUMABLE,)),
    )
