"""The export: everything that is kept of a person, and nobody else's."""

from __future__ import annotations

import json

import pytest
from account_world import AccountWorld

from authkit import Identity
from authkit.accounts.audit import digest

ADA = Identity("acme", "acme-client", "user-1")
SECOND = Identity("acme", "acme-client", "user-2")
NOW, IN_AN_HOUR, TOMORROW = "2027-01-15T08:00:00+00:00", "2027-01-15T09:00:00+00:00", "2027-01-16T08:00:00+00:00"


@pytest.fixture
def world(database) -> AccountWorld:
    """Give the accounts of an app."""
    return AccountWorld(database)


def test_an_export_has_everything_that_is_kept_of_a_person(world):
    ada = world.accounts.sign_in(
        world.login(username="ada", email="ada@x.example", email_verified=True, union_id="union-1")
    ).account.id
    world.accounts.sign_in(world.login("somebody-else"))

    exported = world.accounts.export(ada)

    number = exported["identities"][0]["id"]
    assert exported == {
        "account": {
            "id": ada,
            "display_name": "Ada",
            "created_at": NOW,
            "last_login_at": NOW,
            "disabled_at": None,
        },
        "identities": [
            {
                "id": number,
                "account_id": ada,
                "authority": "acme",
                "client": "acme-client",
                "subject": "user-1",
                "union_id": "union-1",
                "registration": "acme",
                "display_name": "Ada",
                "username": "ada",
                "avatar_url": None,
                "email": "ada@x.example",
                "email_verified": True,
                "created_at": NOW,
                "last_login_at": NOW,
            }
        ],
        "tokens": [
            {
                "identity_id": number,
                "registration": "acme",
                "scope": "profile",
                "obtained_at": NOW,
                "expires_at": IN_AN_HOUR,
                "refresh_expires_at": TOMORROW,
                "ends_at": TOMORROW,
                "closed_at": None,
                "closed_because": None,
                "failures": 0,
                "retry_at": None,
            }
        ],
        "revocations": [],
        "sessions": [],
        "audit": [
            {
                "id": exported["audit"][0]["id"],
                "at": NOW,
                "event": "created",
                "account_id": ada,
                "identity": digest(ADA),
                "registration": "acme",
                "reason": None,
                "reference": "0123456789abcdef",
            }
        ],
    }


def test_an_export_is_json_and_holds_no_token_and_no_sealed_text(world):
    ada = world.accounts.sign_in(world.login()).account.id
    world.accounts.link(ada, world.login("user-2"))
    for identity in (SECOND, Identity("acme", "acme-client", "somebody-else")):
        world.database.write(
            lambda executor, one=identity: world.revocations.add(executor, one, "acme", world.token())
        )

    exported = world.accounts.export(ada)
    text = json.dumps(exported)

    assert json.loads(text) == exported
    assert [len(exported[part]) for part in ("identities", "tokens", "revocations")] == [2, 2, 1]
    assert set(exported["revocations"][0]) == {"id", "registration", "identity", "created_at", "tries", "retry_at"}
    assert [word for word in ("canary", "sealed", "lease", "fence") if word in text] == []


def test_an_export_has_what_happened_to_a_person_s_tokens_and_to_identities_that_are_gone(world):
    ada = world.accounts.sign_in(world.login()).account.id
    world.accounts.link(ada, world.login("user-2"))
    world.accounts.unlink(ada, SECOND)
    world.vault.refresh(ADA)
    world.accounts.sign_in(world.login("somebody-else"))

    exported = world.accounts.export(ada)

    assert [line["event"] for line in exported["audit"]] == ["created", "linked", "unlinked", "refreshed"]


def test_an_export_says_nothing_of_another_person_who_had_the_identity_before_or_has_it_now(world):
    ada = world.accounts.sign_in(world.login()).account.id
    world.accounts.link(ada, world.login("user-2"))
    bob = world.accounts.sign_in(world.login("bob")).account.id
    world.accounts.unlink(ada, SECOND)
    world.accounts.link(bob, world.login("user-2", email="bob@x.example"))

    of_ada, of_bob = (json.dumps(world.accounts.export(account_id)) for account_id in (ada, bob))

    assert (bob in of_ada, "bob@x.example" in of_ada) == (False, False)
    assert ada not in of_bob


def test_there_is_nothing_to_export_of_nobody_and_of_who_is_gone(world):
    ada = world.accounts.sign_in(world.login()).account.id
    world.accounts.delete(ada)

    assert world.accounts.export(ada) is None
    assert world.accounts.export("nobody") is None
