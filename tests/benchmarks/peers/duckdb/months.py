"""Months from accepted lines: facts, measures, limits, rows, checks."""

from datetime import date

from duckdb import DuckDBPyConnection

from tests.benchmarks.peers.duckdb.acceptance import SQL, run


class GateRefusedError(Exception):
    """A check failed; nothing was published."""


def next_month(month: date) -> date:
    """The first day of the following month."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def month_before(month: date) -> date:
    """The first day of the month before."""
    return date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)


def plan(connection: DuckDBPyConnection) -> tuple[list[date], date]:
    """All months from the first transaction to the last, and the day of the last."""
    first, last = connection.execute("select min(transaction_date), max(transaction_date) from sale_line").fetchone()
    months = [first.replace(day=1)]
    while next_month(months[-1]) <= last:
        months.append(next_month(months[-1]))
    return months, last


def aggregate(connection: DuckDBPyConnection, whole_from: date, last: date) -> None:
    """Facts of all customers from a month on; before it of those that a file has changed."""
    connection.execute("create or replace temp table touched_fact as select distinct * from pending_change")
    run(connection, "aggregate.sql", **{"from": whole_from, "as_of_date": last})
    connection.execute("delete from pending_change")


def build_months(connection: DuckDBPyConnection, months: list[date], last: date, *, is_frozen: bool = False) -> None:
    """Rows of consecutive months, all at once.

    With frozen limits only the customers of touched_fact are computed again, by the limits of before.
    """
    only_touched = "customer_no in (select customer_no from touched_fact)" if is_frozen else "true"
    connection.execute(
        f"delete from snapshot where month between $first and $last and {only_touched}",
        {"first": months[0], "last": months[-1]},
    )
    connection.execute(f"create or replace temp table chosen_customer as from known where {only_touched}")
    days = {
        "from": months[0],
        "last_month": months[-1],
        "last": last,
        "previous_month": month_before(months[0]),
        "window_from": next_month(months[0].replace(year=months[0].year - 1)),
    }
    run(connection, "measure.sql", **days)
    if not is_frozen:
        run(connection, "cut.sql", **days)
    run(connection, "score.sql", **days)
    run(connection, "rows.sql", **days)


def check(connection: DuckDBPyConnection, from_month: date) -> None:
    """Raises GateRefusedError naming the checks that fail."""
    rows = connection.execute((SQL / "gate.sql").read_text(encoding="utf-8"), {"from": from_month}).fetchall()
    failed = [name for name, failures in rows if failures]
    if failed:
        raise GateRefusedError(", ".join(failed))
