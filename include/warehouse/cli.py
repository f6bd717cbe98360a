# ruff: noqa: PLC0415, PLR0917 - a verb imports what it needs, so that --help answers at once; typer passes by name
"""The command line: the same steps as in Airflow, without Airflow.

Every verb takes --json (one document on standard output, nothing else there) and ends with 0 for done, 1 where the gate
refused or a file is held, 2 for bad input or usage, 130 or 143 where somebody stopped it (Ctrl-C, SIGTERM). Every verb
that needs the database starts it and leaves it running. What a verb needs is imported inside it, so that --help
answers at once.
"""

import re
import sys
from datetime import date, datetime
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from include.warehouse.console import BAD_INPUT, DONE, REFUSED_OR_HELD, Document, answering, progress_of
from include.warehouse.settings import Settings

if TYPE_CHECKING:
    from include.warehouse.load import LoadResult

COMMAND = "python -m include.warehouse"

app = typer.Typer(
    help="The customer warehouse: files in, proved monthly snapshots out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="markdown",
)
rules_app = typer.Typer(help="Rule sets: draft, prove, approve and activate.", no_args_is_help=True)
export_app = typer.Typer(help="Excel summary and customer lists.", no_args_is_help=True)
user_app = typer.Typer(help="Users of the dashboard.", no_args_is_help=True)
app.add_typer(rules_app, name="rules")
app.add_typer(export_app, name="export")
app.add_typer(user_app, name="user")


def month_option(value: str) -> date:
    """Reads YYYY-MM (or its first day) as a month."""
    if re.fullmatch(r"\d{4}-\d{2}(-01)?", value):
        try:
            return date.fromisoformat(f"{value[:7]}-01")
        except ValueError:
            pass
    raise typer.BadParameter(f"{value} is not a month; write YYYY-MM, such as 2025-11")


def day_option(value: str) -> date:
    """Reads YYYY-MM-DD as a day."""
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise typer.BadParameter(f"{value} is not a day; write YYYY-MM-DD, such as 2025-11-01") from error


def moment_option(value: str) -> datetime:
    """Reads a day or a moment in ISO form; without an offset it is in the warehouse's time zone."""
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise typer.BadParameter(f"{value} is not a moment; write 2025-11-01 or 2025-11-01T08:30") from error


Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output, and nothing else there.")
]
Month = Annotated[
    date | None, typer.Option(parser=month_option, metavar="YYYY-MM", help="The month; else the report month.")
]
Out = Annotated[Path | None, typer.Option(help="The file to write; else a new one in exports/.")]
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The user's e-mail address.")]
Role = Annotated[str, typer.Option(help="admin, marketing, supervisor, sales, analyst or viewer.")]
AskPassword = Annotated[
    bool,
    typer.Option(
        "--ask", help="Ask for the password, or read it from standard input; else one is made and shown once."
    ),
]
RuleSetVersion = Annotated[int | None, typer.Argument(metavar="VERSION", help="Version; else the newest that is due.")]


def example(text: str) -> str:
    """The example at the end of a verb's help."""
    return f"Example: `{COMMAND} {text}`"


def ready() -> Settings:
    """Settings of a warehouse that runs and has its tables."""
    from include.warehouse.database import connect
    from include.warehouse.migrate import migrate
    from include.warehouse.settings import load_settings

    settings = load_settings()
    with connect(settings) as connection:
        is_migrated = connection.exec_driver_sql("select to_regclass('ops.setting') is not null").scalar_one()
    if not is_migrated:
        migrate(settings)
    return settings


# Server -------------------------------------------------------------------------------------------------------------


@app.command(epilog=example("up"))
def up(json: Json = False) -> None:
    """Start the database, create or update its tables, and say where it is."""
    from include.warehouse.database import connect
    from include.warehouse.migrate import migrate
    from include.warehouse.server import ensure_running
    from include.warehouse.settings import load_settings

    with answering(json) as answer:
        settings = load_settings()
        url = ensure_running(settings)
        done = migrate(settings)
        with connect(settings) as connection:
            version = connection.exec_driver_sql("show server_version").scalar_one()
        answer.give(
            {
                "warehouse_url": client_url(url, hide_password=not json),
                "server_version": version,
                "home": str(settings.home),
                "applied": done if json else len(done),
            }
        )


@app.command(epilog=example("down"))
def down(json: Json = False) -> None:
    """Stop the embedded database; with WAREHOUSE_URL there is nothing to stop."""
    from include.warehouse.server import find_postmaster, stop
    from include.warehouse.settings import load_settings

    with answering(json) as answer:
        settings = load_settings()
        was_running = settings.url is None and find_postmaster(settings) is not None
        stop(settings)
        answer.give({"stopped": was_running, "home": str(settings.home)})


@app.command(epilog=example("status --json"))
def status(json: Json = False) -> None:
    """Show the published run, the report month and what became of every file."""
    from include.warehouse.database import connect
    from include.warehouse.server import ensure_running
    from include.warehouse.show import show_status
    from include.warehouse.status import read_status

    with answering(json) as answer:
        settings = ready()
        url = ensure_running(settings)
        with connect(settings) as connection:
            document = read_status(connection, settings, client_url(url, hide_password=not json))
        answer.give(document, show_status)


@app.command(epilog=example("migrate"))
def migrate(json: Json = False) -> None:
    """Create or update tables, procedures, views and feed contracts."""
    from include.warehouse.migrate import migrate as apply
    from include.warehouse.settings import load_settings
    from include.warehouse.show import show_lines

    with answering(json) as answer:
        answer.give({"applied": apply(load_settings())}, show_lines("applied", "Everything was in place."))


@app.command(epilog=example("sample --customers 2000 --months 24 --seed 7 --out /tmp/sample"))
def sample(
    out: Annotated[Path, typer.Option(help="Folder to write the files into.")],
    customers: Annotated[int, typer.Option(min=1, help="How many customers.")] = 20_000,
    months: Annotated[int, typer.Option(min=1, help="How many months of sales, up to December 2025.")] = 36,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same files.")] = 1,
    json: Json = False,
) -> None:
    """Write sample files of an invented retailer, dirt included."""
    from include.warehouse.sample import write_sample
    from include.warehouse.show import show_lines

    with answering(json) as answer:
        written = write_sample(out, customers=customers, months=months, seed=seed)
        answer.give({"files": [str(path) for path in written]}, show_lines("files"))


@app.command("settings", epilog=example("settings shrink_guard_share 0.10"))
def settings_verb(
    name: Annotated[str | None, typer.Argument(help="The setting to show or change; else all.")] = None,
    value: Annotated[str | None, typer.Argument(help="Its new value.")] = None,
    json: Json = False,
) -> None:
    """Show the settings, or change one."""
    from include.warehouse.database import connect
    from include.warehouse.ops_setting import change_setting, read_setting, read_settings
    from include.warehouse.show import show_rows

    with answering(json) as answer:
        with connect(ready()) as connection:
            if name is not None and value is not None:
                change_setting(connection, name, value)
            if name is not None:
                read_setting(connection, name)
            rows = [row for row in read_settings(connection) if name in (None, row["setting"])]
        answer.give({"settings": rows}, show_rows("settings", "Settings"))


# Files --------------------------------------------------------------------------------------------------------------


@app.command(epilog=example("load customers_2025-11-01.csv sales_2025.csv"))
def load(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Files to load; they are copied.")],
    feed: Annotated[str | None, typer.Option(help="The feed, where the file's name does not say it.")] = None,
    effective: Annotated[
        date | None,
        typer.Option(parser=day_option, metavar="DAY", help="Day from which a master holds (YYYY-MM-DD)."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Load also what is in force already.")] = False,
    json: Json = False,
) -> None:
    """Load files: masters first, then years, then deltas. Readers see nothing new before `refresh`."""
    from include.warehouse.show import show_files

    with answering(json) as answer:
        settings = ready()
        results = load_files(settings, files, feed=feed, effective=effective, force=force)
        answer.give({"files": results}, show_files, worst(results))


@app.command(epilog=example("approve sales_2025.csv"))
def approve(file: Annotated[str, typer.Argument(help="Name of the held file.")], json: Json = False) -> None:
    """Apply a file that the shrink guard holds."""
    from include.warehouse.load import approve as apply
    from include.warehouse.show import show_files

    with answering(json) as answer:
        result = apply(ready(), Path(file).name)
        answer.give({"files": [as_document(result)]}, show_files)


@app.command(epilog=example("discard sales_2025.csv"))
def discard(file: Annotated[str, typer.Argument(help="Name of the held file.")], json: Json = False) -> None:
    """Put aside a file that the shrink guard holds; nothing of it is applied."""
    from include.warehouse.load import discard as put_aside
    from include.warehouse.show import show_files

    with answering(json) as answer:
        result = put_aside(ready(), Path(file).name)
        answer.give({"files": [as_document(result)]}, show_files)


def load_files(
    settings: Settings,
    paths: list[Path],
    *,
    feed: str | None = None,
    effective: date | None = None,
    force: bool = False,
) -> list[Document]:
    """Loads files in load order; a refused one does not keep the others from being loaded."""
    from include.warehouse import load as loading

    with progress_of("Loading", len(paths)) as next_is:
        results = loading.load_files(settings, paths, feed=feed, effective=effective, force=force, on_file=next_is)
    return [as_document(result) for result in results]


def as_document(result: "LoadResult") -> Document:
    """What a load did, with its rows by fate beside the other fields."""
    from dataclasses import asdict

    document = asdict(result)
    rows = document.pop("rows")
    return document | {f"rows_{fate}": count for fate, count in rows.items()}


def worst(results: list[Document]) -> int:
    """The exit code of several loads: 2 if one was refused, else 1 if one is held."""
    outcomes = {result["status"] for result in results}
    if "refused" in outcomes:
        return BAD_INPUT
    return REFUSED_OR_HELD if "held" in outcomes else DONE


# Months -------------------------------------------------------------------------------------------------------------


@app.command(epilog=example("refresh --from 2025-01 --recut"))
def refresh(
    from_month: Annotated[
        date | None,
        typer.Option(
            "--from", parser=month_option, metavar="YYYY-MM", help="Build from this month on, changed or not."
        ),
    ] = None,
    recut: Annotated[bool, typer.Option("--recut", help="Compute the cut points of those months anew.")] = False,
    json: Json = False,
) -> None:
    """Build what changed, let the gate check it, and publish it at once."""
    from include.warehouse.show import show_refresh

    with answering(json) as answer:
        document = run_refresh(ready(), from_month=from_month, recut=recut)
        answer.give(document, show_refresh, refresh_exit_code(document))


def run_refresh(settings: Settings, *, from_month: date | None = None, recut: bool = False) -> Document:
    """Runs the list of steps with a progress bar; `status` is published, nothing_to_do or refused."""
    from include.warehouse.errors import GateRefused
    from include.warehouse.steps import REFRESH_STEPS
    from include.warehouse.steps import refresh as build_and_publish

    with progress_of("Refresh", len(REFRESH_STEPS)) as next_is:
        try:
            result = build_and_publish(
                settings, from_month=from_month, recut=recut, on_step=lambda step: next_is(step.title)
            )
        except GateRefused as error:
            return {"status": "refused", "message": str(error)}
    return {
        "status": "published" if result.is_published else "nothing_to_do",
        "message": None if result.is_published else result.plan.message,
        "run_id": result.plan.run_id,
        "report_month": result.plan.report_month,
        "months_built": len(result.plan.months),
        "warnings": result.warnings,
        "excel": str(result.excel) if result.excel else None,
    }


def refresh_exit_code(document: Document) -> int:
    """1 where the gate refused."""
    return REFUSED_OR_HELD if document["status"] == "refused" else DONE


@app.command("run-once", epilog=example("run-once ~/erp_files"))
def run_once(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with files; they stay where they are.")],
    json: Json = False,
) -> None:
    """Load every file of a folder, masters first, then refresh and publish."""
    from include.warehouse.database import connect
    from include.warehouse.errors import InputError
    from include.warehouse.migrate import migrate as apply_migrations
    from include.warehouse.show import show_run_once
    from include.warehouse.status import read_customers, read_rejects_by_reason

    with answering(json) as answer:
        if not folder.is_dir():
            raise InputError(f"{folder} is not a folder; give the folder with the files to load")
        paths = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
        if not paths:
            raise InputError(f"{folder} has no files; put the files to load there")
        settings = ready()
        apply_migrations(settings)
        results = load_files(settings, paths)
        document: Document = {"files": results, "refresh": run_refresh(settings)}
        with connect(settings) as connection:
            document["customers"] = read_customers(connection)
            document["rejects_by_reason"] = read_rejects_by_reason(connection)
        answer.give(document, show_run_once, worst(results) or refresh_exit_code(document["refresh"]))


@app.command(epilog=example("explain C000123 --month 2025-11"))
def explain(
    customer: Annotated[str, typer.Argument(help="The customer's id, as the files give it.")],
    month: Month = None,
    json: Json = False,
) -> None:
    """Say why a customer is where they are: their row, the rules, the limits reached, their last lines."""
    from include.warehouse.database import connect
    from include.warehouse.explain import explain as read_explanation
    from include.warehouse.show import show_explanation

    with answering(json) as answer:
        with connect(ready()) as connection:
            document = read_explanation(connection, customer, month)
        answer.give(document, show_explanation)


@app.command(epilog=example("rebuild --month 2025-06 --known-at 2025-08-01"))
def rebuild(
    month: Annotated[date, typer.Option(parser=month_option, metavar="YYYY-MM", help="The month to build.")],
    known_at: Annotated[
        datetime,
        typer.Option(
            parser=moment_option, metavar="MOMENT", help="Use only what was known then, such as 2025-08-01T06:00."
        ),
    ],
    json: Json = False,
) -> None:
    """Build a month as it was known at a moment, to inspect; nothing is published."""
    from zoneinfo import ZoneInfo

    from include.warehouse.database import connect
    from include.warehouse.ops_setting import read_setting
    from include.warehouse.refresh import rebuild as build_as_known

    with answering(json) as answer:
        settings = ready()
        with connect(settings) as connection:
            time_zone = ZoneInfo(read_setting(connection, "time_zone"))
        moment = known_at if known_at.tzinfo else known_at.replace(tzinfo=time_zone)
        answer.give(build_as_known(settings, month, moment))


# Rule sets ----------------------------------------------------------------------------------------------------------


@rules_app.command("show", epilog=example("rules show"))
def rules_show(json: Json = False) -> None:
    """Show every rule set with its parameters, tiers and segments."""
    from include.warehouse.database import connect
    from include.warehouse.rules import show
    from include.warehouse.show import show_rules

    with answering(json) as answer, connect(ready()) as connection:
        answer.give({"rule_sets": show(connection)}, show_rules)


@rules_app.command("draft", epilog=example("rules draft my_rules.yml"))
def rules_draft(
    file: Annotated[Path, typer.Argument(help="Rules as YAML; copy sql/rules/default.yml.")],
    json: Json = False,
) -> None:
    """Store a rule set as a draft."""
    from include.warehouse.database import connect
    from include.warehouse.rules import draft

    with answering(json) as answer, connect(ready()) as connection:
        answer.give({"rule_set": draft(connection, file), "state": "draft"})


@rules_app.command("prove", epilog=example("rules prove 2"))
def rules_prove(version: RuleSetVersion = None, json: Json = False) -> None:
    """Prove that every customer gets exactly one status, tier and segment; name the first cell that fails."""
    from include.warehouse.database import connect
    from include.warehouse.rules import prove
    from include.warehouse.show import show_proof

    with answering(json) as answer:
        with connect(ready()) as connection:
            proof = prove(connection, version or newest_rule_set(connection, "draft"))
        document = {
            "rule_set": proof.rule_set_id,
            "is_ok": proof.is_ok,
            "checks": [vars(check) for check in proof.checks],
        }
        answer.give(document, show_proof, DONE if proof.is_ok else BAD_INPUT)


@rules_app.command("approve", epilog=example("rules approve 2"))
def rules_approve(version: RuleSetVersion = None, json: Json = False) -> None:
    """Prove a draft and compile it; afterwards it can be activated."""
    from include.warehouse.database import connect
    from include.warehouse.rules import approve

    with answering(json) as answer:
        with connect(ready()) as connection:
            rule_set = version or newest_rule_set(connection, "draft")
            approve(connection, rule_set)
        answer.give({"rule_set": rule_set, "state": "approved"})


@rules_app.command("activate", epilog=example("rules activate 2 --from 2026-01"))
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
            rule_set = version or newest_rule_set(connection, "approved")
            message = activate(connection, rule_set, from_month)
        answer.give({"rule_set": rule_set, "state": "active", "from": from_month, "message": message})


def newest_rule_set(connection: Any, state: str) -> int:
    """The newest rule set in a state; raises InputError where there is none."""
    from include.warehouse.errors import InputError
    from include.warehouse.rules import show

    versions = [rule_set["rule_set_id"] for rule_set in show(connection) if rule_set["state"] == state]
    if not versions:
        raise InputError(f"no rule set is in the state {state}; see: {COMMAND} rules show")
    return int(max(versions))


# Exports ------------------------------------------------------------------------------------------------------------


@export_app.command(
    "customers", epilog=example("export customers --tier platinum --tier gold --opt-in email --format xlsx")
)
def export_customers(
    month: Month = None,
    status: Annotated[list[str] | None, typer.Option(help="Activity status.")] = None,
    tier: Annotated[list[str] | None, typer.Option(help="Value tier.")] = None,
    event: Annotated[list[str] | None, typer.Option(help="Lifecycle event.")] = None,
    segment: Annotated[list[str] | None, typer.Option(help="Segment.")] = None,
    opt_in: Annotated[list[str] | None, typer.Option(metavar="CHANNEL", help="Agreed to email, sms or phone.")] = None,
    group: Annotated[list[str] | None, typer.Option(help="Customer group.")] = None,
    city: Annotated[list[str] | None, typer.Option(help="City.")] = None,
    store: Annotated[list[str] | None, typer.Option(help="Home store id.")] = None,
    search: Annotated[str | None, typer.Option(help="Part of an id or a name.")] = None,
    contact: Annotated[bool, typer.Option("--contact", help="Add names, e-mail addresses and phone numbers.")] = False,
    file_format: Annotated[str, typer.Option("--format", help="csv or xlsx.")] = "csv",
    out: Out = None,
    json: Json = False,
) -> None:
    """Write the customers of a month that match every filter; an option given twice matches either value."""
    from include.warehouse.customer_filter import CustomerFilter
    from include.warehouse.export_customers import export_customers as write_list

    with answering(json) as answer:
        filters = CustomerFilter(
            month=month,
            status=status or (),
            tier=tier or (),
            event=event or (),
            segment=segment or (),
            opt_in=opt_in or (),
            customer_group=group or (),
            city=city or (),
            home_store_id=store or (),
            search=search,
        )
        path = write_list(ready(), filters, file_format, out, contact=contact)
        about = path.with_name(f"{path.name}.about.json")
        answer.give({"file": str(path), "rows": loads(about.read_text(encoding="utf-8"))["rows"], "about": str(about)})


@export_app.command("summary", epilog=example("export summary --month 2025-11 --out summary.xlsx"))
def export_summary(month: Month = None, out: Out = None, json: Json = False) -> None:
    """Write the Excel summary of a month."""
    from include.warehouse.summary import write_summary

    with answering(json) as answer:
        path = write_summary(ready(), month, out)
        answer.give({"file": str(path), "bytes": path.stat().st_size})


# Users --------------------------------------------------------------------------------------------------------------


@user_app.command("add", epilog=example("user add ana@example.com --role sales --supervisor eva@example.com"))
def user_add(
    email: Email,
    role: Role,
    name: Annotated[str | None, typer.Option(help="Full name.")] = None,
    supervisor: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="The supervisor, who sees this user's customers too.")
    ] = None,
    ask: AskPassword = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="The user signs in through the company's login alone.")
    ] = False,
    json: Json = False,
) -> None:
    """Add a user. A password is never given on the command line."""
    from include.warehouse.database import connect
    from include.warehouse.users import add_user

    with answering(json) as answer:
        password = None if no_password else chosen_password(ask)
        with connect(ready()) as connection:
            add_user(connection, email, role, full_name=name, supervisor=supervisor, password=password)
        answer.give({"email": email.lower(), "role": role} | shown_once(password, ask))


@user_app.command("list", epilog=example("user list --json"))
def user_list(json: Json = False) -> None:
    """Show all users."""
    from include.warehouse.database import connect
    from include.warehouse.show import show_rows
    from include.warehouse.users import list_users

    with answering(json) as answer:
        with connect(ready()) as connection:
            rows = list_users(connection)
        answer.give({"users": rows}, show_rows("users", "Users"))


@user_app.command("change", epilog=example("user change ana@example.com --role supervisor --supervisor ''"))
def user_change(
    email: Email,
    role: Annotated[str | None, typer.Option(help="The new role.")] = None,
    name: Annotated[str | None, typer.Option(help="The new full name.")] = None,
    supervisor: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="The new supervisor; an empty one for none.")
    ] = None,
    json: Json = False,
) -> None:
    """Change a user's role, name or supervisor; an open session follows with its next click."""
    from include.warehouse.database import connect
    from include.warehouse.users import change_user, list_users

    with answering(json) as answer:
        with connect(ready()) as connection:
            change_user(connection, email, role=role, full_name=name, supervisor=supervisor)
            changed = next(user for user in list_users(connection) if user["email"] == email.strip().lower())
        answer.give(changed)


@user_app.command("password", epilog=example("user password ana@example.com --ask"))
def user_password(email: Email, ask: AskPassword = False, json: Json = False) -> None:
    """Set a user's password and unlock them. A password is never given on the command line."""
    from include.warehouse.database import connect
    from include.warehouse.users import set_password

    with answering(json) as answer:
        password = chosen_password(ask)
        with connect(ready()) as connection:
            set_password(connection, email, password)
        answer.give({"email": email.lower()} | shown_once(password, ask))


@user_app.command("deactivate", epilog=example("user deactivate ana@example.com"))
def user_deactivate(email: Email, json: Json = False) -> None:
    """Let a user sign in no longer; an open session ends with its next click."""
    change_activity(email, False, json)


@user_app.command("activate", epilog=example("user activate ana@example.com"))
def user_activate(email: Email, json: Json = False) -> None:
    """Let a user sign in again."""
    change_activity(email, True, json)


@user_app.command("unlock", epilog=example("user unlock ana@example.com"))
def user_unlock(email: Email, json: Json = False) -> None:
    """Forget a user's failed attempts to sign in."""
    from include.warehouse.database import connect
    from include.warehouse.users import unlock

    with answering(json) as answer:
        with connect(ready()) as connection:
            unlock(connection, email)
        answer.give({"email": email.lower(), "is_locked": False})


def change_activity(email: str, is_active: bool, as_json: bool) -> None:
    """Activates or deactivates a user."""
    from include.warehouse.database import connect
    from include.warehouse.users import set_active

    with answering(as_json) as answer:
        with connect(ready()) as connection:
            set_active(connection, email, is_active)
        answer.give({"email": email.lower(), "is_active": is_active})


def chosen_password(ask: bool) -> str:
    """A password from a hidden prompt or, without a terminal, the first line of standard input; else a new one."""
    from getpass import getpass

    from include.warehouse.errors import InputError
    from include.warehouse.users import new_password

    if not ask:
        return new_password()
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass("Password: ")
    if getpass("Again: ") != password:
        raise InputError("the two passwords differ; nothing was changed")
    return password


def shown_once(password: str | None, is_known: bool) -> Document:
    """A password that was made here; one that somebody chose is not shown."""
    return {} if password is None or is_known else {"password": password}


def client_url(url: str, *, hide_password: bool) -> str:
    """A database URL as any PostgreSQL client takes it; without the password where people look at it."""
    from sqlalchemy.engine import make_url

    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=hide_password)
