"""Resealing with the newest key."""

from __future__ import annotations

import hashlib
import logging
import threading

import pytest
from bulk_world import DAY, DOWN, GONE, BulkWorld, now_of

from authkit.accounts import Database
from authkit.accounts.bulk import BulkRefresh
from authkit.accounts.duetokens import End, Window
from authkit.accounts.pace import Pace
from authkit.accounts.resealing import Resealing
from authkit.accounts.schema import revocations, tokens
from authkit.errors import StoreUnavailable

OLD, NEW = "the-old-key-of-the-vault-of-this-app", "the-new-key-of-the-vault-of-this-app"


class Meddled(Database):
    """A database in which something else happens after each read that finds something."""

    def __init__(self, engine, meddle):
        super().__init__(engine)
        self._meddle = meddle

    def read(self, work):
        result = super().read(work)
        if result:
            self._meddle()
        return result


def resealing(world, **options):
    return Resealing(world.kit, world.database, **options)


def leave(world, identity):
    """Unlink somebody while the provider cannot be told."""
    world.network.replies["revoke"] = DOWN
    world.accounts.unlink(world.accounts.of(identity).id, identity, even_last=True)
    world.network.replies["revoke"] = {}


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_afterwards_everything_opens_without_the_old_key(database, batch):
    before = BulkWorld(database, vault_key=OLD)
    people = [before.add(f"p-{number}") for number in range(3)]
    leave(before, before.add("leaving"))
    leave(before, before.add("leaving-too"))
    both = BulkWorld(database, vault_key=f"{NEW} {OLD}")

    assert resealing(both).count() == 5
    assert list(resealing(both, batch=batch).run()) == [True] * 5
    assert (resealing(both).count(), list(resealing(both).run())) == (0, [])

    after = BulkWorld(database, vault_key=NEW)
    assert [after.vault.access_token(who).reveal() for who in people] == [f"access-of-p-{n}" for n in range(3)]
    after.clock.now += 3600
    assert [after.revocations.attempt(pending) for pending in after.revocations.due()] == [True, True]
    assert [sent.form["token"] for sent in after.network.to("revoke")] == ["leaving", "leaving-too"]
    with pytest.raises(StoreUnavailable):
        before.vault.access_token(people[0])


def test_what_has_no_token_any_more_is_not_looked_at(database):
    before = BulkWorld(database, vault_key=OLD)
    before.add("gone")
    before.provider.failing["acme-client"] = GONE
    list(refresh(before))
    (row,) = before.rows(tokens)

    after = BulkWorld(database, vault_key=NEW)
    assert row["sealed_with"] == ""
    assert (resealing(after).count(), list(resealing(after).run())) == (0, [])


def refresh(world, **options):
    run = BulkRefresh(world.kit, world.database, pace=Pace(1e9), **options)
    return run.run(Window(End.REFRESH, now_of(world), now_of(world) + 7 * DAY))


def test_what_does_not_open_stays_as_it_is_and_is_logged_by_its_digest(database, caplog):
    lost = BulkWorld(database, vault_key="a-key-that-nobody-has-any-more-at-all")
    identity = lost.add("lost")
    leave(lost, lost.add("leaving"))
    BulkWorld(database, vault_key=OLD).add("fine")
    kept = (lost.rows(tokens)[0], *lost.rows(revocations))

    world = BulkWorld(database, vault_key=f"{NEW} {OLD}")
    with caplog.at_level(logging.WARNING):
        assert sorted(resealing(world).run()) == [False, False, True]

    assert resealing(world).count() == 2
    assert (world.rows(tokens)[0], *world.rows(revocations)) == kept
    digest = hashlib.sha256(identity.key.encode()).hexdigest()
    assert [record.getMessage() for record in caplog.records] == [
        f"a stored token does not open: identity={digest} registration=acme sealed_with={kept[0]['sealed_with']}",
        f"a stored revocation does not open: identity={kept[1]['identity']} registration=acme "
        f"sealed_with={kept[1]['sealed_with']}",
    ]


def test_a_token_that_is_replaced_or_goes_after_it_was_listed_loses_nothing(database):
    before = BulkWorld(database, vault_key=OLD)
    renewed, leaving = before.add("renewed"), before.add("leaving")
    todo = [lambda: before.vault.refresh(renewed), lambda: leave(before, leaving)]

    def meddle():
        while todo:
            todo.pop()()

    both = BulkWorld(database, vault_key=f"{NEW} {OLD}")
    assert list(Resealing(both.kit, Meddled(database.engine, meddle)).run()) == [True, True, True]

    after = BulkWorld(database, vault_key=NEW)
    assert after.vault.access_token(renewed) == "access-of-renewed~1"
    assert resealing(after).count() == 0


def test_a_revocation_that_is_done_after_it_was_listed_does_not_matter(database):
    before = BulkWorld(database, vault_key=OLD)
    leave(before, before.add("leaving"))

    def meddle():
        before.clock.now += 3600
        for pending in before.revocations.due():
            before.revocations.attempt(pending)

    both = BulkWorld(database, vault_key=f"{NEW} {OLD}")
    assert list(Resealing(both.kit, Meddled(database.engine, meddle)).run()) == [True]
    assert before.rows(revocations) == []


@pytest.mark.slow
def test_resealing_beside_refreshes_loses_no_token(database):
    before = BulkWorld(database, vault_key=OLD)
    people = {f"p-{number}": before.add(f"p-{number}") for number in range(30)}
    both = BulkWorld(database, vault_key=f"{NEW} {OLD}")
    both.network.replies["token"] = before.provider
    # One server has not heard of the new key yet.
    threads = [
        threading.Thread(target=lambda: list(refresh(before, workers=2))),
        threading.Thread(target=lambda: list(resealing(both, batch=5).run())),
        threading.Thread(target=lambda: list(refresh(both, workers=2))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert list(resealing(both).run()).count(False) == 0
    after = BulkWorld(database, vault_key=NEW)
    assert {name: after.vault.access_token(who).reveal() for name, who in people.items()} == before.provider.issued
    assert sorted(before.provider.used) == sorted(people)
