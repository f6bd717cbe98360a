"""The data dictionary, generated from the catalog's comments: `python -m include.warehouse.dictionary`."""

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from include.warehouse.database import connect
from include.warehouse.migrate import migrate
from include.warehouse.settings import REPOSITORY, load_settings

DOCUMENT = REPOSITORY / "docs" / "data_dictionary.md"
SCHEMAS = ("mart", "crm", "core", "ops", "access", "raw")
KINDS = {"v": "view", "r": "table", "p": "partitioned table", "m": "materialized view"}
ROUTINE_KINDS = {"f": "function", "p": "procedure"}

INTRODUCTION = """# Data dictionary

Generated from the comments in the database by `python -m include.warehouse.dictionary`; edit those, not this page.

Read `mart`: it is the only public interface and stays stable. The other schemas are described for those who work on the
warehouse. Amounts are `numeric` in units of the one currency; columns that end in `_cents` hold whole cents. A `month`
is a `date`, the first day of the month. `customer_id` is text, as the files give it.
"""

SCHEMA_COMMENTS = """
select
    nspname::text as schema_name,
    obj_description(oid, 'pg_namespace') as schema_comment
from pg_namespace
where nspname = any(:schemas)
order by array_position(:schemas, nspname::text)
"""

COLUMNS = """
select
    relation.relnamespace::regnamespace::text as schema_name,
    relation.relname::text as relation_name,
    relation.relkind::text as kind,
    obj_description(relation.oid, 'pg_class') as relation_comment,
    attribute.attname::text as column_name,
    format_type(attribute.atttypid, attribute.atttypmod) as column_type,
    attribute.attnotnull as is_required,
    col_description(relation.oid, attribute.attnum) as column_comment
from pg_class as relation
join pg_attribute as attribute on attribute.attrelid = relation.oid and attribute.attnum > 0
where relation.relnamespace::regnamespace::text = any(:schemas)
    and relation.relkind in ('v', 'r', 'p', 'm')
    and not relation.relispartition
    and not attribute.attisdropped
order by array_position(:schemas, relation.relnamespace::regnamespace::text), relation.relname, attribute.attnum
"""

ROUTINES = """
select
    pronamespace::regnamespace::text as schema_name,
    proname::text as routine_name,
    prokind::text as kind,
    pg_get_function_identity_arguments(oid) as arguments,
    obj_description(oid, 'pg_proc') as routine_comment
from pg_proc
where pronamespace::regnamespace::text = any(:schemas)
order by array_position(:schemas, pronamespace::regnamespace::text), proname, arguments
"""


def read_columns(connection: Connection) -> list[dict[str, Any]]:
    """Every column of every table and view of our schemas with its comment, partitions left out."""
    return [dict(row) for row in connection.execute(text(COLUMNS), {"schemas": list(SCHEMAS)}).mappings()]


def read_routines(connection: Connection) -> list[dict[str, Any]]:
    """Every function and procedure of our schemas with its comment."""
    return [dict(row) for row in connection.execute(text(ROUTINES), {"schemas": list(SCHEMAS)}).mappings()]


def read_schemas(connection: Connection) -> dict[str, str | None]:
    """Our schemas and their comments, in the order of reading."""
    rows = connection.execute(text(SCHEMA_COMMENTS), {"schemas": list(SCHEMAS)})
    return {row.schema_name: row.schema_comment for row in rows}


def write_dictionary(connection: Connection) -> str:
    """The page as text. Tables without a comment are a run's own, still being built, and are left out."""
    relations = [row for row in read_columns(connection) if row["relation_comment"]]
    routines = read_routines(connection)
    parts = [INTRODUCTION]
    for schema, comment in read_schemas(connection).items():
        parts.append(f"## {schema}\n\n{comment}\n")
        of_schema = [row for row in relations if row["schema_name"] == schema]
        for name, columns in groupby(of_schema, key=itemgetter("relation_name")):
            parts.append(_relation(schema, name, list(columns)))
        parts.append(_routines([row for row in routines if row["schema_name"] == schema]))
    return "\n".join(part for part in parts if part)


def _relation(schema: str, name: str, columns: list[dict[str, Any]]) -> str:
    lines = [
        f"### {schema}.{name}",
        "",
        f"{columns[0]['relation_comment']} ({KINDS[columns[0]['kind']]})",
        "",
        "| column | type | meaning |",
        "|---|---|---|",
    ]
    lines += [_row(f"`{row['column_name']}`", _shown_type(row), row["column_comment"] or "") for row in columns]
    return "\n".join([*lines, ""])


def _shown_type(row: dict[str, Any]) -> str:
    return f"{row['column_type']}, required" if row["is_required"] else str(row["column_type"])


def _routines(routines: Iterable[dict[str, Any]]) -> str:
    lines = [
        _row(f"`{row['routine_name']}({row['arguments']})`", ROUTINE_KINDS[row["kind"]], row["routine_comment"] or "")
        for row in routines
    ]
    if not lines:
        return ""
    return "\n".join(["### Routines", "", "| routine | kind | what it does |", "|---|---|---|", *lines, ""])


def _row(*cells: str) -> str:
    escaped = (cell.replace("|", "\\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def main(path: Path = DOCUMENT) -> None:
    """Writes the page for the tables of this checkout."""
    settings = load_settings()
    migrate(settings)
    with connect(settings) as connection:
        path.write_text(write_dictionary(connection), encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
