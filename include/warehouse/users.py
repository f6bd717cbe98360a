"""Users of the dashboard: who they are, what they see, and how they sign in.

Passwords are kept as Argon2id hashes. The dashboard's login reads no table of users: it asks the functions of
sql/routines/access/sign_in.sql, which count attempts, lock and log.
"""

import re
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import Connection, text

from include.warehouse.credentials import credential
from include.warehouse.errors import InputError, WarehouseError
from include.warehouse.settings import Settings

# What each role may read: the group role that the dashboard's login takes for it; see include/warehouse/roles.py.
DATABASE_ROLES = {
    "admin": "contact_reader",
    "marketing": "contact_reader",
    "supervisor": "sales_reader",
    "sales": "sales_reader",
    "analyst": "mart_reader",
    "viewer": "mart_reader",
}
ROLES = tuple(DATABASE_ROLES)
FIRST_ADMIN = "admin@warehouse.local"
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1_000
LONGEST_EMAIL = 254
# How long a browser stays signed in.
SESSION_SECONDS = 12 * 3600
EMAIL = re.compile(r"[^\s@\0]+@[^\s@\0]+")

_hasher = PasswordHasher()
# a comparison takes 64 MB for a moment: one at a time, however many knock
_comparing = threading.Lock()

Transaction = Callable[[], AbstractContextManager[Connection]]


class SignInRefused(WarehouseError):  # noqa: N818 - as GateRefused
    """The sign-in is refused; the message is the same whether or not the user exists."""


@dataclass(frozen=True)
class User:
    """Somebody who has signed in.

    `visible` changes whenever the customers may change that a restricted user sees; `stamp` with every new password and
    every sign-out: what was signed in before is so no longer.
    """

    email: str
    full_name: str
    role: str
    visible: str = ""
    stamp: str = ""

    @property
    def database_role(self) -> str:
        """The group role that says which rows and columns of mart the user reads."""
        return DATABASE_ROLES[self.role]

    @property
    def is_restricted(self) -> bool:
        """Whether the user sees some customers only: those they, or the users they supervise, are responsible for."""
        return self.database_role == "sales_reader"

    @property
    def may_see_contact(self) -> bool:
        """Whether the user may see names, e-mail addresses and telephone numbers of the customers they see."""
        return self.database_role != "mart_reader"

    @property
    def scope(self) -> tuple[str, ...]:
        """Equal for users who see the same: the key under which answers may be shared."""
        if self.is_restricted:
            return self.database_role, self.email, self.visible
        return (self.database_role,)


# Signing in ---------------------------------------------------------------------------------------------------------


def sign_in(transaction: Transaction, email: str, password: str) -> User:
    """The user of this e-mail address and password; raises SignInRefused.

    `transaction` opens a transaction that may write, and commits it. An attempt is counted before the comparison.
    """
    email = email.strip()
    outcome, stored = "unknown_user", None
    if _is_email(email):
        with transaction() as connection:
            begun = connection.execute(text("select * from access.begin_sign_in(:email)"), {"email": email}).one()
        outcome, stored = begun.state, begun.password_hash
    is_right = _is_right(stored, password)
    if outcome == "open":
        outcome = "signed_in" if is_right else "wrong_password"
    with transaction() as connection:
        _note(connection, email, "password", outcome)
        user = find_user(connection, email) if outcome == "signed_in" else None
    if user is None:
        raise SignInRefused(
            "E-mail address or password is not right. After several failed attempts a user is locked for a while."
        )
    return user


def sign_in_by_provider(transaction: Transaction, claims: dict[str, Any]) -> User:
    """The user whom the company's login names; raises SignInRefused where they are no active user.

    `claims` is what the provider says: `email`, and `email_verified` where it says so.
    """
    email = str(claims.get("email") or "").strip()
    # some providers write the claim as a text
    is_verified = str(claims.get("email_verified", True)).strip().lower() == "true"
    is_email = is_verified and _is_email(email)
    with transaction() as connection:
        user = find_user(connection, email) if is_email else None
        _note(connection, email, "oidc", "signed_in" if user else "unknown_user")
    if user is None:
        raise SignInRefused("Your company's login is not known here. Ask an administrator to add you.")
    return user


def is_provider_believed(transaction: Transaction, claims: dict[str, Any]) -> bool:
    """Whether what the company's login said still lets in: it is young enough, and nobody has signed out since.

    Streamlit keeps it in the browser for 30 days, a copy of it and other windows too, and takes nothing back.
    """
    said_at = claims.get("iat")
    if not isinstance(said_at, int | float) or said_at < time.time() - SESSION_SECONDS:
        return False
    with transaction() as connection:
        has_left: bool = connection.execute(
            text("select access.has_signed_out_since(:email, to_timestamp(:said_at))"),
            {"email": str(claims.get("email") or "").replace("\0", ""), "said_at": said_at},
        ).scalar_one()
    return not has_left


def sign_out(transaction: Transaction, user: User, method: str) -> None:
    """Notes that a user has signed out."""
    with transaction() as connection:
        _note(connection, user.email, method, "signed_out")


def find_user(connection: Connection, email: str) -> User | None:
    """An active user by e-mail address."""
    found = connection.execute(text("select * from access.find_user(:email)"), {"email": email}).mappings().first()
    return User(**found) if found else None


def _is_email(email: str) -> bool:
    return len(email) <= LONGEST_EMAIL and EMAIL.fullmatch(email) is not None


def _is_right(stored: str | None, password: str) -> bool:
    with _comparing:
        # for a known user too, who otherwise would be refused sooner in a process's first sign-in
        nobodys = _nobodys_hash()
        try:
            return _hasher.verify(stored or nobodys, password[:LONGEST_PASSWORD]) and stored is not None
        except (Argon2Error, InvalidHashError):
            return False


@cache
def _nobodys_hash() -> str:
    """What is compared where there is no hash, so that an unknown user is refused no sooner than a known one."""
    return _hasher.hash(secrets.token_urlsafe(18))


def _note(connection: Connection, email: str, method: str, outcome: str) -> None:
    connection.execute(
        text("select access.end_sign_in(:email, :method, :outcome)"),
        {"email": email if _is_email(email) else None, "method": method, "outcome": outcome},
    )


# Managing users, as the warehouse's owner ---------------------------------------------------------------------------

USERS = """
select email, full_name, role, supervisor_email as supervisor, is_active,
    password_hash is not null as has_password, locked_until > clock_timestamp() as is_locked, last_sign_in_at
from access.user_account
order by email
"""


def list_users(connection: Connection) -> list[dict[str, Any]]:
    """All users: email, full_name, role, supervisor, is_active, has_password, is_locked, last_sign_in_at."""
    return [dict(row) for row in connection.execute(text(USERS)).mappings()]


def add_user(
    connection: Connection,
    email: str,
    role: str,
    *,
    full_name: str | None = None,
    supervisor: str | None = None,
    password: str | None,
) -> None:
    """Adds a user; without a password they sign in through the company's login alone. Raises InputError."""
    email = _checked_email(email)
    if _role_of(connection, email):
        raise InputError(f"{email} is a user already; see: python -m include.warehouse user list")
    connection.execute(
        text(
            "insert into access.user_account (email, full_name, role, supervisor_email, password_hash)"
            " values (:email, :full_name, :role, :supervisor, :password_hash)"
        ),
        {
            "email": email,
            "full_name": full_name,
            "role": _checked_role(role),
            "supervisor": _checked_supervisor(connection, email, supervisor),
            "password_hash": None if password is None else hashed(password, email),
        },
    )


def change_user(
    connection: Connection, email: str, *, role: str | None = None, full_name: str | None = None, supervisor: str | None
) -> None:
    """Changes what is given; an empty supervisor takes the supervisor away. Raises InputError."""
    email = _existing(connection, email)
    changes: dict[str, object] = {}
    if role is not None:
        changes["role"] = _checked_role(role)
    if full_name is not None:
        changes["full_name"] = full_name or None
    if supervisor is not None:
        changes["supervisor_email"] = _checked_supervisor(connection, email, supervisor or None)
    _change(connection, email, changes)


def set_password(connection: Connection, email: str, password: str) -> None:
    """Sets a user's password and unlocks them. Raises InputError."""
    email = _existing(connection, email)
    _change(connection, email, {"password_hash": hashed(password, email)} | UNLOCKED)


def set_active(connection: Connection, email: str, is_active: bool) -> None:
    """Lets a user sign in, or no longer; an open session ends with its next click. Raises InputError."""
    _change(connection, _existing(connection, email), {"is_active": is_active})


def unlock(connection: Connection, email: str) -> None:
    """Forgets a user's failed attempts. Raises InputError."""
    _change(connection, _existing(connection, email), UNLOCKED)


UNLOCKED: dict[str, object] = {"failed_attempts": 0, "locked_until": None}


def ensure_first_admin(connection: Connection, settings: Settings) -> list[str]:
    """Where there is no user yet: adds FIRST_ADMIN with a password from the home's secrets; gives a line if it did."""
    if connection.execute(text("select exists (select from access.user_account)")).scalar_one():
        return []
    password = credential(settings, "dashboard_admin_password")
    add_user(connection, FIRST_ADMIN, "admin", full_name="Administrator", password=password)
    return [f"user {FIRST_ADMIN}"]


def new_password() -> str:
    """A random password to be shown once."""
    return secrets.token_urlsafe(15)


def hashed(password: str, email: str) -> str:
    """The Argon2id hash of a password; raises InputError where it is too easy to guess."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InputError(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD:,} characters")
    if len(set(password)) < SHORTEST_PASSWORD // 2 or email.partition("@")[0] in password.lower():
        raise InputError("this password is easy to guess; take another one, without your name")
    return _hasher.hash(password)


def _change(connection: Connection, email: str, changes: dict[str, object]) -> None:
    if changes:
        assignments = ", ".join(f"{column} = :{column}" for column in changes)
        connection.execute(
            text(f"update access.user_account set {assignments} where email = :email"), changes | {"email": email}
        )


def _role_of(connection: Connection, email: str) -> str | None:
    found = connection.execute(text("select role from access.user_account where email = :email"), {"email": email})
    role: str | None = found.scalar()
    return role


def _existing(connection: Connection, email: str) -> str:
    email = _checked_email(email)
    if _role_of(connection, email) is None:
        raise InputError(f"{email} is no user; see: python -m include.warehouse user list")
    return email


def _checked_email(email: str) -> str:
    email = email.strip().lower()
    if not _is_email(email):
        raise InputError(f"{email!r} is not an e-mail address")
    return email


def _checked_role(role: str) -> str:
    if role not in ROLES:
        raise InputError(f"there is no role {role}; choose from {', '.join(ROLES)}")
    return role


def _checked_supervisor(connection: Connection, email: str, supervisor: str | None) -> str | None:
    if supervisor is None:
        return None
    supervisor = _existing(connection, supervisor)
    if _role_of(connection, supervisor) != "supervisor" or supervisor == email:
        raise InputError(f"{supervisor} cannot supervise {email}; give another user whose role is supervisor")
    return supervisor
