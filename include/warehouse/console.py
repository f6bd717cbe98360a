"""What the command line prints: one document as JSON, or the same for a person to read.

Standard output carries the answer alone; progress, log lines and errors go to standard error.
"""

import errno
import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg2
import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import InterfaceError, OperationalError

from include.warehouse.errors import WarehouseError
from include.warehouse.interruption import StoppedError, stoppable

DONE = 0
REFUSED_OR_HELD = 1
BAD_INPUT = 2
# and the signal's number, as shells have it: 130 after Ctrl-C
SIGNALLED = 128
# from SQLAlchemy, and from the driver itself while it copies
DATABASE_IS_GONE = (OperationalError, InterfaceError, psycopg2.OperationalError, psycopg2.InterfaceError)

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)

Document = dict[str, Any]


class Answer:
    """The outcome of a verb: a document, how to show it to a person, and the exit code."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.document: Document = {}
        self.show: Callable[[Console, Document], None] = show_fields
        self.exit_code = DONE

    def give(
        self,
        document: Document,
        show: Callable[[Console, Document], None] | None = None,
        exit_code: int = DONE,
    ) -> None:
        """Sets the outcome; without `show` the document's fields are listed."""
        self.document = document
        self.show = show or show_fields
        self.exit_code = exit_code


@contextmanager
def answering(as_json: bool) -> Iterator[Answer]:
    """Runs the body of a verb, prints its answer and ends the process with the answer's exit code.

    An error that a person can act on becomes one line, without a traceback.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # what Soda cannot evaluate stands in the gate's results, without a traceback
    logging.getLogger("soda").setLevel(logging.CRITICAL)
    answer = Answer(as_json)
    try:
        with redirect_stdout(sys.stderr), stoppable():
            yield answer
    except WarehouseError as error:
        _fail(answer, str(error), error.exit_code)
    except DATABASE_IS_GONE as error:
        reason = " ".join(str(getattr(error, "orig", error)).split())
        message = f"the database does not answer: {reason}; the same command goes on where this one was, once it is up"
        _fail(answer, f"{message}: python -m include.warehouse up", REFUSED_OR_HELD)
    except StoppedError as stop:
        _fail(answer, "stopped; the same command continues where this one was", SIGNALLED + stop.number)
    except UnicodeEncodeError as error:
        # the system gives the bytes of an argument that are no UTF-8 as such letters
        if error.reason != "surrogates not allowed":
            raise
        _fail(answer, f"{error.object!a} is not in UTF-8; write it in UTF-8, or set the terminal to it", BAD_INPUT)
    except OSError as error:
        if error.errno in NO_ROOM and error.filename is None:
            # of a file that is open already the system says no name
            _fail(answer, f"{error.strerror}: make room where it writes, then repeat the command", REFUSED_OR_HELD)
        if error.filename is None:
            raise
        _fail(answer, f"{error.filename}: {error.strerror}; give a place that this user may read and write", BAD_INPUT)
    if as_json:
        print(json.dumps(answer.document, default=in_json, indent=2, ensure_ascii=False))
    else:
        # a table in a file or a pipe is not cut to the width of a terminal
        answer.show(Console(highlight=False, width=None if sys.stdout.isatty() else 160), answer.document)
    raise typer.Exit(answer.exit_code)


def _fail(answer: Answer, message: str, exit_code: int) -> None:
    print(f"Error: {message}", file=sys.stderr)
    if answer.as_json:
        print(json.dumps({"error": message, "exit_code": exit_code}, indent=2, ensure_ascii=False))
    raise typer.Exit(exit_code)


def in_json(value: object) -> object:
    """Writes dates as ISO text and amounts as numbers, one with more digits than a reader's number keeps as text."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        if value == value.to_integral_value():
            return int(value)
        number = float(value)
        return number if Decimal(repr(number)) == value else str(value)
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, set | frozenset | tuple):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


@contextmanager
def progress_of(title: str, total: int) -> Iterator[Callable[[str], None]]:
    """A progress bar on a terminal, nothing elsewhere.

    Gives a function to call with what comes next; each call but the first completes one of `total`.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda what: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(title, total=total)
        begun = False

        def next_is(what: str) -> None:
            nonlocal begun
            progress.update(bar, description=f"{title}: {what}", advance=1 if begun else 0)
            begun = True

        yield next_is


def show_fields(console: Console, document: Document) -> None:
    """Lists a flat document, one field a line."""
    for name, value in document.items():
        console.print(f"{name.replace('_', ' ')}: {in_words(value)}", markup=False, soft_wrap=True)


def show_table(console: Console, title: str, rows: list[Document], columns: list[str]) -> None:
    """Prints rows as a table; numbers stand to the right with separators."""
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE, pad_edge=False)
    numeric = {name for name in columns if any(isinstance(row.get(name), int | Decimal) for row in rows)}
    for name in columns:
        table.add_column(name.replace("_", " "), justify="right" if name in numeric else "left", overflow="fold")
    for row in rows:
        # as Text: what a person wrote, such as [/b], is no markup
        table.add_row(*(Text(in_words(row.get(name))) for name in columns))
    console.print(table)


def in_words(value: object) -> str:
    """A value as a person reads it."""
    match value:
        case None:
            words = "–"
        case bool():
            words = "yes" if value else "no"
        case int() | Decimal():
            words = f"{value:,}"
        case datetime():
            words = value.strftime("%Y-%m-%d %H:%M:%S %Z").strip()
        case list() | tuple():
            words = ", ".join(in_words(item) for item in value) or "none"
        case _:
            words = str(value)
    return words
