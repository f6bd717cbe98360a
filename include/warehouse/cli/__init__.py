"""The command line: the same steps as in Airflow, without Airflow.

Every verb takes --json (one document on standard output, nothing else there) and ends with 0 for done, 1 where the gate
refused, a file is held or a person has to look, 2 for bad input, a refused file or usage, 130 or 143 where somebody
stopped it (Ctrl-C, SIGTERM). Every verb that needs the database starts it and leaves it running. What a verb needs is
imported inside it, so that --help answers at once.
"""

import typer

from include.warehouse.cli import exports, files, months, rules, users, warehouse

app = typer.Typer(
    help="The customer warehouse: files in, proved monthly snapshots out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="markdown",
)
app.add_typer(warehouse.verbs)
app.add_typer(files.verbs)
app.add_typer(months.verbs)
app.add_typer(rules.verbs, name="rules")
app.add_typer(exports.verbs, name="export")
app.add_typer(users.verbs, name="user")
