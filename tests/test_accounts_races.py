"""Races for the account store, between real processes with several threads each."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import pytest
from account_world import AccountWorld
from race_world import Outcome, runners
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from authkit import Identity, Login, Secret
from authkit.accounts import Accounts, Database
from authkit.accounts.engines import SHORT, new_engine
from authkit.accounts.schema import accounts, audit, identities, tokens
from authkit.errors import AccountDenied, IdentityTaken, LastIdentity

pytestmark = pytest.mark.slow

TRIES = 10

app_users = Table(
    "app_users",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("key", String(255), nullable=False, unique=True),
)


@pytest.fixture
def url(database: Database) -> str:
    """Give the URL of a database with empty tables, and with an empty table of users of the app's own."""
    app_users.metadata.drop_all(database.engine)
    app_users.metadata.create_all(database.engine)
    return database.engine.url.render_as_string(hide_password=False)


# What the processes do.


def make_world(url: str) -> AccountWorld:
    limits = replace(SHORT, connect=60)  # up to fifty threads wait for the connections of one pool
    return AccountWorld(Database(new_engine(Secret(url), limits)))


def sign_in(world: AccountWorld, subject: str) -> tuple[str, bool]:
    signed_in = world.accounts.sign_in(world.login(subject))
    return signed_in.account.id, signed_in.is_new


def find_or_make_user(session: Session, login: Login) -> int:
    key = login.identity.key
    found: int | None = session.execute(select(app_users.c.id).where(app_users.c.key == key)).scalar()
    if found is None:
        found = session.execute(insert(app_users).values(key=key)).inserted_primary_key[0]
    return found


def user_in_a_transaction_of_the_app(world: AccountWorld, login: Login) -> int:
    try:
        with Session(world.database.engine) as session, session.begin():
            return find_or_make_user(session, login)
    except IntegrityError:  # somebody else made the user in between
        with Session(world.database.engine) as session:
            return find_or_make_user(session, login)


def sign_in_a_user(world: AccountWorld, subject: str) -> tuple[str, bool]:
    store = Accounts(world.kit, world.database, lambda login: user_in_a_transaction_of_the_app(world, login))
    signed_in = store.sign_in(world.login(subject))
    return signed_in.account.id, signed_in.is_new


def sign_in_a_user_within(world: AccountWorld, subject: str) -> tuple[str, bool]:
    def request() -> tuple[str, bool]:
        with Session(world.database.engine) as session, session.begin():
            store = Accounts(world.kit, world.database, lambda login: find_or_make_user(session, login))
            signed_in = store.within(session).sign_in(world.login(subject))
        return signed_in.account.id, signed_in.is_new

    if world.database.engine.dialect.name != "mysql":
        return request()
    for _ in range(TRIES - 1):  # a deadlock ends the app's transaction, which only the app can do again
        with suppress(OperationalError):
            return request()
    return request()


def unlink(world: AccountWorld, word: str) -> str:
    account_id, subject = word.split()
    try:
        return str(world.accounts.unlink(account_id, Identity("acme", "acme-client", subject)))
    except LastIdentity:
        return "last"


def link(world: AccountWorld, word: str) -> str:
    account_id, subject = word.split()
    try:
        return world.accounts.link(account_id, world.login(subject)).account_id
    except IdentityTaken:
        return "taken"


def do_anything(world: AccountWorld, word: str) -> None:
    """Do something of all that may become of a person, who has two identities; a refusal is fine."""
    subject, dice = word.split(maxsplit=1)[0], random.Random(word)
    found = world.accounts.of(Identity("acme", "acme-client", subject))
    account_id = found.id if found else "nobody"
    do = dice.choice(["sign_in", "sign_in", "sign_in", "link", "link", "unlink", "disable", "enable", "delete"])
    try:
        if do == "sign_in":
            world.accounts.sign_in(world.login(subject))
        elif do == "link":
            world.accounts.link(account_id, world.login(f"{subject}-too"))
        elif do == "unlink":
            world.accounts.unlink(account_id, Identity("acme", "acme-client", f"{subject}-too"))
        else:
            getattr(world.accounts, do)(account_id)
    except (AccountDenied, IdentityTaken, LastIdentity):
        pass


# What may come of it.


def failures(outcomes: Sequence[Outcome]) -> list[str]:
    return [outcome.failure for outcome in outcomes if outcome.failure]


def assert_one_account_each(world: AccountWorld, runs: Sequence[tuple[str, Outcome]]) -> None:
    """Assert that each person has one account, that every run returned it, and one of them as new."""
    assert failures([outcome for _, outcome in runs]) == []
    logins = Counter(subject for subject, _ in runs)
    ids = dict(sorted({(subject, outcome.returned[0]) for subject, outcome in runs}))
    known = world.rows(identities)
    lines = Counter((row["account_id"], row["event"]) for row in world.rows(audit))

    assert {(subject, outcome.returned[0]) for subject, outcome in runs} == set(ids.items())
    assert Counter(subject for subject, outcome in runs if outcome.returned[1]) == Counter(ids.keys())
    assert {row["id"] for row in world.rows(accounts)} == set(ids.values())
    assert sorted((row["subject"], row["account_id"]) for row in known) == sorted(ids.items())
    assert [row["identity_id"] for row in world.rows(tokens)] == [row["id"] for row in known]
    assert lines == Counter(
        {(ids[subject], "created"): 1 for subject in ids}
        | {(ids[subject], "signed_in"): number - 1 for subject, number in logins.items()}
    )


def test_con_04_200_first_logins_of_one_person_at_the_same_moment_make_one_account(database, url):
    subjects = ["user-1"] * 200

    with runners(make_world, sign_in, url, processes=4, threads=50) as running:
        outcomes = running.run(subjects)

    assert_one_account_each(AccountWorld(database), list(zip(subjects, outcomes, strict=True)))


@pytest.mark.parametrize(
    ("task", "rounds"),
    [(sign_in, 50), (sign_in_a_user, 20), (sign_in_a_user_within, 20)],
    ids=["on its own", "with the app's users", "within the app's transaction"],
)
def test_con_04_first_logins_of_several_people_make_one_account_each_again_and_again(database, url, task, rounds):
    runs: list[tuple[str, Outcome]] = []

    with runners(make_world, task, url, processes=4, threads=5) as running:
        for number in range(rounds):
            subjects = [f"{number}-{'abc'[runner % 3]}" for runner in range(20)]
            runs += zip(subjects, running.run(subjects), strict=True)

    assert_one_account_each(AccountWorld(database), runs)


def test_two_who_unlink_the_last_two_identities_at_the_same_moment_leave_one(database, url):
    world = AccountWorld(database)

    with runners(make_world, unlink, url, processes=2, threads=1) as running:
        for number in range(50):
            account_id = world.accounts.sign_in(world.login(f"{number}-one")).account.id
            world.accounts.link(account_id, world.login(f"{number}-other"))

            outcomes = running.run([f"{account_id} {number}-one", f"{account_id} {number}-other"])

            assert failures(outcomes) == []
            assert sorted(outcome.returned for outcome in outcomes) == ["True", "last"]
            assert len(world.accounts.identities(account_id)) == 1


def test_one_identity_is_linked_to_one_of_two_accounts_that_want_it_at_the_same_moment(database, url):
    world = AccountWorld(database)
    ids = [world.accounts.sign_in(world.login(name)).account.id for name in ("ada", "bob")]

    with runners(make_world, link, url, processes=2, threads=1) as running:
        for number in range(50):
            outcomes = running.run([f"{account_id} both-{number}" for account_id in ids])

            assert failures(outcomes) == []
            owner = world.accounts.of(Identity("acme", "acme-client", f"both-{number}"))
            assert owner is not None
            assert sorted(outcome.returned for outcome in outcomes) == sorted([owner.id, "taken"])


def test_whatever_happens_to_a_few_people_at_the_same_moment_nothing_fails_and_nothing_is_left_half(database, url):
    with runners(make_world, do_anything, url, processes=4, threads=4) as running:
        for number in range(30):
            outcomes = running.run([f"{'ab'[runner % 2]} {number} {runner}" for runner in range(16)])

            assert failures(outcomes) == []

    world = AccountWorld(database)
    known = world.rows(identities)
    assert {row["account_id"] for row in known} == {row["id"] for row in world.rows(accounts)}
    assert {row["identity_id"] for row in world.rows(tokens)} == {row["id"] for row in known}
    assert {row["subject"] for row in known} <= {"a", "b", "a-too", "b-too"}
