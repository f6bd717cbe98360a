"""Roles of readers and what they may see.

`mart_reader` reads mart except contact data; `contact_reader` reads all of mart; `sales_reader` reads all of mart about
the customers of the user whom the dashboard names (sql/routines/mart/grant_readers.sql). The login role `analyst` is a
member of the first. The login role `dashboard` has no rights of its own: for each transaction it takes the group role
of whoever has signed in. A role belongs to the whole server, so one that is there already is not changed unless the
server is our own; memberships that are missing are added as far as this user may.
"""

from psycopg2 import errors
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError

from include.warehouse.credentials import credential, read_credentials
from include.warehouse.server import ensure_running
from include.warehouse.settings import Settings

GROUPS = {
    "mart_reader": "Reads mart except contact data.",
    "contact_reader": "Reads all of mart, contact data included.",
    "sales_reader": "Reads mart about the customers of the user whom the dashboard names; for the dashboard alone.",
}
LOGINS = {
    "analyst": ("mart_reader",),
    "dashboard": ("mart_reader", "contact_reader", "sales_reader"),
}
# The rights of its groups come to a login by themselves, or only once it takes the role.
INHERITS = {"analyst": "true", "dashboard": "false"}
LOGIN_SETTINGS = {
    "analyst": {"default_transaction_read_only": "on", "statement_timeout": "10min"},
    "dashboard": {"statement_timeout": "2min"},
}
MEMBERSHIP = """
select true
from pg_auth_members
where roleid = :group ::regrole
    and member = :login ::regrole
    and set_option
    and inherit_option = cast(:inherits as boolean)
"""


def ensure_roles(connection: Connection, settings: Settings) -> list[str]:
    """Creates missing roles and renews all grants on mart; gives one line for each role created or not permitted."""
    done = []
    for role, description in GROUPS.items():
        done += _create(connection, role, "nologin")
        _as_permitted(connection, f"comment on role {role} is '{description}'")
    for role, groups in LOGINS.items():
        created = _create(connection, role, "login")
        done += created
        if created or not settings.url:
            _set_login(connection, settings, role)
        for group in groups:
            done += _grant(connection, group, role)
    connection.exec_driver_sql("call mart.grant_readers()")
    connection.exec_driver_sql("call access.grant_dashboard()")
    connection.exec_driver_sql("call mart.grant_writers()")
    return done


def login_url(settings: Settings, role: str) -> str:
    """SQLAlchemy URL of the login role `analyst` or `dashboard`.

    Raises LookupError where the role's password is not ours: an administrator created it on a server of their own.
    """
    password = read_credentials(settings).get(f"{role}_password")
    if password is None:
        raise LookupError(f"the password of role {role} is not in {settings.secrets}")
    url = make_url(ensure_running(settings)).set(username=role, password=password)
    return url.render_as_string(hide_password=False)


def analyst_address(settings: Settings) -> str:
    """URL of the login role `analyst` as any PostgreSQL client takes it, without the password."""
    owner = make_url(ensure_running(settings))
    address = URL.create("postgresql", "analyst", None, owner.host, owner.port, owner.database, owner.query)
    return address.render_as_string()


def _create(connection: Connection, role: str, attributes: str) -> list[str]:
    if _exists(connection, role):
        return []
    refusal = _as_permitted(connection, f"create role {role} {attributes}")
    return [refusal or f"role {role}"]


def _set_login(connection: Connection, settings: Settings, role: str) -> None:
    if not _exists(connection, role):
        return
    password = credential(settings, f"{role}_password")
    connection.exec_driver_sql(f"alter role {role} password %(password)s", {"password": password})
    for setting, value in LOGIN_SETTINGS[role].items():
        connection.exec_driver_sql(f"alter role {role} set {setting} = '{value}'")


def _grant(connection: Connection, group: str, login: str) -> list[str]:
    """Makes a login a member of a group with exactly the rights that INHERITS says."""
    inherits = INHERITS[login]
    if not (_exists(connection, group) and _exists(connection, login)):
        return []
    wanted = {"group": group, "login": login, "inherits": inherits}
    if connection.execute(text(MEMBERSHIP), wanted).first():
        return []
    refusal = _as_permitted(connection, f"grant {group} to {login} with inherit {inherits}, set true")
    return [refusal] if refusal else []


def _exists(connection: Connection, role: str) -> bool:
    return (
        connection.execute(text("select true from pg_roles where rolname = :role"), {"role": role}).scalar() is not None
    )


def _as_permitted(connection: Connection, statement: str) -> str | None:
    """Executes a statement on roles; gives a line for people where this user may not."""
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(statement)
    except DBAPIError as error:
        if isinstance(error.orig, errors.InsufficientPrivilege):
            return f"not permitted: {statement}; let an administrator run it, then migrate again"
        if isinstance(error.orig, (errors.DuplicateObject, errors.UniqueViolation)):
            return None
        raise
    return None
