"""The rows of one month after the other: measures carried on from the month before, limits, scores, events."""

import calendar
from collections.abc import Iterator
from datetime import date

import polars as pl

from tests.benchmarks.peers.polars.masters import ATTRIBUTES, OPT_INS

STATE = ("first_core_date", "last_core_date", "last_purchase_date", "frequency", "monetary_cents", "total_cents")
FACTS = ("month_cents", "month_core_cents", "month_orders", "month_items", "core_orders")
NO_LIMIT = 2**62


def next_month(month: date) -> date:
    """The first day of the following month."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def build_months(
    facts: pl.DataFrame, customers: pl.DataFrame, versions: pl.DataFrame, last: date
) -> Iterator[tuple[date, pl.DataFrame]]:
    """Every month from the first transaction to the last, with its rows."""
    by_month = {key[0]: frame.drop("month") for key, frame in facts.partition_by("month", as_dict=True).items()}
    known = _known(facts, customers, last)
    month, previous = min(by_month), None
    while month <= last:
        as_of = min(last, month.replace(day=calendar.monthrange(month.year, month.month)[1]))
        leaving = month.replace(year=month.year - 1)
        nobody = facts.head(0).drop("month")
        measured = _measure((month, as_of), known, previous, by_month.get(month, nobody), by_month.get(leaving, nobody))
        rows = _rows(month, as_of, measured, versions)
        yield month, rows
        previous = rows
        month = next_month(month)


def _known(facts: pl.DataFrame, customers: pl.DataFrame, last: date) -> pl.DataFrame:
    """From which day each customer appears."""
    first = facts.group_by("customer").agg(pl.col("first_date").min())
    return customers.join(first, on="customer", how="left").select(
        "customer",
        "customer_id",
        pl.min_horizontal("registered", "first_date").fill_null(last).alias("known_from"),
    )


def _measure(
    days: tuple[date, date],
    known: pl.DataFrame,
    previous: pl.DataFrame | None,
    now: pl.DataFrame,
    leaving: pl.DataFrame,
) -> pl.DataFrame:
    """Measures, status and whether the customer is scored; `days` are the month and its as-of date."""
    month, as_of = days
    frame = known.lazy().filter(pl.col("known_from") <= as_of).drop("known_from")
    frame = frame.join(now.lazy().drop("first_date"), on="customer", how="left").with_columns(
        pl.col(FACTS).fill_null(0)
    )
    window = leaving.lazy().select(
        "customer",
        pl.col("core_orders").alias("left_orders"),
        pl.col("month_core_cents").alias("left_core_cents"),
        pl.col("month_cents").alias("left_cents"),
    )
    frame = frame.join(window, on="customer", how="left").with_columns(pl.col("^left_.*$").fill_null(0))
    frame = _carry(frame, previous)
    bought = pl.col("core_orders") > 0
    before = pl.col("previous_last_core_date") >= date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)
    frame = frame.with_columns(
        pl.col("previous_first_core_date").fill_null(pl.col("first_core_date")).alias("first_core_date"),
        pl.col("last_core_date").fill_null(pl.col("previous_last_core_date")),
        pl.col("last_purchase_date").fill_null(pl.col("previous_last_purchase_date")),
        (pl.col("previous_frequency") + pl.col("core_orders") - pl.col("left_orders")).alias("frequency"),
        (pl.col("previous_monetary_cents") + pl.col("month_core_cents") - pl.col("left_core_cents")).alias(
            "monetary_cents"
        ),
        (pl.col("previous_total_cents") + pl.col("month_cents") - pl.col("left_cents")).alias("total_cents"),
        bought.alias("bought"),
        before.fill_null(False).alias("bought_before"),
    )
    first, last_core = pl.col("first_core_date"), pl.col("last_core_date")
    recency = (pl.lit(as_of) - last_core).dt.total_days()
    months_since = (month.year - first.dt.year()) * 12 + month.month - first.dt.month().cast(pl.Int32)
    status = (
        pl.when(first.is_null())
        .then(pl.lit("prospect"))
        .when(((pl.lit(as_of) - first).dt.total_days() <= 90) & (recency <= 90))
        .then(pl.lit("new"))
        .when(recency <= 90)
        .then(pl.lit("active"))
        .when(recency <= 180)
        .then(pl.lit("at_risk"))
        .when(recency <= 365)
        .then(pl.lit("lapsed"))
        .otherwise(pl.lit("lost"))
    )
    return frame.with_columns(
        recency.cast(pl.Int32).alias("recency_days"),
        months_since.alias("tenure_months"),
        status.alias("activity_status"),
        (recency <= 180).fill_null(False).alias("is_scored"),
        (bought & (first >= month)).fill_null(False).alias("is_first_purchase"),
    ).collect()


CARRIED = (
    *STATE,
    "activity_status",
    "value_tier",
    "tier_rank",
    "segment",
    "last_scored_month",
    "last_scored_tier",
)


def _carry(frame: pl.LazyFrame, previous: pl.DataFrame | None) -> pl.LazyFrame:
    """What the month before says of each customer."""
    if previous is None:
        types = {
            **dict.fromkeys(STATE[:3], pl.Date),
            **dict.fromkeys(STATE[3:], pl.Int64),
            "activity_status": pl.String,
            "value_tier": pl.String,
            "tier_rank": pl.Int32,
            "segment": pl.String,
            "last_scored_month": pl.Date,
            "last_scored_tier": pl.String,
        }
        frame = frame.with_columns(pl.lit(None, kind).alias(f"previous_{name}") for name, kind in types.items())
    else:
        state = previous.lazy().select("customer", pl.col(CARRIED).name.prefix("previous_"))
        frame = frame.join(state, on="customer", how="left")
    return frame.with_columns(pl.col(f"previous_{name}").fill_null(0) for name in STATE[3:])


def _limits(values: pl.Series) -> list[int]:
    """The least value of bands 5, 4, 3 and 2, by mid-rank; a band without values opens where the next one does."""
    counted = values.value_counts().sort(values.name)
    equal = counted.get_column("count").cast(pl.Int64)
    below = equal.cum_sum() - equal
    band = 1 + 5 * (2 * below + equal) // (2 * values.len())
    least = dict(
        pl.DataFrame({"band": band, "value": counted.get_column(values.name)})
        .group_by("band")
        .agg(pl.col("value").min())
        .iter_rows()
    )
    limits, limit = [], NO_LIMIT
    for number in (5, 4, 3, 2):
        limit = least.get(number, limit)
        limits.append(limit)
    return limits


def _abc_limits(monetary: pl.Series) -> list[int]:
    """The least values of classes A and B: the share of those strictly above decides."""
    name = monetary.name
    counted = monetary.filter(monetary > 0).value_counts().sort(name, descending=True)
    amount = counted.get_column(name) * counted.get_column("count").cast(pl.Int64)
    above = amount.cum_sum() - amount
    limits = []
    for percent in (70, 90):
        least = counted.get_column(name).filter(100 * above < percent * amount.sum()).min()
        limits.append(NO_LIMIT if least is None else least)
    return limits


def _band(value: pl.Expr, limits: list[int]) -> pl.Expr:
    band = pl.when(value >= limits[0]).then(5)
    for number, limit in zip((4, 3, 2), limits[1:], strict=True):
        band = band.when(value >= limit).then(number)
    return pl.when("is_scored").then(band.otherwise(1)).cast(pl.Int32)


def _rows(month: date, as_of: date, measured: pl.DataFrame, versions: pl.DataFrame) -> pl.DataFrame:
    """The month's rows as they are published."""
    scored = measured.filter("is_scored")
    recency = (-scored.get_column("recency_days")).alias("recency")
    limit_a, limit_b = _abc_limits(scored.get_column("monetary_cents"))
    r, f, m, t = (pl.col(f"{letter}_score") for letter in "rfmt")
    total, rank, was = pl.col("rfmt_total"), pl.col("tier_rank"), pl.col("previous_tier_rank")
    status, previous = pl.col("activity_status"), pl.col("previous_activity_status")
    monetary = pl.col("monetary_cents")
    valid = versions.lazy().filter((pl.col("version_from") <= as_of) & (pl.col("version_to") > as_of))
    return (
        measured.lazy()
        .with_columns(
            _band(-pl.col("recency_days"), _limits(recency)).alias("r_score"),
            _band(pl.col("frequency"), _limits(scored.get_column("frequency"))).alias("f_score"),
            _band(monetary, _limits(scored.get_column("monetary_cents"))).alias("m_score"),
            _band(pl.col("tenure_months"), [36, 24, 12, 6]).alias("t_score"),
        )
        .with_columns((r + f + m + t).alias("rfmt_total"), pl.concat_str(r, f, m, t).alias("rfmt_score"))
        .with_columns(
            pl.when(~pl.col("is_scored"))
            .then(0)
            .when(total >= 17)
            .then(4)
            .when(total >= 14)
            .then(3)
            .when(total >= 10)
            .then(2)
            .otherwise(1)
            .cast(pl.Int32)
            .alias("tier_rank"),
            _first_match(
                {
                    "Prospect": status == "prospect",
                    "Lapsed": status == "lapsed",
                    "Lost": status == "lost",
                    "At risk – high value": (status == "at_risk") & (m >= 4),
                    "At risk": status == "at_risk",
                    "New": status == "new",
                    "Champions": (r >= 4) & (f >= 4) & (m >= 4),
                    "Big spenders": m == 5,
                    "Loyal": f >= 4,
                    "Promising": r >= 4,
                },
                "Needs attention",
            ).alias("segment"),
        )
        .with_columns(
            rank.replace_strict([0, 1, 2, 3, 4], ["none", "bronze", "silver", "gold", "platinum"]).alias("value_tier")
        )
        .with_columns(
            pl.lit(month).alias("month"),
            pl.lit(as_of).alias("as_of_date"),
            (m == 5).fill_null(False).alias("is_high_spender"),
            pl.when("is_scored").then(pl.lit(month)).otherwise("previous_last_scored_month").alias("last_scored_month"),
            pl.when("is_scored").then("value_tier").otherwise("previous_last_scored_tier").alias("last_scored_tier"),
            _first_match(
                {
                    "first_purchase": pl.col("is_first_purchase"),
                    "reactivated": pl.col("bought") & previous.is_in(["lapsed", "lost"]),
                    "recovered": pl.col("bought") & (previous == "at_risk"),
                    "lost": (status == "lost") & (previous != status),
                    "lapsed": (status == "lapsed") & (previous != status),
                    "at_risk": (status == "at_risk") & (previous != status),
                    "upgraded": (rank > was) & (was > 0),
                    "downgraded": (rank < was) & (rank > 0),
                    "retained": pl.col("bought"),
                    "registered": previous.is_null(),
                },
                "none",
            ).alias("lifecycle_event"),
            _first_match(
                {
                    "new": pl.col("is_first_purchase"),
                    "returning": pl.col("bought") & pl.col("bought_before"),
                    "resurrected": pl.col("bought"),
                    "dormant": pl.col("bought_before"),
                },
                "inactive",
            ).alias("growth_state"),
            pl.when(pl.col("is_scored") & (monetary > 0))
            .then(_first_match({"A": monetary >= limit_a, "B": monetary >= limit_b}, "C"))
            .alias("abc_class"),
            previous.alias("previous_status"),
            pl.col("previous_value_tier").alias("previous_tier"),
        )
        .join(valid, on="customer")
        .select(PUBLISHED)
        .collect()
    )


def _first_match(conditions: dict[str, pl.Expr], otherwise: str) -> pl.Expr:
    found = pl.when(False).then(pl.lit(otherwise))
    for name, condition in conditions.items():
        found = found.when(condition.fill_null(False)).then(pl.lit(name))
    return found.otherwise(pl.lit(otherwise))


PUBLISHED = [
    "month",
    "customer",
    "customer_id",
    "as_of_date",
    *ATTRIBUTES,
    *OPT_INS,
    "is_in_master",
    "first_core_date",
    "last_core_date",
    "last_purchase_date",
    "recency_days",
    "frequency",
    "monetary_cents",
    "total_cents",
    "month_cents",
    "month_core_cents",
    "month_orders",
    "month_items",
    "tenure_months",
    "activity_status",
    "r_score",
    "f_score",
    "m_score",
    "t_score",
    "rfmt_score",
    "rfmt_total",
    "value_tier",
    "tier_rank",
    "segment",
    "is_high_spender",
    "last_scored_month",
    "last_scored_tier",
    "lifecycle_event",
    "growth_state",
    "abc_class",
    "previous_status",
    "previous_tier",
    "previous_segment",
]
