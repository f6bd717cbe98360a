"""Rejected rows taken away, mended by hand and sent again, until they are loaded."""

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from dashboard.data import downloads, health
from dashboard.data import warehouse as data_layer
from dashboard.data.downloads import Prepared
from include.warehouse.database import engine
from include.warehouse.load import load_files
from include.warehouse.settings import Settings
from include.warehouse.users import User
from tests.fixtures.published import load_and_publish

ANALYST = User("analyst@example.org", "Analyst", "analyst")


def file_of(prepared: Prepared) -> Path:
    token, name = prepared.file.url.split("/")[-2:]
    path = downloads.find(token, name)
    assert path is not None
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.timeout(300)
def test_rejects_are_taken_away_mended_sent_again_and_loaded(
    fresh_warehouse: Settings, reading: Callable[[Settings], None], tmp_path: Path
) -> None:
    load_and_publish(fresh_warehouse, tmp_path / "files")
    reading(fresh_warehouse)
    found = health.rejects()
    assert set(found["reason"]) >= {"invalid_date", "unknown_customer", "negative_price", "missing_key"}
    sales = int(found[found["file_name"] == "sales_2025.csv"]["file_id"].iloc[0])
    path = file_of(health.prepare_rejects(sales))
    rows = {row["transaction_id"]: row for row in read(path)}
    header = (tmp_path / "files" / "sales_2025.csv").read_text(encoding="utf-8").splitlines()[0]
    assert path.read_text(encoding="utf-8-sig").startswith(f"{header},{','.join(health.ADDED_COLUMNS)}\n")
    assert rows["X2025-2"]["transaction_date"] == "2025-02-30"
    assert rows["X2025-3"]["reasons"].split() == ["negative_price", "unknown_product"]

    rows["X2025-1"]["customer_id"] = "C0100"
    rows["X2025-2"]["transaction_date"] = "2025-02-28"
    rows["X2025-3"] |= {"unit_price": "1.00", "product_id": "P1"}
    mended = tmp_path / path.name
    with mended.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows["X2025-1"]))
        writer.writeheader()
        writer.writerows(rows.values())
    result = load_files(fresh_warehouse, [mended])[0]
    assert result.status == "loaded", result.message
    with engine(fresh_warehouse).connect() as connection:
        lines = connection.exec_driver_sql(
            "select transaction_id, transaction_date from mart.sale_line"
            " where transaction_id like 'X2025-%%' order by 1"
        ).all()
        left = connection.exec_driver_sql(
            f"select count(*) from mart.rejected_records where file_id = {sales} and resolution is null"
        ).scalar_one()
    assert [tuple(line) for line in lines] == [
        ("X2025-1", date(2025, 2, 3)),
        ("X2025-2", date(2025, 2, 28)),
        ("X2025-3", date(2025, 2, 3)),
    ]
    assert left == 0
    assert sales not in set(health.rejects()["file_id"])

    personal = int(found[found["feed"] == "customers"]["file_id"].iloc[0])
    assert "Nobody Known" in file_of(health.prepare_rejects(personal)).read_text(encoding="utf-8")
    with data_layer.acting_as(ANALYST):
        assert "Nobody" not in file_of(health.prepare_rejects(personal)).read_text(encoding="utf-8")
