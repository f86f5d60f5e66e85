"""Attempts to get into somebody else's account, each by its row, at an app with accounts."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import pytest
from account_apps import ADA, AccountApp, count, key_of
from fakes import acme
from pyramid_apps import OTHER_SETTINGS, other
from sqlalchemy import select

from authkit import Profile
from authkit.accounts.schema import accounts, identities

pytest_plugins = ["account_fixtures"]
pytestmark = pytest.mark.pyramid

VICTIM = "v@x.com"


def read_person(data):
    """Return all that a profile can have, as the provider says it."""
    names = ("display_name", "username", "email", "email_verified")
    return Profile(data["id"], **{name: data[name] for name in names if name in data})


PROVIDERS = tuple(replace(provider, profile=read_person) for provider in (acme, other))


class People(AccountApp):
    """An app where anybody can come by two providers, with whatever profile."""

    def __init__(self, new_world, database):
        super().__init__(new_world, database, providers=PROVIDERS, settings=OTHER_SETTINGS)

    def comes(self, subject, name="acme", query=None, **profile):
        """Let somebody sign in in a browser of their own, and return who that is to the app."""
        browser = self.world.browser()
        self.world.network.replies["me"] = {"id": subject, "name": subject, **profile}
        state = self.world.start(browser, name)
        browser.get(self.world.callback(state, name, **(query or {})), status=303)
        return self.world.me(browser)

    def linked(self, account_id):
        """Return the subjects and addresses of an account."""
        return [(one.identity.subject, one.email, one.email_verified) for one in self.accounts.identities(account_id)]


@pytest.fixture
def people(new_world, sqlite):
    """Give an app where anybody can come, on SQLite."""
    return People(new_world, sqlite)


@pytest.fixture
def people_everywhere(new_world, database):
    """Give the same on each of the three databases."""
    return People(new_world, database)


@pytest.mark.parametrize(
    ("profile", "query"),
    [
        ({"email": VICTIM, "email_verified": False}, {}),
        ({"email": VICTIM}, {}),
        ({}, {"email": VICTIM, "email_verified": "true"}),
    ],
    ids=["false", "absent", "in the callback only"],
)
def test_acc_01_an_address_that_nobody_verified_joins_nobody(people, profile, query):
    victim = people.comes("victim", email=VICTIM, email_verified=True)

    attacker = people.comes("attacker", "other", query, **profile)

    assert attacker not in (victim, "anonymous")
    assert people.linked(victim) == [("victim", VICTIM, True)]
    assert people.linked(attacker) == [("attacker", profile.get("email"), False)]


@pytest.mark.parametrize("is_verified", [False, True])
def test_acc_02_an_account_made_in_advance_with_the_victims_address_is_not_the_victims(people, is_verified):
    attacker = people.comes("attacker", "other", email=VICTIM, email_verified=is_verified)

    victim = people.comes("victim", email=VICTIM, email_verified=True)

    assert victim not in (attacker, "anonymous")
    assert people.linked(attacker) == [("attacker", VICTIM, is_verified)]
    assert people.comes("victim", email=VICTIM, email_verified=True) == victim


@pytest.mark.parametrize("said", ["true", "false", 1, 0, None, [], "0", {}, 1.0])
def test_acc_03_only_true_is_verified(people, said):
    known = people.comes("user", email=VICTIM, email_verified=said)

    assert people.linked(known) == [("user", VICTIM, False)]
    assert people.linked(people.comes("user", email=VICTIM, email_verified=True)) == [("user", VICTIM, True)]


@pytest.mark.parametrize(
    "subjects", [("AbC", "abc"), ("a", "a\u0301"), ("e", "é"), ("ss", "ß"), ("1", "01"), ("\u212a", "k")]
)
def test_acc_04_ids_that_look_alike_are_two_people(people_everywhere, subjects):
    one, two = (people_everywhere.comes(subject) for subject in subjects)

    assert one != two
    assert [people_everywhere.comes(subject) for subject in subjects] == [one, two]


def test_acc_06_one_id_at_two_providers_is_two_people(people):
    ours, theirs = people.comes("123"), people.comes("123", "other")

    assert ours != theirs
    assert people.keys(ours) == [key_of(("123", ""))]
    assert people.keys(theirs) == [key_of(("123", ""), "other")]


def test_acc_08_who_takes_over_a_name_takes_over_nothing_else(people):
    first = people.comes("a", username="ada", display_name="Ada")
    assert people.comes("a", username="countess", display_name="Countess") == first

    assert people.comes("b", username="ada", display_name="Ada") != first


def test_acc_09_a_made_up_address_that_was_taken_in_advance_is_nobody_elses(people):
    attacker = people.comes("attacker", "other", email="acme-victim@acme.invalid", email_verified=True)

    victim = people.comes("victim")

    assert victim not in (attacker, "anonymous")
    assert people.linked(victim) == [("victim", None, False)]


@pytest.mark.parametrize(
    "address",
    [
        "victim\uff20x.com",
        "VICTIM@X.COM",
        "victim@x.com@evil.example",
        '"victim@x.com"@evil.example',
        "victim@x.com\n",
        "victim@x.com\0",
        "v\u0131ctim@x.com",
    ],
    ids=quote,
)
def test_acc_11_an_address_that_looks_like_the_victims_joins_nobody(people, address):
    victim = people.comes("victim", email="victim@x.com", email_verified=True)

    attacker = people.comes("attacker", "other", email=address, email_verified=True)

    assert attacker not in (victim, "anonymous")
    assert people.linked(victim) == [("victim", "victim@x.com", True)]
    assert people.linked(attacker)[0][1] != "victim@x.com"


def test_acc_18_members_that_are_named_like_columns_are_not_stored(people):
    victim = people.comes("victim")
    assigned = {"is_admin": True, "role": "admin", "password": "x", "user_id": victim, "account_id": victim}

    attacker = people.comes("attacker", **assigned, disabled_at=None, __class__="x", created_at="x")

    assert attacker not in (victim, "anonymous", "x")
    assert people.keys(victim) == [key_of(("victim", ""))]
    with people.database.engine.connect() as connection:
        rows = [dict(row._mapping) for table in (accounts, identities) for row in connection.execute(select(table))]
    assert "admin" not in str(rows)


def test_a_person_who_comes_again_is_the_same(people):
    assert people.comes(ADA[0]) == people.comes(ADA[0])
    assert count(people.database, accounts) == 1
