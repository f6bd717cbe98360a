"""Who has signed in: kept in the page's session, checked against the warehouse at every run."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import streamlit as st

from dashboard.data import warehouse
from include.warehouse import users
from include.warehouse.users import User

USER = "signed-in user"
METHOD = "method of sign-in"

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def signed_in() -> User:
    """The user who has signed in: e-mail, name, role, `may_see_contact`, `is_restricted`. Raises NotSignedIn."""
    return warehouse.current_user()


def as_signed_in(work: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """`work` for another thread, such as a download's: it asks for the user of now, with no session around it."""
    user = signed_in()

    @wraps(work)
    def bound(*arguments: Arguments.args, **named: Arguments.kwargs) -> Answer:
        with warehouse.acting_as(user):
            return work(*arguments, **named)

    return bound


def begin(user: User, method: str) -> None:
    """Lets a user in who has just signed in by `method`, password or oidc."""
    st.session_state[USER] = user
    st.session_state[METHOD] = method


def end() -> None:
    """Signs out: what this session has kept goes, and the company's login is left too."""
    user, method = st.session_state.get(USER), st.session_state.get(METHOD)
    st.session_state.clear()
    st.query_params.clear()
    if user is not None and method is not None:
        users.sign_out(warehouse.signing_in, user, method)
    if method == "oidc":
        st.logout()


def check() -> User | None:
    """The signed-in user as the warehouse knows them now; None, and the session ends, where they may no longer."""
    user: User | None = st.session_state.get(USER)
    if user is None:
        return None
    with warehouse.signing_in() as connection:
        found = users.find_user(connection, user.email)
    if found is None:
        st.session_state.clear()
    else:
        st.session_state[USER] = found
    return found


def _of_session() -> User | None:
    user: User | None = st.session_state.get(USER)
    return user


warehouse.ask_for(_of_session)
