"""What arrived, what became of it, and what the checks said: the accepted state and the operations."""

from dataclasses import dataclass
from datetime import datetime

import pandas

from dashboard.data.frames import frame
from dashboard.data.warehouse import row, rows

# Their rows hold names, addresses and numbers of people.
PERSONAL_FEEDS = ("customers",)


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


def exports(who: str | None, most: int) -> pandas.DataFrame:
    """The newest exports, of one user or of all.

    Columns: exported_at, exported_by, file_name, rows, month, channel, has_contact, filters, bytes, sha256.
    """
    return frame(
        """
        select
            exported_at,
            exported_by,
            file_name,
            rows,
            month,
            channel,
            has_contact,
            filters,
            bytes,
            sha256
        from mart.export_log
        where exported_by = coalesce(:who, exported_by)
        order by export_id desc
        limit :most
        """,
        who=who,
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
