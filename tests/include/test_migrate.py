"""Migrations: applied once, never changed afterwards; routines and views follow their files; roles see their part."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError

from include.warehouse import steps
from include.warehouse.credentials import read_credentials
from include.warehouse.database import call, connect, engine
from include.warehouse.load import load_files
from include.warehouse.migrate import EARLIER_TEXTS, PROCEDURES, migrate, read_released
from include.warehouse.migrations import FOLDER as MIGRATIONS
from include.warehouse.roles import login_url
from include.warehouse.sample import write_sample
from include.warehouse.schema_dump import SCHEMA_FILE, dump_schema
from include.warehouse.settings import REPOSITORY, Settings
from tests.fixtures.corrections import write_correction
from tests.fixtures.mart_rows import assert_same_rows, mart_rows
from tests.include.test_cli import run

MIGRATE = (
    "from include.warehouse.migrate import migrate; from include.warehouse.settings import load_settings;"
    " print('\\n'.join(migrate(load_settings())))"
)


class Checkout:
    """A copy of the repository whose SQL a test may change, and a warehouse to migrate from it."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings
        shutil.copytree(REPOSITORY / "include", folder / "include", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(REPOSITORY / "sql", folder / "sql")

    def write(self, path: str, content: str) -> None:
        """Writes a file below sql/."""
        target = self.folder / "sql" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")

    def start(self) -> "subprocess.Popen[str]":
        """Begins to migrate."""
        environment = os.environ | {
            "PYTHONPATH": str(self.folder),
            "WAREHOUSE_HOME": str(self.settings.home),
            "WAREHOUSE_URL": str(self.settings.url),
        }
        return subprocess.Popen(
            [sys.executable, "-c", MIGRATE],
            env=environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def migrate(self) -> list[str]:
        """Migrates; gives what was done."""
        process = self.start()
        done, problem = process.communicate(timeout=120)
        assert process.returncode == 0, problem
        return done.split("\n")[:-1] if done.strip() else []

    def failure(self) -> str:
        """Migrates, which must fail; gives the message."""
        process = self.start()
        _, problem = process.communicate(timeout=120)
        assert process.returncode != 0
        return problem.splitlines()[-1]


@pytest.fixture
def checkout(tmp_path: Path, fresh_warehouse: Settings) -> Checkout:
    """A changeable copy of this repository with a warehouse of its own."""
    return Checkout(tmp_path / "checkout", fresh_warehouse)


def scalar(settings: Settings, statement: str) -> object:
    with connect(settings) as connection:
        return connection.execute(text(statement)).scalar()


def refused(url: str, statement: str) -> bool:
    """Whether a statement fails for want of permission."""
    connection = psycopg2.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
    except (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.ReadOnlySqlTransaction):
        return True
    finally:
        connection.close()
    return False


def test_a_second_migration_has_nothing_to_do(fresh_warehouse: Settings) -> None:
    assert migrate(fresh_warehouse) == []


def test_a_warehouse_made_with_the_other_text_of_0020_is_brought_up_to_date(fresh_warehouse: Settings) -> None:
    with engine(fresh_warehouse).begin() as connection:
        for file_name, sha256 in EARLIER_TEXTS.items():
            statement = text("update ops.migration set sha256 = :sha256 where file_name = :file_name")
            assert connection.execute(statement, {"sha256": sha256, "file_name": file_name}).rowcount == 1
    assert migrate(fresh_warehouse) == []


def test_two_at_once_wait_for_each_other(checkout: Checkout) -> None:
    checkout.write("routines/ops/probe.sql", "create or replace function ops.probe() returns int return 1;")
    running = [checkout.start(), checkout.start()]
    outputs = sorted(process.communicate(timeout=120)[0].strip() for process in running)
    assert outputs == ["", "routine ops.probe"]


def test_an_applied_migration_cannot_change(checkout: Checkout) -> None:
    path = checkout.folder / "sql/migrations/0001_ops.sql"
    path.write_text(path.read_text() + "\n-- afterthought\n")
    message = checkout.failure()
    assert "sql/migrations/0001_ops.sql was applied to this database and is different now" in message
    assert "put the change into a new migration" in message


def test_a_new_migration_needs_its_place_in_the_ledger(checkout: Checkout) -> None:
    checkout.write("migrations/9999_probe.sql", "create table ops.probe ();")
    assert "sql/migrations/9999_probe.sql; run: python -m include.warehouse.migrations" in checkout.failure()


def test_a_released_procedure_cannot_change_and_another_one_can(checkout: Checkout) -> None:
    source = "create or replace procedure ops.probe_v1() language plpgsql as $$ begin perform 1; end $$;"
    checkout.write("procedures/ops/probe_v1.sql", source)
    assert checkout.migrate() == ["procedure ops.probe_v1"]
    source = source.replace("perform 1", "perform 2")
    checkout.write("procedures/ops/probe_v1.sql", source)
    assert checkout.migrate() == ["procedure ops.probe_v1"]
    digest = hashlib.sha256(source.encode()).hexdigest()
    released = checkout.folder / "sql/procedures/released.txt"
    known = released.read_text() if released.exists() else ""
    released.write_text(f"{known}{digest}  ops/probe_v1.sql\n")
    assert checkout.migrate() == []
    checkout.write("procedures/ops/probe_v1.sql", source.replace("perform 2", "perform 3"))
    assert "ops/probe_v1.sql is released and must not change; restore it and write probe_v2.sql" in checkout.failure()
    (checkout.folder / "sql/procedures/ops/probe_v1.sql").unlink()
    assert "sql/procedures/ops/probe_v1.sql is released but missing" in checkout.failure()


def test_routines_follow_their_files(checkout: Checkout) -> None:
    calls_later_one = "create or replace function ops.probe_a() returns int return ops.probe_b(1) + 1;"
    checkout.write("routines/ops/probe_a.sql", calls_later_one)
    checkout.write("routines/ops/probe_b.sql", "create or replace function ops.probe_b(p int) returns int return p;")
    assert sorted(checkout.migrate()) == ["routine ops.probe_a", "routine ops.probe_b"]
    with connect(checkout.settings) as connection:
        assert call(connection, "ops.probe_b", p=3) == [{"probe_b": 3}]
    checkout.write("routines/ops/probe_a.sql", "create or replace function ops.probe_a(p text) returns text return p;")
    assert checkout.migrate() == ["routine ops.probe_a"]
    assert scalar(checkout.settings, "select count(*) from pg_proc where proname = 'probe_a'") == 1
    (checkout.folder / "sql/routines/ops/probe_a.sql").unlink()
    assert checkout.migrate() == ["dropped routine ops.probe_a"]
    assert scalar(checkout.settings, "select count(*) from pg_proc where proname = 'probe_a'") == 0


def test_views_follow_their_files_and_their_readers_keep_them(checkout: Checkout) -> None:
    checkout.write("views/mart/probe_a.sql", "create or replace view mart.probe_a as select * from mart.probe_b;")
    checkout.write("views/mart/probe_b.sql", "create or replace view mart.probe_b as select 1 as one;")
    assert sorted(checkout.migrate()) == ["view mart.probe_a", "view mart.probe_b"]
    checkout.write("views/mart/probe_b.sql", "create or replace view mart.probe_b as select 'a' as one;")
    assert sorted(checkout.migrate()) == ["view mart.probe_a", "view mart.probe_b"]
    assert scalar(checkout.settings, "select one from mart.probe_a") == "a"

    assert not refused(login_url(checkout.settings, "analyst"), "select one from mart.probe_a")


def test_an_error_in_a_file_names_it_and_changes_nothing(checkout: Checkout) -> None:
    checkout.write("views/mart/probe_a.sql", "create or replace view mart.probe_a as select 1 as one;")
    checkout.write("views/mart/probe_b.sql", "create or replace view mart.probe_b as select * from mart.nowhere;")
    message = "\n".join(checkout.start().communicate(timeout=120))
    assert 'sql/views/mart/probe_b.sql cannot be applied: relation "mart.nowhere" does not exist' in message
    assert scalar(checkout.settings, "select to_regclass('mart.probe_a')") is None


def test_analysts_read_mart_and_nothing_else(fresh_warehouse: Settings) -> None:
    analyst = login_url(fresh_warehouse, "analyst")
    assert refused(analyst, "select * from ops.file")
    assert refused(analyst, "select * from core.sale_line")
    assert refused(analyst, "create table public.mine ()")
    assert refused(analyst, "create temp table mine ()")
    assert refused(analyst, "select * from mart.customer_contact")
    assert refused(analyst, "set role contact_reader")
    assert refused(analyst, "set role sales_reader")


def test_the_dashboard_reads_nothing_until_it_takes_a_role(fresh_warehouse: Settings) -> None:
    dashboard = login_url(fresh_warehouse, "dashboard")
    for statement in ("select * from mart.customers", "select * from mart.month", "select * from access.user_account"):
        assert refused(dashboard, statement)
    assert not refused(dashboard, "set role contact_reader; select * from mart.customer_contact")
    assert not refused(dashboard, "set role sales_reader; select * from mart.customer_contact")
    assert not refused(dashboard, "set role mart_reader; select * from mart.customers")
    assert refused(dashboard, "set role mart_reader; select * from mart.customer_contact")


def test_without_permission_to_create_roles_the_rest_is_done(
    fresh_warehouse: Settings, tmp_path: Path, warehouse: Settings
) -> None:
    admin = make_url(str(fresh_warehouse.url))
    superuser = admin.set(
        drivername="postgresql", username="postgres", password=read_credentials(warehouse)["superuser_password"]
    )
    connection = psycopg2.connect(superuser.render_as_string(hide_password=False))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("create role powerless login password 'powerless'")
        cursor.execute("create database powerless")
        cursor.execute("alter role analyst rename to analyst_elsewhere")
    url = admin.set(username="powerless", password="powerless", database="powerless")
    settings = Settings(
        home=tmp_path / "powerless",
        url=url.render_as_string(hide_password=False),
        contracts=fresh_warehouse.contracts,
    )
    others = replace(settings, url=url.set(database=admin.database).render_as_string(hide_password=False))
    try:
        for verb in ("status", "up", "migrate"):
            refused = run(others, verb).errors
            assert f"user powerless lacks a right in database {admin.database}" in refused
            assert f"its tables are those of {admin.username}: name that user in WAREHOUSE_URL" in refused
            remedy = "alter database powerless owner to powerless"
            assert f"let an administrator run: {remedy}" in run(settings, verb).errors
        engine(others).dispose()
        with connection.cursor() as cursor:
            cursor.execute(remedy)
        done = migrate(settings)
        assert "not permitted: create role analyst login; let an administrator run it, then migrate again" in done
        with pytest.raises(LookupError, match="the password of role analyst is not in"):
            login_url(settings, "analyst")
        assert scalar(settings, "select count(*) > 0 from ops.feed") is True
    finally:
        with connection.cursor() as cursor:
            cursor.execute("alter role analyst_elsewhere rename to analyst")
            cursor.execute("drop database powerless with (force)")
            cursor.execute("drop role powerless")
        connection.close()


def test_a_call_names_a_missing_routine(fresh_warehouse: Settings) -> None:
    with connect(fresh_warehouse) as connection:
        with pytest.raises(LookupError, match=r"no routine ops\.nowhere; run: python -m include\.warehouse migrate"):
            call(connection, "ops.nowhere")
        with pytest.raises(ValueError, match="is not a routine"):
            call(connection, "ops.feed; drop table ops.feed")
        with pytest.raises(ProgrammingError):
            call(connection, "pg_catalog.now", wrong=1)
        connection.rollback()


# Soda's own use of what it calls deprecated
@pytest.mark.filterwarnings("ignore::DeprecationWarning:soda_core", "ignore::DeprecationWarning:soda_postgres")
def test_what_was_loaded_but_not_published_before_an_upgrade_is_published_after_it(
    fresh_warehouse: Settings, tmp_path: Path
) -> None:
    """Before migration 0012 loads noted no change of the last published month."""
    sample = write_sample(tmp_path / "sample", customers=300, months=12, seed=5)
    year = next(path for path in sample if path.stem.startswith("sales"))
    load_files(fresh_warehouse, sample)
    assert steps.refresh(fresh_warehouse).is_published
    before = mart_rows(fresh_warehouse, "customer_snapshot")
    load_files(fresh_warehouse, [write_correction(year, tmp_path / year.name, every=20)])
    with engine(fresh_warehouse).begin() as connection:
        forgotten = connection.execute(
            text("delete from crm.pending_change where month = (select max(month) from crm.published_month)")
        )
        assert forgotten.rowcount > 10
        connection.exec_driver_sql((MIGRATIONS / "0012_noted_report_month.sql").read_text(encoding="utf-8"))

    assert steps.refresh(fresh_warehouse).is_published
    after = mart_rows(fresh_warehouse, "customer_snapshot")
    assert after != before
    assert steps.refresh(fresh_warehouse, from_month=date(2025, 12, 1)).is_published
    everybody = mart_rows(fresh_warehouse, "customer_snapshot")
    assert_same_rows(after, everybody, "built for those who are noted, and for everybody")


def test_released_procedures_are_as_they_were_released() -> None:
    for name, sha256 in read_released().items():
        assert hashlib.sha256((PROCEDURES / name).read_bytes()).hexdigest() == sha256, name


def test_the_schema_dump_is_up_to_date(warehouse: Settings) -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == dump_schema(warehouse), "run: make schema"
