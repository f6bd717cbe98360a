"""What arrived, what became of it, and what the checks said: the accepted state and the operations."""

import csv
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas
from psycopg2.extensions import connection as PsycopgConnection  # noqa: N812 - a type, not a call

from dashboard.data import downloads
from dashboard.data.downloads import Prepared
from dashboard.data.export_log import log_export
from dashboard.data.frames import frame
from dashboard.data.warehouse import connect, row, rows
from include.warehouse.file_hash import sha256_of

# Their rows hold names, addresses and numbers of people.
PERSONAL_FEEDS = ("customers",)
# Behind the file's own columns; a load leaves columns out that no contract knows.
ADDED_COLUMNS = ("reasons", "line_number_was", "unreadable_row_was")


def files() -> pandas.DataFrame:
    """Every file received, the newest first, with its rows by fate and its amounts."""
    return frame(
        """
        select
            file_id,
            file_name,
            feed,
            status,
            received_at,
            effective_date,
            rows_received,
            rows_loaded,
            rows_unchanged,
            rows_rejected,
            rows_duplicate,
            rows_superseded,
            amount_received,
            amount_loaded,
            amount_unchanged,
            amount_rejected,
            amount_duplicate,
            message
        from mart.source_file
        order by received_at desc, file_id desc
        """
    )


def rejects() -> pandas.DataFrame:
    """Open rejects by file and reason: file_id, file_name, feed, reason, records, amount."""
    return frame(
        """
        select file_id, file_name, feed, reason, records, amount
        from mart.reject_count
        order by records desc, reason
        """
    )


def prepare_rejects(file_id: int) -> Prepared:
    """The open rejects of a file as CSV: its own columns in their order, then the reasons, and rows that were no rows.

    The name is one under which the corrected rows of a sales file can be sent again. Who may not see contact data does
    not get what could be: rows of the customers feed, rows that could not be read. It is noted in mart.export_log.
    """
    with connect() as connection:
        source = connection.exec_driver_sql(
            """
            select
                file.file_name,
                file.feed,
                file.received_at::date as day,
                array(
                    select column_name from mart.source_file_column where file_id = %(file_id)s order by position
                ) as header,
                (select max(delimiter) from mart.source_file_column where file_id = %(file_id)s) as delimiter,
                mart.rejects_have_contact(file.file_id) as has_contact
            from mart.source_file as file
            where file.file_id = %(file_id)s
            """,
            {"file_id": file_id},
        ).one()
        name = f"sales_{source.day}_corrected_{file_id}.csv" if source.feed == "sales" else f"rejects_{file_id}.csv"
        path = downloads.new_file(name)
        header = list(source.header)
        titles = connection.exec_driver_sql(
            "select array(select mart.safe_text(n) from unnest(%s::text[]) n)", (header,)
        )
        driver = connection.connection.driver_connection
        assert isinstance(driver, PsycopgConnection)
        delimiter = "\t" if source.delimiter == "tab" else source.delimiter or ","
        with path.open("w", encoding="utf-8-sig", newline="") as target:
            # the name of a column is text of the file too, and could become a formula
            writer = csv.writer(target, delimiter=delimiter, lineterminator="\n")
            writer.writerow([*titles.scalar_one(), *ADDED_COLUMNS])
        rows = _add_rejects(driver, path, file_id, header, delimiter)
    about = {"file_id": file_id, "filters": {"rejects_of": source.file_name}, "has_contact": source.has_contact}
    log_export(path, "csv", rows, sha256_of(path), **about)
    return Prepared(downloads.offer(path), None, rows)


def _add_rejects(driver: PsycopgConnection, path: Path, file_id: int, header: list[str], delimiter: str) -> int:
    """Numbers stay as they are, so that the file can be sent again; other text cannot become a formula."""
    values = [
        f"case when raw_row ->> %(header_{number})s ~ '^[-+]?[0-9.,]+$' then raw_row ->> %(header_{number})s"
        f" else mart.safe_text(raw_row ->> %(header_{number})s) end"
        for number in range(len(header))
    ]
    columns = ", ".join([*values, "array_to_string(reasons, ' ')", "line_number", "mart.safe_text(raw_row ->> 'row')"])
    parameters: dict[str, Any] = {f"header_{number}": name for number, name in enumerate(header)}
    with driver.cursor() as cursor, path.open("ab") as target:
        statement = cursor.mogrify(
            f"copy (select {columns} from mart.rejected_records where file_id = %(file_id)s and resolution is null"
            " order by line_number) to stdout with (format csv, encoding 'UTF8', delimiter %(delimiter)s)",
            parameters | {"file_id": file_id, "delimiter": delimiter},
        )
        cursor.copy_expert(statement.decode(), target)
        return int(cursor.rowcount)


def runs(most: int) -> pandas.DataFrame:
    """The newest runs that had something to do.

    Columns: run_id, kind, status, requested_by, started_at, published_at, known_at, report_month, message.
    """
    return frame(
        """
        select run_id, kind, status, requested_by, started_at, published_at, known_at, report_month, message
        from mart.run
        where status <> 'nothing_to_do'
        order by run_id desc
        limit :most
        """,
        most=most,
    )


@dataclass(frozen=True)
class IdleLooks:
    """How often it was looked for something new since the last publication, and found none."""

    times: int
    last_at: datetime | None


def idle_looks() -> IdleLooks:
    """Runs since the last publication that had nothing to do."""
    return IdleLooks(
        **row(
            """
            select count(*) as times, max(started_at) as last_at
            from mart.run
            where
                status = 'nothing_to_do'
                and run_id > coalesce((select max(run_id) from mart.run where status = 'published'), 0)
            """
        )
    )


def steps(run_id: int) -> pandas.DataFrame:
    """What each kind of step of a run took, in order: step, parts, seconds, rows, bytes."""
    return frame(
        """
        select
            step,
            count(*) as parts,
            sum(seconds) as seconds,
            sum(rows)::bigint as rows,
            sum(bytes)::bigint as bytes
        from mart.step
        where run_id = :run_id
        group by step
        order by min(started_at), step
        """,
        run_id=run_id,
    )


def checks(run_id: int) -> pandas.DataFrame:
    """Checks of a run, those first that did not pass."""
    return frame(
        """
        select contract, check_name, severity, outcome, measured, threshold, failed_rows, message
        from mart.check_result
        where run_id = :run_id
        order by
            array_position(array['failed', 'not_evaluated', 'warned', 'passed'], outcome),
            contract,
            check_name
        """,
        run_id=run_id,
    )


def conservation(run_id: int) -> pandas.DataFrame:
    """Identities of a run by count and money, broken ones first: identity, scope, left_value, right_value, is_ok."""
    return frame(
        """
        select identity, scope, left_value, right_value, is_ok
        from mart.conservation
        where run_id = :run_id
        order by is_ok, identity, scope
        """,
        run_id=run_id,
    )


def chain(run_id: int) -> pandas.DataFrame:
    """The sales lines of a run from file to published month, in order: step, records, amount.

    The run's own sums of lines and months; what became of the rows is taken from the files that it has summed.
    """
    return frame(
        """
        with file as (
            select
                sum(rows_received) as rows_received,
                sum(rows_rejected) as rows_rejected,
                sum(rows_duplicate) as rows_duplicate,
                sum(rows_unchanged) as rows_unchanged,
                sum(rows_loaded) as rows_loaded,
                sum(amount_received) as amount_received,
                sum(amount_rejected) as amount_rejected,
                sum(amount_duplicate) as amount_duplicate,
                sum(amount_unchanged) as amount_unchanged,
                sum(amount_loaded) as amount_loaded
            from mart.source_file
            where file_name || ' (' || file_id || ')' in (
                select scope
                from mart.conservation
                where run_id = :run_id and identity = 'rows loaded = current lines + superseded lines'
            )
        ),
        side as (
            select
                identity,
                left_value,
                right_value
            from mart.conservation
            where run_id = :run_id and scope = 'total'
        ),
        total as (
            select
                max(right_value) filter (where identity = 'rows loaded = current lines + superseded lines') as lines,
                max(right_value) filter (where identity = 'amount loaded = current lines + superseded lines') as amount,
                max(left_value) filter (where identity = 'current lines = rows loaded - rows superseded')
                    as current_lines,
                max(left_value) filter (where identity = 'net amount of current lines = customer-months')
                    as current_amount,
                max(right_value) filter (where identity = 'net amount of current lines = customer-months')
                    as customer_months,
                max(right_value) filter (where identity = 'customer-months = month_amount of published months')
                    as published_months
            from side
        )
        select step.step, step.records::bigint as records, step.amount
        from file
        cross join total
        cross join lateral (
            values
            (1, 'received', file.rows_received, file.amount_received),
            (2, 'rejected', file.rows_rejected, file.amount_rejected),
            (3, 'duplicate', file.rows_duplicate, file.amount_duplicate),
            (4, 'unchanged', file.rows_unchanged, file.amount_unchanged),
            (5, 'loaded', file.rows_loaded, file.amount_loaded),
            (6, 'superseded', total.lines - total.current_lines, total.amount - total.current_amount),
            (7, 'current', total.current_lines, total.current_amount),
            (8, 'customer_months', null, total.customer_months),
            (9, 'published_months', null, total.published_months)
        ) as step (place, step, records, amount)
        order by step.place
        """,
        run_id=run_id,
    )


def newest_audited_run() -> int | None:
    """The newest run that the gate has looked at."""
    found = rows("select max(run_id) as run_id from mart.check_result")
    return None if found[0]["run_id"] is None else int(found[0]["run_id"])
