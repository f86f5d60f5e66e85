"""The tables: what the databases themselves see to."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest
from account_world import AccountWorld
from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from test_accounts_columns import LOOKALIKES

from authkit import Identity
from authkit.accounts import metadata
from authkit.accounts.columns import Exact
from authkit.accounts.schema import accounts, identities, tokens

NUMBERS = {6: "six", 7: "seven", 8: "eight", 9: "nine"}
AT = datetime(2030, 1, 1, tzinfo=timezone.utc)


def add_account(executor, account_id="account-1"):
    executor.execute(insert(accounts).values(id=account_id, created_at=AT, last_login_at=AT))


def add_identity(executor, authority="acme", client="client", subject="user", account_id="account-1"):
    values = {"account_id": account_id, "authority": authority, "client": client, "subject": subject}
    made = {"registration": "acme", "email_verified": False, "created_at": AT, "last_login_at": AT}
    executor.execute(insert(identities).values(**values, **made))


def count(database, table):
    return database.read(lambda executor: executor.execute(select(func.count()).select_from(table)).scalar_one())


def test_every_table_can_be_told_from_the_apps():
    assert [name for name in metadata.tables if not name.startswith("authkit_")] == []


def test_the_docs_have_every_table():
    docs = (Path(__file__).parent.parent / "docs" / "database.md").read_text(encoding="utf-8")
    described = [line.split("`")[1] for line in docs.splitlines() if line.startswith("| `authkit_")]

    assert sorted(described) == sorted(metadata.tables)
    assert f" stand in {NUMBERS[len(described)]} tables" in docs


def test_every_constraint_and_index_has_a_name_that_every_database_takes():
    """Alembic needs names to change them later; PostgreSQL cuts those of more than 63 characters."""
    names = [
        str(found.name)
        for table in metadata.tables.values()
        for found in (*table.constraints, *table.indexes)
        if type(found).__name__ != "CheckConstraint"
    ]
    assert [name for name in names if not name.startswith(("pk_", "fk_", "uq_", "ix_")) or len(name) > 63] == []
    assert len(names) == len(set(names))


def test_the_number_of_a_row_that_is_gone_is_given_to_no_other(database):
    """Who still works on behalf of the one who had it changes nothing of another's."""

    def numbers():
        return database.read(lambda executor: executor.execute(select(identities.c.id)).scalars().all())

    database.write(add_account)
    database.write(add_identity)
    before = numbers()
    database.write(lambda executor: executor.execute(delete(identities)))
    database.write(add_identity)

    assert set(before).isdisjoint(numbers())
    on_sqlite = {table.name: table.dialect_options["sqlite"]["autoincrement"] for table in metadata.tables.values()}
    numbered = {table.name for table in metadata.tables.values() if table.autoincrement_column is not None}
    assert {name for name, is_set in on_sqlite.items() if is_set} == numbered


def test_what_names_somebody_is_compared_byte_by_byte():
    exact = {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, Exact)
    }

    assert exact == {
        "authkit_accounts.id",
        "authkit_audit.account_id",
        "authkit_sessions.account_id",
        *(f"authkit_identities.{name}" for name in ("account_id", "authority", "client", "subject", "union_id")),
    }


@pytest.mark.parametrize("part", ["authority", "client", "subject"])
def test_identities_that_look_alike_are_kept_side_by_side(database, part):
    database.write(add_account)
    for text in LOOKALIKES:
        database.write(lambda executor, text=text: add_identity(executor, **{part: text}))

    assert count(database, identities) == len(LOOKALIKES)
    for text in LOOKALIKES[:3]:
        with pytest.raises(IntegrityError), database.engine.begin() as connection:
            add_identity(connection, **{part: text})


def test_people_whose_ids_look_alike_have_accounts_of_their_own(database):
    world = AccountWorld(database)
    subjects = [text for text in LOOKALIKES if text.isprintable() and len(text.encode()) <= 255]

    signed_in = [
        world.accounts.sign_in(world.login(subject, identity=Identity("acme", "acme-client", subject)))
        for subject in subjects
    ]

    assert [found.is_new for found in signed_in] == [True] * len(subjects)
    assert len({found.account.id for found in signed_in}) == len(subjects)
    for subject, found in zip(subjects, signed_in, strict=True):
        assert world.accounts.of(Identity("acme", "acme-client", subject)) == found.account


def test_the_longest_key_there_can_be_fits(database):
    longest = "\U0001f600" * 255
    database.write(add_account)
    database.write(lambda executor: add_identity(executor, longest, longest, longest))

    query = select(identities.c.authority, identities.c.client, identities.c.subject)
    assert database.read(lambda executor: tuple(executor.execute(query).one())) == (longest,) * 3


def test_an_identity_belongs_to_an_account(database):
    with pytest.raises(IntegrityError), database.engine.begin() as connection:
        add_identity(connection, account_id="nobody")


def test_with_an_account_goes_what_belongs_to_it(database):
    world = AccountWorld(database)
    account = world.accounts.sign_in(world.login()).account
    assert (count(database, identities), count(database, tokens)) == (1, 1)

    database.write(lambda executor: executor.execute(delete(accounts).where(accounts.c.id == account.id)))

    assert (count(database, identities), count(database, tokens)) == (0, 0)
