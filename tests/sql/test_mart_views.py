"""mart, as its readers meet it: columns by the definitions, rights by role, published beside accepted state."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

from include.warehouse.customer_filter import search_clause
from include.warehouse.database import engine
from include.warehouse.load import load_files
from include.warehouse.roles import login_url
from include.warehouse.settings import REPOSITORY, Settings
from include.warehouse.steps import refresh
from tests.fixtures.published import load_and_publish
from tests.fixtures.retailer import CUSTOMERS, ODD_CITIES, PRODUCTS, lines, write_sales

SNAPSHOT_COLUMNS = [
    "month",
    "as_of_date",
    "customer_id",
    "customer_group",
    "city",
    "home_store_id",
    "opt_in_email",
    "opt_in_sms",
    "opt_in_phone",
    "is_in_master",
    "first_core_date",
    "last_core_date",
    "last_purchase_date",
    "recency_days",
    "frequency",
    "monetary",
    "total_amount",
    "month_amount",
    "month_core_amount",
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
    "rule_set",
    "run_id",
]
SOURCE_FILE_COLUMNS = [
    "file_name",
    "feed",
    "sha256",
    "received_at",
    "effective_date",
    "status",
    "message",
    "rows_received",
    "rows_loaded",
    "rows_unchanged",
    "rows_rejected",
    "rows_duplicate",
    "rows_superseded",
    "amount_received",
    "amount_loaded",
]
REJECTED_COLUMNS = [
    "file_name",
    "line_number",
    "raw_row",
    "reasons",
    "amount",
    "rejected_at",
    "resolved_by",
]
SALE_LINE_COLUMNS = [
    "transaction_id",
    "line_no",
    "transaction_date",
    "customer_id",
    "product_id",
    "store_id",
    "quantity",
    "unit_price",
    "discount_amount",
    "promotion_id",
    "transaction_type",
    "net_amount",
    "file_name",
]
QUERIES = dict(
    re.findall(
        r"^## ([^\n]+)\n.*?```sql\n(.*?)```", (REPOSITORY / "docs" / "analyst_queries.md").read_text(), re.M | re.S
    )
)


def rows(connection: Connection, statement: str) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(text(statement)).mappings()]


@pytest.fixture
def owner(published: Settings) -> Iterator[Connection]:
    with engine(published).connect() as connection:
        yield connection


@pytest.fixture
def as_role(published: Settings) -> Iterator[Callable[[str], Connection]]:
    opened: list[Connection] = []

    def connect(role: str) -> Connection:
        login, options = ("analyst", "") if role == "analyst" else ("dashboard", f"-c role={role}")
        opened.append(create_engine(login_url(published, login), connect_args={"options": options}).connect())
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()
        connection.engine.dispose()


@pytest.mark.parametrize(
    ("view", "columns"),
    [
        ("customer_snapshot", SNAPSHOT_COLUMNS),
        ("snapshot_history", [*SNAPSHOT_COLUMNS, "published_from", "published_until", "replaced_by"]),
        ("source_file", SOURCE_FILE_COLUMNS),
        ("rejected_records", REJECTED_COLUMNS),
        ("sale_line", SALE_LINE_COLUMNS),
        ("customer_contact", ["customer_id", "full_name", "email", "phone"]),
    ],
)
def test_views_have_the_columns_of_the_definitions(owner: Connection, view: str, columns: list[str]) -> None:
    found = list(owner.execute(text(f"select * from mart.{view} limit 0")).keys())
    assert found[: len(columns)] == columns


def test_money_is_numeric_with_cents(owner: Connection) -> None:
    types = rows(
        owner,
        "select pg_typeof(monetary)::text as monetary, pg_typeof(month_amount)::text as month_amount,"
        " scale(monetary) as scale from mart.customer_snapshot limit 1",
    )
    assert types == [{"monetary": "numeric", "month_amount": "numeric", "scale": 2}]
    cuts = rows(
        owner,
        "select c.metric, c.limit_value, min(s.monetary) as least from mart.cut_point c"
        " join mart.customer_snapshot s on s.month = c.month and s.m_score = c.band"
        " where c.metric = 'monetary' and c.month = '2025-11-01' group by c.metric, c.band, c.limit_value",
    )
    assert len(cuts) == 5
    assert all(cut["limit_value"] == cut["least"] for cut in cuts)


def test_no_date_or_moment_is_infinite(owner: Connection) -> None:
    """Excel's driver shows today's date for one, and Power BI's cannot read it."""
    columns = owner.exec_driver_sql(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'mart' and (data_type = 'date' or data_type like 'timestamp%%')"
    ).all()
    infinite = [
        f"{view}.{column}"
        for view, column in columns
        if owner.exec_driver_sql(f"select exists (select from mart.{view} where not isfinite({column}))").scalar_one()
    ]
    assert len(columns) > 50
    assert infinite == []
    assert rows(owner, "select rule_set, state, active_from from mart.rule_set") == [
        {"rule_set": 1, "state": "active", "active_from": None}
    ]


def test_amounts_are_those_of_the_source_files(owner: Connection) -> None:
    expected: defaultdict[date, Decimal] = defaultdict(Decimal)
    core: defaultdict[date, Decimal] = defaultdict(Decimal)
    for line in lines():
        expected[line.day.replace(day=1)] += line.amount
        core[line.day.replace(day=1)] += line.amount if line.is_core else 0
    of_months = "sum(month_amount) as amount, sum(month_core_amount) as core"
    of_lines = "sum(net_amount) as amount, coalesce(sum(net_amount) filter (where is_core), 0) as core"
    for view, sums in (("month_summary", of_months), ("fact_customer_month", of_months), ("fact_sale_line", of_lines)):
        found_rows = rows(owner, f"select month, {sums} from mart.{view} group by month")
        found = {row["month"]: (row["amount"], row["core"]) for row in found_rows}
        assert found == {month: (expected[month], core[month]) for month in expected}


@pytest.mark.parametrize(
    ("fact", "column", "dimension", "key"),
    [
        ("fact_customer_month", "customer_id", "dim_customer", "customer_id"),
        ("fact_customer_month", "month", "dim_month", "month"),
        ("fact_customer_month", "segment", "dim_segment", "segment"),
        ("fact_customer_month", "home_store_id", "dim_store", "store_id"),
        ("fact_sale_line", "customer_id", "dim_customer", "customer_id"),
        ("fact_sale_line", "month", "dim_month", "month"),
        ("fact_sale_line", "product_id", "dim_product", "product_id"),
        ("fact_sale_line", "store_id", "dim_store", "store_id"),
    ],
)
def test_the_star_joins(owner: Connection, fact: str, column: str, dimension: str, key: str) -> None:
    keys = rows(owner, f"select count(*) as all, count(distinct {key}) as distinct from mart.{dimension}")[0]
    assert keys["all"] == keys["distinct"] > 0
    lost = f"select count(*) as lost from mart.{fact} where {column} not in (select {key} from mart.{dimension})"
    assert rows(owner, lost) == [{"lost": 0}]


def test_the_publication_says_what_decided_the_months(owner: Connection) -> None:
    (publication,) = rows(owner, "select * from mart.publication")
    assert publication["is_current"]
    assert (publication["first_month"], publication["report_month"]) == (date(2024, 1, 1), date(2025, 11, 1))
    assert (publication["as_of_date"], publication["months_built"]) == (date(2025, 11, 17), 23)
    assert (publication["files_known"], publication["rule_sets"]) == (6, [1])
    assert publication["known_at"] < publication["published_at"]
    built_by = ["crm.aggregate_facts_v1", "crm.cut_month_v3", "crm.measure_month_v1", "crm.score_month_v5"]
    assert publication["procedure_versions"] == built_by
    months = rows(owner, "select * from mart.month order by month")
    assert [month["month"] for month in months if month["is_report_month"]] == [date(2025, 11, 1)]
    assert [month["month"] for month in months if month["is_open"]] == [date(2025, 11, 1)]
    assert sum(month["short_history"] for month in months) == 12
    assert all(month["procedure_versions"] == built_by for month in months)


def test_a_month_knows_its_procedures_whatever_is_installed(owner: Connection) -> None:
    """What was installed when a publication ended need not be what built it; it is the guess for older months."""
    versions = "select procedure_versions from mart.publication union all select procedure_versions from mart.month"
    owner.exec_driver_sql(
        "insert into ops.routine (kind, schema_name, routine_name, sha256, applied_at)"
        " values ('procedure', 'crm', 'score_month_v6', '', '-infinity')"
    )
    known = [row["procedure_versions"] for row in rows(owner, versions)]
    assert all("crm.score_month_v5" in each and "crm.score_month_v6" not in each for each in known)
    owner.exec_driver_sql("update ops.run_month set procedures = null")
    assert all("crm.score_month_v6" in row["procedure_versions"] for row in rows(owner, versions))
    owner.rollback()


def test_an_analyst_reads_mart_alone_and_changes_nothing(as_role: Callable[[str], Connection]) -> None:
    analyst = as_role("analyst")
    views = rows(analyst, "select table_name from information_schema.tables where table_schema = 'mart'")
    names = {view["table_name"] for view in views}
    assert {"customer_snapshot", "sale_line", "publication", "conservation"} <= names
    for name in names - {"customer_contact"}:
        analyst.execute(text(f"select * from mart.{name} limit 1"))
    for refused in (
        "select * from mart.customer_contact",
        "select * from core.customer_version",
        "select * from crm.snapshot",
        "select * from ops.file",
        "create table mart.mine (id integer)",
    ):
        with pytest.raises(DBAPIError, match=r"permission denied|read-only transaction"):
            analyst.execute(text(refused))
        analyst.rollback()


def test_personal_data_is_shown_to_contact_readers_alone(as_role: Callable[[str], Connection]) -> None:
    people = "select count(*) as all, count(full_name) + count(email) + count(phone) as shown from mart.customers"
    rejects = (
        "select count(*) filter (where feed = 'customers') as customers,"
        " count(raw_row) filter (where feed = 'customers') as customers_shown,"
        " count(*) filter (where feed = 'sales' and raw_row is null) as sales_hidden from mart.rejected_records"
    )
    analyst, marketing = as_role("analyst"), as_role("contact_reader")
    assert rows(analyst, people) == [{"all": CUSTOMERS, "shown": 0}]
    assert rows(marketing, people) == [{"all": CUSTOMERS, "shown": 3 * CUSTOMERS}]
    assert rows(analyst, rejects) == [{"customers": 2, "customers_shown": 0, "sales_hidden": 0}]
    assert rows(marketing, rejects) == [{"customers": 2, "customers_shown": 2, "sales_hidden": 0}]
    assert len(rows(marketing, "select * from mart.customer_contact")) == CUSTOMERS


LONG_TEXT = 150


def plain(text: str) -> str:
    letters = unicodedata.normalize("NFD", text.lower())
    return unicodedata.normalize("NFC", "".join(one for one in letters if not "\u0300" <= one <= "\u036f"))


def test_customers_are_found_however_long_their_names_are(fresh_warehouse: Settings, tmp_path: Path) -> None:
    people = {
        "C1": "María Öz",
        "c" * 2000: "Ann",
        "C3": "Å" * 5000 + " Smith",
        "C4": "x" * 998,
        "C5": "x" * 999,
        "C6": "",
        "Çé7": "Zoë O'Brien-Nuñez Dvořák أحمد 한국어 🎉",
    }
    path = tmp_path / "customers_2025-01-01.csv"
    path.write_text(
        "customer_id,full_name\n" + "".join(f"{key},{name}\n" for key, name in people.items()), encoding="utf-8"
    )
    load_files(fresh_warehouse, [path])
    with engine(fresh_warehouse).connect() as connection:
        found = {
            row["customer_id"]: row["search_text"] for row in rows(connection, "select * from mart.customer_search")
        }
        assert found == {
            key: plain(text[:LONG_TEXT] if len(f"{key}{name}".encode()) > 1000 else text)
            for key, name in people.items()
            for text in [f" {key}\n {name}" if name else f" {key}"]
        }
        for text, expected in {
            "maria ö": ["C1"],
            "MARÍA": ["C1"],
            "ce7": ["Çé7"],
            "-nunez dvorak أحمد 한국어": ["Çé7"],
            "oz": ["C1"],
            "ri": [],
            "cc": ["c" * 2000],
            "c4": ["C4"],
            "åå": ["C3"],
        }.items():
            parameters: dict[str, object] = {}
            statement = f"select customer_id from mart.customer_search where {search_clause(text, '', parameters)}"
            assert connection.exec_driver_sql(statement, parameters).scalars().all() == expected


def test_masters_are_the_newest_ones(owner: Connection) -> None:
    closed = rows(owner, "select * from mart.customers where not is_in_master")
    assert len(closed) == 15
    assert {(row["opt_in_email"], row["opt_in_sms"], row["opt_in_phone"]) for row in closed} == {(None, None, None)}
    assert {row["city"] for row in rows(owner, "select distinct city from mart.customers")} == set(ODD_CITIES)
    core = rows(owner, "select product_id from mart.dim_product where is_core")
    assert len(core) == PRODUCTS - PRODUCTS // 3


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+34", "'+34"),
        ("-5", "'-5"),
        ("@x", "'@x"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n'=1"),
        ("＝1", "'＝1"),
        ("a=1", "a=1"),
        # where a spreadsheet separates by something else than the file
        ("a;=1+1;x", "a;'=1+1;x"),
        ('a;" =1"', 'a;" \'=1"'),
        ("a;,-1|@x", "a;,'-1|'@x"),
        ("a\t＝1", "a\t'＝1"),
        ("a\r\n=1", "a\r\n'=1"),
        ("=1;=2", "'=1;'=2"),
        ("a; b, c-d|e=f", "a; b, c-d|e=f"),
        ("0007", "0007"),
        ("'=1", "'=1"),
        ("", ""),
        (None, None),
    ],
)
def test_safe_text(owner: Connection, given: str | None, shown: str | None) -> None:
    assert owner.execute(text("select mart.safe_text(:given)"), {"given": given}).scalar() == shown


@pytest.mark.parametrize("title", QUERIES)
def test_ready_queries_run_and_answer(as_role: Callable[[str], Connection], title: str) -> None:
    found = as_role("analyst").execute(text(QUERIES[title])).mappings().all()
    if title == "What a correction changed in a published month":
        assert not found
    else:
        assert found
    if title == "Growth accounting: do the buyers add up?":
        assert {row["difference"] for row in found[1:]} == {0}
    if title == "Is every euro accounted for?":
        assert all(row["is_ok"] for row in found)


def test_the_published_state_waits_for_the_next_publication(fresh_warehouse: Settings, tmp_path: Path) -> None:
    load_and_publish(fresh_warehouse, tmp_path)
    correction = write_sales(tmp_path / "sales_2025.csv", 2025, without="T100-12")
    removed = [line for line in lines() if line.transaction_id == "T100-12"]
    month = removed[0].day.replace(day=1)
    sums = {
        "accepted": "select sum(net_amount) from mart.sale_line",
        "lines": "select sum(net_amount) from mart.fact_sale_line",
        "months": "select sum(month_amount) from mart.month_summary",
    }

    def read() -> dict[str, Decimal]:
        with engine(fresh_warehouse).connect() as connection:
            return {name: connection.execute(text(statement)).scalar_one() for name, statement in sums.items()}

    before = read()
    assert before["accepted"] == before["lines"] == before["months"]
    assert load_files(fresh_warehouse, [correction])[0].status == "loaded"
    waiting = read()
    assert before["accepted"] - waiting["accepted"] == sum(line.amount for line in removed) != 0
    assert (waiting["lines"], waiting["months"]) == (before["lines"], before["months"])
    refresh(fresh_warehouse)
    after = read()
    assert after["lines"] == after["months"] == after["accepted"] == waiting["accepted"]
    with engine(fresh_warehouse).connect() as connection:
        history = rows(connection, "select * from mart.snapshot_history")
        publications = rows(connection, "select run_id, is_current from mart.publication order by run_id")
    assert {row["customer_id"] for row in history if row["month"] == month} == {removed[0].customer_id}
    assert {row["replaced_by"] for row in history} == {publications[-1]["run_id"]}
    assert [row["is_current"] for row in publications] == [False, True]
