"""Apps with their own table of users: authkit keeps identities and tokens by the app's own ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from account_world import AccountWorld
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select
from sqlalchemy.orm import Session

from authkit import Identity, Login
from authkit.accounts import Accounts, UserFor
from authkit.accounts.schema import accounts, audit, identities, tokens
from authkit.errors import AccountConflict, AccountDenied, IdentityTaken, StoreUnavailable

ADA = Identity("acme", "acme-client", "user-1")
SECOND = Identity("acme", "acme-client", "user-2")

users = Table(
    "app_users",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", String(50), nullable=False),
)


class UsersWorld(AccountWorld):
    """The world of an app with a table of users; `asked` has the subjects of those whose user was asked for."""

    def __init__(self, database: Any, **settings: str) -> None:
        super().__init__(database, **settings)
        self.asked: list[str] = []
        self.accounts = self.store(self.user_for)

    def store(self, user_for: UserFor) -> Accounts:
        return Accounts(self.kit, self.database, user_for)

    def add_user(self, name: str, session: Session | None = None) -> int:
        if session is not None:
            return int(session.execute(insert(users).values(name=name)).inserted_primary_key[0])
        with Session(self.database.engine) as own, own.begin():
            return self.add_user(name, own)

    def user_for(self, login: Login) -> int:
        """Make a user, in a transaction of the app's own."""
        self.asked.append(login.identity.subject)
        return self.add_user(login.identity.subject)

    def names(self) -> list[str]:
        return [row["name"] for row in self.rows(users)]


@pytest.fixture
def world(database) -> Iterator[UsersWorld]:
    """Give an app whose table of users is in the same database, and empty."""
    users.metadata.drop_all(database.engine)
    users.metadata.create_all(database.engine)
    yield UsersWorld(database)
    users.metadata.drop_all(database.engine)


def nothing_is_stored(world: AccountWorld) -> bool:
    return [world.rows(table) for table in (accounts, identities, tokens, audit)] == [[], [], [], []]


def test_an_account_has_the_app_s_own_id_of_its_user(world):
    first = world.accounts.sign_in(world.login())
    second = world.accounts.sign_in(world.login())

    assert world.rows(users) == [{"id": int(first.account.id), "name": "user-1"}]
    assert (first.is_new, second.is_new) == (True, False)
    assert second.account == world.accounts.of(ADA) == world.accounts.get(first.account.id)
    assert world.asked == ["user-1"]
    assert world.told == [("account_created", first.account.id, ADA)]
    assert world.vault.access_token(ADA) == world.token().access_token


def test_a_user_who_comes_with_a_second_identity_has_it_linked(world):
    user_id = world.add_user("Ada")
    store = world.store(lambda login: user_id)

    answers = [
        store.sign_in(world.login()),
        store.sign_in(world.login("user-2")),
        store.sign_in(world.login("user-2")),
    ]

    assert [(answer.account.id, answer.is_new) for answer in answers] == [
        *((str(user_id), True), (str(user_id), False), (str(user_id), False))
    ]
    assert [linked.identity for linked in store.identities(str(user_id))] == [ADA, SECOND]
    assert world.events() == ["created", "linked", "signed_in"]
    assert world.told == [("account_created", str(user_id), ADA), ("linked", str(user_id), SECOND)]


@pytest.mark.parametrize("answer", [None, ""])
def test_the_app_refuses_whom_it_does_not_want(world, answer):
    with pytest.raises(AccountDenied, match="the app has no user for this login") as raised:
        world.store(lambda login: answer).sign_in(world.login())

    assert raised.value.registration == "acme"
    assert nothing_is_stored(world)


@pytest.mark.parametrize(
    ("answer", "account_id"),
    [
        *((0, "0"), (42, "42"), ("Ada", "Ada"), ("ü" * 255, "ü" * 255)),
        (UUID("12345678-1234-5678-1234-567812345678"), "12345678-1234-5678-1234-567812345678"),
    ],
)
def test_an_id_of_any_kind_is_kept_as_text(world, answer, account_id):
    assert world.store(lambda login: answer).sign_in(world.login()).account.id == account_id


def test_ids_are_compared_byte_by_byte(world):
    for subject in ("AbC", "abc", "abc "):
        assert world.store(lambda login: login.identity.subject).sign_in(world.login(subject)).is_new

    assert [linked.identity.subject for linked in world.accounts.identities("abc")] == ["abc"]


def test_nobody_is_asked_for_the_user_of_a_login_that_may_be_of_one_account_alone(world):
    with pytest.raises(AccountConflict, match="somebody else is signed in"):
        world.accounts.sign_in(world.login(), only_as="1")

    assert (world.asked, nothing_is_stored(world)) == ([], True)


def test_an_id_of_the_app_s_may_have_255_characters(world):
    assert world.store(lambda login: "x" * 255).sign_in(world.login()).account.id == "x" * 255


def test_an_id_that_is_too_long_is_an_error_in_every_database(world):
    with pytest.raises(StoreUnavailable, match="the app's id of a user has 256 characters, and may have 255"):
        world.store(lambda login: "x" * 256).sign_in(world.login())
    with pytest.raises(StoreUnavailable, match="256 characters"):
        world.accounts.link("x" * 256, world.login())

    assert nothing_is_stored(world)


def test_what_the_app_raises_comes_out_as_it_is_and_nothing_is_stored(world):
    def fail(login: Login) -> object:
        raise LookupError("the app's own problem")

    with pytest.raises(LookupError, match="the app's own problem"):
        world.store(fail).sign_in(world.login())

    assert nothing_is_stored(world)


def test_the_app_is_not_asked_for_a_user_where_strangers_cannot_register(database):
    world = UsersWorld(database, accounts__allow_registration="no")

    with pytest.raises(AccountDenied, match="strangers may not register"):
        world.accounts.sign_in(world.login())

    assert world.asked == []
    assert nothing_is_stored(world)


def test_a_disabled_user_gets_in_by_no_other_identity(world):
    store = world.store(lambda login: "7")
    store.sign_in(world.login())
    store.disable("7")

    with pytest.raises(AccountDenied, match="the account is disabled"):
        store.sign_in(world.login("user-2"))

    assert store.of(SECOND) is None


def test_a_user_who_has_not_signed_in_by_us_before_can_link_an_identity(world):
    user_id = str(world.add_user("Ada"))

    linked = world.accounts.link(user_id, world.login())

    assert (linked.account_id, linked.identity) == (user_id, ADA)
    assert world.accounts.sign_in(world.login()).account.id == user_id
    assert world.asked == []
    assert world.events() == ["linked", "signed_in"]
    assert world.told == [("linked", user_id, ADA)]


def test_what_belongs_to_somebody_else_is_not_linked_to_a_user_and_gives_him_no_row(world):
    world.accounts.sign_in(world.login())

    with pytest.raises(IdentityTaken):
        world.accounts.link("nobody", world.login())

    assert world.accounts.get("nobody") is None


def test_a_user_is_asked_for_before_our_own_transaction_so_that_the_app_can_write(world):
    """On SQLite there is one writer at a time: within our transaction, the app would wait for us, and we for it."""

    def user_for(login: Login) -> int:
        with Session(world.database.engine) as session, session.begin():
            return world.add_user("Ada", session)

    assert world.store(user_for).sign_in(world.login()).is_new


def test_within_the_app_s_transaction_the_user_is_made_and_undone_with_the_rest(world):
    for ends in ("rollback", "commit"):
        with Session(world.database.engine) as session:
            store = world.store(lambda login, session=session: world.add_user("Ada", session)).within(session)
            signed_in = store.sign_in(world.login())
            assert store.of(ADA) == signed_in.account
            getattr(session, ends)()

        if ends == "rollback":
            assert nothing_is_stored(world)
            assert (world.names(), world.told) == ([], [])

    assert world.names() == ["Ada"]
    assert world.accounts.of(ADA) == signed_in.account
    assert world.told == [("account_created", signed_in.account.id, ADA)]


def test_within_the_app_s_transaction_a_user_whom_somebody_else_made_at_the_same_moment_is_found(world):
    made: list[int] = []

    with Session(world.database.engine) as session, session.begin():

        def user_for(login: Login) -> int:
            if not made:
                made.append(world.add_user("Ada", session))
                session.execute(insert(users).values(id=made[0], name="in vain"))  # as if somebody else had it
            return 8

        signed_in = world.store(user_for).within(session).sign_in(world.login())

    assert (signed_in.account.id, signed_in.is_new, world.names()) == ("8", True, [])


def test_somebody_who_was_deleted_in_between_is_asked_for_again(world):
    """The store found an account, and by the time it has the lock there is none."""
    account_id = world.accounts.sign_in(world.login()).account.id
    other = AccountWorld(world.database)

    class Late(type(world.database)):  # type: ignore[misc]  # deletes the account between the look-up and the work
        def write(self, work: Any) -> Any:
            other.accounts.delete(account_id)
            return super().write(work)

    signed_in = Accounts(world.kit, Late(world.database.engine), lambda login: "8").sign_in(world.login())

    assert (signed_in.account.id, signed_in.is_new) == ("8", True)


def test_an_identity_of_the_app_s_user_is_found_and_joined_by_nothing_else(world):
    with Session(world.database.engine) as session, session.begin():
        world.add_user("user-2", session)
    ids = {world.accounts.sign_in(world.login(name, email="same@x.example")).account.id for name in ("a", "b")}

    assert len(ids) == 2
    with world.database.engine.connect() as connection:
        assert len(connection.execute(select(users)).all()) == 3
