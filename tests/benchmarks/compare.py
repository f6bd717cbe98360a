"""Whether two sides have published the same rows: every column of every customer and month, and each line's fate."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

PUBLISHED = "rows"
KEYS = {
    PUBLISHED: ("month", "customer_id"),
    "files": ("file_name",),
    "reasons": ("file_name", "reason"),
}
"""What each side writes as Parquet, in one file or in a folder of that name, and what identifies a row in it."""
MEMORY = "4GB"  # beside PostgreSQL; what does not fit goes to disk


@dataclass(frozen=True)
class Comparison:
    """Rows compared, and in words what differs; nothing where the sides agree."""

    rows: int
    differences: list[str]

    @property
    def is_equal(self) -> bool:
        """Whether the sides agree."""
        return not self.differences


def csv_to_parquet(source: Path, target: Path, columns: dict[str, str]) -> None:
    """Turns a CSV file without header, null as nothing, into Parquet; `columns` gives names and types."""
    listed = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
    # the unquoted empty cell is null, the quoted one is an empty text
    duckdb.sql(
        f"copy (from read_csv('{source}', header = false, delim = ',', quote = '\"', escape = '\"',"
        f" auto_detect = false, columns = {{{listed}}}, allow_quoted_nulls = false)) to '{target}' (format parquet)"
    )
    source.unlink()


def compare(ours: Path, theirs: Path, *, only_rows: bool = False) -> Comparison:
    """Compares the Parquet files in two folders; the published rows alone where files were loaded more than once."""
    rows, differences = 0, []
    for name, key in KEYS.items():
        if only_rows and name != PUBLISHED:
            continue
        count, found = _compare_file(name, ours, theirs, key)
        rows += count
        differences += found
    return Comparison(rows, differences)


def _files(folder: Path, name: str) -> str:
    return str(folder / name / "*.parquet") if (folder / name).is_dir() else str(folder / f"{name}.parquet")


def _compare_file(name: str, our_folder: Path, their_folder: Path, key: tuple[str, ...]) -> tuple[int, list[str]]:
    ours, theirs = _files(our_folder, name), _files(their_folder, name)
    with duckdb.connect() as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute(f"set memory_limit = '{MEMORY}'")
        connection.execute(f"set temp_directory = '{our_folder}.spilled'")
        columns = [row[0] for row in connection.execute(f"describe from '{ours}'").fetchall()]
        their_columns = {row[0] for row in connection.execute(f"describe from '{theirs}'").fetchall()}
        missing = [column for column in columns if column not in their_columns]
        shared = [column for column in columns if column not in missing and column not in key]
        counts = ", ".join(
            f"count(*) filter (where o.{column} is distinct from t.{column} and o.{key[0]} is not null"
            f" and t.{key[0]} is not null)"
            for column in shared
        )
        joined = f"from '{ours}' o full join '{theirs}' t on " + " and ".join(f"o.{k} = t.{k}" for k in key)
        total, only_ours, only_theirs, *differing = connection.execute(
            f"select count(o.{key[0]}), count(*) filter (where t.{key[0]} is null),"
            f" count(*) filter (where o.{key[0]} is null), {counts} {joined}"
        ).fetchone()
        found = [f"{name}: the peer has no column {column}" for column in missing]
        if only_ours:
            found.append(f"{name}: {only_ours} only here{_example(connection, joined, key, 't', 'o')}")
        if only_theirs:
            found.append(f"{name}: {only_theirs} only there{_example(connection, joined, key, 'o', 't')}")
        for column, count in zip(shared, differing, strict=True):
            if count:
                example = connection.execute(
                    f"select {', '.join(f'o.{k}' for k in key)}, o.{column}, t.{column} {joined}"
                    f" where o.{column} is distinct from t.{column}"
                    f" and o.{key[0]} is not null and t.{key[0]} is not null limit 1"
                ).fetchone()
                found.append(f"{name}: {column} differs in {count}, such as {_words(example)}")
        return total, found


def _example(connection: duckdb.DuckDBPyConnection, joined: str, key: tuple[str, ...], absent: str, there: str) -> str:
    row = connection.execute(
        f"select {', '.join(f'{there}.{k}' for k in key)} {joined} where {absent}.{key[0]} is null limit 1"
    ).fetchone()
    return f", such as {_words(row)}"


def _words(row: tuple[object, ...]) -> str:
    return ", ".join(map(str, row))


def compare_lists(ours: Path, theirs: Path) -> str:
    """Whether two CSV lists of customers hold the same values in their common columns, in words."""
    with duckdb.connect() as connection:
        read = "read_csv('{}', header = true, all_varchar = true)"
        columns = [row[0] for row in connection.execute(f"describe from {read.format(theirs)}").fetchall()]
        # 1.5 and 1.500000 are one number
        listed = ", ".join(f"coalesce(try_cast({name} as decimal(18, 6))::varchar, {name})" for name in columns)
        lists = [f"(select {listed} from {read.format(path)})" for path in (ours, theirs)]
        counts = [connection.execute(f"select count(*) from {each}").fetchone()[0] for each in lists]
        differing = connection.execute(f"select count(*) from (from {lists[0]} except all from {lists[1]})").fetchone()[
            0
        ]
    return "equal" if counts[0] == counts[1] and not differing else f"differ: {counts} rows, {differing} differ"
