"""Verbs for the warehouse as a whole: start and stop it, look at it, bring it up to date, change its settings.

With them the one that writes sample files to try it with.
"""

from pathlib import Path
from typing import Annotated

import typer

from include.warehouse.cli.options import Json, example
from include.warehouse.cli.ready import ready
from include.warehouse.cli.show import show_lines, show_rows, show_status
from include.warehouse.console import answering
from include.warehouse.settings import load_settings

verbs = typer.Typer()


@verbs.command(epilog=example("up"))
def up(json: Json = False) -> None:
    """Start the database, create or update its tables, and say where it is."""
    from include.warehouse.database import connect
    from include.warehouse.migrate import migrate
    from include.warehouse.roles import analyst_address
    from include.warehouse.server import ensure_running

    with answering(json) as answer:
        settings = load_settings()
        url = ensure_running(settings)
        done = migrate(settings)
        with connect(settings) as connection:
            version = connection.exec_driver_sql("show server_version").scalar_one()
        answer.give(
            {
                "warehouse_url": client_url(url),
                "analyst_url": analyst_address(settings),
                "server_version": version,
                "home": str(settings.home),
                "applied": done if json else len(done),
            }
        )


@verbs.command(epilog=example("down"))
def down(json: Json = False) -> None:
    """Stop the embedded database; with WAREHOUSE_URL there is nothing to stop."""
    from include.warehouse.server import find_postmaster, stop

    with answering(json) as answer:
        settings = load_settings()
        was_running = settings.url is None and find_postmaster(settings) is not None
        stop(settings)
        answer.give({"stopped": was_running, "home": str(settings.home)})


@verbs.command(epilog=example("status --json"))
def status(json: Json = False) -> None:
    """Show the published run, the report month and what became of every file."""
    from include.warehouse.database import connect
    from include.warehouse.server import ensure_running
    from include.warehouse.status import read_status

    with answering(json) as answer:
        settings = ready()
        url = ensure_running(settings)
        with connect(settings) as connection:
            document = read_status(connection, settings, client_url(url))
        answer.give(document, show_status)


@verbs.command(epilog=example("migrate"))
def migrate(json: Json = False) -> None:
    """Create or update tables, procedures, views and feed contracts."""
    from include.warehouse.migrate import migrate as apply

    with answering(json) as answer:
        answer.give({"applied": apply(load_settings())}, show_lines("applied", "Everything was in place."))


@verbs.command(epilog=example("sample --customers 2000 --months 24 --seed 7 --out /tmp/sample"))
def sample(
    out: Annotated[Path, typer.Option(help="Folder to write the files into.")],
    customers: Annotated[int, typer.Option(min=1, help="How many customers.")] = 20_000,
    months: Annotated[int, typer.Option(min=1, help="How many months of sales, up to December 2025.")] = 36,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same files.")] = 1,
    json: Json = False,
) -> None:
    """Write sample files of an invented retailer, dirt included."""
    from include.warehouse.sample import write_sample

    with answering(json) as answer:
        written = write_sample(out, customers=customers, months=months, seed=seed)
        answer.give({"files": [str(path) for path in written]}, show_lines("files"))


@verbs.command("settings", epilog=example("settings shrink_guard_share 0.10"))
def settings_verb(
    name: Annotated[str | None, typer.Argument(help="The setting to show or change; else all.")] = None,
    value: Annotated[str | None, typer.Argument(help="Its new value.")] = None,
    json: Json = False,
) -> None:
    """Show the settings, or change one."""
    from include.warehouse.database import connect
    from include.warehouse.ops_setting import change_setting, read_setting, read_settings

    with answering(json) as answer:
        with connect(ready()) as connection:
            if name is not None and value is not None:
                change_setting(connection, name, value)
            if name is not None:
                read_setting(connection, name)
            rows = [row for row in read_settings(connection) if name in (None, row["setting"])]
        answer.give({"settings": rows}, show_rows("settings", "Settings"))


def client_url(url: str) -> str:
    """The owner's database URL as any PostgreSQL client takes it, but for the password."""
    from sqlalchemy.engine import make_url

    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=True)
