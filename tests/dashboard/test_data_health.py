"""Data health: what its runs and sums say, and that they say the same as SQL."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas
import pytest
from sqlalchemy import text

from dashboard.components import numbers
from dashboard.data import export, health
from dashboard.data import warehouse as data_layer
from dashboard.data.audience import Audience
from include.warehouse import refresh, steps
from include.warehouse.customer_filter import CustomerFilter
from include.warehouse.database import connect
from include.warehouse.load import load_files
from include.warehouse.settings import Settings
from include.warehouse.users import User
from tests.dashboard.conftest import ADMIN, drawn_charts
from tests.dashboard.test_pages import HEALTH, run, texts
from tests.fixtures.published import load_and_publish
from tests.fixtures.retailer import write_sales

# From the tables themselves, not from what the gate noted.
FOLLOWED = """
with file as (
    select
        sum(rows_received) as rows_received, sum(amount_received) as amount_received,
        sum(rows_rejected) as rows_rejected, sum(amount_rejected) as amount_rejected,
        sum(rows_duplicate) as rows_duplicate, sum(amount_duplicate) as amount_duplicate,
        sum(rows_unchanged) as rows_unchanged, sum(amount_unchanged) as amount_unchanged,
        sum(rows_loaded) as rows_loaded, sum(amount_loaded) as amount_loaded
    from ops.file
    where feed = 'sales' and status = 'loaded'
)
select 'received' as step, rows_received::bigint as records, amount_received as amount from file
union all select 'rejected', rows_rejected, amount_rejected from file
union all select 'duplicate', rows_duplicate, amount_duplicate from file
union all select 'unchanged', rows_unchanged, amount_unchanged from file
union all select 'loaded', rows_loaded, amount_loaded from file
union all select 'superseded', count(*), sum(net_cents) * 0.01 from core.sale_line_superseded
union all select 'current', count(*), sum(net_cents) * 0.01 from core.sale_line
union all select 'customer_months', null, sum(net_amount) from mart.fact_sale_line
union all select 'published_months', null, sum(month_cents) * 0.01 from crm.snapshot
"""
ANALYST = User("analyst@example.org", "Analyst", "analyst")
AIRFLOW = "build_customer_snapshot scheduled__2025-11-18T06:15:00+00:00"


@pytest.mark.timeout(300)
def test_quiet_hours_hide_no_publication(
    fresh_warehouse: Settings, reading: Callable[[Settings], None], tmp_path: Path
) -> None:
    refresh.plan(fresh_warehouse, requested_by=AIRFLOW)
    load_and_publish(fresh_warehouse, tmp_path / "files")
    for _ in range(25):
        assert refresh.plan(fresh_warehouse, requested_by=AIRFLOW).status == "nothing_to_do"
    with connect(fresh_warehouse) as owner:
        published, newest = owner.execute(
            text(
                "update ops.run set requested_by = :airflow where status = 'published'"
                " returning run_id, (select max(run_id) from ops.run)"
            ),
            {"airflow": AIRFLOW},
        ).one()
    assert newest == published + 25
    reading(fresh_warehouse)
    page = run(HEALTH, section="Runs")
    said = texts(page)
    assert "The report month is November 2025" in said
    assert "25 such checks since the last publication" in said
    shown = page.dataframe[0].value
    assert list(shown["run_id"]) == [published]
    assert list(shown[["kind", "status", "requested_by", "message"]].iloc[0]) == [
        "Publication",
        "Published",
        "Airflow",
        "",
    ]
    assert page.selectbox(key="run").value == published
    assert "took longest" in said
    with connect(fresh_warehouse) as owner:
        written = owner.execute(text("select bytes from ops.step where step = 'excel'")).scalar_one()
    assert [bar for bar in drawn_charts(page)[0]["data"][0]["text"] if bar.endswith(f" · {written / 1000:,.1f} kB")]


def test_why_a_file_was_refused_stands_beside_the_word(
    fresh_warehouse: Settings, reading: Callable[[Settings], None], tmp_path: Path
) -> None:
    without_key = tmp_path / "stores_2025-01-01.csv"
    without_key.write_text("store_name,city\nCentre,Madrid\n", encoding="utf-8")
    assert [result.status for result in load_files(fresh_warehouse, [without_key])] == ["refused"]
    reading(fresh_warehouse)
    page = run(HEALTH)
    table = page.dataframe[0]
    assert list(table.proto.column_order)[:4] == ["file_name", "feed", "status", "message"]
    assert "store_id" in table.value["message"].iloc[0]


def test_what_a_check_says_stands_beside_its_outcome(reading: Callable[[Settings], None], published: Settings) -> None:
    reading(published)
    shown = run(HEALTH, section="Checks").dataframe[0].value
    assert list(shown)[:2] == ["outcome", "message"]
    assert shown["message"].str.len().min() > 0


@pytest.mark.timeout(300)
def test_rows_and_money_are_followed_from_file_to_published_month(
    fresh_warehouse: Settings, reading: Callable[[Settings], None], tmp_path: Path
) -> None:
    load_and_publish(fresh_warehouse, tmp_path / "files")
    correction = write_sales(tmp_path / "sales_2025.csv", 2025, without="T100-12")
    assert [result.status for result in load_files(fresh_warehouse, [correction])] == ["loaded"]
    steps.refresh(fresh_warehouse)
    reading(fresh_warehouse)
    run_id = health.newest_audited_run()
    assert run_id is not None
    followed = {row.step: (row.records, row.amount) for row in health.chain(run_id).itertuples()}
    with connect(fresh_warehouse) as owner:
        summed = {row.step: (row.records, row.amount) for row in owner.execute(text(FOLLOWED))}
    assert {step: (None if pandas.isna(r) else r, round(a, 2)) for step, (r, a) in followed.items()} == {
        step: (records, float(amount)) for step, (records, amount) in summed.items()
    }
    assert all(summed[step][0] for step in ("rejected", "unchanged", "superseded")), "each step has something to show"

    page = run(HEALTH, section="Conservation")
    said = texts(page)
    rows, money = summed["current"][0], numbers.money(summed["current"][1], 2)
    assert f"{rows:,} are current; their {money} are the money of the published months" in said
    assert "move on with the next run" not in said
    shown = page.dataframe[0].value
    assert [shown["Money"].iloc[place] for place in (-3, -1)] == [money, money]
    page.selectbox(key="identity").set_value("customer-months = month_amount of published months").run()
    sides = page.dataframe[1]
    total = sides.value.set_index("scope").loc["total"]
    assert (total["left_value"], total["right_value"]) == (float(summed["current"][1]),) * 2
    named = json.loads(sides.proto.columns)
    assert named["left_value"]["label"] == "Customer-months, €"
    assert named["right_value"]["label"] == "Month_amount of published months, €"


def test_rejects_of_every_file_are_taken_by_one_button(
    reading: Callable[[Settings], None], published: Settings
) -> None:
    reading(published)
    page = run(HEALTH, section="Rejects")
    offered = page.selectbox(key="rejects of").options
    assert {"sales_2025.csv"} < set(offered), "and those of masters"
    for name in offered:
        page.selectbox(key="rejects of").select(name).run()
        [button] = page.button
        assert button.label.replace("\\", "") == f"Rejects of {name}"
        button.click().run()
        with connect(published) as owner:
            taken = owner.execute(text("select filters from ops.export_log order by export_id desc limit 1"))
            assert taken.scalar_one() == {"rejects_of": name}
    page = run(HEALTH, ANALYST, section="Rejects")
    kept_back = set(offered) - set(page.selectbox(key="rejects of").options)
    assert kept_back == {name for name in offered if name.startswith("customers")}
    assert "personal data, which you may not see: customers" in texts(page)


@pytest.mark.parametrize("role", ["marketing", "sales", "supervisor"])
def test_exports_are_shown_to_administrators_and_to_who_made_them(
    reading: Callable[[Settings], None], published: Settings, role: str
) -> None:
    reading(published)
    maker, other = (User(f"{name}.{role}@example.org", name, role) for name in ("maker", "other"))
    audience = Audience(CustomerFilter(month=date(2025, 10, 1), status=("lost",)), channel="sms")
    with data_layer.acting_as(maker):
        prepared = export.prepare(audience, "csv")
    for user, shown_to in ((ADMIN, True), (maker, True), (other, False)):
        page = run(HEALTH, user, section="Exports")
        found = page.dataframe[0].value if page.dataframe else pandas.DataFrame({"exported_by": [], "sha256": []})
        mine = found[found["exported_by"] == maker.email]
        assert len(mine) == shown_to
        assert user is ADMIN or len(found) == len(mine)
    with connect(published) as owner:
        newest = owner.execute(text("select * from ops.export_log order by export_id desc limit 1")).mappings().one()
    shown = run(HEALTH, maker, section="Exports").dataframe[0].value.iloc[0]
    assert (shown["file_name"], shown["rows"], shown["sha256"]) == (prepared.file.name, prepared.rows, newest["sha256"])
    assert (shown["channel"], json.loads(shown["filters"])) == ("SMS", newest["filters"])
    assert shown["bytes"] == newest["bytes"], "not 0.00 of a larger unit"
