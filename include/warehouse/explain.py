"""Why a customer is where they are in a month: their row, the rules, the limits they reached, their last lines."""

from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from include.warehouse.errors import InputError
from include.warehouse.published import read_rule_set

METRICS = {
    "recency": ("recency_days", "r_score"),
    "frequency": ("frequency", "f_score"),
    "monetary": ("monetary", "m_score"),
}
# The least monetary of a class, by the band under which mart.cut_point keeps it.
ABC_BANDS = {"A": 2, "B": 1}
LAST_LINES = 10


def explain(connection: Connection, customer_id: str, month: date | None = None) -> dict[str, Any]:
    """Keys: customer (the snapshot row), month (its flags), rule_set, limits (one a metric), abc_limits, last_lines.

    The rule set has its tiers, best first, and its segments, in order.

    `month` is the report month unless given. Raises InputError where the customer is not in that month.
    """
    shown = _month(connection, month)
    customer = _rows(
        connection,
        "select * from mart.customer_snapshot where month = :month and customer_id = :customer_id",
        month=shown["month"],
        customer_id=customer_id,
    )
    if not customer:
        raise InputError(
            f"customer {customer_id} is not in {shown['month']:%Y-%m}; ids are case-sensitive,"
            " and a customer appears from registration or the first transaction on"
        )
    cuts = _cut_points(connection, shown["month"])
    return {
        # every amount is there in currency units
        "customer": {name: value for name, value in customer[0].items() if not name.endswith("_cents")},
        "month": shown,
        "rule_set": read_rule_set(connection, shown["rule_set"]),
        "limits": _limits(customer[0], cuts),
        "abc_limits": {name: cuts["abc", band] for name, band in ABC_BANDS.items() if ("abc", band) in cuts},
        "last_lines": _last_lines(connection, customer[0]),
    }


def _month(connection: Connection, month: date | None) -> dict[str, Any]:
    found = _rows(
        connection,
        "select * from mart.month where month = coalesce(:month, (select month from mart.month where is_report_month))",
        month=month,
    )
    if found:
        return found[0]
    if month is None:
        raise InputError("no month is published yet; run: python -m include.warehouse refresh")
    raise InputError(f"{month:%Y-%m} is not published; see: python -m include.warehouse status")


def _cut_points(connection: Connection, month: date) -> dict[tuple[str, int], Any]:
    """The limit of every metric and band."""
    found = _rows(connection, "select * from mart.cut_point where month = :month", month=month)
    return {(row["metric"], row["band"]): row["limit_value"] for row in found}


def _limits(customer: dict[str, Any], limits: dict[tuple[str, int], Any]) -> list[dict[str, Any]]:
    """For each scored metric the value, the band, the limit that the value reaches and the one of the next band.

    A value that came after the limits were made may be worse than all of them: it is in band 1 and reaches none.
    """
    explained = []
    for metric, (value, score) in METRICS.items():
        band = customer[score]
        if band is None:
            continue
        limit = limits.get((metric, band))
        if limit is not None and (customer[value] > limit if metric == "recency" else customer[value] < limit):
            limit = None
        better = sorted(other for name, other in limits if name == metric and other > band)
        explained.append(
            {
                "metric": metric,
                "value": customer[value],
                "band": band,
                "limit_reached": limit,
                "next_band": better[0] if better else None,
                "next_limit": limits[(metric, better[0])] if better else None,
            }
        )
    return explained


def _last_lines(connection: Connection, customer: dict[str, Any]) -> list[dict[str, Any]]:
    return _rows(
        connection,
        "select transaction_date, transaction_id, line_no, product_id, transaction_type, quantity, net_amount,"
        " file_name from mart.sale_line where customer_id = :customer_id and transaction_date <= :as_of_date"
        " order by transaction_date desc, transaction_id desc, line_no desc limit :lines",
        customer_id=customer["customer_id"],
        as_of_date=customer["as_of_date"],
        lines=LAST_LINES,
    )


def _rows(connection: Connection, statement: str, **parameters: object) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(text(statement), parameters).mappings()]
