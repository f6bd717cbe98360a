"""Verbs for months: build and publish them, explain a customer of one, rebuild one as it was known."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from include.warehouse.cli.files import load_files, worst
from include.warehouse.cli.options import Json, Month, example, month_option
from include.warehouse.cli.ready import ready
from include.warehouse.cli.show import show_explanation, show_refresh, show_run_once
from include.warehouse.console import DONE, REFUSED_OR_HELD, Document, answering, progress_of
from include.warehouse.errors import GateRefused, InputError
from include.warehouse.settings import Settings, load_settings

verbs = typer.Typer()


def moment_option(value: str) -> datetime:
    """Reads a day or a moment in ISO form; without an offset it is in the warehouse's time zone."""
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise typer.BadParameter(f"{value} is not a moment; write 2025-11-01 or 2025-11-01T08:30") from error


@verbs.command(epilog=example("refresh --from 2025-01 --recut"))
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
    with answering(json) as answer:
        document = run_refresh(ready(), from_month=from_month, recut=recut)
        answer.give(document, show_refresh, refresh_exit_code(document))


def run_refresh(settings: Settings, *, from_month: date | None = None, recut: bool = False) -> Document:
    """Runs the list of steps with a progress bar; `status` is published, nothing_to_do or refused."""
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


@verbs.command("run-once", epilog=example("run-once ~/erp_files"))
def run_once(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with files; they stay where they are.")],
    json: Json = False,
) -> None:
    """Load every file of a folder, masters first, then refresh and publish."""
    from include.warehouse.arrivals import finished_files, folders_in, left_in
    from include.warehouse.contracts import load_contracts
    from include.warehouse.database import connect
    from include.warehouse.migrate import migrate as apply_migrations
    from include.warehouse.status import read_customers, read_rejects_by_reason, read_tiers

    with answering(json) as answer:
        if not folder.is_dir():
            raise InputError(f"{folder} is not a folder; give the folder with the files to load")
        settings = load_settings()
        paths = finished_files(folder, load_contracts(settings))
        left_alone, folders = left_in(folder, paths), folders_in(folder)
        if not paths:
            left = ", ".join([*left_alone, *folders])
            files = f"no finished files ({left} left alone)" if left else "no files"
            raise InputError(f"{folder} has {files}; put the files to load there")
        apply_migrations(settings)
        results = load_files(settings, paths)
        document: Document = {
            "files": results,
            "left_alone": left_alone,
            "folders": folders,
            "refresh": run_refresh(settings),
        }
        with connect(settings) as connection:
            document["customers"] = read_customers(connection)
            document["tiers"] = read_tiers(connection)
            document["rejects_by_reason"] = read_rejects_by_reason(connection)
        answer.give(document, show_run_once, worst(results) or refresh_exit_code(document["refresh"]))


@verbs.command(epilog=example("explain C0000046 --month 2025-11"))
def explain(
    customer: Annotated[str, typer.Argument(help="The customer's id, as the files give it.")],
    month: Month = None,
    json: Json = False,
) -> None:
    """Say why a customer is where they are: their row, the rules, the limits reached, their last lines."""
    from include.warehouse.database import connect
    from include.warehouse.explain import explain as read_explanation

    with answering(json) as answer:
        with connect(ready()) as connection:
            document = read_explanation(connection, customer, month)
        answer.give(document, show_explanation)


@verbs.command(epilog=example("rebuild --month 2025-06 --known-at 2025-08-01"))
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
    """Build a month as it was known at a moment, to inspect; nothing is published.

    It is decided by the rule set of the newest publication of what was known then; before its first publication, by the
    one active now.
    """
    from include.warehouse.database import connect
    from include.warehouse.ops_setting import in_time_zone
    from include.warehouse.refresh import rebuild as build_as_known

    with answering(json) as answer:
        settings = ready()
        with connect(settings) as connection:
            moment = known_at if known_at.tzinfo else in_time_zone(connection, known_at)
        answer.give(build_as_known(settings, month, moment))
