"""Row security: every figure that a restricted user reads equals the one computed from all rows of their customers."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg2
import pytest
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from include.warehouse.database import connect, engine
from include.warehouse.load import load_files
from include.warehouse.refresh import summarize_users
from include.warehouse.roles import login_url
from include.warehouse.sample import write_sample
from include.warehouse.settings import Settings
from include.warehouse.steps import refresh
from include.warehouse.users import add_user, set_active
from tests.fixtures.corrections import write_correction

PASSWORD = "a long enough secret"
SELLER, OTHER, UNLISTED = (f"ventas.s{number}@empresa.example" for number in ("01", "02", "08"))
BOSS, BOSS_OF_NOBODY, LEFT = (f"{name}@empresa.example" for name in ("boss", "nobody", "left"))

# Views with one row a customer, or several: the restricted read has the rows of their customers and no other.
OF_CUSTOMERS = {
    "customer_contact",
    "customer_search",
    "customer_snapshot",
    "customers",
    "dim_customer",
    "fact_customer_month",
    "fact_sale_line",
    "sale_line",
    "snapshot_history",
}
# Views that tell nothing of customers: everybody reads the same.
OF_NOBODY = {
    "audience",
    "cut_point",
    "dim_month",
    "dim_product",
    "dim_segment",
    "dim_store",
    "month",
    "products",
    "promotion_details",
    "publication",
    "rule_segment",
    "rule_set",
    "rule_tier",
    "run",
    "setting",
    "source_file_column",
    "stores",
}
# Figures of all customers that nobody can split by customer: null for whoever sees some customers only.
LEFT_OUT = {
    "check_result": {"measured", "failed_rows", "message"},
    "conservation": {"left_value", "right_value"},
    "source_file": {
        "message",
        *(f"rows_{fate}" for fate in ("received", "loaded", "unchanged", "rejected", "duplicate", "superseded")),
        *(f"amount_{fate}" for fate in ("received", "loaded", "unchanged", "rejected", "duplicate")),
    },
    "step": {"rows", "bytes"},
}
BUYERS = ("new", "returning", "resurrected")
MONTH_SUMMARY = ["month", "activity_status", "value_tier", "segment", "lifecycle_event", "growth_state"]
MONTH_MOVEMENT = [
    *("month", "previous_status", "previous_tier", "previous_segment"),
    *("activity_status", "value_tier", "segment"),
]


@pytest.fixture(scope="module")
def settings(
    passing_warehouse: Callable[[], AbstractContextManager[Settings]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """The sample, published twice, so that rows were rejected, superseded and kept as history; with users."""
    with passing_warehouse() as made:
        _fill(made, tmp_path_factory)
        yield made


def _fill(made: Settings, tmp_path_factory: pytest.TempPathFactory) -> None:
    sample: Path = tmp_path_factory.mktemp("sample")
    files = write_sample(sample, customers=400, months=14, seed=5)
    newest_master = max(path for path in files if path.name.startswith("customers"))
    newest_master.write_bytes(in_any_case(newest_master.read_bytes()))
    load_files(made, files)
    refresh(made)
    load_files(made, [write_correction(sample / "sales_2025.csv", sample / "again" / "sales_2025.csv")])
    refresh(made)
    with connect(made) as connection:
        add_user(connection, BOSS, "supervisor", password=PASSWORD)
        add_user(connection, BOSS_OF_NOBODY, "supervisor", password=PASSWORD)
        add_user(connection, SELLER, "sales", supervisor=BOSS, password=PASSWORD)
        add_user(connection, OTHER, "sales", supervisor=BOSS, password=None)
        add_user(connection, UNLISTED, "analyst", supervisor=BOSS_OF_NOBODY, password=None)
        add_user(connection, LEFT, "sales", password=PASSWORD)
        set_active(connection, LEFT, False)
        connection.execute(
            text(
                "insert into ops.failed_row (run_id, check_name, failed_row)"
                " select (select max(run_id) from ops.run), 'a check', to_jsonb(v)"
                " from core.customer_version v where version_to = 'infinity' and known_to = 'infinity'"
            )
        )
        connection.execute(
            text(
                "insert into ops.export_log"
                " (exported_by, month, run_id, filters, has_contact, file_name, format, rows, bytes, sha256)"
                " select unnest(cast(:emails as text[])), '2025-12-01', 1, '{}', false, 'list.csv', 'csv', 1, 1, ''"
            ),
            {"emails": [BOSS, SELLER, OTHER]},
        )


def in_any_case(master: bytes) -> bytes:
    """The addresses of an ERP come in any case."""
    return master.replace(SELLER.encode(), SELLER.upper().encode(), 5)


@contextmanager
def logged_in(settings: Settings, login: str) -> Iterator[Connection]:
    """A connection of a login role."""
    with create_engine(login_url(settings, login), poolclass=NullPool).connect() as connection:
        yield connection


@contextmanager
def reading(settings: Settings, email: str, role: str = "sales_reader") -> Iterator[Connection]:
    """What the dashboard does for a user."""
    with logged_in(settings, "dashboard") as connection:
        connection.execute(
            text("select set_config('warehouse.user', :email, true), set_config('role', :role, true)"),
            {"email": email, "role": role},
        )
        yield connection


def read(connection: Connection, view: str) -> pd.DataFrame:
    """All rows of a view, values as the driver gives them."""
    found = connection.execute(text(f"select * from mart.{view}"))
    return pd.DataFrame(found.all(), columns=list(found.keys()), dtype=object)


def bag(frame: pd.DataFrame) -> list[str]:
    """The rows, in an order that depends on them alone; numbers by their value."""
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return sorted(str([(name, _plain(row[name])) for name in sorted(row)]) for row in rows)


def _plain(value: Any) -> Any:
    if isinstance(value, (int, float)) or type(value).__name__ == "Decimal":
        return f"{float(value):.4f}"
    return str(value)


def customers_of(owner: Connection, emails: set[str]) -> set[str]:
    """Customers by the current master, read without restriction."""
    found = read(owner, "customers")
    return set(found.loc[found["responsible_email"].fillna("").str.lower().isin(emails), "customer_id"])


# of these, who does not see all customers reads nothing
FOR_ALL_CUSTOMERS_ONLY = {"month_to_day"}


def expected(owner: Connection, view: str, theirs: set[str], email: str = "") -> pd.DataFrame:
    """What a view gives to a user when computed from an unrestricted read of the customers in `theirs`."""
    if view in TOTALS:
        snapshot = read(owner, "customer_snapshot")
        return TOTALS[view](snapshot[snapshot["customer_id"].isin(theirs)])
    whole = read(owner, view)
    if view in OF_CUSTOMERS:
        whole = whole[whole["customer_id"].isin(theirs)]
    elif view in LEFT_OUT:
        whole[list(LEFT_OUT[view])] = None
    elif view == "failed_row":
        whole = whole[[row.get("customer_id") in theirs for row in whole["failed_row"]]]
    elif view == "rejected_records":
        is_theirs = [str(row.get("customer_id")).strip() in theirs for row in whole["raw_row"]]
        whole = whole[pd.Series(is_theirs, index=whole.index) | ~whole["feed"].isin(["sales", "customers"])]
    elif view == "reject_count":
        whole = _reject_count(expected(owner, "rejected_records", theirs))
    elif view == "export_log":
        whole = whole[whole["exported_by"] == email]
    elif view in FOR_ALL_CUSTOMERS_ONLY:
        whole = whole.iloc[:0]
    else:
        assert view in OF_NOBODY, f"say of mart.{view} what restricted users read of it"
    return whole


def _reject_count(rows: pd.DataFrame) -> pd.DataFrame:
    reasons = rows[rows["resolution"].isna()].explode("reasons").rename(columns={"reasons": "reason"})
    groups = reasons.groupby(["file_id", "file_name", "feed", "reason"])["amount"]
    return groups.agg(
        records="size", amount=lambda amounts: amounts.dropna().sum() if amounts.notna().any() else None
    ).reset_index()


def _month_summary(rows: pd.DataFrame) -> pd.DataFrame:
    return (
        rows.assign(
            customers=1,
            first_appearances=rows["previous_status"].isna().astype(int),
            buyers=rows["growth_state"].isin(BUYERS).astype(int),
            scored=rows["r_score"].notna().astype(int),
            **{f"reach_{channel}": (rows[f"opt_in_{channel}"] == True).astype(int) for channel in CHANNELS},  # noqa: E712
        )
        .groupby(MONTH_SUMMARY)[SUMMARY_MEASURES]
        .sum()
        .reset_index()
    )


CHANNELS = ("email", "sms", "phone")
SUMMARY_MEASURES = [
    *("customers", "first_appearances", "buyers", "scored", "reach_email", "reach_sms", "reach_phone"),
    *("month_amount", "month_core_amount", "month_orders", "month_items", "monetary", "total_amount"),
]


def _month_movement(rows: pd.DataFrame) -> pd.DataFrame:
    groups = rows.assign(customers=1, shoppers=rows["month_orders"] > 0).groupby(MONTH_MOVEMENT, dropna=False)
    return groups[["customers", "shoppers", "monetary", "month_amount"]].sum().reset_index()


def _month_score(rows: pd.DataFrame) -> pd.DataFrame:
    groups = rows[rows["r_score"].notna()].assign(customers=1).groupby(["month", "r_score", "f_score", "segment"])
    return groups[["customers", "monetary", "month_amount"]].sum().reset_index()


def _month_metric(rows: pd.DataFrame) -> pd.DataFrame:
    scored = rows[rows["r_score"].notna()]
    metrics = {
        "recency": scored["recency_days"],
        "frequency": scored["frequency"],
        "monetary": scored["monetary"].map(
            lambda value: value // 1 if value >= 0 else -(-value // 1) - (value % 1 != 0)
        ),
    }
    found = [
        pd.DataFrame({"month": scored["month"], "metric": metric, "value": values.astype(int), "customers": 1})
        for metric, values in metrics.items()
    ]
    return pd.concat(found).groupby(["month", "metric", "value"])["customers"].sum().reset_index()


def _month_cohort(rows: pd.DataFrame) -> pd.DataFrame:
    bought = rows[rows["first_core_date"].notna()]
    cohort = bought["first_core_date"].map(lambda day: day.replace(day=1))
    groups = bought.assign(
        cohort=cohort,
        customers=1,
        buyers=bought["growth_state"].isin(BUYERS).astype(int),
        repeated=[
            int((last.year, last.month) > (first.year, first.month))
            for first, last in zip(bought["first_core_date"], bought["last_core_date"], strict=True)
        ],
    ).groupby(["month", "cohort"])
    return groups[["customers", "buyers", "repeated", "month_core_amount"]].sum().reset_index()


TOTALS = {
    "month_cohort": _month_cohort,
    "month_metric": _month_metric,
    "month_movement": _month_movement,
    "month_score": _month_score,
    "month_summary": _month_summary,
}


def views(settings: Settings) -> set[str]:
    with engine(settings).connect() as owner:
        return set(
            owner.exec_driver_sql(
                "select table_name from information_schema.views where table_schema = 'mart'"
            ).scalars()
        )


@pytest.mark.parametrize(
    ("email", "emails"),
    [
        (SELLER, {SELLER}),
        (OTHER, {OTHER}),
        (BOSS, {BOSS, SELLER, OTHER}),
        (BOSS_OF_NOBODY, {BOSS_OF_NOBODY, UNLISTED}),
        (LEFT, set()),
        ("stranger@empresa.example", set()),
        (UNLISTED, set()),
        ("", set()),
    ],
)
def test_every_figure_is_that_of_their_customers(settings: Settings, email: str, emails: set[str]) -> None:
    with engine(settings).connect() as owner, reading(settings, email) as restricted:
        theirs = customers_of(owner, emails)
        assert bool(theirs) == bool(emails)
        for view in sorted(views(settings)):
            found, wanted = read(restricted, view), expected(owner, view, theirs, email)
            assert bag(found) == bag(wanted[list(found.columns)]), view
            if email == BOSS and view not in OF_NOBODY | FOR_ALL_CUSTOMERS_ONLY:
                assert len(found), view


def months_prepared(settings: Settings) -> dict[str, int]:
    """Months whose figures are prepared, by user."""
    with engine(settings).connect() as owner:
        found = owner.exec_driver_sql("select user_email, count(*) as months from crm.user_month group by user_email")
        return {row.user_email: row.months for row in found}


def totals_agree(settings: Settings) -> None:
    """Totals that users read are those of their customers, whoever has them prepared."""
    with engine(settings).connect() as owner:
        for email, emails in ((SELLER, {SELLER}), (OTHER, {OTHER}), (BOSS, {BOSS, SELLER, OTHER})):
            theirs = customers_of(owner, emails)
            with reading(settings, email) as restricted:
                for view in TOTALS:
                    found, wanted = read(restricted, view), expected(owner, view, theirs)
                    assert bag(found) == bag(wanted[list(found.columns)]), (email, view)


def move_customers(settings: Settings, folder: Path) -> None:
    """A newer master gives some customers of one seller to the other."""
    newest = max(path for path in write_sample(folder, customers=400, months=14, seed=5) if "customers" in path.name)
    later = newest.with_name("customers_2026-06-30.csv")
    later.write_bytes(in_any_case(newest.read_bytes()).replace(SELLER.encode(), OTHER.encode(), 7))
    load_files(settings, [later])


def test_prepared_figures_are_those_of_the_users_customers(settings: Settings, tmp_path: Path) -> None:
    def prepare(from_customers: int) -> int:
        with connect(settings) as owner:
            owner.exec_driver_sql(
                "update ops.setting set value = %s where setting = 'prepared_from_customers'", (str(from_customers),)
            )
        return summarize_users(settings, 1)

    with engine(settings).connect() as owner:
        months = len(read(owner, "month"))
        sizes = sorted(len(customers_of(owner, {email})) for email in (SELLER, OTHER))
    assert prepare(sizes[-1] + 1) == months, "the supervisor alone sees more"
    assert months_prepared(settings) == {BOSS: months}
    assert prepare(1) == 3 * months
    assert months_prepared(settings) == dict.fromkeys((SELLER, OTHER, BOSS, BOSS_OF_NOBODY), months)
    assert prepare(1) == 0, "nothing has changed"
    totals_agree(settings)

    with connect(settings) as owner:
        owner.exec_driver_sql("update crm.user_month_summary set customers = customers + 1")
    with pytest.raises(AssertionError, match="month_summary"):
        totals_agree(settings)
    move_customers(settings, tmp_path)
    with engine(settings).connect() as owner, reading(settings, SELLER) as restricted:
        wanted = expected(owner, "month_summary", customers_of(owner, {SELLER}))
        assert bag(read(restricted, "month_summary")[wanted.columns]) == bag(wanted), "counted: they see others now"
    with engine(settings).connect() as owner, reading(settings, BOSS) as restricted:
        wanted = expected(owner, "month_summary", customers_of(owner, {BOSS, SELLER, OTHER}))
        found = read(restricted, "month_summary")
        assert found["customers"].sum() > wanted["customers"].sum(), (
            "still the altered ones: the boss sees the same customers"
        )
    refresh(settings)
    with connect(settings) as owner:
        owner.exec_driver_sql("delete from crm.user_month where user_email = %s", (BOSS,))
    assert prepare(1) >= months
    totals_agree(settings)

    assert prepare(2000) == 0
    assert months_prepared(settings) == {}
    totals_agree(settings)


def test_asking_for_one_customer_shows_no_other_and_none_of_others(settings: Settings) -> None:
    with engine(settings).connect() as owner:
        theirs, foreign = (sorted(customers_of(owner, {email})) for email in (SELLER, OTHER))
        for asked, seen in ((theirs[0], {theirs[0]}), (foreign[0], set()), ("nobody's", set())):
            with reading(settings, SELLER) as restricted:
                restricted.execute(text("select set_config('warehouse.customer', :asked, true)"), {"asked": asked})
                for view in OF_CUSTOMERS:
                    found, wanted = read(restricted, view), expected(owner, view, seen)
                    assert bag(found) == bag(wanted[list(found.columns)]), view


@pytest.mark.parametrize("dimension", ["value_tier", "activity_status", "segment"])
def test_movements_are_those_of_their_customers(settings: Settings, dimension: str) -> None:
    with engine(settings).connect() as owner, reading(settings, BOSS) as restricted:
        snapshot = read(owner, "customer_snapshot")
        theirs = snapshot[snapshot["customer_id"].isin(customers_of(owner, {BOSS, SELLER, OTHER}))]
        months = sorted(snapshot["month"].unique())
        for earlier, later in ((months[0], months[-1]), (months[2], months[7])):
            for connection, rows in ((owner, snapshot), (restricted, theirs)):
                then = rows[rows["month"] == earlier].set_index("customer_id")[dimension].rename("origin")
                both = rows[rows["month"] == later].join(then, on="customer_id").fillna({"origin": ""})
                wanted = both.groupby(["origin", dimension])["monetary"].agg(["size", "sum"])
                found = connection.execute(
                    text("select * from mart.movement(:earlier, :later, :dimension)"),
                    {"earlier": earlier, "later": later, "dimension": dimension},
                ).all()
                assert {(row.origin or "", row.destination): (row.customers, row.monetary) for row in found} == {
                    key: tuple(values) for key, values in zip(wanted.index, wanted.to_numpy(), strict=True)
                }


def test_addresses_are_compared_in_any_case(settings: Settings) -> None:
    with engine(settings).connect() as owner, reading(settings, SELLER.title()) as restricted:
        cases = set(read(owner, "customers")["responsible_email"].dropna())
        assert {SELLER, SELLER.upper()} <= cases
        assert set(read(restricted, "customers")["responsible_email"]) == {SELLER, SELLER.upper()}


@pytest.mark.parametrize("role", ["contact_reader", "mart_reader"])
def test_who_sees_all_customers_reads_what_the_owner_reads(settings: Settings, role: str) -> None:
    with engine(settings).connect() as owner, reading(settings, SELLER, role) as unrestricted:
        for view in sorted(views(settings) - {"customer_contact"}):
            whole = read(owner, view)
            if role == "mart_reader":
                whole = _without_contact(view, whole)
            assert bag(read(unrestricted, view)) == bag(whole), view


def _without_contact(view: str, whole: pd.DataFrame) -> pd.DataFrame:
    if view == "customers":
        which = [found and [warning.partition(": ")[0] for warning in found] for found in whole["warnings"]]
        assert any(which)
        return whole.assign(full_name=None, email=None, phone=None, warnings=which)
    if view == "customer_search":
        assert whole["search_text"].str.contains("\n").any()
        return whole.assign(search_text=" " + whole["customer_id"].str.lower())
    if view == "failed_row":
        assert any(row.get("warnings") for row in whole["failed_row"]), "texts of values that could not be read"
        return whole.assign(failed_row=[_without_names(row) for row in whole["failed_row"]])
    if view == "rejected_records":
        hidden = [
            feed == "customers" or bool({"undecodable", "wrong_column_count"} & set(reasons))
            for feed, reasons in zip(whole["feed"], whole["reasons"], strict=True)
        ]
        assert any(hidden)
        return whole.assign(raw_row=[None if hide else row for hide, row in zip(hidden, whole["raw_row"], strict=True)])
    return whole


def _without_names(row: dict[str, Any]) -> dict[str, Any]:
    hidden = ("full_name", "email", "phone", "search_text", "warnings")
    return {name: value for name, value in row.items() if name not in hidden}


@pytest.mark.parametrize("view", ["failed_row", "rejected_records", "customer_search", "customers", "source_file"])
def test_no_row_of_a_view_holds_a_name_for_analysts(settings: Settings, view: str) -> None:
    """Also under a name of its own, such as the text that searches compare."""
    find = "select full_name, email, phone from mart.customer_contact where octet_length(full_name) > 9"
    with engine(settings).connect() as owner, reading(settings, "", "mart_reader") as analyst:
        told = {str(value).lower() for row in owner.exec_driver_sql(find) for value in row if value}
        shown = str(read(analyst, view).to_dict("records")).lower()
        assert [value for value in told if value in shown] == []
        assert view != "failed_row" or any(value in str(read(owner, view).to_dict("records")).lower() for value in told)


@pytest.mark.parametrize("condition", ["definition::text::integer = 1", "definition::text::xid is null"])
def test_conditions_of_a_reader_are_not_asked_about_audiences_that_are_not_shown(
    settings: Settings, condition: str
) -> None:
    """A cast that fails says what it was given."""
    with logged_in(settings, "dashboard") as dashboard:
        dashboard.exec_driver_sql("set transaction read write")
        dashboard.exec_driver_sql(
            """select mart.save_audience(null, null, 'a person', '{"search": "maria garcia"}'::jsonb, 0)"""
        )
        dashboard.exec_driver_sql("set local role mart_reader")
        assert list(dashboard.exec_driver_sql(f"select * from mart.audience where {condition}")) == []


@pytest.mark.parametrize(
    "statement",
    [
        "select mart.save_audience(null, null, 'mine'::pg_catalog.text, '{}', 0)",
        "select mart.delete_audience(0)",
        "select mart.log_export('{}')",
        "select * from access.begin_sign_in('nobody@empresa.example'::pg_catalog.text)",
        "select access.end_sign_in('x', 'password', 'wrong_password')",
    ],
)
def test_types_of_the_caller_are_nothing_to_routines_with_the_rights_of_the_owner(
    settings: Settings, statement: str
) -> None:
    """A check of a type named text would run with these rights."""
    with logged_in(settings, "dashboard") as dashboard:
        dashboard.exec_driver_sql("set transaction read write")
        dashboard.exec_driver_sql(
            "create function pg_temp.refuse(v pg_catalog.text) returns boolean language plpgsql as"
            " $$ begin raise exception 'with the rights of %%', current_user; end $$"
        )
        dashboard.exec_driver_sql("create domain pg_temp.text as pg_catalog.text check (pg_temp.refuse(value))")
        try:
            dashboard.exec_driver_sql(statement)
        except DBAPIError as error:
            refusal = str(error.orig)
        else:
            refusal = ""
        assert "with the rights of" not in refusal


def test_columns_that_no_contract_knows_are_not_shown_to_analysts(fresh_warehouse: Settings, tmp_path: Path) -> None:
    header = "transaction_id,transaction_date,customer_id,product_id,quantity,unit_price,cashier_note"
    path = tmp_path / "sales_2025.csv"
    path.write_text(f"{header}\nT1,2025-01-02,C1,P1,1,1.00,call +34 600 000 001\n", encoding="utf-8")
    load_files(fresh_warehouse, [path])
    with engine(fresh_warehouse).connect() as owner, reading(fresh_warehouse, "", "mart_reader") as analyst:
        assert "call +34 600 000 001" in str(read(owner, "rejected_records")["raw_row"][0])
        shown = read(analyst, "rejected_records")["raw_row"][0]
        assert set(shown) == set(header.split(",")) - {"cashier_note"}


@pytest.mark.parametrize(
    "attempt",
    [
        f'set warehouse."user" = "{BOSS}"',
        f"select set_config('warehouse.user', '{BOSS}', false)",
    ],
)
def test_settings_of_their_own_gain_an_analyst_nothing(settings: Settings, attempt: str) -> None:
    with logged_in(settings, "analyst") as analyst, engine(settings).connect() as owner:
        before = {view: bag(read(analyst, view)) for view in ("customers", "month_summary", "rejected_records")}
        analyst.exec_driver_sql(attempt)
        assert before == {view: bag(read(analyst, view)) for view in before}
        assert analyst.exec_driver_sql("select count(email) from mart.customers").scalar_one() == 0
        assert analyst.exec_driver_sql("select count(*) from mart.customers").scalar_one() == len(
            read(owner, "customers")
        )


@pytest.mark.parametrize("login", ["analyst", "dashboard"])
@pytest.mark.parametrize(
    "statement",
    [
        "select email from core.customer_version",
        "select * from crm.month_summary",
        "select * from access.user_account",
        "select access.visible_customers()",
        "select crm.middle_customer()",
        "update mart.setting set value = 'USD'",
        "set role warehouse",
        "set row_security = off; select * from mart.customers",
    ],
)
def test_nothing_below_mart_can_be_read_or_changed(settings: Settings, login: str, statement: str) -> None:
    with logged_in(settings, login) as connection:
        connection.exec_driver_sql("set transaction read write")
        if login == "dashboard":
            connection.exec_driver_sql("set local role sales_reader")
        with pytest.raises(ProgrammingError, match=r"permission denied|cannot update|row-level security") as refused:
            connection.exec_driver_sql(statement)
        assert isinstance(refused.value.orig, psycopg2.errors.InsufficientPrivilege)


# Tables of which pg_stats may tell an analyst every value: no view leaves out any of it.
STATISTICS_FOR_ALL = {
    "core.product_version",
    "core.promotion_version",
    "core.store_version",
    "crm.cut_point",
    "crm.fact_set",
    "crm.published_month",
    "crm.rule_segment",
    "crm.rule_set",
    "crm.rule_tier",
    "ops.check_result",
    "ops.conservation",
    "ops.feed",
    "ops.file",
    "ops.routine",
    "ops.run",
    "ops.run_month",
    "ops.setting",
    "ops.step",
}


def test_statistics_of_the_planner_do_not_tell_addresses(settings: Settings) -> None:
    with engine(settings).begin() as owner:
        # several, so that their definitions are told apart; what was analyzed stays in pg_stats
        owner.exec_driver_sql(
            "insert into crm.audience (name, owner, definition, holdout_percent)"
            " select name, 'ana@empresa.example', jsonb_build_object('filters', jsonb_build_object('search', name)), 0"
            " from unnest(array['maria garcia', 'eva ruiz']) as name"
        )
        read_by_views = list(owner.exec_driver_sql("select relation::text from mart.tables_read()").scalars())
        owner.exec_driver_sql(f"analyze {', '.join(read_by_views)}")
        owner.exec_driver_sql("delete from crm.audience")
    told = (
        "select distinct schemaname || '.' || tablename from pg_stats"
        " where schemaname not in ('pg_catalog', 'information_schema')"
    )
    with logged_in(settings, "analyst") as analyst, engine(settings).connect() as owner:
        assert set(analyst.exec_driver_sql(told).scalars()) <= STATISTICS_FOR_ALL
        known = set(owner.exec_driver_sql(told).scalars())
    assert {"core.customer_version", "crm.audience", "ops.export_log", "ops.rejected_record", "ops.failed_row"} <= known


def test_every_table_with_customers_has_row_security_and_every_view_keeps_to_it(settings: Settings) -> None:
    with engine(settings).connect() as owner:
        open_tables = owner.exec_driver_sql(
            "select relation from mart.tables_read() where has_customers and not is_secured"
        )
        assert list(open_tables) == []
        with_owners_rights = owner.exec_driver_sql(
            "select oid::regclass::text from pg_class where relnamespace = 'mart'::regnamespace and relkind = 'v'"
            " and not coalesce(reloptions @> array['security_invoker=true'], false)"
        )
        assert list(with_owners_rights) == []
