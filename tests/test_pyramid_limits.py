"""Limits: the app's own function says how often somebody may ask, before anything is done for them."""

from __future__ import annotations

import gc
import logging
import tracemalloc
from pathlib import Path

import pytest
from account_apps import AccountApp
from fakes import state_of
from native_apps import PhoneApp
from native_world import VERIFIER
from pyramid.exceptions import ConfigurationConflictError
from pyramid.httpexceptions import HTTPFound, HTTPTooManyRequests
from pyramid_apps import CODE, call, cookies_set, named

import authkit
from authkit.errors import AccountDenied

pytest_plugins = ["account_fixtures"]

OURS = f"{Path(authkit.__file__).parent}/*"
"""What is allocated on the way through authkit; a test that ran before may have left threads that work on."""
pytestmark = pytest.mark.pyramid


def limited_by(limiter):
    """Return a part of an app that sets its limiter."""

    def include(config):
        config.set_authkit_limiter(limiter)

    return named(include)


class Gate:
    """A limiter that has no room while it is shut, and remembers what it was asked."""

    def __init__(self, wait=None):
        self.wait = wait
        self.asked = []

    def __call__(self, request, kind):
        self.asked.append((kind, request.matchdict.get("registration")))
        return self.wait


def test_a_whole_login_asks_the_limiter_twice(new_world):
    gate = Gate()
    world = new_world(limited_by(gate))
    world.log_in(world.browser())

    assert gate.asked == [("start", "acme"), ("callback", "acme")]


def test_a_start_without_room_is_refused_with_the_seconds_and_sets_no_cookie(new_world):
    world = new_world(limited_by(Gate(7)))

    answer = world.refused_raw("rate_limited", "/auth/acme")
    as_json = world.refused_raw("rate_limited", "/auth/acme", HTTP_ACCEPT="application/json")

    assert (answer.get("Retry-After"), answer.all("Set-Cookie")) == ("7", [])
    assert (as_json.get("Content-Type"), as_json.get("Retry-After")) == ("application/json", "7")
    assert "the limiter has no room for it" in world.audit[-1]


def test_a_callback_without_room_uses_nothing_up_and_counts_once_there_is_room(new_world):
    gate = Gate()
    world = new_world(limited_by(gate))
    browser = world.browser()
    callback = world.callback(world.start(browser))
    gate.wait = 1
    world.refused(browser, callback, "rate_limited")
    gate.wait = None
    browser.get(callback, status=303)

    assert world.exchanges == 1


@pytest.mark.parametrize(
    ("method", "path", "environ"),
    [
        ("HEAD", "/auth/acme", {}),
        ("POST", "/auth/acme", {}),
        ("OPTIONS", "/auth/acme/connect", {}),
        ("GET", "/auth/acme/connect", {}),
        ("GET", "/auth/acme/webhook", {}),
        ("GET", "/auth/acme", {"HTTP_SEC_FETCH_MODE": "no-cors"}),
        ("GET", "/auth/acme/native", {"HTTP_SEC_FETCH_DEST": "image"}),
        ("GET", "/auth/", {}),
        ("GET", "/auth/accounts", {}),
        ("GET", "/auth/jwks.json", {}),
        ("POST", "/auth/logout", {}),
        ("POST", "/auth/acme/link", {}),
    ],
)
def test_what_is_refused_without_it_or_costs_next_to_nothing_does_not_ask_the_limiter(
    new_world, sqlite, method, path, environ
):
    gate = Gate(1)
    app = PhoneApp(new_world, sqlite, limited_by(gate))
    answer = call(app.world.app, path, method=method, **environ)

    assert (gate.asked, answer.status == 429) == ([], False)


@pytest.mark.parametrize(
    ("kind", "path", "method"),
    [
        ("start", "/acme/native", "GET"),
        ("callback", "/acme/native/callback", "GET"),
        ("connect", "/acme/connect", "POST"),
        ("refresh", "/native/refresh", "POST"),
        ("webhook", "/acme/webhook", "POST"),
    ],
)
def test_native_apps_and_webhooks_are_limited_before_what_they_sent_is_read(new_world, sqlite, kind, path, method):
    gate = Gate(5)
    app = PhoneApp(new_world, sqlite, limited_by(gate))
    answer = app.ask(method, path, b"no JSON", kind="text/plain")

    assert [asked for asked, _ in gate.asked] == [kind]
    assert (answer.status, answer.get("Retry-After")) == (429, "5")
    assert "outcome=failure code=rate_limited " in app.world.audit[-1]


def test_a_native_app_reads_that_there_is_no_room_and_its_ticket_is_still_good(new_world, sqlite):
    gate = Gate()
    app = PhoneApp(new_world, sqlite, limited_by(gate))
    sent = {"ticket": app.ticket(), "verifier": VERIFIER}
    gate.wait = 3
    refused = app.post("/acme/connect", sent, status=429)
    gate.wait = None

    assert refused.json["error"]["name"] == "RateLimitError"
    assert refused.headers["Retry-After"] == "3"
    assert "jwt" in app.post("/acme/connect", sent).json


def test_a_link_is_a_start_of_whoever_is_signed_in(new_world, sqlite):
    gate = Gate()
    app = AccountApp(new_world, sqlite, limited_by(gate))
    browser = app.signed_in()
    token = app.token(browser)
    gate.wait = 2
    app.refused(browser, "/auth/other/link", "rate_limited", fields={"csrf_token": token})

    assert gate.asked[-1] == ("start", "other")


# What a limiter may answer.


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [(1, "1"), (0, "1"), (-3, "1"), (0.2, "1"), (59.01, "60"), (1e9, "86400"), (float("inf"), "86400")],
)
def test_the_seconds_to_wait_are_whole_and_within_bounds(new_world, wait, seconds):
    world = new_world(limited_by(Gate(wait)))
    assert world.refused_raw("rate_limited", "/auth/acme").get("Retry-After") == seconds


@pytest.mark.parametrize("wrong", [True, False, "5", float("nan"), object()], ids=lambda wrong: type(wrong).__name__)
def test_an_answer_that_is_none_lets_the_request_go_on_and_is_logged(new_world, wrong):
    world = new_world(limited_by(Gate(wrong)))

    assert call(world.app, "/auth/acme").status == 302
    assert said(world) == [
        f"the limiter returned {type(wrong).__name__!r}, neither None nor seconds, so the request goes on"
    ]


def said(world):
    """Return what was logged as an error."""
    return [record.getMessage() for record in world.caplog.records if record.levelno == logging.ERROR]


def test_a_limiter_that_fails_lets_the_request_go_on_and_the_log_has_no_secret(new_world):
    def fail(request, kind):
        raise ConnectionError(request.url)

    world = new_world(limited_by(fail))
    browser = world.browser()
    finished = world.log_in(browser)

    assert finished.status_int == 303
    assert [line.partition(":")[0] for line in said(world)] == [
        "the limiter raised ConnectionError at test_pyramid_limits.py"
    ] * 2
    world.assert_no_canary(call(world.app, "/me"))


def raising(error):
    """Return a limiter that raises `error`."""

    def limiter(request, kind):
        raise error

    return limiter


@pytest.mark.parametrize("error", [HTTPTooManyRequests(), HTTPFound("/captcha")], ids=["429", "302"])
def test_an_http_error_of_the_limiter_is_a_refusal(new_world, error):
    world = new_world(limited_by(raising(error)))
    world.refused_raw("rate_limited", "/auth/acme")

    assert f"the limiter answered HTTP {error.status_code}" in world.audit[-1]


def test_an_error_of_ours_that_the_limiter_raises_is_answered_as_such(new_world):
    world = new_world(limited_by(raising(AccountDenied("not from there"))))
    world.refused_raw("account_denied", "/auth/acme")


def no_room(request, kind):
    return 60


def test_the_limiter_may_be_a_dotted_name(new_world):
    world = new_world(limited_by(f"{__name__}.no_room"))
    world.refused_raw("rate_limited", "/auth/acme")


def test_an_app_without_a_limiter_has_nothing_to_say_of_one(world):
    world.log_in(world.browser())

    assert said(world) == []


def test_two_limiters_are_a_conflict(new_world):
    with pytest.raises(ConfigurationConflictError):
        new_world(limited_by(no_room), limited_by(Gate()))


# The example, in a flood.


@pytest.fixture
def limited(monkeypatch):
    """Give the example, as an app includes it."""
    import importlib
    from pathlib import Path

    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "examples")
    return importlib.import_module("limited")


def start(world, address, **environ):
    """Ask for a start from an address, and return the status."""
    return call(world.app, "/auth/acme", REMOTE_ADDR=address, **environ).status


@pytest.mark.slow
@pytest.mark.unmeasured
def test_inp_04_a_flood_from_one_address_is_refused_and_everybody_else_gets_in(new_world, limited):
    world = new_world(limited.includeme)
    world.caplog.set_level(logging.CRITICAL)  # what is logged is kept, by the test

    flood = [start(world, "203.0.113.9", HTTP_X_FORWARDED_FOR=f"10.0.0.{number % 250}") for number in range(10_000)]

    assert 30 <= flood.count(302) <= 300  # a minute may end meanwhile, even some
    assert flood.count(302) + flood.count(429) == 10_000
    assert flood[:31] == [302] * 30 + [429]
    assert start(world, "203.0.113.10") == 302
    finish(world, "203.0.113.10")


def finish(world, address):
    """Sign in from an address, through the whole login."""
    begun = call(world.app, "/auth/acme", REMOTE_ADDR=address)
    [(name, cookie)] = cookies_set(begun).items()
    query = f"code={CODE}&state={state_of(begun.get('Location'))}"
    done = call(world.app, "/auth/acme/callback", query, HTTP_COOKIE=f"{name}={cookie['value']}", REMOTE_ADDR=address)
    assert done.status == 303


@pytest.mark.slow
@pytest.mark.unmeasured
def test_inp_04_a_flood_from_a_thousand_addresses_costs_no_memory_of_ours(new_world, sqlite):
    app = AccountApp(new_world, sqlite)
    app.world.caplog.set_level(logging.CRITICAL)

    def flood(times):
        for number in range(times):
            start(app.world, f"10.0.{number % 1000 // 250}.{number % 250}")
        app.world.random.given.clear()
        gc.collect()

    def kept():
        ours = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, OURS, all_frames=True)])
        return sum(trace.size for trace in ours.traces)

    flood(300)
    tracemalloc.start(12)
    try:
        flood(300)
        before = kept()
        flood(1_000)
        after = kept()
    finally:
        tracemalloc.stop()

    assert after - before < 50_000


@pytest.mark.parametrize(
    ("one", "another", "are_one"),
    [
        ("198.51.100.1", "198.51.100.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:198.51.100.1", "198.51.100.1", True),
        ("::ffff:198.51.100.1", "::ffff:198.51.100.2", False),
    ],
)
def test_the_example_counts_by_what_one_visitor_has(limited, one, another, are_one):
    assert (limited.network_of(one) == limited.network_of(another)) is are_one


def test_the_example_says_how_long_to_wait_and_lets_callbacks_and_deliveries_through(limited):
    class Request:
        remote_addr = "198.51.100.1"

    limit = limited.new_limiter()
    connects = [limit(Request, "connect") for _ in range(31)]

    assert connects[:30] == [None] * 30
    assert 0 <= connects[30] <= 61
    assert {limit(Request, kind) for kind in ("callback", "webhook") for _ in range(100)} == {None}
    assert limit(Request, "refresh") is None
