"""Soda passes over a key it does not know: every contract is checked with the JSON schema that the package ships."""

import copy
import json
import re
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
import yaml

from include.warehouse import gate

CONTRACTS = sorted(gate.CONTRACTS.glob("*/*.yml"))
SCHEMA = json.loads(
    files("soda_core.contracts").joinpath("soda_data_contract_json_schema_1_0_0.json").read_text(encoding="utf-8")
)


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((gate.CONTRACTS / f"{name}.yml").read_text(encoding="utf-8"))
    return content


def test_the_gate_verifies_every_contract() -> None:
    assert {f"{path.parent.name}/{path.stem}" for path in CONTRACTS} == set(gate.ORDER)


@pytest.mark.parametrize("contract", gate.ORDER)
def test_contract_fits_the_schema_of_the_package(contract: str) -> None:
    content = read(contract)
    jsonschema.validate(content, SCHEMA)
    assert content["dataset"] == "warehouse/${var.database}/" + contract


@pytest.mark.parametrize("contract", gate.ORDER)
def test_every_variable_is_declared(contract: str) -> None:
    used = set(re.findall(r"\$\{var\.(\w+)\}", (gate.CONTRACTS / f"{contract}.yml").read_text(encoding="utf-8")))
    assert used == set(read(contract)["variables"])


def test_check_names_are_unique() -> None:
    names = [check.name for contract in gate.ORDER for check in gate.read_checks(contract)]
    assert len(names) == len(set(names))
    assert len(names) > 60


def rename(parent: dict[str, Any], key: str, misspelt: str) -> None:
    parent[misspelt] = parent.pop(key)


def check_of(content: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(check for check in content["checks"] if kind in check)
    return found


def column_check(content: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        check for column in content["columns"] for check in column.get("checks", []) if kind in check
    )
    return found


MISSPELT: list[Callable[[dict[str, Any]], None]] = [
    lambda content: rename(content, "checks", "check"),
    lambda content: rename(content, "filter", "filters"),
    lambda content: rename(check_of(content, "failed_rows"), "failed_rows", "failed_row"),
    lambda content: rename(check_of(content, "failed_rows")["failed_rows"], "qualifier", "qualifer"),
    lambda content: rename(check_of(content, "metric")["metric"]["threshold"], "must_be", "must_equal"),
    lambda content: rename(column_check(content, "invalid")["invalid"], "valid_values", "valid_value"),
    lambda content: rename(column_check(content, "missing"), "missing", "mising"),
]


@pytest.mark.parametrize("misspell", MISSPELT)
def test_a_misspelt_key_is_caught(misspell: Callable[[dict[str, Any]], None]) -> None:
    content = copy.deepcopy(read("crm/snapshot_unpublished"))
    misspell(content)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, SCHEMA)
