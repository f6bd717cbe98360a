"""Verbs for files: load them, and decide on those that the shrink guard holds."""

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from include.warehouse.cli.options import Json, example
from include.warehouse.cli.ready import ready
from include.warehouse.cli.show import show_files
from include.warehouse.console import BAD_INPUT, DONE, REFUSED_OR_HELD, Document, answering, progress_of
from include.warehouse.settings import Settings

if TYPE_CHECKING:
    from include.warehouse.load import LoadResult

verbs = typer.Typer()

Receipt = Annotated[
    int | None,
    typer.Option(min=1, max=2**63 - 1, metavar="NUMBER", help="Which one, where files of one name wait; see `status`."),
]


def day_option(value: str) -> date:
    """Reads YYYY-MM-DD as a day."""
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise typer.BadParameter(f"{value} is not a day; write YYYY-MM-DD, such as 2025-11-01") from error


@verbs.command(epilog=example("load customers_2025-11-01.csv sales_2025.csv"))
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
    with answering(json) as answer:
        settings = ready()
        results = load_files(settings, files, feed=feed, effective=effective, force=force)
        answer.give({"files": results}, show_files, worst(results))


@verbs.command(epilog=example("approve sales_2025.csv"))
def approve(
    file: Annotated[str, typer.Argument(help="Name of the held file.")], receipt: Receipt = None, json: Json = False
) -> None:
    """Apply a file that the shrink guard holds."""
    from include.warehouse.load import approve as apply

    with answering(json) as answer:
        results = [as_document(apply(ready(), Path(file).name, receipt))]
        answer.give({"files": results}, show_files, worst(results))


@verbs.command(epilog=example("discard sales_2025.csv"))
def discard(
    file: Annotated[str, typer.Argument(help="Name of the file.")], receipt: Receipt = None, json: Json = False
) -> None:
    """Put aside a file that the shrink guard holds, or that cannot be loaded to its end; nothing of it is applied."""
    from include.warehouse.load import discard as put_aside

    with answering(json) as answer:
        result = put_aside(ready(), Path(file).name, receipt)
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
    document = asdict(result)
    rows = document.pop("rows")
    return document | {f"rows_{fate}": count for fate, count in rows.items()}


def worst(results: list[Document]) -> int:
    """The exit code of several loads: 2 if one was refused, else 1 if one is held or not loaded to its end."""
    outcomes = {result["status"] for result in results}
    if "refused" in outcomes:
        return BAD_INPUT
    return REFUSED_OR_HELD if outcomes & {"held", "received"} else DONE
