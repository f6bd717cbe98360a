"""Contracts that the tables of their feed cannot serve are refused before a file is touched, with field and remedy."""

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from include.warehouse.contracts import FilePeriod, load_contracts, match_feed
from include.warehouse.database import engine
from include.warehouse.errors import InputError
from include.warehouse.feed_tables import FEED_TABLES
from include.warehouse.load import load_files
from include.warehouse.settings import Settings, load_settings

KEPT_AS = {"text": "text", "date": "date", "number": "numeric", "boolean": "boolean"}


def edited(folder: Path, of_feed: str, **fields: Any) -> Settings:
    """Settings with a copy of the shipped contracts, one of them with other fields and columns (None: left out)."""
    settings = load_settings()
    shutil.copytree(settings.contracts, folder)
    path = folder / f"{of_feed}.yml"
    contract = yaml.safe_load(path.read_text(encoding="utf-8"))
    columns = contract["columns"] | fields.pop("columns", {})
    contract |= fields | {"columns": {name: column for name, column in columns.items() if column}}
    path.write_text(yaml.safe_dump(contract), encoding="utf-8")
    return replace(settings, contracts=folder)


def column(name: str, data_type: str, **more: Any) -> dict[str, Any]:
    return {"columns": {name: {"type": data_type, "header_required": False, **more}}}


def words(**meanings: list[str]) -> dict[str, Any]:
    return column("transaction_type", "word", words=meanings)


@pytest.mark.parametrize(
    ("feed", "fields", "field", "remedy"),
    [
        ("customers", column("loyalty_no", "text"), "columns.loyalty_no", "out"),
        ("customers", column("city", "number"), "columns.city", "type: text"),
        ("customers", {"natural_key": ["email"]}, "natural_key", "natural_key: [customer_id]"),
        ("customers", {"load_mode": "replace_period"}, "load_mode", "load_mode: snapshot"),
        ("stores", {"columns": dict.fromkeys(("store_name", "city", "region"))}, "columns", "add a column"),
        ("stores", {"feed": "sales", "load_mode": "replace_period"}, "natural_key", "[transaction_id, line_no]"),
        ("products", {"columns": {"product_type": None}}, "columns", "product_type"),
        ("sales", {"natural_key": ["transaction_id"]}, "natural_key", "natural_key: [transaction_id, line_no]"),
        ("sales", {"columns": {"quantity": None}}, "columns", "quantity"),
        ("sales", {"files": ["sales_{year}.*", "ventas*.csv"]}, "files", "{year} or {day}"),
        ("sales", words(sale=["venta"]), "columns.transaction_type.words", "words: {sale: [sale], return: [return]}"),
        ("sales", words(venta=["v"], sale=["s"], **{"return": ["r"]}), "columns.transaction_type.words", "{sale:"),
        ("sales", words(sale=["V", "s"], **{"return": ["v"]}), "columns.transaction_type.words", "under one"),
        ("sales", words(sale=[" venta"], **{"return": ["v"]}), "columns.transaction_type.words", "without spaces"),
    ],
)
def test_what_no_table_serves_is_refused(
    tmp_path: Path, feed: str, fields: dict[str, Any], field: str, remedy: str
) -> None:
    with pytest.raises(InputError) as refused:
        load_contracts(edited(tmp_path / "feeds", feed, **fields))
    message = str(refused.value)
    assert message.startswith(f"{feed}.yml: the contract cannot be used: {field}"), message
    assert remedy in message.removeprefix(f"{feed}.yml: the contract cannot be used: {field}"), message


@pytest.mark.parametrize(
    ("written", "instead", "says"),
    [
        ("decimal_mark:", "decimal_marks:", ("decimal_marks: is no key of a contract", "correct its name")),
        ("quantity: {type: number, ", "quantity: {", ("columns.quantity.type: is missing",)),
        ("quantity: {type: number, ", "quantity: {type: money, ", ("columns.quantity.type: ", "'number'")),
        ("[qty, units, cantidad]", "qty", ("columns.quantity.aliases: write a list",)),
        ("[qty, units, cantidad]", "", ("columns.quantity.aliases: write a list",)),
        ("quantity: {", "quantity: number #{", ("columns.quantity: write keys with values",)),
        ("sheet: null", "sheet: null\nsheet: Data", ("the key sheet is written twice",)),
        ('decimal_mark: "."', "decimal_mark: ,", ("line ", "column ", "into quotes")),
        ("  quantity:", "\tquantity:", ("line ", "indent with spaces")),
        ("title: '", "title: '\udced", ("line 3 is not UTF-8; save the file as UTF-8",)),
        ("transaction_id_from: []", "transaction_id_from: [till]", ("transaction_id_from: till is not one",)),
        ("[YYYY-MM-DD, DD/MM/YYYY, DD.MM.YYYY]", "[DD-MM-YY]", ("date_formats: DD-MM-YY is not a date format",)),
        ('"sales_{year}.*"', '"sales_{year}_{month}.*"', ("files: sales_{year}_{month}.*", "{year}, {part}, {day}")),
        ('"sales_{year}.*"', '"{year}/sales_{year}.*"', ("files: {year}/sales_{year}.*", "each once")),
    ],
)
def test_a_contract_that_cannot_be_read_is_refused_in_words(
    tmp_path: Path, written: str, instead: str, says: tuple[str, ...]
) -> None:
    settings = edited(tmp_path / "feeds", "stores")
    path = settings.contracts / "sales.yml"
    before = path.read_text(encoding="utf-8")
    assert written in before
    path.write_text(before.replace(written, instead), encoding="utf-8", errors="surrogateescape")
    with pytest.raises(InputError) as refused:
        load_contracts(settings)
    message = str(refused.value)
    assert [words for words in ("sales.yml", *says) if words not in message] == [], message
    assert [words for words in ("pydantic", "type=", "Value error", "codec", "\n") if words in message] == [], message


def test_values_of_a_contract_are_taken_as_they_are_written(tmp_path: Path) -> None:
    settings = edited(tmp_path / "feeds", "stores")
    path = settings.contracts / "sales.yml"
    before = path.read_text(encoding="utf-8")
    path.unlink()
    path.with_suffix(".yaml").write_text(
        before.replace("[qty, units, cantidad]", "[no, 2025]").replace("[sale, venta]", "[1, on]"), encoding="utf-8"
    )
    columns = load_contracts(settings)["sales"].columns
    assert columns["quantity"].aliases == ["no", "2025"]
    assert columns["transaction_type"].words == {"sale": ["1", "on"], "return": ["return", "devolucion", "devolución"]}


@pytest.mark.parametrize(
    ("name", "period"),
    [
        ("ventas_2025.csv", FilePeriod(year=2025)),
        ("ventas_2025_v2.csv", FilePeriod(year=2025)),
        ("ventas_2025_part2.csv", FilePeriod(year=2025, part=2)),
        ("ventas_2025-11-03.csv", FilePeriod(delta_date=date(2025, 11, 3), day_in_name=date(2025, 11, 3))),
    ],
)
def test_a_part_or_a_day_is_not_taken_for_a_year_whatever_pattern_stands_first(
    tmp_path: Path, name: str, period: FilePeriod
) -> None:
    """As the truth of its year it would withdraw all other lines."""
    patterns = ["ventas_{year}*.csv", "ventas_{year}_part{part}.csv", "ventas_{day}*.csv"]
    contracts = load_contracts(edited(tmp_path / "feeds", "sales", files=patterns))
    assert match_feed(contracts, name)[1] == period


def test_a_file_of_a_feed_without_tables_is_refused_and_others_are_loaded(
    fresh_warehouse: Settings, tmp_path: Path
) -> None:
    of_kiosks = edited(tmp_path / "feeds", "promotions", feed="kiosks", files=["kiosks*"])
    settings = replace(fresh_warehouse, contracts=of_kiosks.contracts)
    files = [tmp_path / "kiosks.csv", tmp_path / "stores.csv"]
    for path in files:
        path.write_text("store_id,store_name\nS1,One\n", encoding="utf-8")
    kiosks, stores = sorted(load_files(settings, files), key=lambda result: result.file_name)
    assert (kiosks.status, stores.status) == ("refused", "loaded")
    assert kiosks.message is not None
    assert "there are no tables for kiosks" in kiosks.message


def test_a_feed_has_one_contract(tmp_path: Path) -> None:
    settings = edited(tmp_path / "feeds", "stores")
    shutil.copy(settings.contracts / "stores.yml", settings.contracts / "stores_old.yml")
    with pytest.raises(InputError, match=r"stores_old\.yml: feed: stores\.yml is a contract of stores too"):
        load_contracts(settings)


def test_what_a_contract_may_leave_out_and_words_as_they_were_written_before(tmp_path: Path) -> None:
    optional = dict.fromkeys(("store_id", "discount_amount", "promotion_id"))
    columns = optional | column("transaction_type", "word", words=["sale", "return"])["columns"]
    found = load_contracts(edited(tmp_path / "feeds", "sales", columns=columns))["sales"]
    assert found.columns["transaction_type"].words == {"sale": ["sale"], "return": ["return"]}
    assert not optional.keys() & found.columns.keys()


def test_the_tables_are_as_they_are_described(warehouse: Settings) -> None:
    with engine(warehouse).connect() as connection:
        found = connection.execute(
            text(
                "select table_schema, table_name, column_name, data_type from information_schema.columns"
                " where table_schema in ('raw', 'core')"
            )
        ).all()
    raw = {
        feed: {row.column_name for row in found if (row.table_schema, row.table_name) == ("raw", feed)}
        for feed in FEED_TABLES
    }
    for feed, table in FEED_TABLES.items():
        received = {name for name in raw[feed] if not name.startswith("extra_")}
        assert received == {"file_id", "row_number", *table.types}, feed
        if table.load_mode == "snapshot":
            versions = table.natural_key[0].replace("_id", "_version")
            kept = {row.column_name: row.data_type for row in found if row.table_name == versions}
            assert {name: kept[name] for name in table.types} == {
                name: KEPT_AS[data_type] for name, data_type in table.types.items()
            }
