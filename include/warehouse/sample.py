"""Sample feed files of an invented retailer, the same for the same arguments, byte for byte.

Yearly sales files, three states of the customers (the early days, six months before the end, the end), two of the
products, and the stores and promotions, under the names and headers of docs/source_files_specification.md. The
retailer itself is in `sample_model`, what people buy in `sample_sales`, the master files in `sample_masters`.
"""

from datetime import date
from pathlib import Path

from include.warehouse.errors import InputError
from include.warehouse.sample_masters import (
    CustomersWriter,
    customer_file_days,
    write_products,
    write_promotions,
    write_stores,
)
from include.warehouse.sample_model import Calendar, catalogue, population
from include.warehouse.sample_sales import SalesWriter

LAST_DAY = date(2025, 12, 31)
LINES_PER_CUSTOMER_MONTH = 600_000 / 20_000 / 36


def write_sample(
    out: Path,
    *,
    customers: int = 20_000,
    months: int = 36,
    seed: int = 1,
    lines_per_customer_month: float | None = None,
    dirt: float = 0.03,
    end: date = LAST_DAY,
) -> list[Path]:
    """Write the feed files into the folder `out` and return them, masters first.

    `months` months up to `end` are covered, one sales file a calendar year. `lines_per_customer_month` sets how many
    sale lines there are, on average (default: 600,000 for 20,000 customers and 36 months). `dirt` is the share of them
    that is faulty or comes twice; 0 writes none, in the masters neither. Raises InputError for arguments out of range.
    """
    if lines_per_customer_month is None:
        lines_per_customer_month = LINES_PER_CUSTOMER_MONTH
    check("customers", customers, 1, 10_000_000)
    check("months", months, 1, 240)
    check("seed", seed, 0, 2**63)
    check("lines_per_customer_month", lines_per_customer_month, 0, 100)
    check("dirt", dirt, 0, 0.5)

    calendar = Calendar.ending(end, months)
    products = catalogue(seed)
    people = population(seed, customers, calendar, products)
    out.mkdir(parents=True, exist_ok=True)
    first_day = calendar.first_days[0]
    written = []

    def file(name: str) -> Path:
        written.append(out / name)
        return written[-1]

    write_stores(file(f"stores_{first_day}.csv"), products, dirt)
    write_promotions(file(f"promotions_{first_day}.csv"), calendar, products, dirt)
    customers_writer = CustomersWriter(seed, people, products.store_ids, dirt)
    for number, (day, month) in enumerate(customer_file_days(calendar)):
        if number > 0:
            customers_writer.change(month)
        customers_writer.write(file(f"customers_{day}.csv"), day, byte_order_mark=number == 0)
        if month < calendar.months - 1 or number == 0:
            write_products(file(f"products_{day}.csv"), products, changed=number > 0, dirt=dirt)

    lines = customers * months * lines_per_customer_month
    sales_writer = SalesWriter(seed, calendar, products, people, lines=lines, dirt=dirt)
    for year, positions in calendar.years():
        sales_writer.write_year(file(f"sales_{year}.csv"), positions)
    return written


def check(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise InputError(f"sample: {name} is {value}, it must be from {least} to {most}")
