"""The token of a login that came to nothing: it ends at the provider, unless that might end one that is kept."""

from __future__ import annotations

from account_world import AccountWorld
from fakes import ACCESS_TOKEN, REFRESH_TOKEN

from authkit.accounts import Database
from authkit.accounts.unkept import revoke_unless_kept


def test_the_token_of_somebody_who_is_nobody_here_is_revoked(database):
    world = AccountWorld(database)
    world.accounts.sign_in(world.login("somebody else"))

    revoke_unless_kept(world.kit, database, world.login("ada"))

    assert len(world.network.to("revoke")) == 1


def test_the_token_of_somebody_who_is_known_is_left_alone(database):
    world = AccountWorld(database)
    world.accounts.sign_in(world.login("ada"))

    revoke_unless_kept(world.kit, database, world.login("ada"))

    assert world.network.sent == []


def test_nothing_is_revoked_where_the_settings_say_so(database):
    world = AccountWorld(database, accounts__revoke="no")

    revoke_unless_kept(world.kit, database, world.login("ada"))

    assert world.network.sent == []


def test_a_revocation_that_fails_is_told_to_the_operator_alone(database, caplog):
    world = AccountWorld(database)
    world.network.replies["revoke"] = (503, b"")

    revoke_unless_kept(world.kit, database, world.login("ada"))

    (said,) = caplog.messages
    assert said.startswith("the token of a login that came to nothing is left to expire: ref=0123456789abcdef cause=")
    assert "503" in said
    assert not any(secret in said for secret in (ACCESS_TOKEN, REFRESH_TOKEN))


def test_where_the_database_does_not_say_the_token_is_left_to_expire(database, tmp_path, caplog):
    world = AccountWorld(database)
    without_tables = Database.open(f"sqlite:///{tmp_path / 'empty.sqlite'}")

    revoke_unless_kept(world.kit, without_tables, world.login("ada"))
    without_tables.close()

    assert world.network.sent == []
    (said,) = caplog.messages
    assert "cause=the tables are missing or behind" in said
