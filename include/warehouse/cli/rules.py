"""Verbs for rule sets: draft, prove, approve and activate."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from include.warehouse.cli.options import COMMAND, Json, example, month_option
from include.warehouse.cli.ready import ready
from include.warehouse.cli.show import show_proof, show_rules
from include.warehouse.console import BAD_INPUT, DONE, answering
from include.warehouse.errors import InputError

if TYPE_CHECKING:
    from sqlalchemy import Connection

RuleSetVersion = Annotated[
    int | None,
    typer.Argument(metavar="VERSION", min=1, max=2**31 - 1, help="Version; else the newest that is due."),
]

verbs = typer.Typer(help="Rule sets: draft, prove, approve and activate.", no_args_is_help=True)


@verbs.command("show", epilog=example("rules show"))
def rules_show(json: Json = False) -> None:
    """Show every rule set with its parameters, tiers and segments."""
    from include.warehouse.database import connect
    from include.warehouse.rules import show

    with answering(json) as answer, connect(ready()) as connection:
        answer.give({"rule_sets": show(connection)}, show_rules)


@verbs.command("draft", epilog=example("rules draft my_rules.yml"))
def rules_draft(
    file: Annotated[Path, typer.Argument(help="Rules as YAML; copy sql/rules/default.yml.")],
    json: Json = False,
) -> None:
    """Store a rule set as a draft."""
    from include.warehouse.database import connect
    from include.warehouse.rules import draft

    with answering(json) as answer, connect(ready()) as connection:
        answer.give({"rule_set": draft(connection, file), "state": "draft"})


@verbs.command("prove", epilog=example("rules prove 2"))
def rules_prove(version: RuleSetVersion = None, json: Json = False) -> None:
    """Prove that every customer gets exactly one status, tier and segment; name the first cell that fails."""
    from include.warehouse.database import connect
    from include.warehouse.rules import prove

    with answering(json) as answer:
        with connect(ready()) as connection:
            rule_set = version_or_newest(connection, version, "draft")
            proof = prove(connection, rule_set)
        document = {
            "rule_set": proof.rule_set_id,
            "is_ok": proof.is_ok,
            "checks": [vars(check) for check in proof.checks],
        }
        answer.give(document, show_proof, DONE if proof.is_ok else BAD_INPUT)


@verbs.command("approve", epilog=example("rules approve 2"))
def rules_approve(version: RuleSetVersion = None, json: Json = False) -> None:
    """Prove a draft and compile it; afterwards it can be activated."""
    from include.warehouse.database import connect
    from include.warehouse.rules import approve

    with answering(json) as answer:
        with connect(ready()) as connection:
            rule_set = version_or_newest(connection, version, "draft")
            approve(connection, rule_set)
        answer.give({"rule_set": rule_set, "state": "approved"})


@verbs.command("activate", epilog=example("rules activate 2 --from 2026-01"))
def rules_activate(
    from_month: Annotated[
        date,
        typer.Option("--from", parser=month_option, metavar="YYYY-MM", help="The first month it decides."),
    ],
    version: RuleSetVersion = None,
    json: Json = False,
) -> None:
    """Let an approved rule set decide months from one on; published months change only by `refresh --from`."""
    from include.warehouse.database import connect
    from include.warehouse.rules import activate

    with answering(json) as answer:
        with connect(ready()) as connection:
            rule_set = version_or_newest(connection, version, "approved")
            message = activate(connection, rule_set, from_month)
        answer.give({"rule_set": rule_set, "state": "active", "from": from_month, "message": message})


def version_or_newest(connection: "Connection", version: int | None, state: str) -> int:
    """The version, or without one the newest rule set in a state; raises InputError where there is none."""
    from include.warehouse.rules import show

    if version is not None:
        return version
    versions = [rule_set["rule_set_id"] for rule_set in show(connection) if rule_set["state"] == state]
    if not versions:
        raise InputError(f"no rule set is in the state {state}; see: {COMMAND} rules show")
    return int(max(versions))
