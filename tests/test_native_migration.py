"""The tables of native apps come to a database that has people in it already."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from sqlalchemy import insert, inspect, select

from authkit.accounts import Database
from authkit.accounts.migrate import Condition, State, check, upgrade
from authkit.accounts.schema import accounts, sessions

THEN = datetime(2027, 1, 1, tzinfo=timezone.utc)
ADA = {"id": "ada", "display_name": "Ada", "created_at": THEN, "last_login_at": THEN, "disabled_at": None}

pytestmark = pytest.mark.slow


def test_a_database_with_accounts_gets_the_sessions_and_keeps_the_accounts(empty_database_url: str) -> None:
    database = Database.open(empty_database_url)
    upgrade(database, "0001")
    database.write(lambda executor: executor.execute(insert(accounts).values(ADA)))
    assert check(database).state is State.BEHIND

    upgrade(database)

    assert check(database) == Condition(State.FINE, check(database).revision)
    assert [dict(row._mapping) for row in database.read(lambda each: each.execute(select(accounts)).all())] == [ADA]
    times = {"created_at": THEN, "used_at": THEN, "ends_at": THEN}
    session = {"id": "a" * 32, "account_id": "ada", "app": "ios", "registration": "acme", "digest": "d" * 64, **times}
    database.write(lambda executor: executor.execute(insert(sessions).values(session)))
    database.write(lambda executor: executor.execute(accounts.delete()))
    assert database.read(lambda executor: executor.execute(select(sessions)).all()) == []
    database.close()


def test_an_upgrade_that_was_cut_short_is_brought_to_its_end(empty_database_url: str) -> None:
    """As MariaDB leaves it, which commits each statement: the table is there, an index and the revision are not."""
    database = Database.open(empty_database_url)
    upgrade(database, "0001")
    sessions.create(database.engine)
    for index in sessions.indexes:
        if index.name == "ix_authkit_sessions_ends_at":  # MariaDB needs the other one for the foreign key
            index.drop(database.engine)

    upgrade(database)

    names = {index["name"] for index in inspect(database.engine).get_indexes("authkit_sessions")}
    assert names >= {"ix_authkit_sessions_account_id", "ix_authkit_sessions_ends_at"}
    assert check(database).is_fine
    database.close()
