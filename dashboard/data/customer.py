"""One customer: months, purchases, products, consent, and why they are where they are."""

from datetime import date
from typing import Any

import pandas

from dashboard.data.frames import frame
from dashboard.data.own_customers import looked_up
from dashboard.data.warehouse import asking_for, connect, rows
from include.warehouse.customer_filter import search_clause
from include.warehouse.explain import explain

MOST_FOUND = 20


def find(text: str) -> list[dict[str, Any]]:
    """Up to MOST_FOUND customers whom a search for the text finds, an equal id first: customer_id, full_name.

    Names are there for whoever may read contact data.
    """
    parameters: dict[str, Any] = {"text": text, "most": MOST_FOUND}
    found = f"""
        select found.customer_id, customer.full_name
        from (
            select customer_id
            from mart.customer_search
            where {search_clause(text, "", parameters)} and {looked_up("customer_search")}
            order by customer_id <> %(text)s, length(customer_id), customer_id
            limit %(most)s
        ) as found
        join mart.customers as customer on customer.customer_id = found.customer_id
        order by found.customer_id <> %(text)s, length(found.customer_id), found.customer_id
        """
    with connect() as connection:
        return [dict(row) for row in connection.exec_driver_sql(found, parameters).mappings()]


def master(customer_id: str) -> dict[str, Any] | None:
    """What the current master says of a customer, e-mail and phone left out; None for an unknown id."""
    with asking_for(customer_id):
        found = rows(
            """
            select
                customer_id,
                full_name,
                customer_group,
                city,
                home_store_id,
                registration_date,
                opt_in_email,
                opt_in_sms,
                opt_in_phone,
                is_in_master
            from mart.customers
            where customer_id = :customer_id
            """,
            customer_id=customer_id,
        )
    return found[0] if found else None


def history(customer_id: str) -> pandas.DataFrame:
    """The customer's row of every published month, oldest first."""
    with asking_for(customer_id):
        return frame(
            """
            select
                month,
                activity_status,
                value_tier,
                segment,
                lifecycle_event,
                rfmt_score,
                recency_days,
                frequency,
                monetary,
                month_amount,
                month_orders,
                opt_in_email,
                opt_in_sms,
                opt_in_phone,
                is_in_master
            from mart.customer_snapshot
            where customer_id = :customer_id
            order by month
            """,
            customer_id=customer_id,
        )


def reasons(customer_id: str, month: date) -> dict[str, Any]:
    """Row, rule set, limits and last lines of a customer in a month; see include.warehouse.explain."""
    with asking_for(customer_id), connect() as connection:
        return explain(connection, customer_id, month)


def purchases(customer_id: str, most: int) -> pandas.DataFrame:
    """The newest receipts, up to `most` lines: day, receipt, product, store, quantity, amount."""
    with asking_for(customer_id):
        return frame(
            """
            select
                line.transaction_date,
                line.transaction_id,
                coalesce(product.product_name, line.product_id) as product,
                coalesce(store.store_name, line.store_id) as store,
                line.transaction_type,
                line.quantity,
                line.net_amount
            from mart.sale_line as line
            left join mart.products as product on product.product_id = line.product_id
            left join mart.stores as store on store.store_id = line.store_id
            where line.customer_id = :customer_id
            order by line.transaction_date desc, line.transaction_id desc, line.line_no
            limit :most
            """,
            customer_id=customer_id,
            most=most,
        )


def products(customer_id: str, most: int) -> pandas.DataFrame:
    """Up to `most` products by net amount: product, category, receipts, quantity, amount, last_date."""
    with asking_for(customer_id):
        return frame(
            """
            select
                coalesce(product.product_name, line.product_id) as product,
                product.category,
                count(distinct line.transaction_id) as receipts,
                sum(line.quantity) filter (where line.transaction_type = 'sale') as quantity,
                sum(line.net_amount) as amount,
                max(line.transaction_date) as last_date
            from mart.sale_line as line
            left join mart.products as product on product.product_id = line.product_id
            where line.customer_id = :customer_id
            group by line.product_id, product.product_name, product.category
            order by amount desc, product
            limit :most
            """,
            customer_id=customer_id,
            most=most,
        )
