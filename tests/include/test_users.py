"""Users: argon2, lock-out, refusals that tell nothing, first admin, and the verbs that manage them."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type
from sqlalchemy import Connection, Engine, create_engine, text

from include.warehouse.credentials import read_credentials
from include.warehouse.database import connect, engine
from include.warehouse.errors import InputError
from include.warehouse.ops_setting import change_setting
from include.warehouse.roles import login_url
from include.warehouse.settings import REPOSITORY, Settings
from include.warehouse.users import (
    FIRST_ADMIN,
    SignInRefused,
    User,
    add_user,
    change_user,
    find_user,
    hashed,
    list_users,
    set_active,
    sign_in,
    sign_in_by_provider,
    unlock,
)

ANA, EVA = "ana@example.com", "eva@example.com"
PASSWORD = "correct horse battery"

Transaction = Callable[[], AbstractContextManager[Connection]]


@pytest.fixture
def transaction(fresh_warehouse: Settings) -> Iterator[Transaction]:
    """Transactions of the dashboard's login, which may do no more than sign people in."""
    pool: Engine = create_engine(login_url(fresh_warehouse, "dashboard"))

    @contextmanager
    def begin() -> Iterator[Connection]:
        with pool.begin() as connection:
            yield connection

    with connect(fresh_warehouse) as owner:
        add_user(owner, EVA, "supervisor", full_name="Eva", password=PASSWORD)
        add_user(owner, ANA, "sales", full_name="Ana", supervisor=EVA, password=PASSWORD)
    yield begin
    pool.dispose()


def outcomes(settings: Settings) -> list[tuple[str | None, str, str]]:
    with engine(settings).connect() as owner:
        found = owner.exec_driver_sql(
            "select email, method, outcome from access.sign_in_event order by sign_in_event_id"
        )
        return [(row.email, row.method, row.outcome) for row in found]


def refusal(transaction: Transaction, email: str, password: str) -> str:
    with pytest.raises(SignInRefused) as refused:
        sign_in(transaction, email, password)
    return str(refused.value)


def test_who_gives_the_right_password_is_let_in_and_noted(fresh_warehouse: Settings, transaction: Transaction) -> None:
    user = sign_in(transaction, " ANA@Example.com ", PASSWORD)
    assert (user.email, user.full_name, user.role) == (ANA, "Ana", "sales")
    assert user.is_restricted
    assert user.may_see_contact
    assert outcomes(fresh_warehouse) == [("ANA@Example.com", "password", "signed_in")]
    with engine(fresh_warehouse).connect() as owner:
        signed_in_at = {row["email"]: row["last_sign_in_at"] for row in list_users(owner)}
    assert signed_in_at[ANA] is not None
    assert signed_in_at[EVA] is None


def test_passwords_are_kept_as_argon2id_alone(fresh_warehouse: Settings, transaction: Transaction) -> None:
    with engine(fresh_warehouse).connect() as owner:
        kept = owner.exec_driver_sql("select string_agg(u::text, ' ') from access.user_account u").scalar_one()
        hashes = owner.exec_driver_sql("select password_hash from access.user_account").scalars().all()
    assert PASSWORD not in kept
    assert len(set(hashes)) == len(hashes) == 3
    for stored in hashes:
        parameters = extract_parameters(stored)
        assert parameters.type is Type.ID
        assert parameters.memory_cost >= 19_456
        assert parameters.time_cost >= 2


def test_a_refusal_does_not_tell_whether_the_user_exists(fresh_warehouse: Settings, transaction: Transaction) -> None:
    with connect(fresh_warehouse) as owner:
        add_user(owner, "sso@example.com", "viewer", password=None)
        set_active(owner, EVA, False)
    attempts = [
        ANA,
        EVA,
        "sso@example.com",
        "nobody@example.com",
        "not an address",
        "x\0y@example.com",
        "a@" + "b" * 400,
    ]
    assert len({refusal(transaction, email, "a wrong password") for email in attempts}) == 1
    kept = [
        (ANA, "wrong_password"),
        (EVA, "inactive"),
        ("sso@example.com", "wrong_password"),
        ("nobody@example.com", "unknown_user"),
        *[(None, "unknown_user")] * 3,
    ]
    assert outcomes(fresh_warehouse) == [(email, "password", outcome) for email, outcome in kept]


def test_an_unknown_user_is_refused_as_slowly_as_a_known_one(
    fresh_warehouse: Settings, transaction: Transaction
) -> None:
    with connect(fresh_warehouse) as owner:
        change_setting(owner, "sign_in_attempts", "100")

    def seconds(email: str) -> float:
        started = time.perf_counter()
        refusal(transaction, email, "a wrong password")
        return time.perf_counter() - started

    for email in (ANA, "nobody@example.com"):
        seconds(email)
    known = min(seconds(ANA) for _ in range(5))
    unknown = min(seconds("nobody@example.com") for _ in range(5))
    assert 0.5 < unknown / known < 2


def test_repeated_failures_lock_and_time_or_an_administrator_unlocks(
    fresh_warehouse: Settings, transaction: Transaction
) -> None:
    for _ in range(5):
        refusal(transaction, ANA, "a wrong password")
    locked = refusal(transaction, ANA, PASSWORD)
    assert locked == refusal(transaction, "nobody@example.com", PASSWORD)
    assert outcomes(fresh_warehouse)[5] == (ANA, "password", "locked")
    sign_in(transaction, EVA, PASSWORD)
    with connect(fresh_warehouse) as owner:
        assert [row["email"] for row in list_users(owner) if row["is_locked"]] == [ANA]
        unlock(owner, ANA)
    sign_in(transaction, ANA, PASSWORD)
    for _ in range(5):
        refusal(transaction, ANA, "a wrong password")
    with connect(fresh_warehouse) as owner:
        owner.execute(text("update access.user_account set locked_until = clock_timestamp() - interval '1 second'"))
    refusal(transaction, ANA, "a wrong password")
    sign_in(transaction, ANA, PASSWORD)


def test_the_last_attempt_may_still_be_right(transaction: Transaction) -> None:
    for _ in range(3):
        for _ in range(4):
            refusal(transaction, ANA, "a wrong password")
        sign_in(transaction, ANA, PASSWORD)


def test_attempts_at_once_are_not_more_than_the_limit(fresh_warehouse: Settings, transaction: Transaction) -> None:
    threads = [threading.Thread(target=refusal, args=(transaction, ANA, "a wrong password")) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [outcome for _, _, outcome in outcomes(fresh_warehouse)].count("wrong_password") == 5


def test_the_companys_login_lets_active_users_in_alone(fresh_warehouse: Settings, transaction: Transaction) -> None:
    assert sign_in_by_provider(transaction, {"email": "Ana@Example.com", "email_verified": True}).email == ANA
    with connect(fresh_warehouse) as owner:
        set_active(owner, EVA, False)
    for verified in ("true", "True"):
        assert sign_in_by_provider(transaction, {"email": ANA, "email_verified": verified}).email == ANA
    unverified = [{"email": ANA, "email_verified": said} for said in (False, "false", "False", "0", "", None)]
    for claims in ({"email": EVA}, *unverified, {"email": "x@example.com"}, {}):
        with pytest.raises(SignInRefused, match="not known here"):
            sign_in_by_provider(transaction, claims)
    assert [outcome for _, method, outcome in outcomes(fresh_warehouse) if method == "oidc"] == [
        *["signed_in"] * 3,
        *["unknown_user"] * 9,
    ]


def test_what_roles_see() -> None:
    seen = {
        role: (User("a@b", "A", role).is_restricted, User("a@b", "A", role).may_see_contact)
        for role in ("admin", "marketing", "supervisor", "sales", "analyst", "viewer")
    }
    assert seen == {
        "admin": (False, True),
        "marketing": (False, True),
        "supervisor": (True, True),
        "sales": (True, True),
        "analyst": (False, False),
        "viewer": (False, False),
    }


def test_answers_are_shared_only_by_who_sees_the_same(fresh_warehouse: Settings, transaction: Transaction) -> None:
    def scope(email: str) -> tuple[str, ...]:
        with transaction() as connection:
            user = find_user(connection, email)
        assert user is not None
        return user.scope

    first = scope(EVA)
    assert first != scope(ANA)
    with connect(fresh_warehouse) as owner:
        add_user(owner, "new@example.com", "sales", supervisor=EVA, password=None)
    second = scope(EVA)
    assert second != first
    with connect(fresh_warehouse) as owner:
        change_user(owner, "new@example.com", supervisor="")
        change_user(owner, ANA, role="viewer", supervisor=None)
    assert scope(EVA) == first
    assert scope(ANA) == User("x@y", "X", "analyst").scope != User("x@y", "X", "marketing").scope


@pytest.mark.parametrize("password", ["short", "x" * 1_001, "aaaaaaaaaaaaaaaa", "my-name-is-ana-123"])
def test_passwords_that_are_easy_to_guess_are_refused(password: str) -> None:
    with pytest.raises(InputError):
        hashed(password, ANA)


def test_only_a_supervisor_supervises(fresh_warehouse: Settings, transaction: Transaction) -> None:
    with connect(fresh_warehouse) as owner:
        for supervisor in (ANA, EVA, "nobody@example.com"):
            with pytest.raises(InputError):
                change_user(owner, EVA, supervisor=supervisor)
        with pytest.raises(InputError, match="there is no role"):
            change_user(owner, EVA, role="root", supervisor=None)


def test_the_first_admin_is_made_once_and_can_sign_in(fresh_warehouse: Settings) -> None:
    with engine(fresh_warehouse).connect() as owner:
        (admin,) = list_users(owner)
    assert (admin["email"], admin["role"]) == (FIRST_ADMIN, "admin")
    pool = create_engine(login_url(fresh_warehouse, "dashboard"))
    user = sign_in(pool.begin, FIRST_ADMIN, read_credentials(fresh_warehouse)["dashboard_admin_password"])
    pool.dispose()
    assert not user.is_restricted
    assert user.may_see_contact


# The command line ----------------------------------------------------------------------------------------------------


def run(settings: Settings, *arguments: str, given: str = "") -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "include.warehouse", "user", *arguments, "--json"],
        cwd=REPOSITORY,
        env=os.environ | {"WAREHOUSE_HOME": str(settings.home), "WAREHOUSE_URL": str(settings.url)},
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


def test_the_verbs_manage_users(fresh_warehouse: Settings, transaction: Transaction) -> None:
    code, added = run(
        fresh_warehouse, "add", "Leo@Example.com", "--role", "sales", "--name", "Leo", "--supervisor", EVA
    )
    assert code == 0
    assert sign_in(transaction, "leo@example.com", added["password"]).full_name == "Leo"
    code, changed = run(fresh_warehouse, "password", "leo@example.com", "--ask", given="another long secret\n")
    assert (code, changed) == (0, {"email": "leo@example.com"})
    sign_in(transaction, "leo@example.com", "another long secret")
    assert run(fresh_warehouse, "deactivate", "leo@example.com") == (
        0,
        {"email": "leo@example.com", "is_active": False},
    )
    refusal(transaction, "leo@example.com", "another long secret")
    run(fresh_warehouse, "activate", "leo@example.com")
    _, changed = run(fresh_warehouse, "change", "leo@example.com", "--role", "viewer", "--supervisor", "")
    assert (changed["role"], changed["supervisor"]) == ("viewer", None)
    assert run(fresh_warehouse, "unlock", "leo@example.com")[0] == 0
    _, listed = run(fresh_warehouse, "list")
    assert [user["email"] for user in listed["users"]] == [FIRST_ADMIN, ANA, EVA, "leo@example.com"]
    assert "password_hash" not in json.dumps(listed)


@pytest.mark.parametrize(
    ("arguments", "given", "message"),
    [
        (("add", ANA, "--role", "sales"), "", "is a user already"),
        (("add", "x@example.com", "--role", "king"), "", "there is no role king"),
        (("add", "nonsense", "--role", "sales"), "", "is not an e-mail address"),
        (("add", "x@example.com", "--role", "sales", "--ask"), "short\n", "a password has 12 to 1,000 characters"),
        (("add", "x@example.com", "--role", "sales", "--supervisor", ANA), "", "cannot supervise"),
        (("unlock", "x@example.com"), "", "is no user"),
    ],
)
def test_bad_input_is_refused_in_words(
    fresh_warehouse: Settings, transaction: Transaction, arguments: tuple[str, ...], given: str, message: str
) -> None:
    code, said = run(fresh_warehouse, *arguments, given=given)
    assert code == 2
    assert message in said["error"]
