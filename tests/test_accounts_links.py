"""The account store: how identities are linked to an account, and taken from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from account_world import AccountWorld
from fakes import REFRESH_TOKEN, answer
from requests import ConnectionError as NetworkError
from sqlalchemy import Connection, create_engine, event, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from authkit import Identity, Login
from authkit.accounts import Accounts, LinkedIdentity
from authkit.accounts.identityrows import lock_identity
from authkit.accounts.schema import accounts, identities, metadata, revocations, sessions, tokens
from authkit.errors import AccountConflict, AccountDenied, IdentityTaken, LastIdentity, ReauthRequired
from authkit.native import NativeSessions

NOW = datetime(2027, 1, 15, 8, tzinfo=timezone.utc)
ADA = Identity("acme", "acme-client", "ada")
SECOND = Identity("acme", "acme-client", "second")


@pytest.fixture
def world(database) -> AccountWorld:
    """Give the accounts of an app."""
    return AccountWorld(database)


@pytest.fixture
def ada(world) -> str:
    """Give the account of somebody who has signed in."""
    account_id: str = world.accounts.sign_in(world.login("ada")).account.id
    world.told.clear()
    return account_id


def everything(world: AccountWorld) -> dict[str, Any]:
    return {table.name: world.rows(table) for table in metadata.sorted_tables}


def test_an_account_gets_another_way_to_sign_in(world, ada):
    world.clock.now += 60

    linked = world.accounts.link(ada, world.login("second", username="ada2", token=world.token("second")))

    later = NOW + timedelta(minutes=1)
    assert linked == LinkedIdentity(
        identity=SECOND,
        account_id=ada,
        registration="acme",
        display_name="Ada",
        username="ada2",
        avatar_url=None,
        email=None,
        email_verified=False,
        union_id=None,
        created_at=later,
        last_login_at=later,
        needs_reauth=False,
    )
    assert world.accounts.identities(ada)[1:] == (linked,)
    assert world.told == [("linked", ada, SECOND)]
    assert world.events() == ["created", "linked"]
    assert world.vault.access_token(SECOND) == "second"
    assert world.accounts.sign_in(world.login("second")).account.id == ada


def test_the_identities_of_an_account_stand_in_the_order_in_which_they_were_linked(world, ada):
    for subject in ("z", "b", "a"):
        world.accounts.link(ada, world.login(subject))
    world.accounts.sign_in(world.login("z"))

    found = world.accounts.identities(ada)

    assert [linked.identity.subject for linked in found] == ["ada", "z", "b", "a"]
    assert world.accounts.of(found[3].identity) == world.accounts.get(ada)


def test_to_link_what_is_linked_already_refreshes_it(world, ada):
    world.clock.now += 60

    linked = world.accounts.link(ada, world.login("ada", username="countess", token=world.token("new")))

    assert (linked.username, linked.created_at, linked.last_login_at) == ("countess", NOW, NOW + timedelta(minutes=1))
    assert world.accounts.identities(ada) == (linked,)
    assert world.vault.access_token(ADA) == "new"
    assert world.told == []
    assert world.events() == ["created", "signed_in"]


def test_acc_12_what_belongs_to_somebody_else_is_not_linked_and_nothing_is_changed(world, ada):
    bob = world.accounts.sign_in(world.login("bob")).account.id
    before, told = everything(world), list(world.told)

    with pytest.raises(IdentityTaken, match="belongs to another account") as raised:
        world.accounts.link(ada, world.login("bob", display_name="New", token=world.token("new")))

    assert isinstance(raised.value, AccountConflict)
    assert (raised.value.code, raised.value.status) == ("account_conflict", 409)
    assert (everything(world), world.told) == (before, told)
    assert world.accounts.of(Identity("acme", "acme-client", "bob")).id == bob


def test_nothing_is_linked_to_an_account_that_is_none(world):
    with pytest.raises(AccountDenied, match="there is no such account") as raised:
        world.accounts.link("nobody", world.login())

    assert raised.value.registration == "acme"
    assert (world.rows(identities), world.rows(accounts), world.told) == ([], [], [])


def test_an_identity_is_linked_even_where_strangers_cannot_register(database):
    account_id = AccountWorld(database).accounts.sign_in(AccountWorld(database).login()).account.id
    world = AccountWorld(database, accounts__allow_registration="no")

    assert world.accounts.link(account_id, world.login("second")).account_id == account_id


def test_an_account_loses_a_way_to_sign_in_and_the_provider_its_token(world, ada):
    world.accounts.link(ada, world.login("second"))
    world.told.clear()

    assert world.accounts.unlink(ada, ADA)

    assert [linked.identity for linked in world.accounts.identities(ada)] == [SECOND]
    assert world.accounts.of(ADA) is None
    assert len(world.rows(tokens)) == 1
    assert world.told == [("unlinked", ada, ADA)]
    assert [sent.form["token"] for sent in world.network.to("revoke")] == [REFRESH_TOKEN]
    assert world.events() == ["created", "linked", "unlinked", "revoked"]
    assert world.accounts.sign_in(world.login("ada")).account.id != ada


def test_what_an_account_does_not_have_is_not_taken_from_it(world, ada):
    world.accounts.link(ada, world.login("second"))
    bob = world.accounts.sign_in(world.login("bob")).account.id
    world.accounts.link(bob, world.login("bob-2"))
    before, told = everything(world), list(world.told)

    assert not world.accounts.unlink(ada, Identity("acme", "acme-client", "bob"))
    assert not world.accounts.unlink(ada, Identity("acme", "acme-client", "ADA"))
    assert not world.accounts.unlink("nobody", ADA)

    assert (everything(world), world.told, world.network.sent) == (before, told, [])


def test_an_identity_whose_registration_is_gone_is_no_other_way_to_sign_in(world, ada):
    world.accounts.link(ada, world.login("second"))
    gone = update(identities).where(identities.c.subject == "second").values(registration="gone")
    with world.database.engine.begin() as connection:
        connection.execute(gone)

    with pytest.raises(LastIdentity):
        world.accounts.unlink(ada, ADA)
    assert world.accounts.unlink(ada, Identity("acme", "acme-client", "second"))


def test_the_last_way_to_sign_in_is_taken_only_when_that_is_said(world, ada):
    before = everything(world)

    with pytest.raises(LastIdentity) as raised:
        world.accounts.unlink(ada, ADA)

    assert (raised.value.code, raised.value.status) == ("last_identity", 409)
    assert (everything(world), world.told, world.network.sent) == (before, [], [])

    assert world.accounts.unlink(ada, ADA, even_last=True)

    assert world.accounts.identities(ada) == ()
    assert world.accounts.get(ada) is not None


def test_a_revocation_that_fails_is_kept_and_the_identity_is_gone_at_once(world, ada):
    world.accounts.link(ada, world.login("second"))
    world.network.replies["revoke"] = NetworkError("nobody there")

    assert world.accounts.unlink(ada, ADA)

    assert world.accounts.of(ADA) is None
    assert world.events() == ["created", "linked", "unlinked"]
    assert len(world.rows(revocations)) == 1
    assert REFRESH_TOKEN not in str(world.rows(revocations))
    world.network.replies["revoke"] = {}
    world.clock.now += 120
    world.revocations.attempt_all(ADA)
    assert (world.rows(revocations), world.events()[-1]) == ([], "revoked")


def test_a_token_that_is_of_no_use_any_more_is_not_revoked(world, ada):
    world.network.replies["token"] = (400, {"error": "invalid_grant"})
    with pytest.raises(ReauthRequired):
        world.vault.refresh(ADA)

    assert world.accounts.unlink(ada, ADA, even_last=True)

    assert (world.network.to("revoke"), world.rows(revocations), world.rows(identities)) == ([], [], [])


CHANGES: dict[str, Callable[[Accounts, str, Login], object]] = {
    "sign in": lambda store, ada, second: store.sign_in(second),
    "link": lambda store, ada, second: store.link(ada, replace(second, identity=Identity("acme", "web", "third"))),
    "unlink": lambda store, ada, second: store.unlink(ada, second.identity),
    "disable": lambda store, ada, second: store.disable(ada),
    "delete": lambda store, ada, second: store.delete(ada),
}


@pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
@pytest.mark.parametrize(
    ("change", "first_write", "table"),
    [
        ("sign in", "UPDATE authkit_identities", accounts),
        ("sign in", "UPDATE authkit_identities", identities),
        ("link", "INSERT INTO authkit_identities", accounts),
        ("unlink", "INSERT INTO authkit_revocations", accounts),
        ("unlink", "INSERT INTO authkit_revocations", identities),
        ("unlink", "INSERT INTO authkit_revocations", tokens),
        ("disable", "UPDATE authkit_accounts", accounts),
        ("delete", "INSERT INTO authkit_revocations", accounts),
        ("delete", "INSERT INTO authkit_revocations", identities),
        ("delete", "INSERT INTO authkit_revocations", tokens),
    ],
)
def test_nobody_else_can_change_what_a_change_rests_on(world, ada, change, first_write, table):
    world.accounts.link(ada, world.login("second"))
    other = create_engine(world.database.engine.url, hide_parameters=True)
    answers: list[str] = []

    def try_to_change(connection: Connection, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.startswith(first_write) and not answers:
            with other.connect() as another, pytest.raises(OperationalError) as raised:
                another.execute(select(table).with_for_update(nowait=True))
            answers.append(str(raised.value.orig))

    event.listen(world.database.engine, "before_cursor_execute", try_to_change)
    CHANGES[change](world.accounts, ada, world.login("second"))
    event.remove(world.database.engine, "before_cursor_execute", try_to_change)
    other.dispose()

    assert ["lock" in answer.lower() for answer in answers] == [True]


def test_an_app_whose_engine_heeds_no_foreign_keys_leaves_no_token_and_no_session_behind(world, ada):
    engine = create_engine(world.database.engine.url)
    world.accounts.link(ada, world.login("second"))
    NativeSessions(world.kit, world.database, 3600).start(ada, "phone", "acme")

    with Session(engine) as session, session.begin():
        world.accounts.within(session).unlink(ada, ADA)
    assert len(world.rows(tokens)) == 1
    with Session(engine) as session, session.begin():
        world.accounts.within(session).delete(ada)
    engine.dispose()

    assert [world.rows(table) for table in (identities, tokens, sessions, accounts)] == [[], [], [], []]


def test_what_is_unlinked_while_its_token_is_refreshed_is_revoked_with_the_fresh_token(world, ada):
    world.accounts.link(ada, world.login("second"))

    def refresh(request: Any) -> Any:
        world.accounts.unlink(ada, ADA)
        return answer(request, 200, {"access_token": "fresh", "refresh_token": "fresh-refresh", "expires_in": 3600})

    world.network.replies["token"] = refresh
    world.clock.now += 3600
    with pytest.raises(ReauthRequired, match="no token is kept"):
        world.vault.token(ADA)

    assert [sent.form["token"] for sent in world.network.to("revoke")] == [REFRESH_TOKEN, "fresh-refresh"]
    assert world.rows(revocations) == []


def test_an_identity_that_was_unlinked_can_be_linked_to_another_account(world, ada):
    world.accounts.link(ada, world.login("second"))
    bob = world.accounts.sign_in(world.login("bob")).account.id
    world.accounts.unlink(ada, SECOND)

    assert world.accounts.link(bob, world.login("second")).account_id == bob

    assert world.accounts.of(SECOND).id == bob


def test_who_is_known_is_read_and_not_changed(world, ada):
    known = world.database.write(lambda executor: lock_identity(executor, ADA))

    assert (known.identity, known.registration, known.account.id) == (ADA, "acme", ada)
    with pytest.raises(FrozenInstanceError):
        known.identity = SECOND


def test_an_identity_that_came_without_a_token_is_listed_and_can_be_taken_away(world, ada):
    world.accounts.link(ada, world.login("second"))
    with world.database.engine.begin() as connection:
        connection.execute(tokens.delete())

    assert [(linked.identity, linked.needs_reauth) for linked in world.accounts.identities(ada)] == [
        (ADA, False),
        (SECOND, False),
    ]
    assert world.accounts.unlink(ada, SECOND)
    assert world.accounts.delete(ada)
    assert (world.rows(identities), world.network.sent) == ([], [])
