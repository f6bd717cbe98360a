"""Files into the database: read, judged, applied."""

import re
from datetime import date
from pathlib import Path

from duckdb import DuckDBPyConnection

SQL = Path(__file__).parent
SALES = "sales"


def statements(name: str) -> list[str]:
    """The statements of one file of this folder."""
    return [text for text in (SQL / name).read_text(encoding="utf-8").split(";\n") if text.strip()]


def run(connection: DuckDBPyConnection, name: str, **parameters: object) -> None:
    """Runs a file; each statement takes those parameters that it names."""
    for statement in statements(name):
        named = {key: value for key, value in parameters.items() if re.search(rf"\${key}\b", statement)}
        connection.execute(statement, named or None)


def load(connection: DuckDBPyConnection, paths: list[Path]) -> None:
    """Loads files in the order given, masters before sales."""
    has_masters = False
    for path in paths:
        feed, period = path.stem.split("_")
        if feed == SALES:
            if has_masters:
                run(connection, "versions.sql")
                has_masters = False
            _load_sales(connection, path, period)
        else:
            _load_master(connection, path, feed, date.fromisoformat(period))
            has_masters = True


def _receive(connection: DuckDBPyConnection, path: Path) -> None:
    """All rows as text, in a table that does not outlast the session; what is no row of the header goes to rejects."""
    connection.execute("drop table if exists reject_errors; drop table if exists reject_scans")
    connection.execute(
        "create or replace temp table received as"
        " from read_csv($path, header = true, delim = ',', quote = '\"', escape = '\"', all_varchar = true,"
        " store_rejects = true)",
        {"path": str(path)},
    )
    connection.execute(
        "insert into rejected_record"
        " select $name, line, any_value(csv_line),"
        " [case when bool_or(error_type = 'INVALID ENCODING') then 'undecodable' else 'wrong_column_count' end]"
        " from reject_errors group by line",
        {"name": path.name},
    )


def _load_master(connection: DuckDBPyConnection, path: Path, feed: str, effective_date: date) -> None:
    _receive(connection, path)
    if feed == "customers":
        run(connection, "customers.sql", file_name=path.name, effective_date=effective_date)
        return
    key = f"{feed.removesuffix('s')}_id"
    connection.execute(
        f"insert into rejected_record select $name, rowid, null, ['missing_key'] from received where {key} is null",
        {"name": path.name},
    )
    if feed == "products":
        connection.execute(
            "insert into product_state select product_id, $day, last(product_type order by rowid) from received"
            " where product_id is not null group by product_id",
            {"day": effective_date},
        )
    else:
        connection.execute(
            f"insert into {key.removesuffix('_id')} select distinct {key} from received"
            f" where {key} is not null and {key} not in (from {key.removesuffix('_id')})"
        )


def _load_sales(connection: DuckDBPyConnection, path: Path, period: str) -> None:
    """A whole year replaces the lines of its year; a delta (a day) adds and replaces lines."""
    is_delta = len(period) > 4
    connection.execute("begin")
    _receive(connection, path)
    run(connection, "judge.sql", year=None if is_delta else int(period))
    run(connection, "apply.sql", file_name=path.name, year=None if is_delta else int(period), is_delta=is_delta)
    connection.execute("commit")
