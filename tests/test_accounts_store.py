"""The account store: who signs in, is found again, refused, disabled and deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from account_world import AccountWorld
from fakes import REFRESH_TOKEN
from requests import ConnectionError as NetworkError
from sqlalchemy import create_engine, event, select
from sqlalchemy.orm import Session

from authkit import Identity, Login, Secret
from authkit.accounts import Account, Accounts, LinkedIdentity, SignedIn
from authkit.accounts.schema import accounts, audit, identities, metadata, revocations, tokens
from authkit.errors import AccountConflict, AccountDenied, AuthkitError, LastIdentity, StoreUnavailable

NOW = datetime(2027, 1, 15, 8, tzinfo=timezone.utc)
ADA = Identity("acme", "acme-client", "user-1")


@pytest.fixture
def world(database) -> AccountWorld:
    """Give the accounts of an app."""
    return AccountWorld(database)


@contextmanager
def counted(world: AccountWorld) -> Iterator[list[str]]:
    """Give the statements that are run meanwhile."""
    statements: list[str] = []

    def count(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement != "BEGIN IMMEDIATE":  # SQLite's; the others begin without a statement
            statements.append(statement)

    event.listen(world.database.engine, "before_cursor_execute", count)
    yield statements
    event.remove(world.database.engine, "before_cursor_execute", count)


def everything(world: AccountWorld) -> dict[str, Any]:
    return {table.name: world.rows(table) for table in metadata.sorted_tables}


# Signing in.


def test_a_stranger_is_announced_before_anything_is_made_and_who_comes_back_is_not(world):
    before, found = everything(world), []
    for _ in range(2):
        world.accounts.sign_in(world.login(), on_stranger=lambda: found.append(everything(world)))

    assert found == [before]


@pytest.mark.parametrize("subject", ["user-2", "a stranger"])
def test_a_login_of_another_account_than_the_one_it_may_be_of_stores_nothing(world, subject):
    mine = world.accounts.sign_in(world.login()).account
    world.accounts.sign_in(world.login("user-2"))
    before = everything(world)

    with pytest.raises(AccountConflict) as caught:
        world.accounts.sign_in(world.login(subject), only_as=mine.id, on_stranger=pytest.fail)

    assert (caught.value.return_to, everything(world)) == ("/", before)
    assert world.accounts.sign_in(world.login(), only_as=mine.id) == SignedIn(mine, is_new=False)


def test_the_first_login_makes_an_account_and_the_second_finds_it(world):
    first = world.accounts.sign_in(world.login(union_id="union-1"))
    world.clock.now += 60
    second = world.accounts.sign_in(world.login(union_id="union-1"))

    account_id = first.account.id
    later = NOW + timedelta(minutes=1)
    assert len(account_id) == 32
    assert first == SignedIn(Account(account_id, "Ada", NOW, NOW, None), is_new=True)
    assert second == SignedIn(Account(account_id, "Ada", NOW, later, None), is_new=False)
    assert world.accounts.get(account_id) == world.accounts.of(ADA) == second.account
    assert world.accounts.identities(account_id) == (
        LinkedIdentity(
            identity=ADA,
            account_id=account_id,
            registration="acme",
            display_name="Ada",
            username=None,
            avatar_url=None,
            email=None,
            email_verified=False,
            union_id="union-1",
            created_at=NOW,
            last_login_at=later,
            needs_reauth=False,
        ),
    )


def test_a_token_that_somebody_handed_in_is_kept_neither_at_first_nor_in_the_place_of_another(world):
    handed_in = world.login(token=world.token("handed-in"))

    world.accounts.sign_in(handed_in, keeps_token=False)
    assert world.rows(tokens) == []
    second = world.login("user-2", token=world.token("second"))
    world.accounts.sign_in(second)
    assert world.vault.access_token(second.identity) == "second"

    world.accounts.sign_in(world.login())
    world.accounts.sign_in(handed_in, keeps_token=False)
    assert world.vault.access_token(handed_in.identity) == "canary-access-token"


def test_what_a_login_returns_is_what_is_kept_to_the_second(world):
    world.clock.now += 0.7
    for _ in range(2):
        account = world.accounts.sign_in(world.login()).account
        assert world.accounts.get(account.id) == account
        world.clock.now += 60


def test_nobody_is_found_who_has_not_signed_in(world):
    assert world.accounts.get("nobody") is None
    assert world.accounts.of(ADA) is None
    assert world.accounts.identities("nobody") == ()
    assert world.accounts.with_union_id("acme", "union-1") == ()


def test_a_login_keeps_its_token_for_the_vault(world):
    world.accounts.sign_in(world.login(token=world.token("a-token", scope=("profile", "videos"))))

    token = world.vault.token(ADA)

    assert (token.access_token, token.refresh_token, token.scope) == ("a-token", REFRESH_TOKEN, ("profile", "videos"))


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "new"])
def test_a_login_takes_a_handful_of_statements(world, is_known):
    if is_known:
        world.accounts.sign_in(world.login())

    with counted(world) as statements:
        world.accounts.sign_in(world.login())

    known = ["SELECT", "UPDATE", "UPDATE", "UPDATE", "INSERT"]  # both; identity, account, token, audit
    # the account, no revocation that waits, the identity, no token to update, its token, audit
    new = ["SELECT", "INSERT", "DELETE", "INSERT", "UPDATE", "INSERT", "INSERT"]
    assert [statement.split()[0] for statement in statements] == (known if is_known else new)


# Who is who.


@pytest.mark.parametrize(
    "other",
    [
        Identity("acme", "acme-client", "AbC"),
        Identity("acme", "acme-client", "abc "),
        Identity("acme", "acme-client", "abç"),
        Identity("acme", "acme-client", "\uff41\uff42\uff43"),
        Identity("acme", "other-client", "abc"),
        Identity("tiktok", "acme-client", "abc"),
    ],
    ids=lambda identity: "-".join([identity.authority, identity.client, identity.subject]),
)
def test_acc_04_acc_06_identities_are_compared_byte_by_byte(world, other):
    one = world.accounts.sign_in(world.login("abc", union_id="u"))

    two = world.accounts.sign_in(world.login(other.subject, identity=other, union_id="U"))

    assert (one.is_new, two.is_new) == (True, True)
    assert world.accounts.of(other).id == two.account.id != one.account.id
    assert [linked.identity for linked in world.accounts.identities(two.account.id)] == [other]
    assert world.accounts.with_union_id("acme", "U") == (
        world.accounts.identities(two.account.id) if other.authority == "acme" else ()
    )


@pytest.mark.parametrize(
    "email", ["victim@x.example", "VICTIM@X.EXAMPLE", "victim\uff20x.example", "v\u0131ctim@x.example"]
)
@pytest.mark.parametrize("is_verified", [True, False])
def test_acc_01_acc_02_acc_11_an_address_never_joins_two_people(world, email, is_verified):
    victim = world.accounts.sign_in(world.login("victim", email="victim@x.example", email_verified=True))

    other = world.accounts.sign_in(world.login("other", email=email, email_verified=is_verified))

    assert other.is_new
    assert other.account.id != victim.account.id
    assert [linked.email for linked in world.accounts.identities(other.account.id)] == [email]


def test_acc_09_an_address_that_many_have_fails_for_nobody(world):
    taken = "union-1@tiktok.invalid"

    ids = {world.accounts.sign_in(world.login(name, email=taken)).account.id for name in ("a", "b", "c")}

    assert len(ids) == 3


def test_acc_08_who_takes_over_a_name_takes_over_nothing_else(world):
    ada = world.accounts.sign_in(world.login("a", username="ada", display_name="Ada"))
    world.accounts.sign_in(world.login("a", username="countess", display_name="Countess"))

    bob = world.accounts.sign_in(world.login("b", username="ada", display_name="Ada"))

    assert bob.is_new
    assert bob.account.id != ada.account.id


def test_a_union_id_finds_a_person_in_all_apps_of_one_developer_and_joins_nothing(world):
    web = world.accounts.sign_in(world.login("web-1", union_id="union-1")).account.id
    phone = Identity("acme", "phone-client", "phone-1")
    app = world.accounts.sign_in(world.login("phone-1", identity=phone, union_id="union-1")).account.id
    world.accounts.sign_in(world.login("web-2", union_id="UNION-1"))
    world.accounts.sign_in(world.login("x-1", identity=Identity("x", "acme-client", "x-1"), union_id="union-1"))

    found = world.accounts.with_union_id("acme", "union-1")

    assert web != app
    assert [(linked.identity, linked.account_id) for linked in found] == [
        (Identity("acme", "acme-client", "web-1"), web),
        (phone, app),
    ]


# What a login says of its user.


def test_each_login_refreshes_what_is_known_of_a_person_and_never_the_key(world):
    account_id = world.accounts.sign_in(world.login()).account.id
    said: dict[str, Any] = {
        "display_name": "Countess",
        "username": "ada",
        "avatar_url": "https://cdn.example/a.png",
        "email": "ada@x.example",
        "email_verified": True,
        "union_id": "union-1",
        "registration": "acme-two",
    }
    world.clock.now += 60

    signed_in = world.accounts.sign_in(world.login(**said))

    later = NOW + timedelta(minutes=1)
    linked = LinkedIdentity(
        identity=ADA, account_id=account_id, created_at=NOW, last_login_at=later, needs_reauth=False, **said
    )
    assert signed_in.account == Account(account_id, "Countess", NOW, later, None)
    assert world.accounts.identities(account_id) == (linked,)

    world.accounts.sign_in(world.login(display_name=None))

    assert world.accounts.get(account_id).display_name is None
    forgotten = world.accounts.identities(account_id)[0]
    assert [getattr(forgotten, name) for name in said] == [None, None, None, None, False, None, "acme"]


def test_acc_18_what_else_a_provider_sends_is_not_stored(world):
    sent = {"is_admin": True, "id": "canary", "role": "canary", "password": "canary", "account_id": "canary"}

    account = world.accounts.sign_in(world.login(raw={**sent, "__class__": "canary"})).account

    assert "canary" not in str(everything(world)).replace("canary-access-token", "")
    assert account.id != "canary"
    assert [field.name for field in fields(account)] == [
        *("id", "display_name", "created_at", "last_login_at", "disabled_at")
    ]


@pytest.mark.parametrize(
    "text", ["x" * 2000, "\U0001f600" * 2000, "Zoë 🏴‍☠️ \u202e", "'; DROP TABLE authkit_accounts; --", "%s %(id)s :id"]
)
def test_a_strange_name_is_kept_as_it_is(world, text):
    account = world.accounts.sign_in(world.login(display_name=text, username=text)).account

    assert account.display_name == text
    assert world.accounts.get(account.id) == account
    assert world.accounts.identities(account.id)[0].username == text


def test_what_a_database_would_choke_on_is_taken_out(world):
    account = world.accounts.sign_in(world.login(display_name="A\x00d\ud800a\n")).account

    assert world.accounts.get(account.id).display_name == "Ada"


@pytest.mark.parametrize("subject", ["x" * 255, "\U0001f600" * 63], ids=["x", "emoji"])
def test_a_key_may_have_255_bytes(world, subject):
    union_id = subject[::-1]

    account = world.accounts.sign_in(world.login(subject, union_id=union_id)).account

    assert world.accounts.of(Identity("acme", "acme-client", subject)) == account
    assert [linked.union_id for linked in world.accounts.with_union_id("acme", union_id)] == [union_id]


# The token of a login.


def test_a_login_without_a_refresh_token_keeps_the_stored_one(world):
    world.accounts.sign_in(world.login())
    world.clock.now += 60

    world.accounts.sign_in(world.login(token=world.token("newer", refresh_token=None, refresh_expires_at=None)))

    token = world.vault.token(ADA)
    assert (token.access_token, token.refresh_token) == ("newer", REFRESH_TOKEN)
    assert token.refresh_expires_at == NOW + timedelta(days=1)


def test_a_refresh_token_of_another_registration_is_not_kept(world):
    world.accounts.sign_in(world.login())

    world.accounts.sign_in(world.login(registration="acme-two", token=world.token("newer", refresh_token=None)))

    token = world.vault.token(ADA)
    assert (token.access_token, token.refresh_token) == ("newer", None)


def test_a_login_opens_a_token_that_was_closed(world):
    world.accounts.sign_in(world.login())
    world.network.replies["token"] = (400, {"error": "invalid_grant"})
    world.clock.now += 3600
    with pytest.raises(AuthkitError):
        world.vault.token(ADA)
    account_id = world.accounts.of(ADA).id
    assert [linked.needs_reauth for linked in world.accounts.identities(account_id)] == [True]

    world.accounts.sign_in(world.login(token=world.token("newer", refresh_token=None)))

    assert [linked.needs_reauth for linked in world.accounts.identities(account_id)] == [False]
    assert (world.vault.token(ADA).access_token, world.vault.token(ADA).refresh_token) == ("newer", None)


def test_two_identities_of_a_person_have_a_token_each(world):
    account_id = world.accounts.sign_in(world.login(token=world.token("one"))).account.id
    world.accounts.link(account_id, world.login("user-2", token=world.token("two")))

    assert world.vault.access_token(ADA) == "one"
    assert world.vault.access_token(Identity("acme", "acme-client", "user-2")) == "two"


# Who is refused.


def test_strangers_are_refused_where_they_cannot_register_and_nothing_is_stored(database):
    world = AccountWorld(database, accounts__allow_registration="no")

    with pytest.raises(AccountDenied, match="strangers may not register") as raised:
        world.accounts.sign_in(world.login())

    assert (raised.value.code, raised.value.status, raised.value.registration) == ("account_denied", 403, "acme")
    assert [rows for rows in everything(world).values() if rows] == []
    assert world.told == []


def test_who_is_known_gets_in_where_strangers_cannot(database):
    known = AccountWorld(database).accounts.sign_in(AccountWorld(database).login()).account.id
    world = AccountWorld(database, accounts__allow_registration="no")

    signed_in = world.accounts.sign_in(world.login())

    assert (signed_in.account.id, signed_in.is_new) == (known, False)


def test_ses_12_a_disabled_account_is_refused_and_nothing_of_the_login_is_stored(world):
    account_id = world.accounts.sign_in(world.login(token=world.token("old"))).account.id
    world.clock.now += 60
    assert world.accounts.disable(account_id, "spam")
    before = everything(world)

    with pytest.raises(AccountDenied, match="the account is disabled") as raised:
        world.accounts.sign_in(world.login(display_name="New", token=world.token("new")))
    with pytest.raises(AccountDenied, match="the account is disabled"):
        world.accounts.link(account_id, world.login("user-2"))
    with pytest.raises(AccountDenied, match="the account is disabled"):
        world.accounts.link(account_id, world.login())

    assert raised.value.registration == "acme"
    assert everything(world) == before
    assert world.accounts.get(account_id) == Account(account_id, "Ada", NOW, NOW, NOW + timedelta(minutes=1))
    assert world.accounts.get(account_id).is_disabled
    assert world.vault.access_token(ADA) == "old"


def test_a_disabled_account_can_be_enabled_again(world):
    account_id = world.accounts.sign_in(world.login()).account.id

    answers = [
        *(world.accounts.enable(account_id), world.accounts.disable(account_id), world.accounts.disable(account_id)),
        *(world.accounts.enable(account_id), world.accounts.enable(account_id)),
    ]

    assert answers == [False, True, False, True, False]
    assert world.accounts.sign_in(world.login()).account == world.accounts.get(account_id)
    assert not world.accounts.get(account_id).is_disabled


def test_an_account_that_is_none_can_be_neither_disabled_nor_enabled_nor_deleted(world):
    answers = [world.accounts.disable("x"), world.accounts.enable("x"), world.accounts.delete("x")]

    assert answers == [False, False, False]
    assert world.rows(audit) == []


# Deleting.


def test_a_deleted_account_is_gone_with_all_that_is_kept_of_its_person(world):
    account_id = world.accounts.sign_in(world.login(email="ada@x.example")).account.id
    world.accounts.link(account_id, world.login("user-2", token=world.token("second", refresh_token=None)))
    other = world.accounts.sign_in(world.login("user-3")).account.id

    assert world.accounts.delete(account_id, "asked for it")

    assert world.accounts.get(account_id) is None
    assert world.accounts.of(ADA) is None
    assert world.accounts.export(account_id) is None
    assert [row["id"] for row in world.rows(accounts)] == [other]
    assert [row["subject"] for row in world.rows(identities)] == ["user-3"]
    assert len(world.rows(tokens)) == 1
    assert world.rows(revocations) == []
    assert [sent.form["token"] for sent in world.network.to("revoke")] == [REFRESH_TOKEN, "second"]
    trail = str(world.rows(audit))
    assert [name for name in ("user-1", "user-2", "Ada", "ada@x.example") if name in trail] == []
    assert not world.accounts.delete(account_id)


def test_who_was_deleted_may_come_back_as_somebody_new(world):
    before = world.accounts.sign_in(world.login()).account.id
    world.accounts.delete(before)

    after = world.accounts.sign_in(world.login())

    assert after.is_new
    assert after.account.id != before
    assert world.accounts.get(before) is None


def test_an_account_without_identities_can_be_deleted(world):
    account_id = world.accounts.sign_in(world.login()).account.id
    world.accounts.unlink(account_id, ADA, even_last=True)

    assert world.accounts.delete(account_id)

    assert world.rows(accounts) == []


def test_what_the_provider_does_not_answer_is_revoked_later_and_the_account_is_gone_at_once(world):
    account_id = world.accounts.sign_in(world.login()).account.id
    world.network.replies["revoke"] = NetworkError("nobody there")

    assert world.accounts.delete(account_id)

    assert (world.rows(accounts), world.rows(identities), world.rows(tokens)) == ([], [], [])
    assert world.revocations.count() == 1
    world.network.replies["revoke"] = {}
    world.clock.now += 120
    world.revocations.attempt_all(ADA)
    assert world.revocations.count() == 0


def test_a_token_is_not_revoked_where_the_app_does_not_want_it(database):
    world = AccountWorld(database, accounts__revoke="no")
    account_id = world.accounts.sign_in(world.login()).account.id

    world.accounts.delete(account_id)

    assert world.network.to("revoke") == []
    assert world.rows(revocations) == []


def test_a_token_that_does_not_open_keeps_nobody_from_leaving(database):
    world = AccountWorld(database)
    account_id = world.accounts.sign_in(world.login()).account.id
    other = AccountWorld(database, vault_key="another-key-that-is-long-enough-for-everyone")

    assert other.accounts.delete(account_id)

    assert (other.rows(identities), other.rows(tokens), other.rows(revocations)) == ([], [], [])
    assert [row["reason"] for row in other.rows(audit)] == [
        *(
            None,
            "not revoked: a stored token does not open: its key is not among authkit.vault_key, or it is damaged",
        ),
        None,
    ]


# Within a transaction of the app.


def test_what_the_app_commits_is_there_and_is_told_afterwards(world):
    with Session(world.database.engine) as session, session.begin():
        signed_in = world.accounts.within(session).sign_in(world.login())
        told_before = list(world.told)

    account_id = signed_in.account.id
    assert told_before == []
    assert world.told == [("account_created", account_id, ADA)]
    assert world.accounts.of(ADA) == signed_in.account
    assert (world.events(), len(world.rows(tokens))) == (["created"], 1)


def test_what_the_app_rolls_back_was_never_there_and_nobody_is_told(world):
    account_id = world.accounts.sign_in(world.login("user-0")).account.id
    before, told = everything(world), list(world.told)

    with Session(world.database.engine) as session:
        store = world.accounts.within(session)
        store.sign_in(world.login())
        store.link(account_id, world.login("user-2"))
        store.unlink(account_id, Identity("acme", "acme-client", "user-0"))
        store.disable(account_id)
        store.delete(account_id)
        assert store.get(account_id) is None
        session.rollback()

    assert everything(world) == before
    assert world.told == told
    assert world.network.to("revoke") == []


def test_a_refusal_within_a_transaction_leaves_the_app_s_own_work_alone(world):
    ids = [world.accounts.sign_in(world.login(name)).account.id for name in ("a", "b")]
    world.accounts.disable(ids[0])

    with Session(world.database.engine) as session, session.begin():
        store = world.accounts.within(session)
        store.disable(ids[1], "the app's work")
        with pytest.raises(AccountDenied):
            store.sign_in(world.login("a"))

    assert world.accounts.get(ids[1]).is_disabled
    assert world.events() == ["created", "created", "disabled", "disabled"]


def test_within_a_transaction_that_has_read_before_what_is_there_now_counts(world):
    """MariaDB would go on showing what was there when the app read first: nobody, and later two identities."""
    engine = create_engine(world.database.engine.url)  # the app's own, with the isolation that is usual there
    with Session(engine) as session, session.begin():
        session.execute(select(accounts.c.id)).all()
        account_id = world.accounts.sign_in(world.login()).account.id
        assert world.accounts.within(session).sign_in(world.login()).account.id == account_id
    world.accounts.link(account_id, world.login("user-2"))

    with Session(engine) as session:
        assert len(session.execute(select(identities.c.id)).all()) == 2
        world.accounts.unlink(account_id, ADA)
        with pytest.raises(LastIdentity):
            world.accounts.within(session).unlink(account_id, Identity("acme", "acme-client", "user-2"))
    engine.dispose()


# What fails.


def test_a_database_without_tables_says_what_to_do(empty_database_url):
    from authkit.accounts import Database

    database = Database.open(empty_database_url)
    world = AccountWorld(database)

    with pytest.raises(StoreUnavailable, match="run: authkit db upgrade"):
        world.accounts.sign_in(world.login())

    database.close()


def test_dbf_05_logins_that_fail_leave_no_connection_behind(database):
    world = AccountWorld(database, accounts__allow_registration="no")

    def fail(login: Login) -> object:
        raise LookupError(login.identity.subject)

    failing = Accounts(AccountWorld(database).kit, database, fail)
    for number in range(200):
        with pytest.raises((AccountDenied, LookupError)):
            (world.accounts if number % 2 else failing).sign_in(world.login(f"user-{number}"))

    assert database.engine.pool.checkedout() == 0


def test_lek_02_neither_a_store_nor_what_it_answers_shows_a_secret(world):
    signed_in = world.accounts.sign_in(world.login(token=world.token("canary", refresh_token=Secret("canary"))))

    shown = repr([world.accounts, signed_in, world.accounts.identities(signed_in.account.id), everything(world)])

    assert "canary" not in shown
