"""Who has signed in: kept in the page's session and in a cookie, checked against the warehouse at every run."""

import streamlit as st

from dashboard.components import remembered
from dashboard.data import warehouse
from include.warehouse import users
from include.warehouse.users import User

USER = "signed-in user"
METHOD = "method of sign-in"
TICKET = "ticket for the cookie"


def signed_in() -> User:
    """The user who has signed in: e-mail, name, role, `may_see_contact`, `is_restricted`. Raises NotSignedIn."""
    return warehouse.current_user()


def begin(user: User, method: str) -> None:
    """Lets a user in who has just signed in by `method`, password or oidc; the company's login remembers by itself."""
    st.session_state[USER] = user
    st.session_state[METHOD] = method
    if method == "password":
        st.session_state[TICKET] = remembered.ticket(user)


def end() -> None:
    """Signs out: what this session has kept goes, no cookie of the user holds any more, the company's login is left."""
    user, method = st.session_state.get(USER), st.session_state.get(METHOD, "password")
    st.session_state.clear()
    st.query_params.clear()
    if user is not None:
        users.sign_out(warehouse.signing_in, user, method)
    if method == "oidc":
        st.logout()


def check() -> User | None:
    """The signed-in user as the warehouse knows them now, or who the cookie remembers; None where nobody is.

    A session ends where the user may sign in no longer, has a new password, or has signed out elsewhere.
    """
    user: User | None = st.session_state.get(USER)
    if user is None:
        cookie = st.context.cookies.get(remembered.COOKIE)
        found = remembered.user_of(cookie, _find) if isinstance(cookie, str) else None
    else:
        found = _as_of_now(user)
        if found is None:
            st.session_state.clear()
            return None
    if found is not None:
        st.session_state[USER] = found
    return found


def remember() -> None:
    """Right after a sign-in: lets the browser fetch the cookie, once."""
    if address := st.session_state.pop(TICKET, None):
        base = str(st.get_option("server.baseUrlPath") or "").strip("/")
        st.iframe(f"/{base}{address}" if base else address, height=1)


def _as_of_now(user: User) -> User | None:
    """Who has signed in, with the rights of now; None where they are so no longer."""
    found = _find(user.email)
    return found if found and found.stamp == user.stamp else None


def _find(email: str) -> User | None:
    with warehouse.signing_in() as connection:
        return users.find_user(connection, email)


def _of_session() -> User | None:
    user: User | None = st.session_state.get(USER)
    return user


warehouse.ask_for(_of_session)
