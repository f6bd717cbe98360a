"""What arrived, what became of it, and what the checks said: the accepted state and the operations."""

import csv
import tempfile
from typing import Any, BinaryIO

import pandas
from psycopg2.extensions import connection as PsycopgConnection  # noqa: N812 - a type, not a call

from dashboard.data.warehouse import connect, frame, rows

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
            message
        from mart.source_file
        order by received_at desc, file_id desc
        """
    )


def rejects() -> pandas.DataFrame:
    """Open rejects by file and reason: file_id, file_name, feed, reason, records, amount."""
    return frame(
        """
        select
            rejected.file_id,
            rejected.file_name,
            rejected.feed,
            reason,
            count(*) as records,
            sum(rejected.amount) as amount
        from mart.rejected_records as rejected
        cross join unnest(rejected.reasons) as reason
        where rejected.resolution is null
        group by rejected.file_id, rejected.file_name, rejected.feed, reason
        order by records desc, reason
        """
    )


def reject_file(file_id: int) -> BinaryIO:
    """The open rejects of a file as CSV, with the file's own headers, the reasons last; on disk it is already gone.

    Raises ValueError for a feed of PERSONAL_FEEDS.
    """
    with connect() as connection:
        found = connection.exec_driver_sql(
            """
            select
                max(feed) as feed,
                array(
                    select distinct header
                    from mart.rejected_records, jsonb_object_keys(raw_row) as header
                    where file_id = %(file_id)s and resolution is null
                ) as headers
            from mart.rejected_records
            where file_id = %(file_id)s and resolution is null
            """,
            {"file_id": file_id},
        ).one()
        if found.feed in PERSONAL_FEEDS:
            raise ValueError(f"rejected rows of {found.feed} hold personal data")
        driver = connection.connection.driver_connection
        assert isinstance(driver, PsycopgConnection)
        return _write_rejects(driver, file_id, list(found.headers))


def _write_rejects(driver: PsycopgConnection, file_id: int, headers: list[str]) -> BinaryIO:
    """Numbers stay as they are, so that the file can be sent again; other text cannot become a formula."""
    values = [
        f"case when raw_row ->> %(header_{number})s ~ '^[-+]?[0-9.,]+$' then raw_row ->> %(header_{number})s"
        f" else mart.safe_text(raw_row ->> %(header_{number})s) end"
        for number in range(len(headers))
    ]
    columns = ", ".join([*values, "array_to_string(reasons, ' ')"])
    parameters: dict[str, Any] = {f"header_{number}": header for number, header in enumerate(headers)}
    folder = tempfile.TemporaryFile(prefix="rejects-")  # noqa: SIM115 - handed to the caller
    folder.write(b"\xef\xbb\xbf")
    with tempfile.SpooledTemporaryFile(mode="w+", encoding="utf-8", newline="") as line:
        csv.writer(line).writerow([*headers, "reasons"])
        line.seek(0)
        folder.write(line.read().encode())
    with driver.cursor() as cursor:
        statement = cursor.mogrify(
            f"copy (select {columns} from mart.rejected_records where file_id = %(file_id)s and resolution is null"
            " order by line_number) to stdout with (format csv, encoding 'UTF8')",
            parameters | {"file_id": file_id},
        )
        cursor.copy_expert(statement.decode(), folder)
    folder.seek(0)
    return folder


def runs(most: int) -> pandas.DataFrame:
    """The newest runs: id, kind, status, requested_by, started_at, published_at, known_at, report_month, message."""
    return frame(
        """
        select run_id, kind, status, requested_by, started_at, published_at, known_at, report_month, message
        from mart.run
        order by run_id desc
        limit :most
        """,
        most=most,
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


def newest_audited_run() -> int | None:
    """The newest run that the gate has looked at."""
    found = rows("select max(run_id) as run_id from mart.check_result")
    return None if found[0]["run_id"] is None else int(found[0]["run_id"])
