"""How a browser stays signed in across reloads: a signed cookie that no script of a page can read.

A page cannot set such a cookie. It gives the browser a ticket, good for one use within a minute; the route of
dashboard/server.py takes the ticket and sets the cookie. The cookie ends with its time, with a sign-out, or with a new
password, since its signature covers the user's stamp.
"""

import secrets
import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable

from dashboard.data import signed
from include.warehouse.users import SESSION_SECONDS, User

COOKIE = "warehouse_session"
SECRET = "session_key"
ROUTE = "/session"
LIFETIME = SESSION_SECONDS
TICKET_LIFETIME = 60

_tickets: dict[str, tuple[str, float]] = {}
_lock = threading.Lock()


def ticket(user: User) -> str:
    """The address, below the server's, that sets the cookie for `user` in the browser that asks first."""
    now = time.time()
    key = secrets.token_urlsafe(24)
    with _lock:
        for old in [old for old, (_, until) in _tickets.items() if until < now]:
            del _tickets[old]
        _tickets[key] = (_cookie(user, int(now) + LIFETIME), now + TICKET_LIFETIME)
    return f"{ROUTE}/{key}"


def redeem(key: str) -> str | None:
    """The cookie for a ticket, once; None where there is no such ticket or its time is over."""
    with _lock:
        cookie, until = _tickets.pop(key, (None, 0.0))
    return cookie if until >= time.time() else None


def user_of(cookie: str, find: Callable[[str], User | None]) -> User | None:
    """The user whom a cookie remembers, as `find` gives them by e-mail address; None where it does not hold."""
    found = signed.read(cookie)
    if found is None:
        return None
    name, expires, signature = found
    try:
        email = urlsafe_b64decode(name.encode()).decode()
    except ValueError:
        return None
    user = None if "\0" in email else find(email)
    return user if user and signed.is_signed(signature, expires, SECRET, user.email, user.stamp) else None


def _cookie(user: User, expires: int) -> str:
    name = urlsafe_b64encode(user.email.encode()).decode()
    return signed.write(name, expires, SECRET, user.email, user.stamp)
