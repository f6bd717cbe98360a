"""What the verbs share on the command line: the options of several, and the example at the end of their help."""

import re
from datetime import date
from typing import Annotated

import typer

COMMAND = "python -m include.warehouse"


def month_option(value: str) -> date:
    """Reads YYYY-MM (or its first day) as a month."""
    if re.fullmatch(r"\d{4}-\d{2}(-01)?", value):
        try:
            return date.fromisoformat(f"{value[:7]}-01")
        except ValueError:
            pass
    raise typer.BadParameter(f"{value} is not a month; write YYYY-MM, such as 2025-11")


Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output, and nothing else there.")
]
Month = Annotated[
    date | None, typer.Option(parser=month_option, metavar="YYYY-MM", help="The month; else the report month.")
]


def example(text: str) -> str:
    """The example at the end of a verb's help."""
    return f"Example: `{COMMAND} {text}`"
