"""Every object of our schemas says what it is, and the data dictionary repeats it."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, text

from include.warehouse.database import engine
from include.warehouse.dictionary import (
    DOCUMENT,
    SCHEMAS,
    read_columns,
    read_routines,
    read_schemas,
    write_dictionary,
)
from include.warehouse.settings import SQL, Settings


@pytest.fixture
def connection(warehouse: Settings) -> Iterator[Connection]:
    with engine(warehouse).connect() as open_connection:
        yield open_connection


def test_every_schema_table_view_column_and_routine_has_a_comment(connection: Connection) -> None:
    schemas = read_schemas(connection)
    assert set(schemas) == set(SCHEMAS)
    silent = [schema for schema, comment in schemas.items() if not comment]
    for row in read_columns(connection):
        relation = f"{row['schema_name']}.{row['relation_name']}"
        if not row["relation_comment"]:
            silent.append(relation)
        if not row["column_comment"]:
            silent.append(f"{relation}.{row['column_name']}")
    for row in read_routines(connection):
        if not row["routine_comment"]:
            silent.append(f"{row['schema_name']}.{row['routine_name']}({row['arguments']})")
    assert sorted(set(silent)) == []


def test_every_view_lives_in_a_file_of_its_name(connection: Connection) -> None:
    views = {(row["schema_name"], row["relation_name"]) for row in read_columns(connection) if row["kind"] == "v"}
    assert views == {(path.parent.name, path.stem) for path in (SQL / "views").glob("*/*.sql")}


def test_a_cluster_has_a_place_for_every_table(connection: Connection) -> None:
    """It is distributed, referred to, or said to stay on the coordinator (sql/distributed/distribute.sql)."""
    script = (SQL / "distributed" / "distribute.sql").read_text(encoding="utf-8")
    placed = {table: place for place, table in re.findall(r"^select create_(\w+)_table\('([\w.]+)'", script, re.M)}
    local = re.findall(r"\b(?:core|crm)\.\w+", re.sub(r"^select.*$", "", script, flags=re.M))
    tables = connection.execute(
        text(
            "select oid::regclass::text from pg_class where relkind in ('r', 'p') and not relispartition"
            " and relnamespace in ('core'::regnamespace, 'crm'::regnamespace)"
        )
    )
    assert sorted(tables.scalars()) == sorted([*placed, *local])
    unique = connection.execute(
        text(
            "select indrelid::regclass::text, indexrelid::regclass::text from pg_index"
            " where indisunique and not exists ("
            " select from pg_attribute where attrelid = indrelid and attname = 'customer_id' and attnum = any(indkey))"
        )
    )
    assert [index for table, index in unique if placed.get(table) == "distributed"] == [], "unique on each worker alone"
    keys = connection.execute(
        text("select conrelid::regclass::text, confrelid::regclass::text from pg_constraint where contype = 'f'")
    )
    assert [(here, there) for here, there in keys if here in placed and placed.get(there) != "reference"] == []


def test_routines_that_run_as_their_owner_look_names_up_in_the_catalog_first(connection: Connection) -> None:
    loose = connection.execute(
        text(
            "select oid::regprocedure::text from pg_proc"
            " where prosecdef and pronamespace::regnamespace::text = any(:ours)"
            " and not coalesce(proconfig @> array['search_path=pg_catalog, pg_temp'], false)"
        ),
        {"ours": list(SCHEMAS)},
    )
    assert loose.scalars().all() == []


def test_the_data_dictionary_is_current(connection: Connection) -> None:
    written = DOCUMENT.read_text(encoding="utf-8")
    assert written == write_dictionary(connection), "run: python -m include.warehouse.dictionary"
