"""Verbs for the users of the dashboard."""

import sys
from getpass import getpass
from typing import Annotated

import typer

from include.warehouse.cli.options import Json, example
from include.warehouse.cli.ready import ready
from include.warehouse.cli.show import show_rows
from include.warehouse.console import Document, answering
from include.warehouse.errors import InputError

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The user's e-mail address.")]
Role = Annotated[str, typer.Option(help="admin, marketing, supervisor, sales, analyst or viewer.")]
AskPassword = Annotated[
    bool,
    typer.Option(
        "--ask", help="Ask for the password, or read it from standard input; else one is made and shown once."
    ),
]

verbs = typer.Typer(help="Users of the dashboard.", no_args_is_help=True)


@verbs.command("add", epilog=example("user add ana@example.com --role sales --supervisor eva@example.com"))
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
    from include.warehouse.refresh import summarize_changed_users
    from include.warehouse.users import add_user

    with answering(json) as answer:
        password = None if no_password else chosen_password(ask)
        settings = ready()
        with connect(settings) as connection:
            add_user(connection, email, role, full_name=name, supervisor=supervisor, password=password)
        summarize_changed_users(settings)
        answer.give({"email": email.lower(), "role": role} | shown_once(password, ask))


@verbs.command("list", epilog=example("user list --json"))
def user_list(json: Json = False) -> None:
    """Show all users."""
    from include.warehouse.database import connect
    from include.warehouse.users import list_users

    with answering(json) as answer:
        with connect(ready()) as connection:
            rows = list_users(connection)
        answer.give({"users": rows}, show_rows("users", "Users"))


@verbs.command("change", epilog=example("user change ana@example.com --role supervisor --supervisor ''"))
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
    from include.warehouse.refresh import summarize_changed_users
    from include.warehouse.users import change_user, list_users

    with answering(json) as answer:
        settings = ready()
        with connect(settings) as connection:
            change_user(connection, email, role=role, full_name=name, supervisor=supervisor)
            changed = next(user for user in list_users(connection) if user["email"] == email.strip().lower())
        summarize_changed_users(settings)
        answer.give(changed)


@verbs.command("password", epilog=example("user password ana@example.com --ask"))
def user_password(email: Email, ask: AskPassword = False, json: Json = False) -> None:
    """Set a user's password and unlock them. A password is never given on the command line."""
    from include.warehouse.database import connect
    from include.warehouse.users import set_password

    with answering(json) as answer:
        password = chosen_password(ask)
        with connect(ready()) as connection:
            set_password(connection, email, password)
        answer.give({"email": email.lower()} | shown_once(password, ask))


@verbs.command("deactivate", epilog=example("user deactivate ana@example.com"))
def user_deactivate(email: Email, json: Json = False) -> None:
    """Let a user sign in no longer; an open session ends with its next click."""
    change_activity(email, False, json)


@verbs.command("activate", epilog=example("user activate ana@example.com"))
def user_activate(email: Email, json: Json = False) -> None:
    """Let a user sign in again."""
    change_activity(email, True, json)


@verbs.command("unlock", epilog=example("user unlock ana@example.com"))
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
    from include.warehouse.refresh import summarize_changed_users
    from include.warehouse.users import set_active

    with answering(as_json) as answer:
        settings = ready()
        with connect(settings) as connection:
            set_active(connection, email, is_active)
        summarize_changed_users(settings)
        answer.give({"email": email.lower(), "is_active": is_active})


def chosen_password(ask: bool) -> str:
    """A password from a hidden prompt or, without a terminal, the first line of standard input; else a new one."""
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
