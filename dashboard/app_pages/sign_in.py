"""Sign-in: shown in place of any page until somebody has signed in.

With a password the address stays, so that a link still opens; the company's login comes back to the first page.
"""

from typing import Any

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from dashboard.components import session
from dashboard.data.warehouse import signing_in
from include.warehouse import users
from include.warehouse.users import SignInRefused

REFUSED_LOGIN = "refused company login"


def sign_in() -> None:
    """Asks for e-mail address and password, or for the company's login where one is configured."""
    providers = _providers()
    if providers and st.user.is_logged_in:
        _enter_by_provider()
    _, middle, _ = st.columns([1, 1.4, 1])
    with middle:
        st.title("Customer warehouse", anchor=False)
        if providers:
            _offer_providers(providers)
        _ask_for_password()


def _ask_for_password() -> None:
    with st.form("sign_in", border=True, enter_to_submit=True):
        email = st.text_input("E-mail address", autocomplete="username", max_chars=users.LONGEST_EMAIL)
        password = st.text_input(
            "Password", type="password", autocomplete="current-password", max_chars=users.LONGEST_PASSWORD
        )
        is_sent = st.form_submit_button("Sign in", type="primary", width="stretch")
    if not is_sent:
        st.caption("No access, or a password forgotten? An administrator adds users and sets passwords.")
        return
    try:
        user = users.sign_in(signing_in, email, password)
    except SignInRefused as refusal:
        st.error(str(refusal), icon=":material/lock:")
        return
    session.begin(user, "password")
    st.rerun()


def _providers() -> dict[str | None, str]:
    """The company's logins of secrets.toml: provider, None for the only one, and what its button says."""
    try:
        configured: dict[str, Any] = dict(st.secrets["auth"])
    except (StreamlitSecretNotFoundError, KeyError):
        return {}
    if "client_id" in configured:
        return {None: "your company's login"}
    return {name: name.title() for name, value in configured.items() if hasattr(value, "keys") and "client_id" in value}


def _offer_providers(providers: dict[str | None, str]) -> None:
    if refusal := st.session_state.get(REFUSED_LOGIN):
        st.error(refusal, icon=":material/lock:")
        if st.button("Use another login", width="stretch"):
            st.logout()
        return
    for provider, label in providers.items():
        if st.button(f"Sign in with {label}", key=f"provider {provider}", type="primary", width="stretch"):
            st.login(provider)
    st.caption("or with a password")


def _enter_by_provider() -> None:
    """Lets the user in whom the company's login names; a refusal is noted once a session."""
    if REFUSED_LOGIN in st.session_state:
        return
    claims = dict(st.user.to_dict())
    if not users.is_provider_believed(signing_in, claims):
        return
    try:
        user = users.sign_in_by_provider(signing_in, claims)
    except SignInRefused as refusal:
        st.session_state[REFUSED_LOGIN] = str(refusal)
        return
    session.begin(user, "oidc")
    st.rerun()
