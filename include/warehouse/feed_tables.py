"""What the warehouse has tables and procedures for: the feeds, and how the rows of each are kept.

A feed more has its entry here beside its tables, its procedures and its contract.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class FeedTable:
    """How a feed's rows are kept: what its contract must say.

    `types` are those of all columns, `meanings` what the words of a column can mean, `needed` the columns beside the
    key without which no row could be used.
    """

    load_mode: str
    natural_key: list[str]
    types: dict[str, str]
    meanings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    needed: tuple[str, ...] = ()


FEED_TABLES = {
    "sales": FeedTable(
        load_mode="replace_period",
        natural_key=["transaction_id", "line_no"],
        types={
            "transaction_id": "text",
            "line_no": "integer",
            "transaction_date": "date",
            "customer_id": "text",
            "product_id": "text",
            "store_id": "text",
            "quantity": "number",
            "unit_price": "number",
            "discount_amount": "number",
            "promotion_id": "text",
            "transaction_type": "word",
        },
        meanings={"transaction_type": ("sale", "return")},
        needed=("transaction_date", "customer_id", "product_id", "quantity", "unit_price"),
    ),
    "customers": FeedTable(
        load_mode="snapshot",
        natural_key=["customer_id"],
        types={
            "customer_id": "text",
            "full_name": "text",
            "email": "text",
            "phone": "text",
            "city": "text",
            "customer_group": "text",
            "home_store_id": "text",
            "registration_date": "date",
            "opt_in_email": "boolean",
            "opt_in_sms": "boolean",
            "opt_in_phone": "boolean",
            "responsible_email": "text",
        },
    ),
    "products": FeedTable(
        load_mode="snapshot",
        natural_key=["product_id"],
        types={
            "product_id": "text",
            "product_name": "text",
            "category": "text",
            "family": "text",
            "product_type": "text",
            "unit_cost": "number",
        },
        needed=("product_type",),
    ),
    "stores": FeedTable(
        load_mode="snapshot",
        natural_key=["store_id"],
        types={"store_id": "text", "store_name": "text", "city": "text", "region": "text"},
    ),
    "promotions": FeedTable(
        load_mode="snapshot",
        natural_key=["promotion_id"],
        types={
            "promotion_id": "text",
            "promotion_name": "text",
            "promotion_type": "text",
            "discount_percent": "number",
            "valid_from": "date",
            "valid_to": "date",
        },
    ),
}
