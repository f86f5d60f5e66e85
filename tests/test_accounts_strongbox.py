"""The strongbox: what opens, what does not, and that no token is found anywhere else."""

from __future__ import annotations

import base64
import logging
import subprocess
from itertools import product
from pathlib import Path

import pytest
from fakes import SECRET
from sqlalchemy import inspect, select
from vault_world import ADA, LIFETIME, VaultWorld

from authkit import Secret, Token
from authkit.accounts import Database, Vault
from authkit.accounts.schema import tokens
from authkit.accounts.strongbox import Strongbox
from authkit.errors import StoreUnavailable
from authkit.seal import Sealer

OLD_KEY = "the-first-vault-key-that-is-long-enough-for-all"
NEW_KEY = "another-vault-key-that-is-long-enough-for-all"
PAIR = Token(Secret("canary-access"), Secret("canary-refresh"))


class Numbers:
    """A source of random bytes that are not."""

    def __init__(self):
        self.number = 0

    def __call__(self, size):
        self.number += 1
        return self.number.to_bytes(size, "big")


def strongbox(*secrets, table="authkit_tokens"):
    return Strongbox(Sealer([Secret(text) for text in secrets or (OLD_KEY,)], "vault", Numbers()), table)


class TestOpening:
    def test_what_was_sealed_opens_for_good(self):
        sealer = Sealer([Secret(OLD_KEY)], "vault", Numbers())
        sealed = sealer.seal(b'["canary-access", "canary-refresh"]', "authkit_tokens.sealed:v1:a:b:c")

        assert strongbox().open("v1:a:b:c", sealed) == (Secret("canary-access"), Secret("canary-refresh"))

    @pytest.mark.parametrize("refresh_token", [None, "", "canary-refresh"])
    def test_what_was_sealed_opens_at_its_place(self, refresh_token):
        box = strongbox()
        token = Token(Secret("canary-access"), None if refresh_token is None else Secret(refresh_token))

        opened = box.open("v1:a:b:c", box.seal("v1:a:b:c", token))

        assert opened == (Secret("canary-access"), Secret(refresh_token) if refresh_token else None)

    def test_it_does_not_open_at_another_row_or_in_another_table(self):
        sealed = strongbox().seal("v1:a:b:c", PAIR)

        for box, place in [
            (strongbox(), "v1:a:b:d"),
            (strongbox(), "v1:a:b:"),
            (strongbox(table="authkit_revocations"), "v1:a:b:c"),
            (strongbox(NEW_KEY), "v1:a:b:c"),
        ]:
            with pytest.raises(StoreUnavailable, match=r"its key is not among authkit\.vault_key") as caught:
                box.open(place, sealed)
            assert caught.value.__context__ is None

    def test_it_does_not_open_once_a_character_was_changed(self):
        box = strongbox()
        sealed = box.seal("place", PAIR)

        for place in range(len(sealed)):
            with pytest.raises(StoreUnavailable):
                box.open("place", sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :])
        for damaged in ("", "x", sealed[:-1], sealed + "A", sealed + "=", "€"):
            with pytest.raises(StoreUnavailable):
                box.open("place", damaged)

    def test_a_new_key_seals_and_the_old_ones_still_open(self):
        old, both, new = strongbox(OLD_KEY), strongbox(NEW_KEY, OLD_KEY), strongbox(NEW_KEY)
        place = "v1:a:b:c"

        assert both.open(place, old.seal(place, PAIR)) == new.open(place, both.seal(place, PAIR))
        assert (both.key_id, len(both.key_id)) == (new.key_id, 8)
        assert old.key_id != new.key_id
        with pytest.raises(StoreUnavailable):
            new.open(place, old.seal(place, PAIR))

    def test_the_same_token_is_sealed_differently_each_time(self):
        box = strongbox()

        assert box.seal("place", PAIR) != box.seal("place", PAIR)


class TestTheKeysOfAnApp:
    def test_the_vault_key_is_another_than_the_secret(self, database):
        world = VaultWorld(database, settings={"authkit.vault_key": OLD_KEY})

        assert Vault(world.kit, database).access_token(ADA).reveal() == "canary-access-token"
        sealed = world.row()["sealed"]
        strongbox(OLD_KEY).open(ADA.key, sealed)
        with pytest.raises(StoreUnavailable):
            strongbox(SECRET).open(ADA.key, sealed)

    def test_without_one_the_secret_seals(self, database):
        world = VaultWorld(database)

        strongbox(SECRET).open(ADA.key, world.row()["sealed"])

    def test_a_key_that_is_lost_is_a_clear_error_and_nothing_is_asked_or_changed(self, database):
        world = VaultWorld(database, settings={"authkit.vault_key": OLD_KEY})
        lost = world.server(**{"authkit.vault_key": NEW_KEY})
        before = world.row()
        world.clock.now += LIFETIME

        for ask in (lost.access_token, lost.token, lost.refresh):
            with pytest.raises(StoreUnavailable, match=r"its key is not among authkit\.vault_key"):
                ask(ADA)

        assert (world.asked, world.row()) == (0, before)
        rotated = world.server(**{"authkit.vault_key": f"{NEW_KEY} {OLD_KEY}"})
        assert rotated.access_token(ADA).reveal() == "canary-access-1"
        assert lost.access_token(ADA).reveal() == "canary-access-1"


def spellings(canary):
    """Return the ways in which a token may hide: as it is, as base64 at any offset, as hex."""
    raw = canary.encode()
    yield raw
    yield from (raw.hex().encode(), raw.hex().upper().encode())
    for offset, encode in product(range(3), (base64.b64encode, base64.urlsafe_b64encode)):
        # Without the first and the last characters, which depend on the neighbours.
        yield encode(b"\0" * offset + raw)[4 if offset else 0 : -4]


def every_cell(engine):
    with engine.connect() as connection:
        for name in inspect(engine).get_table_names():
            for row in connection.exec_driver_sql(f"SELECT * FROM {name}"):
                yield repr(tuple(row)).encode()


def raw_copies(database):
    """Yield what somebody who steals the database has: its files, or a dump, and every cell as text."""
    yield from every_cell(database.engine)
    url = database.engine.url
    if url.get_backend_name() == "sqlite":
        files = sorted(Path(url.database).parent.glob(Path(url.database).name + "*"))
        assert [file.name.removeprefix(Path(url.database).name) for file in files] == ["", "-shm", "-wal"]
        yield from (file.read_bytes() for file in files)
        return
    program = {"postgresql": "pg_dump", "mysql": "mariadb-dump", "mariadb": "mariadb-dump"}[url.get_backend_name()]
    server = [
        f"--host={url.host}",
        f"--port={url.port}",
        f"--{'username' if program == 'pg_dump' else 'user'}={url.username}",
    ]
    try:
        yield subprocess.run([program, *server, url.database], check=True, capture_output=True, timeout=60).stdout
    except FileNotFoundError:
        return


class TestLeaks:
    """LEK-08: the database, its log files and ours."""

    @pytest.fixture
    def chatty(self, caplog):
        """Let everybody log all they can, SQLAlchemy's echo included."""
        loggers = [logging.getLogger(name) for name in ("", "sqlalchemy.engine", "sqlalchemy.pool", "authkit")]
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.DEBUG)
        yield caplog
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)

    def test_lek_08_no_token_is_found_after_logins_refreshes_and_revocations(self, database, chatty):
        database = Database.open(database.engine.url.render_as_string(hide_password=False))
        world = VaultWorld(database)
        world.network.replies["revoke"] = (503, b"")
        canaries = {"canary-access-token", "canary-refresh-token", "canary-client-secret"}
        for number in range(1, 4):
            world.clock.now += LIFETIME
            world.vault.access_token(ADA)
            canaries |= {f"canary-access-{number}", f"canary-refresh-{number}"}
        world.accounts.sign_in(world.login("gone", token=world.token("canary-access-gone")))
        world.accounts.delete(world.accounts.of(world.login("gone").identity).id)
        canaries.add("canary-access-gone")
        with database.engine.connect() as connection:
            assert len(connection.execute(select(tokens)).all()) == 1
        assert len(world.waiting()) == 1

        stolen = list(raw_copies(database))
        logged = chatty.text.encode() + b"".join(repr(record.args).encode() for record in chatty.records)
        database.close()

        assert any(b"authkit_tokens" in part or b"acme-client" in part for part in stolen)
        assert b"UPDATE authkit_tokens" in logged
        found = [
            (canary, spelled)
            for canary in canaries
            for spelled in spellings(canary)
            if any(spelled in part for part in stolen) or spelled in logged
        ]
        assert found == []

    def test_the_search_would_find_one(self):
        for canary in ("canary-access-token", "canary-refresh-1"):
            for text in (
                canary.encode(),
                base64.b64encode(b"x" + canary.encode() + b"yz"),
                canary.encode().hex().encode(),
            ):
                assert any(spelled in text for spelled in spellings(canary))

    def test_no_object_shows_a_token(self, database):
        world = VaultWorld(database)

        shown = repr([world.kept(), world.vault.token(ADA), world.vault.access_token(ADA)])

        assert "canary" not in shown
