"""How long the queries behind the dashboard's pages take: first paint, each filter change, each page turn.

Run on a warehouse with published months: WAREHOUSE_HOME=FOLDER python -m tests.benchmarks.dashboard_queries [EMAIL]
By EMAIL, a user of the dashboard such as a seller; without, by somebody who sees all customers.
"""

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from dashboard.data import audience as audiences
from dashboard.data import cohorts, customer, customers, health, months, movements, overview, rules, saved, scores
from dashboard.data import warehouse as data_layer
from dashboard.data.audience import Audience, Condition, Group, Half, SavedAudience
from dashboard.data.customers import Arrangement
from dashboard.data.months import Month
from include.warehouse.customer_filter import CustomerFilter
from include.warehouse.database import engine
from include.warehouse.settings import Settings, load_settings
from include.warehouse.users import FIRST_ADMIN, User, find_user

REPEATS = 20
READER = User(FIRST_ADMIN, "Benchmark", "marketing")
PAGE_ROWS = 50
HELD_OUT = Decimal(10)

Query = tuple[str, str, Callable[[], object]]


def measure(settings: Settings, repeats: int = REPEATS, email: str | None = None) -> list[dict[str, Any]]:
    """One row a query: page, query (what asks for it), kind (paint, filter or turn), seconds of every repetition.

    Asked for the user `email`; without, for somebody who sees all customers.
    The first repetition, which finds nothing in memory, counts like the others. `settings` must be those of the
    environment (WAREHOUSE_HOME), which the dashboard's pool reads.
    """
    found = []
    with data_layer.acting_as(_user(settings, email) if email else READER):
        for page, query, ask in _queries():
            kind = query.split(":")[0]
            seconds = []
            for _ in range(repeats):
                started = time.perf_counter()
                ask()
                seconds.append(time.perf_counter() - started)
            found.append(
                {"page": page, "query": query, "kind": kind, "seconds": seconds, "p95_ms": p95(seconds) * 1000}
            )
    return found


def _user(settings: Settings, email: str) -> User:
    with engine(settings).connect() as connection:
        found = find_user(connection, email)
    if found is None:
        raise SystemExit(f"{email} is no active user; add one: python -m include.warehouse user add --help")
    return found


def p95(seconds: list[float]) -> float:
    """The 95th percentile, nearest rank above."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, -(-95 * len(ordered) // 100) - 1)]


def _queries() -> list[Query]:
    published = months.months()
    month = published[0]
    shown, before = month.month, month.months_before(1)
    return [
        *_every_page(month),
        *_overview(month, before),
        *_customers(month),
        *_movements(month, published[-1].month, before),
        ("cohorts", "paint: cohorts", lambda: cohorts.cohorts(shown)),
        ("rfmt", "paint: R x F grid", lambda: scores.grid(shown)),
        ("rfmt", "paint: bands", lambda: scores.bands(shown)),
        ("rfmt", "paint: ABC limits", lambda: scores.abc_limits(shown)),
        *(
            ("rfmt", f"paint: distribution of {metric}", lambda metric=metric: scores.distribution(shown, metric))
            for metric in scores.METRICS
        ),
        *_customer(month),
        ("data health", "paint: files", health.files),
        ("data health", "paint: runs", lambda: health.runs(20)),
        ("data health", "filter: rejects", health.rejects),
        ("data health", "filter: checks", lambda: health.checks(health.newest_audited_run() or 0)),
        ("data health", "filter: conservation", lambda: health.conservation(health.newest_audited_run() or 0)),
        ("data health", "filter: chain", lambda: health.chain(health.newest_audited_run() or 0)),
        ("data health", "filter: idle looks", health.idle_looks),
        ("data health", "filter: steps", lambda: health.steps(health.newest_audited_run() or 0)),
        ("definitions", "paint: rule set", lambda: rules.rule_set(month.rule_set)),
        ("definitions", "paint: columns", rules.columns),
        ("definitions", "paint: views", rules.views),
    ]


def _every_page(month: Month) -> list[Query]:
    return [
        ("every page", "paint: publication", months.publication),
        ("every page", "paint: months", months.months),
        ("every page", "paint: tiers", lambda: rules.tiers(month.rule_set)),
    ]


def _overview(month: Month, before: Any) -> list[Query]:
    year_before = month.months_before(12)
    return [
        ("overview", "paint: 13 months", lambda: overview.history(month.month)),
        ("overview", "paint: month", lambda: overview.whole_month(month.month)),
        ("overview", "paint: month before", lambda: overview.comparison(month, before)),
        ("overview", "paint: year before", lambda: overview.comparison(month, year_before)),
        ("overview", "paint: revenue", lambda: overview.revenue(month.month)),
        ("overview", "paint: revenue of the month before", lambda: overview.comparable_revenue(month, before)),
        ("overview", "paint: tier by status", lambda: overview.tier_by_status(month.month)),
    ]


def _movements(month: Month, first: Any, before: Any) -> list[Query]:
    found: list[Query] = []
    for dimension in movements.DIMENSIONS:
        kind = "paint" if dimension == "value_tier" else "filter"
        found.append(
            (
                "movements",
                f"{kind}: {dimension} since the month before",
                lambda dimension=dimension: movements.movements(before, month.month, dimension),
            )
        )
    found.append(
        (
            "movements",
            "filter: tiers since the first month",
            lambda: movements.movements(first, month.month, "value_tier"),
        )
    )
    half_a_year_ago = month.months_before(6)
    found.append(
        (
            "movements",
            "filter: segments since half a year",
            lambda: movements.movements(half_a_year_ago, month.month, "segment"),
        )
    )
    return found


def _customers(month: Month) -> list[Query]:
    asked_for = _audiences(month)
    everybody, filtered = asked_for["everybody"], asked_for["status and opt-in"]
    usual = Arrangement()
    by_recency = Arrangement(sort="recency_days", is_descending=False)
    known = customers.counts(month.month, everybody).customers
    last_page = -(-known // PAGE_ROWS)
    found: list[Query] = []
    for name, asked in asked_for.items():
        kind = "paint" if asked is everybody else "filter"
        found.append(("customers", f"{kind}: counts, {name}", lambda asked=asked: customers.counts(month.month, asked)))
        found.append(
            (
                "customers",
                f"{kind}: first rows, {name}",
                lambda asked=asked: customers.page(month.month, asked, usual, 1, PAGE_ROWS),
            )
        )
        if asked.groups:
            # beside each group stands how many it holds, also of one that takes them away
            groups = tuple(replace(group, is_excluded=False) for group in asked.groups)
            found.append(
                (
                    "customers",
                    f"filter: count of the group, {name}",
                    lambda groups=groups: customers.group_counts(month.month, groups),
                )
            )
    found += [
        ("customers", f"paint: values of {name}", lambda name=name: customers.values(month.month, name))
        for name in customers.ATTRIBUTES
    ]
    found += [
        (
            "customers",
            f"turn: {title}",
            lambda number=number: customers.page(month.month, everybody, usual, number, PAGE_ROWS, listed=known),
        )
        for title, number in (
            ("page 2", 2),
            ("page 100", 100),
            ("page 1,000", 1_000),
            ("middle page", last_page // 2),
            ("last page", last_page),
        )
    ]
    found += [
        ("customers", "turn: other order", lambda: customers.page(month.month, everybody, by_recency, 1, PAGE_ROWS)),
        ("customers", "filter: breakdown by city", lambda: customers.by_attribute(month.month, filtered, "city")),
    ]
    found += [
        (
            "customers",
            f"filter: comparison with {name}",
            lambda other=asked_for[name]: saved.compare(month.month, filtered, other),
        )
        for name in ("win back", "moved since half a year", "in an audience in an audience")
    ]
    return found


def _audiences(month: Month) -> dict[str, Audience]:
    """What people ask for, by name; audiences within audiences as if they were saved."""
    shown = CustomerFilter(month=month.month)
    away = Condition("activity_status", "is", ("lapsed", "lost"))
    once_good = Condition("last_scored_tier", "is", ("platinum", "gold"))
    win_back = Audience(shown, (Group((away, once_good)),))
    moved = audiences.from_text(movements.link(month.months_before(6), "value_tier", "gold", "silver"))[0]
    was_gold = Condition("value_tier", "is", ("gold",), month.months_before(6))
    inner = SavedAudience(1, "win back", FIRST_ADMIN, win_back, HELD_OUT)
    outer_groups = (Group((_in_audience(inner, "in"), Condition("opt_in_email", "is_yes")), is_any=True),)
    outer = SavedAudience(2, "nested", FIRST_ADMIN, Audience(shown, outer_groups), HELD_OUT)
    return {
        "everybody": Audience(shown),
        "status and opt-in": Audience(replace(shown, status=("active", "at_risk"), opt_in=("email",))),
        "win back": win_back,
        "moved since half a year": Audience(shown, moved),
        "not gold half a year ago": Audience(shown, (Group((was_gold,), is_excluded=True),)),
        "for a campaign by e-mail": Audience(shown, channel="email"),
        "search": Audience(replace(shown, search="0042")),
        "search for one letter": Audience(replace(shown, search="m")),
        "in an audience": Audience(shown, (Group((_in_audience(inner, "in"),)),)),
        "in an audience in an audience": Audience(shown, (Group((_in_audience(outer, "in"),)),)),
        "not in an audience": Audience(shown, (Group((_in_audience(outer, "in"),), is_excluded=True),)),
        "held out of an audience": Audience(shown, (Group((_in_audience(inner, "held_out"),)),)),
        "for a campaign, without the held out": Audience(
            shown, win_back.groups, channel="email", half=Half(1, HELD_OUT, is_holdout=False)
        ),
    }


def _in_audience(saved_one: SavedAudience, operator: str) -> Condition:
    return Condition(audiences.AUDIENCE, operator, (str(saved_one.audience_id),), saved=saved_one)


def _customer(month: Month) -> list[Query]:
    best = data_layer.row(
        "select customer_id from mart.customer_snapshot where month = :month order by monetary desc limit 1",
        month=month.month,
    )
    customer_id = best["customer_id"]
    return [
        ("customer", "filter: find by a part of the id", lambda: customer.find(customer_id[:-2])),
        ("customer", "paint: master", lambda: customer.master(customer_id)),
        ("customer", "paint: history", lambda: customer.history(customer_id)),
        ("customer", "paint: reasons", lambda: customer.reasons(customer_id, month.month)),
        ("customer", "paint: purchases", lambda: customer.purchases(customer_id, 200)),
        ("customer", "paint: products", lambda: customer.products(customer_id, 12)),
    ]


def main() -> None:
    """Prints one line a query, the slowest first, then what nineteen of twenty asks of each kind take at most."""
    found = measure(load_settings(), email=next(iter(sys.argv[1:]), None))
    print(f"{'page':<12} {'query':<58} {'median ms':>10} {'p95 ms':>10}")
    for row in sorted(found, key=lambda row: -float(row["p95_ms"])):
        median = 1000 * statistics.median(row["seconds"])
        print(f"{row['page']:<12} {row['query']:<58} {median:>10,.1f} {row['p95_ms']:>10,.1f}")
    for kind in ("paint", "filter", "turn"):
        seconds = [each for row in found if row["kind"] == kind for each in row["seconds"]]
        print(f"{'all pages':<12} {kind:<58} {1000 * statistics.median(seconds):>10,.1f} {1000 * p95(seconds):>10,.1f}")


if __name__ == "__main__":
    main()
