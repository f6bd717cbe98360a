"""The command line as people and scripts use it: in a process of its own, by exit code, standard output and error."""

import csv
import errno
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from include.warehouse.cli import app
from include.warehouse.cli.show import show_explanation
from include.warehouse.console import in_json
from include.warehouse.database import connect, engine
from include.warehouse.explain import explain
from include.warehouse.ops_setting import POSSIBLE, in_time_zone
from include.warehouse.server import find_postmaster, log_file
from include.warehouse.settings import REPOSITORY, Settings
from include.warehouse.stack_summary import show_customers
from include.warehouse.users import add_user
from tests.fixtures.retailer import LAST_DAY, lines, write_files, write_sales

FATES = ("loaded", "unchanged", "rejected", "duplicate")
VERBS = {
    "up", "down", "status", "migrate", "sample", "load", "approve", "discard", "refresh", "run-once", "settings",
    "explain", "rebuild", "rules show", "rules draft", "rules prove", "rules approve", "rules activate",
    "export summary", "export customers", "user add", "user list", "user change", "user password", "user deactivate",
    "user activate", "user unlock",
}  # fmt: skip


@dataclass(frozen=True)
class Ran:
    """How a verb ended and what it said."""

    exit_code: int
    output: str
    errors: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        document: dict[str, Any] = json.loads(self.output)
        return document


def run_process(settings: Settings, *arguments: str | Path) -> Ran:
    """Runs `python -m include.warehouse` for one warehouse."""
    done = subprocess.run(
        [sys.executable, "-m", "include.warehouse", *map(str, arguments)],
        cwd=REPOSITORY,
        env=environment_of(settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


def run(settings: Settings, *arguments: str | Path) -> Ran:
    """The same in this process, which need not import everything again."""
    done = CliRunner().invoke(app, list(map(str, arguments)), env={**environment_of(settings)})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Ran(done.exit_code, done.stdout, done.stderr)


def environment_of(settings: Settings) -> dict[str, str]:
    environment = os.environ | {"WAREHOUSE_HOME": str(settings.home)}
    environment.pop("WAREHOUSE_URL", None)
    return environment | ({"WAREHOUSE_URL": settings.url} if settings.url else {})


def values(settings: Settings, statement: str, **parameters: object) -> list[Any]:
    with connect(settings) as connection:
        return [row[0] for row in connection.execute(text(statement), parameters)]


def data_rows(path: Path) -> int:
    with path.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def all_commands() -> Iterator[tuple[str, Any]]:
    group: Any = typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from ((f"{name} {part}", inner) for part, inner in command.commands.items())
        else:
            yield name, command


def test_every_verb_has_json_and_an_example() -> None:
    commands = dict(all_commands())
    assert set(commands) == VERBS
    for name, command in commands.items():
        assert any("--json" in parameter.opts for parameter in command.params), name
        assert f"python -m include.warehouse {name}" in command.epilog, name


def test_help_needs_no_database(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", url="postgresql://nobody@127.0.0.1:1/none", contracts=tmp_path)
    helped = run_process(settings, "load", "--help")
    assert helped.exit_code == 0
    assert "Example: python -m include.warehouse load" in helped.output
    assert not settings.home.exists()


def test_run_once_publishes_a_folder_and_the_second_time_nothing(fresh_warehouse: Settings, tmp_path: Path) -> None:
    files = write_files(tmp_path / "files")
    unfinished = ["sales_2023.csv.part", "SALES_2022.CSV.TMP"]
    for name in (*unfinished, "~$stores_2024-01-01.xlsx", ".hidden.csv", f"{files[0].name}.ready"):
        (tmp_path / "files" / name).write_text("half")
    (tmp_path / "files" / "unpacked").mkdir()
    lying_there = sorted((tmp_path / "files").iterdir())
    first = run_process(fresh_warehouse, "run-once", tmp_path / "files", "--json")
    assert first.exit_code == 0, first.errors
    assert (first.document["left_alone"], first.document["folders"]) == (sorted(unfinished), ["unpacked"])
    assert {file["file_name"] for file in first.document["files"]} == {path.name for path in files}
    assert first.document["refresh"]["status"] == "published"
    assert Path(first.document["refresh"]["excel"]).exists()
    assert sorted((tmp_path / "files").iterdir()) == lying_there

    status = run_process(fresh_warehouse, "status", "--json").document
    address = make_url(str(fresh_warehouse.url))
    assert status["analyst_url"] == f"postgresql://analyst@{address.host}:{address.port}/{address.database}"
    assert status["analyst_password_in"] == str(fresh_warehouse.secrets)
    (fresh_warehouse.inbox / "unpacked").mkdir()
    shown = run(fresh_warehouse, "status").output
    assert "unpacked is a folder in the inbox, into which no load looks: move its files" in shown
    assert f"{status['analyst_url']} (password: analyst_password in {fresh_warehouse.secrets})" in shown
    assert str(address.password) not in shown + json.dumps(status), "the owner's password is printed nowhere"
    assert status["report_month"] == f"{LAST_DAY:%Y-%m}-01"
    assert status["published_run"]["as_of_date"] == str(LAST_DAY)
    by_name = {file["file_name"]: file for file in status["files"]}
    for path in files:
        file = by_name[path.name]
        assert file["status"] == "loaded"
        assert file["rows_received"] == data_rows(path) == sum(file[f"rows_{fate}"] for fate in FATES)
    assert {by_name[f"sales_{year}.csv"]["rows_rejected"] for year in (2024, 2025)} == {3}
    amount = sum((line.amount for line in lines()), Decimal(0))
    assert sum(values(fresh_warehouse, "select month_amount from mart.customer_snapshot")) == amount

    table = io.StringIO()
    show_customers(Console(file=table, width=160), first.document["customers"], first.document["tiers"])
    shown_counts = [line.split() for line in table.getvalue().splitlines() if line.strip()[-1:].isdigit()]
    assert [row[0] for row in shown_counts] == ["platinum", "gold", "silver", "bronze", "none", "all"]
    customers = values(
        fresh_warehouse,
        "select count(*) from mart.customer_snapshot join mart.month using (month) where is_report_month",
    )
    assert [int(shown_counts[-1][-1])] == [sum(int(count) for count in shown_counts[-1][1:-1])] == customers

    with connect(fresh_warehouse) as connection:
        connection.execute(text("update ops.routine set sha256 = '' where routine_name = 'source_file'"))
    for path in files:
        path.rename(tmp_path / path.name)
    nothing = run(fresh_warehouse, "run-once", tmp_path / "files")
    assert (nothing.exit_code, all(name in nothing.errors for name in unfinished)) == (2, True)
    for path in files:
        (tmp_path / path.name).rename(path)
    second = run(fresh_warehouse, "run-once", tmp_path / "files", "--json")
    assert second.exit_code == 0
    assert {file["status"] for file in second.document["files"]} == {"skipped"}
    assert second.document["refresh"]["status"] == "nothing_to_do"
    beyond = run(fresh_warehouse, "refresh", "--from", "2025-12", "--recut")
    assert (beyond.exit_code, beyond.output) == (2, "")
    assert "2025-12 is after the last month: there are 2024-01 to 2025-11" in beyond.errors
    assert run(fresh_warehouse, "status", "--json").document["published_run"] == status["published_run"]


def test_a_held_file_waits_for_a_decision(fresh_warehouse: Settings, tmp_path: Path) -> None:
    files = write_files(tmp_path / "files")
    assert run(fresh_warehouse, "load", *files).exit_code == 0
    kept = values(fresh_warehouse, "select count(*) from mart.sale_line")
    half = tmp_path / "sales_2025.csv"
    whole = files[-1].read_text(encoding="utf-8").splitlines(keepends=True)
    half.write_text("".join(whole[: len(whole) // 2]), encoding="utf-8")

    held = run_process(fresh_warehouse, "load", half, "--json")
    assert held.exit_code == 1
    assert held.document["files"][0]["status"] == "held"
    assert not held.document["files"][0]["rows_loaded"]
    receipt = held.document["files"][0]["file_id"]
    (fresh_warehouse.home / "held" / str(receipt) / "sales_2025.csv").unlink()
    vanished = run(fresh_warehouse, "approve", "sales_2025.csv")
    assert vanished.exit_code == 2
    assert "restore it from a backup, or give it up" in vanished.errors
    assert f"discard sales_2025.csv --receipt {receipt}\n" in vanished.errors
    assert run(fresh_warehouse, "discard", "sales_2025.csv").exit_code == 0
    assert values(fresh_warehouse, "select count(*) from mart.sale_line") == kept

    assert run(fresh_warehouse, "load", half).exit_code == 1
    approved = run(fresh_warehouse, "approve", "sales_2025.csv", "--json")
    assert approved.exit_code == 0
    assert approved.document["files"][0]["status"] == "loaded"
    assert values(fresh_warehouse, "select count(*) from mart.sale_line where transaction_date >= '2025-01-01'") == [
        len(whole) // 2 - 1
    ]
    again = run(fresh_warehouse, "approve", "sales_2025.csv", "--json")
    assert again.exit_code == 2
    assert "sales_2025.csv" in again.document["error"]


def test_bad_input_is_named_and_changes_nothing(fresh_warehouse: Settings, tmp_path: Path) -> None:
    broken = tmp_path / "sales_2025.csv"
    broken.write_text("transaction_id,customer_id\nT1,C1\n", encoding="utf-8")
    refused = run_process(fresh_warehouse, "load", broken, "--json")
    assert refused.exit_code == 2
    assert refused.document["files"][0]["status"] == "refused"
    assert "transaction_date" in refused.document["files"][0]["message"]
    assert values(fresh_warehouse, "select count(*) from core.sale_line") == [0]

    for arguments, word in (
        (["load", str(tmp_path / "absent.csv")], "absent.csv"),
        (["load", "--feed", "salse", str(broken)], "feeds are customers, products"),
        (["run-once", str(tmp_path / "absent")], "absent"),
        (["refresh", "--from", "2025-13"], "2025-13"),
        (["explain", "C1"], "refresh"),
        (["explain", "C1", "--month", "2025-01"], "2025-01"),
        (["rules", "activate", "--from", "2026-01"], "approved"),
        (["rules", "activate", "0", "--from", "2026-01"], "VERSION"),
        (["rules", "approve", "0"], "VERSION"),
        (["rules", "prove", "3000000000"], "VERSION"),
        (["rules", "prove", str(2**31 - 1)], "does not exist"),
        (["rules", "draft", str(broken)], "sales_2025.csv"),
        (["settings", "shrink_guard_share", "lots"], "lots"),
        (["settings", "no_such_setting"], "shrink_guard_share"),
        (["approve", "sales_2025.csv", "--receipt", str(2**63)], "--receipt"),
        # as the system gives an argument in Latin-1
        (["approve", "caf\udce9.csv"], "UTF-8"),
        (["sample", "--customers", "0", "--out", str(tmp_path / "out")], "--customers"),
    ):
        ended = run(fresh_warehouse, *arguments)
        assert ended.exit_code == 2, arguments
        assert word in ended.errors, arguments
        assert ended.output == "", arguments
    assert values(fresh_warehouse, "select file_name from ops.file") == [broken.name], "no other receipt"


def test_what_people_wrote_is_shown_as_it_is(fresh_warehouse: Settings) -> None:
    """Square brackets are markup to the library that draws tables."""
    with connect(fresh_warehouse) as connection:
        add_user(connection, "bob@empresa.example", "viewer", full_name="[/b] [red]Bob", password=None)
    shown = run(fresh_warehouse, "user", "list")
    assert shown.exit_code == 0
    assert "[red]Bob" in shown.output


def test_a_place_that_cannot_be_written_is_named(published: Settings, tmp_path: Path) -> None:
    (tmp_path / "a_file").write_text("")
    refused = run(published, "export", "customers", "--format", "csv", "--out", tmp_path / "a_file" / "list.csv")
    assert refused.exit_code == 2
    assert f"Error: {tmp_path / 'a_file'}" in refused.errors


def test_a_full_disk_is_said(fresh_warehouse: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_up(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("include.warehouse.sample.write_sample", fill_up)
    ended = run(fresh_warehouse, "sample", "--out", tmp_path)
    assert ended.exit_code == 1
    assert ended.errors == "Error: No space left on device: make room where it writes, then repeat the command\n"


def test_files_and_errors_do_not_tell_others_of_customers(
    tmp_path: Path, fresh_warehouse: Settings, warehouse: Settings
) -> None:
    home = tmp_path / "new"
    Settings(home=home, url=None, contracts=fresh_warehouse.contracts).create_folders()
    open_to_others = {folder.name for folder in home.iterdir() if folder.stat().st_mode & 0o077}
    assert open_to_others <= {"inbox"}
    with connect(fresh_warehouse) as connection, pytest.raises(DBAPIError) as error:
        connection.execute(text("select 1 / length(:value)::numeric * 0 / 0"), {"value": "maria@x.example"})
    assert "maria@x.example" not in str(error.value)
    assert "select 1 / length(" in str(error.value), "what failed is known all the same"
    server_log = log_file(warehouse).read_text(encoding="utf-8")
    assert "division by zero" in server_log
    assert "maria@x.example" not in server_log


def test_the_gate_refuses_with_exit_code_1_and_readers_keep_what_they_have(
    fresh_warehouse: Settings, tmp_path: Path
) -> None:
    assert run(fresh_warehouse, "run-once", write_files(tmp_path / "files")[0].parent).exit_code == 0
    before = run(fresh_warehouse, "status", "--json").document["published_run"]
    with connect(fresh_warehouse) as connection:
        connection.execute(text("update core.sale_line set net_cents = net_cents + 1 where transaction_id = 'T9-1'"))
    correction = write_sales(tmp_path / "sales_2025.csv", 2025, without="T10-2")

    assert run(fresh_warehouse, "load", correction).exit_code == 0
    refused = run_process(fresh_warehouse, "refresh", "--json")
    assert refused.exit_code == 1
    assert refused.document["status"] == "refused"
    assert "conservation" in refused.document["message"]
    after = run(fresh_warehouse, "status", "--json").document
    assert after["published_run"] == before
    assert after["last_run"]["status"] == "refused"


def test_explain_shows_the_limits_that_give_the_scores(published: Settings) -> None:
    customer_id = values(
        published, "select customer_id from mart.customer_snapshot s join mart.month m using (month)"
        " where m.is_report_month and r_score between 2 and 4 and customer_id like 'C%' order by customer_id limit 1"
    )[0]  # fmt: skip
    explained = run(published, "explain", customer_id, "--json").document
    customer = explained["customer"]
    recency, frequency, monetary = explained["limits"]
    assert (recency["band"], frequency["band"], monetary["band"]) == (
        customer["r_score"],
        customer["f_score"],
        customer["m_score"],
    )
    assert recency["next_limit"] < recency["value"] <= recency["limit_reached"]
    assert frequency["value"] >= frequency["limit_reached"]
    assert monetary["value"] >= monetary["limit_reached"]
    bought = sorted({str(line.day) for line in lines() if line.customer_id == customer_id}, reverse=True)
    assert explained["last_lines"][0]["transaction_date"] == bought[0]
    assert explained["rule_set"]["active_days"] == 90
    assert explained["rule_set"]["active_from"] is None
    ruled = explained["rule_set"]
    assert [tier["minimum_total"] for tier in ruled["tiers"]] == [17, 14, 10, 4]
    (segment,) = (rule for rule in ruled["segments"] if rule["segment"] == customer["segment"])
    assert customer["activity_status"] in segment["statuses"]
    shown = run(published, "explain", customer_id).output
    tier = next(tier for tier in ruled["tiers"] if tier["minimum_total"] <= customer["rfmt_total"])
    least = f"weighted total of R, F, M and T of at least {tier['minimum_total']}"
    assert f"tier {customer['value_tier']}: R + F + M + T = {customer['rfmt_total']}; {least}" in shown
    assert customer["value_tier"] == tier["tier"]
    assert f"segment {customer['segment']}: first rule that fits: status " in shown
    a, b = (Decimal(str(explained["abc_limits"][name])) for name in "AB")
    assert f"ABC classes: monetary, A from {a:,.2f}, B from {b:,.2f}, C below" in shown
    assert f"Customer {customer_id}" in shown
    assert "active from: the beginning" in shown


def test_a_value_worse_than_every_limit_is_not_said_to_reach_one(published: Settings) -> None:
    """So is one that a late correction brings to a month whose limits are frozen."""
    with engine(published).connect() as connection:
        customer_id, month = connection.exec_driver_sql(
            "select customer_id, month from mart.customer_snapshot join mart.month using (month)"
            " where is_report_month and r_score = 1 and f_score = 1 and m_score = 1 order by customer_id limit 1"
        ).one()
        connection.exec_driver_sql(
            "update crm.cut_point set limit_value = case metric when 'recency' then band - 100 else 1000000 + band end"
        )
        document = explain(connection, customer_id, month)
        connection.rollback()
    for limit in document["limits"]:
        assert (limit["band"], limit["limit_reached"], limit["next_band"]) == (1, None, 2)
    shown = io.StringIO()
    show_explanation(Console(file=shown, width=160), document)
    assert shown.getvalue().count("reaches no limit, hence band 1") == 3


def test_a_rebuild_of_what_is_known_now_differs_in_nothing(published: Settings) -> None:
    rebuilt = run(published, "rebuild", "--month", "2025-06", "--known-at", datetime.now(UTC).isoformat(), "--json")
    assert rebuilt.exit_code == 0, rebuilt.errors
    assert rebuilt.document["rows_differing"] == 0
    assert rebuilt.document["rows"] == sum(rebuilt.document["customers_by_status"].values()) > 0


def test_exports_write_what_they_say(published: Settings, tmp_path: Path) -> None:
    out = tmp_path / "gold.csv"
    arguments = ["export", "customers", "--tier", "gold", "--tier", "platinum", "--opt-in", "email", "--out", out]
    exported = run(published, *arguments, "--json")
    assert exported.exit_code == 0, exported.errors
    expected = values(
        published,
        "select count(*) from mart.customer_snapshot join mart.month using (month)"
        " where is_report_month and value_tier in ('gold', 'platinum') and opt_in_email",
    )
    assert [exported.document["rows"]] == [data_rows(out)] == expected
    assert run(published, "export", "customers", "--tier", "golden").exit_code == 2

    misnamed = run(published, "export", "summary", "--out", tmp_path / "june.csv")
    assert (misnamed.exit_code, "june.csv" in misnamed.errors) == (2, True)
    summary = run(published, "export", "summary", "--month", "2025-06", "--out", tmp_path / "june.xlsx", "--json")
    assert summary.document["file"] == str(tmp_path / "june.xlsx")
    assert (tmp_path / "june.xlsx").read_bytes()[:2] == b"PK"


@pytest.mark.parametrize(
    ("name", "options", "begins_with"),
    [
        ("list.xlsx", [], b"PK"),
        ("LIST.XLSX", ["--format", "xlsx"], b"PK"),
        ("list.csv", [], b"month,"),
        ("list.txt", [], b"month,"),
        ("list.txt", ["--format", "xlsx"], b"PK"),
        ("list.xlsx", ["--format", "csv"], None),
        ("list.CSV", ["--format", "xlsx"], None),
    ],
)
def test_a_list_is_of_the_format_that_its_name_says(
    published: Settings, tmp_path: Path, name: str, options: list[str], begins_with: bytes | None
) -> None:
    ended = run(published, "export", "customers", "--tier", "platinum", *options, "--out", tmp_path / name)
    assert ended.exit_code == (0 if begins_with else 2), ended.errors
    if begins_with:
        assert (tmp_path / name).read_bytes().startswith(begins_with)
    else:
        assert name in ended.errors
        assert not list(tmp_path.iterdir())


def test_rules_go_from_draft_to_active(fresh_warehouse: Settings, tmp_path: Path) -> None:
    default = (REPOSITORY / "sql" / "rules" / "default.yml").read_text(encoding="utf-8")
    mine = tmp_path / "mine.yml"
    mine.write_text(default.replace("minimum_total: 17", "minimum_total: 18"), encoding="utf-8")
    gap = tmp_path / "gap.yml"
    gap.write_text(default.replace("{segment: Needs attention, statuses: [active]}", "{segment: X, statuses: [active], f_from: 3}"), encoding="utf-8")  # fmt: skip # noqa: E501

    assert run(fresh_warehouse, "rules", "draft", mine, "--json").document == {"rule_set": 2, "state": "draft"}
    assert run(fresh_warehouse, "rules", "prove", "--json").document["is_ok"] is True
    assert run(fresh_warehouse, "rules", "approve").exit_code == 0
    assert run(fresh_warehouse, "rules", "activate", "--from", "2026-01").exit_code == 0
    states = {
        r["rule_set_id"]: r["state"] for r in run(fresh_warehouse, "rules", "show", "--json").document["rule_sets"]
    }
    assert states[2] == "active"
    shown = run(fresh_warehouse, "rules", "show").output
    assert [line for line in shown.splitlines() if line.startswith("active from:")] == [
        "active from: the beginning",
        "active from: 2026-01-01",
    ]

    assert run(fresh_warehouse, "rules", "draft", gap).exit_code == 0
    assert "active from: –" in run(fresh_warehouse, "rules", "show").output
    unproved = run(fresh_warehouse, "rules", "prove", "3", "--json")
    assert unproved.exit_code == 2
    assert any(check["first_failing_cell"] for check in unproved.document["checks"])
    assert run(fresh_warehouse, "rules", "approve", "3").exit_code == 2


def test_a_database_of_an_older_checkout_is_told_from_a_fault(fresh_warehouse: Settings, tmp_path: Path) -> None:
    def refused(*arguments: str | Path) -> str:
        ended = run(fresh_warehouse, *arguments)
        assert (ended.exit_code, ended.output) == (1, "")
        assert "run: python -m include.warehouse migrate" in ended.errors
        return ended.errors

    with connect(fresh_warehouse) as connection:
        connection.execute(text("update ops.routine set sha256 = '' where schema_name = 'mart' and kind = 'view'"))
    assert "sql/views/mart/audience.sql" in refused("status")
    assert run(fresh_warehouse, "migrate").exit_code == 0
    assert run(fresh_warehouse, "status").exit_code == 0

    with connect(fresh_warehouse) as connection:
        connection.execute(text("alter table ops.file drop column tries cascade"))
        connection.execute(text("delete from ops.migration where file_name = '0026_tries_of_a_file.sql'"))
    assert "sql/migrations/0026_tries_of_a_file.sql" in refused("status")
    assert "sql/migrations/0026_tries_of_a_file.sql" in refused("load", *write_files(tmp_path / "files"))


def test_settings_are_shown_and_changed(fresh_warehouse: Settings) -> None:
    assert (
        run(fresh_warehouse, "settings", "raw_retention_days", "90", "--json").document["settings"][0]["value"] == "90"
    )
    assert values(fresh_warehouse, "select value from ops.setting where setting = 'raw_retention_days'") == ["90"]
    shown = {row["setting"] for row in run(fresh_warehouse, "settings", "--json").document["settings"]}
    assert shown == set(values(fresh_warehouse, "select setting from ops.setting")) == POSSIBLE.keys()
    assert run(fresh_warehouse, "settings", "prepared_from_customers", "500").exit_code == 0
    assert run(fresh_warehouse, "settings", "time_zone", "America/Lima").exit_code == 0
    for name, value, wanted in (
        ("prepared_from_customers", "few", "a whole number of customers"),
        ("time_zone", "localtime", "Europe/Madrid"),
        ("time_zone", "Europe", "Europe/Madrid"),
        ("raw_retention_days", "\N{ARABIC-INDIC DIGIT THREE}", "a whole number of days"),
        ("shrink_guard_share", "0.\N{ARABIC-INDIC DIGIT THREE}", "a share from 0 to 1"),
        ("shrink_guard_share", "1.5", "a share from 0 to 1"),
    ):
        refused = run(fresh_warehouse, "settings", name, value)
        assert (refused.exit_code, wanted in refused.errors) == (2, True), (name, value, refused.errors)
    assert values(fresh_warehouse, "select value from ops.setting where setting = 'time_zone'") == ["America/Lima"]
    with connect(fresh_warehouse) as connection:
        assert in_time_zone(connection, datetime.fromisoformat("2025-11-01")) == datetime(2025, 11, 1, 5, tzinfo=UTC)


def test_up_starts_what_down_stops(warehouse: Settings, tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = Settings(home=warehouse.home / "cli", url=None, contracts=warehouse.contracts)
    try:
        started = run_process(settings, "status", "--json")
        assert started.exit_code == 0, started.errors
        assert started.document["published_run"] is None
        assert find_postmaster(settings) is not None
        assert run_process(settings, "up", "--json").document["applied"] == []
    finally:
        stopped = run_process(settings, "down", "--json")
    assert stopped.document["stopped"] is True
    assert find_postmaster(settings) is None
    assert run_process(settings, "down", "--json").document["stopped"] is False


def test_progress_is_shown_on_a_terminal_only(new_warehouse: Callable[[], Settings], tmp_path: Path) -> None:
    settings = new_warehouse()
    files = write_files(tmp_path / "files")[:2]
    assert run_process(settings, "load", files[0]).errors == ""
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "include.warehouse", "load", str(files[1]), "--json"],
        cwd=REPOSITORY,
        env=environment_of(settings) | {"TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=end,
    )
    os.close(end)
    output, _ = process.communicate(timeout=120)
    shown = b""
    while True:
        try:
            part = os.read(terminal, 65_536)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(terminal)
    assert process.returncode == 0
    assert b"Loading" in shown
    assert json.loads(output)["files"][0]["status"] == "loaded"


@pytest.mark.parametrize(("amount", "text"), [("12.50", "12.5"), ("7.00", "7"), ("98765432109876543.21", None)])
def test_json_keeps_every_digit_of_an_amount(amount: str, text: str | None) -> None:
    assert json.dumps(Decimal(amount), default=in_json) == (text or f'"{amount}"')
