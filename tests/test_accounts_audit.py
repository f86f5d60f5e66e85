"""The audit trail, and the hooks: what is written with a change, and who is told once it is there for good."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from account_world import AccountWorld
from fakes import acme, make_kit, plugins_with
from sqlalchemy import Connection, event
from sqlalchemy.orm import Session

from authkit import Identity
from authkit.accounts.audit import digest, record
from authkit.accounts.schema import accounts, audit, identities, metadata, tokens
from authkit.errors import AuthkitError, IdentityTaken, LastIdentity, StoreUnavailable

NOW = datetime(2027, 1, 15, 8, tzinfo=timezone.utc)
ADA = Identity("acme", "acme-client", "user-1")
SECOND = Identity("acme", "acme-client", "user-2")
LOGIN_ID = "0123456789abcdef"
"""The correlation id of the logins of an `AccountWorld`."""


@pytest.fixture
def world(database) -> AccountWorld:
    """Give the accounts of an app."""
    return AccountWorld(database)


def trail(world: AccountWorld) -> list[tuple[Any, ...]]:
    """Return the rows without their numbers: event, account, digest, registration, reason, reference."""
    assert {row["at"] for row in world.rows(audit)} == {NOW}
    names = ("event", "account_id", "identity", "registration", "reason", "reference")
    return [tuple(row[name] for name in names) for row in world.rows(audit)]


def test_every_change_of_an_account_has_its_line(world):
    ada = world.accounts.sign_in(world.login()).account.id
    world.accounts.sign_in(world.login())
    world.accounts.link(ada, world.login("user-2"))
    world.accounts.unlink(ada, SECOND)
    world.accounts.disable(ada, "spam\n2027-01-15 forged line")
    world.accounts.enable(ada, "x" * 600)
    world.accounts.delete(ada, "asked for it")

    one, two = digest(ADA), digest(SECOND)
    assert trail(world) == [
        ("created", ada, one, "acme", None, LOGIN_ID),
        ("signed_in", ada, one, "acme", None, LOGIN_ID),
        ("linked", ada, two, "acme", None, LOGIN_ID),
        ("unlinked", ada, two, "acme", None, None),
        ("revoked", None, two, "acme", None, None),
        ("disabled", ada, None, None, "spam\\n2027-01-15 forged line", None),
        ("enabled", ada, None, None, "x" * 497 + "...", None),
        ("unlinked", ada, one, "acme", None, None),
        ("deleted", ada, None, None, "asked for it", None),
        ("revoked", None, one, "acme", None, None),
    ]


def test_a_change_for_which_nobody_gave_a_reason_has_none(world):
    ada = world.accounts.sign_in(world.login()).account.id
    world.accounts.disable(ada)
    world.accounts.enable(ada)
    world.accounts.delete(ada)

    assert {row["reason"] for row in world.rows(audit)} == {None}


def test_what_the_vault_does_to_a_token_has_its_line(world):
    world.accounts.sign_in(world.login())
    world.vault.refresh(ADA)
    world.network.replies["token"] = (400, {"error": "invalid_grant", "error_description": "revoked by the user"})
    with pytest.raises(AuthkitError) as raised:
        world.vault.refresh(ADA)

    refreshed, closed = trail(world)[1:]
    assert refreshed == ("refreshed", None, digest(ADA), "acme", None, None)
    assert (*closed[:4], closed[5]) == ("reauth_required", None, digest(ADA), "acme", raised.value.correlation_id)
    assert "invalid_grant" in closed[4]


def test_what_is_refused_has_no_line(world):
    ada = world.accounts.sign_in(world.login()).account.id
    world.accounts.sign_in(world.login("user-2"))

    with pytest.raises(IdentityTaken):
        world.accounts.link(ada, world.login("user-2"))
    with pytest.raises(LastIdentity):
        world.accounts.unlink(ada, ADA)
    world.accounts.unlink(ada, SECOND)
    world.accounts.enable(ada)

    assert world.events() == ["created", "created"]


def test_the_digest_of_an_identity_names_nobody_and_never_changes():
    assert digest(Identity("acme", "acme-client", "user-1")) == (
        "fc7a6f7f944b2ec7bcf8389284b1e142eba8d330b4fd1693e016fcb90ef4c3b8"
    )
    assert digest(ADA) != digest(Identity("acme", "acme-client", "USER-1"))


def test_a_line_may_be_about_an_identity_that_is_gone_already(database):
    world = AccountWorld(database)

    database.write(lambda executor: record(executor, NOW, "revoked", identity=digest(ADA), registration="acme"))

    assert trail(world) == [("revoked", None, digest(ADA), "acme", None, None)]


# A change and its line are written together, or not at all.


def everything(world: AccountWorld) -> dict[str, Any]:
    return {table.name: world.rows(table) for table in metadata.sorted_tables}


@pytest.fixture
def broken_commits(database) -> Any:
    """Give what makes every commit fail that has written to the audit trail; MariaDB checks nothing that late."""
    breaking, mending = BROKEN_COMMITS[database.engine.dialect.name]

    def run(statements: list[str]) -> None:
        with database.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    yield lambda: run(breaking)
    run(mending)


BROKEN_COMMITS = {
    "sqlite": (
        [
            "CREATE TABLE app_parents (id INTEGER PRIMARY KEY)",
            "CREATE TABLE app_children (id INTEGER REFERENCES app_parents DEFERRABLE INITIALLY DEFERRED)",
            "CREATE TRIGGER app_trigger AFTER INSERT ON authkit_audit BEGIN INSERT INTO app_children VALUES (1); END",
        ],
        ["DROP TRIGGER app_trigger", "DROP TABLE app_children", "DROP TABLE app_parents"],
    ),
    "postgresql": (
        [
            "CREATE FUNCTION app_fail() RETURNS trigger LANGUAGE plpgsql AS $$ "
            "BEGIN RAISE EXCEPTION 'the disk is full' USING ERRCODE = 'disk_full'; END $$",
            "CREATE CONSTRAINT TRIGGER app_trigger AFTER INSERT ON authkit_audit DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION app_fail()",
        ],
        ["DROP TRIGGER app_trigger ON authkit_audit", "DROP FUNCTION app_fail()"],
    ),
}

CHANGES: dict[str, Callable[[AccountWorld, str], object]] = {
    "sign in": lambda world, ada: world.accounts.sign_in(world.login("user-3")),
    "sign in again": lambda world, ada: world.accounts.sign_in(world.login(display_name="New")),
    "link": lambda world, ada: world.accounts.link(ada, world.login("user-4")),
    "unlink": lambda world, ada: world.accounts.unlink(ada, SECOND),
    "disable": lambda world, ada: world.accounts.disable(ada),
    "enable": lambda world, ada: world.accounts.disable(ada) and world.accounts.enable(ada),
    "delete": lambda world, ada: world.accounts.delete(ada),
}


@pytest.mark.parametrize("database", BROKEN_COMMITS, indirect=True)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_dbf_04_where_the_commit_fails_there_is_neither_a_change_nor_its_line_nor_a_hook(
    world, broken_commits, change
):
    ada = world.accounts.sign_in(world.login()).account.id
    world.accounts.link(ada, world.login("user-2"))
    before, told = everything(world), list(world.told)
    broken_commits()

    with pytest.raises(StoreUnavailable, match="the database failed: "):
        change(world, ada)

    assert everything(world) == before
    assert world.told == told
    assert world.network.sent == []


@pytest.mark.parametrize("table", [accounts, identities, tokens, audit], ids=lambda table: table.name)
def test_dbf_04_a_write_that_fails_in_the_middle_leaves_nothing_half(world, table):
    class BrokenError(Exception):
        pass

    def broken(connection: Connection, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.startswith(f"INSERT INTO {table.name} "):
            raise BrokenError

    event.listen(world.database.engine, "before_cursor_execute", broken)
    with pytest.raises(BrokenError):
        world.accounts.sign_in(world.login())
    event.remove(world.database.engine, "before_cursor_execute", broken)

    assert [rows for rows in everything(world).values() if rows] == []
    assert world.told == []
    assert world.accounts.sign_in(world.login()).is_new


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_line_of_a_change_is_rolled_back_with_it(world, change):
    ada = world.accounts.sign_in(world.login()).account.id
    world.accounts.link(ada, world.login("user-2"))
    before, told = everything(world), list(world.told)

    with Session(world.database.engine) as session:
        within = AccountWorld(world.database, kit=world.kit)
        within.accounts = world.accounts.within(session)
        change(within, ada)
        lines = len(session.execute(audit.select()).all())
        session.rollback()

    assert lines > len(before["authkit_audit"])
    assert everything(world) == before
    assert world.told == told


# Hooks.


def test_observers_are_told_once_after_the_database_has_it(database):
    seen: list[tuple[Any, ...]] = []

    def created(account_id: str, identity: Identity) -> None:
        seen.append(("created", account_id, identity, other.accounts.of(identity).id, other.events()))

    def linked(account_id: str, identity: Identity) -> None:
        seen.append(("linked", account_id, identity, other.accounts.of(identity).id, other.events()[-1:]))

    def unlinked(account_id: str, identity: Identity) -> None:
        seen.append(("unlinked", account_id, identity, other.accounts.of(identity), other.events()[-1:]))

    other = AccountWorld(database)
    plugins = plugins_with(acme, authkit_account_created=created, authkit_linked=linked, authkit_unlinked=unlinked)
    world = AccountWorld(database, kit=make_kit(plugins=plugins))

    ada = world.accounts.sign_in(world.login()).account.id
    world.accounts.sign_in(world.login())
    world.accounts.link(ada, world.login("user-2"))
    world.accounts.link(ada, world.login("user-2"))
    world.accounts.unlink(ada, SECOND)
    world.accounts.unlink(ada, SECOND)
    world.accounts.delete(ada)

    assert seen == [
        ("created", ada, ADA, ada, ["created"]),
        ("linked", ada, SECOND, ada, ["linked"]),
        ("unlinked", ada, SECOND, None, ["unlinked"]),
        ("unlinked", ada, ADA, None, ["deleted"]),
    ]


def test_an_observer_that_raises_changes_nothing(database, caplog):
    def fail(account_id: str, identity: Identity) -> None:
        raise LookupError("the observer's own problem")

    hooks = {f"authkit_{name}": fail for name in ("account_created", "linked", "unlinked")}
    world = AccountWorld(database, kit=make_kit(plugins=plugins_with(acme, **hooks)))

    ada = world.accounts.sign_in(world.login()).account.id
    world.accounts.link(ada, world.login("user-2"))
    assert world.accounts.unlink(ada, SECOND)
    assert world.accounts.delete(ada)

    assert caplog.text.count("LookupError: the observer's own problem") == 4


def test_within_a_transaction_observers_are_told_when_the_app_has_committed(world):
    with Session(world.database.engine) as session, session.begin():
        store = world.accounts.within(session)
        ada = store.sign_in(world.login()).account.id
        store.link(ada, world.login("user-2"))
        store.unlink(ada, ADA)
        assert (world.told, world.network.sent) == ([], [])

    assert world.told == [("account_created", ada, ADA), ("linked", ada, SECOND), ("unlinked", ada, ADA)]
    assert len(world.network.to("revoke")) == 1
    assert world.events() == ["created", "linked", "unlinked", "revoked"]


@pytest.mark.parametrize("ends", ["commit", "rollback"])
def test_a_session_that_is_used_again_tells_nothing_twice(world, ends):
    with Session(world.database.engine) as session:
        store = world.accounts.within(session)
        store.sign_in(world.login())
        getattr(session, ends)()
        told = list(world.told)
        store.sign_in(world.login("user-2"))
        session.commit()
        session.commit()

    assert [(hook, identity) for hook, _, identity in told] == (
        [("account_created", ADA)] if ends == "commit" else []
    )
    assert [(hook, identity) for hook, _, identity in world.told[len(told) :]] == [("account_created", SECOND)]


def test_a_savepoint_of_the_app_that_is_undone_is_not_told(world):
    with Session(world.database.engine) as session, session.begin():
        store = world.accounts.within(session)
        store.sign_in(world.login())
        savepoint = session.begin_nested()
        store.sign_in(world.login("user-2"))
        savepoint.rollback()

    assert [(hook, identity) for hook, _, identity in world.told] == [("account_created", ADA)]
    assert [row["subject"] for row in world.rows(identities)] == ["user-1"]


def test_a_line_is_never_changed_or_taken_away(world):
    statements: list[str] = []

    def remember(connection: Connection, cursor: Any, statement: str, *rest: Any) -> None:
        statements.append(statement)

    event.listen(world.database.engine, "before_cursor_execute", remember)
    ada = world.accounts.sign_in(world.login()).account.id
    for change in CHANGES.values():
        change(world, ada)
    event.remove(world.database.engine, "before_cursor_execute", remember)

    touching = [statement.split("authkit_audit")[0] for statement in statements if "authkit_audit" in statement]
    assert set(touching) == {"INSERT INTO "}
