"""Many visitors at an app at once: nobody is taken for somebody else, and whoever does not finish costs nothing."""

from __future__ import annotations

import gc
import random
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl

import pytest
from account_apps import AccountApp, count
from fakes import TOKEN, answer
from pyramid_apps import call

from authkit import Identity
from authkit.accounts import Vault, metadata

pytest_plugins = ["account_fixtures"]
pytestmark = pytest.mark.pyramid

CROWD = 200


def say_who_it_is(network, most=0.02):
    """Let the provider answer each code with a token of its own, and each token with a user of its own, sometime."""
    dice = random.Random(1)

    def token(request):
        time.sleep(dice.uniform(0, most))
        code = dict(parse_qsl(request.body))["code"]
        return answer(request, 200, {**TOKEN, "access_token": f"token-of-{code}"})

    def me(request):
        time.sleep(dice.uniform(0, most))
        who = request.headers["Authorization"].removeprefix("Bearer token-of-")
        return answer(request, 200, {"id": who, "name": who.upper()})

    network.replies |= {"token": token, "me": me}


@pytest.mark.slow
@pytest.mark.unmeasured
def test_con_05_two_hundred_people_who_sign_in_at_once_are_not_mixed_up(new_app, database):
    app = new_app()
    say_who_it_is(app.world.network)
    vault = Vault(app.world.kit, database)

    def visit(who):
        browser = app.world.browser()
        browser.get(app.world.callback(app.world.start(browser), code=who), status=303)
        account = app.accounts.get(app.world.me(browser))
        [linked] = app.accounts.identities(account.id)
        token = vault.access_token(Identity("acme", "acme-client", who))
        return linked.identity.subject, account.display_name, token

    people = [f"user-{number}" for number in range(CROWD)]
    with ThreadPoolExecutor(20) as pool:
        seen = list(pool.map(visit, people))

    assert seen == [(who, who.upper(), f"token-of-{who}") for who in people]


def everything(database):
    """Return how many rows there are in all tables."""
    return {table.name: count(database, table) for table in metadata.sorted_tables}


@pytest.mark.slow
@pytest.mark.unmeasured
def test_inp_04_ten_thousand_logins_that_nobody_finishes_are_not_kept(new_world, sqlite):
    app = AccountApp(new_world, sqlite)
    app.world.caplog.set_level("WARNING")  # what is logged is kept, by the test

    def start(number):
        return call(app.world.app, "/auth/acme", REMOTE_ADDR=f"10.0.{number % 1000 // 250}.{number % 250}").status

    def objects():
        app.world.random.given.clear()
        gc.collect()
        return len(gc.get_objects())

    assert {start(0) for _ in range(1_000)} == {302}
    before = objects()
    assert {start(0) for _ in range(4_500)} == {302}
    assert {start(number) for number in range(4_500)} == {302}

    assert objects() - before < 200
    assert set(everything(sqlite).values()) == {0}
