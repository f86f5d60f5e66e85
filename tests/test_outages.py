"""A provider that is down: what is refused, what is still asked, and what a login costs meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
import requests
from fakes import SETTINGS, TOKEN, Browser, Clock, Network, acme, answer, callback, make_kit, plugins_with
from faulty_server import FaultyServer, Peer
from requests import PreparedRequest, Response

from authkit import AuthKit, Profile, Secret, Token
from authkit.breaker import FAILURES, MAX_WAITING, PAUSE, SILENCE, Breaker
from authkit.errors import AuthkitError, ProviderRejected, ProviderUnavailable, StateInvalid
from authkit.oidc import OpenIDProvider
from authkit.settings import connected

OTHER = {"authkit.other.client_id": "other-client", "authkit.other.client_secret": "other-secret"}
other = replace(acme, name="other", title="Other", token_url="https://other.example/other-token")


def late(clock: Clock, status: int = 0) -> Callable[[PreparedRequest], Response]:
    """Return a provider that answers after a second: with a status, or never."""

    def reply(request: PreparedRequest) -> Response:
        clock.now += 1
        if not status:
            raise requests.ReadTimeout
        return answer(request, status, {})

    return reply


@pytest.fixture
def kit(network: Network, clock: Clock) -> AuthKit:
    """Give a kit with two registrations whose breakers go by the clock of the test."""
    kit = make_kit(network, OTHER, plugins=plugins_with(acme, other), clock=clock)
    return replace(kit, breakers={name: Breaker(name, timer=clock) for name in kit.breakers})


def bring_down(kit: AuthKit, network: Network, clock: Clock) -> None:
    """Have as many logins wait in vain as it takes."""
    network.replies["token"] = late(clock)
    for _ in range(FAILURES):
        with pytest.raises(ProviderUnavailable):
            Browser().sign_in(kit)
    network.sent.clear()


def refused(call: Callable[[], object]) -> AuthkitError:
    with pytest.raises(ProviderUnavailable) as caught:
        call()
    return caught.value


def test_whatever_would_ask_the_provider_is_refused_at_once(kit: AuthKit, network: Network, clock: Clock) -> None:
    token = Token(Secret("a"), refresh_token=Secret("r"))
    bring_down(kit, network, clock)

    errors = [
        refused(lambda: kit.begin("acme")),
        refused(lambda: kit.login_with("acme", Secret("a"))),
        refused(lambda: kit.exchange("acme", "c", Secret("v"), "https://app.example/x")),
        refused(lambda: kit.refresh("acme", token)),
        refused(lambda: kit.revoke("acme", token)),
        refused(lambda: kit.logout_url("acme")),
    ]

    assert {(error.registration, error.retry_after) for error in errors} == {("acme", PAUSE)}
    assert network.sent == []


def test_a_callback_that_is_refused_consumes_its_login(kit: AuthKit, network: Network, clock: Clock) -> None:
    browser, attacker = Browser(), Browser()
    url = browser.start(kit)
    attacker.cookies.update(browser.cookies)
    bring_down(kit, network, clock)

    error = refused(lambda: browser.come_back(kit, callback(url, code="c")))

    assert (error.retry_after, browser.cookies) == (PAUSE, {})
    network.replies["token"] = TOKEN
    clock.now += PAUSE
    with pytest.raises(StateInvalid):
        attacker.come_back(kit, callback(url, code="c"))
    assert network.sent == []
    assert browser.sign_in(kit).identity.subject == "user-1"


def test_another_registration_is_not_concerned(kit: AuthKit, network: Network, clock: Clock) -> None:
    network.replies["other-token"] = TOKEN
    bring_down(kit, network, clock)

    assert Browser().sign_in(kit, "other").identity.subject == "user-1"


def test_after_the_pause_the_first_login_tries_and_opens_the_way(
    kit: AuthKit, network: Network, clock: Clock
) -> None:
    bring_down(kit, network, clock)
    network.replies["token"] = TOKEN
    clock.now += PAUSE

    urls = [Browser().start(kit) for _ in range(5)]

    assert len(urls) == 5  # to begin asks nobody, so that it is no try
    assert [Browser().sign_in(kit).identity.subject for _ in range(5)] == ["user-1"] * 5


def test_errors_that_come_late_count_as_well(kit: AuthKit, network: Network, clock: Clock) -> None:
    network.replies["token"] = late(clock, 504)
    for _ in range(FAILURES):
        refused(lambda: Browser().sign_in(kit))

    assert refused(lambda: kit.begin("acme")).retry_after == PAUSE


def test_a_provider_that_refuses_a_code_does_answer(kit: AuthKit, network: Network, clock: Clock) -> None:
    for _ in range(FAILURES):
        network.replies["token"] = late(clock)
        refused(lambda: Browser().sign_in(kit))
        network.replies["token"] = (400, {"error": "invalid_grant"})
        with pytest.raises(ProviderRejected):
            Browser().sign_in(kit)

    network.replies["token"] = TOKEN
    assert Browser().sign_in(kit).identity.subject == "user-1"


@pytest.mark.parametrize("reply", [(500, {}), (503, b"<html>"), requests.ConnectionError("refused")])
def test_errors_that_come_at_once_keep_nobody_out(kit: AuthKit, network: Network, reply: Any) -> None:
    network.replies["token"] = reply
    for _ in range(3 * FAILURES):
        refused(lambda: Browser().sign_in(kit))

    network.replies["token"] = TOKEN
    assert Browser().sign_in(kit).identity.subject == "user-1"


def test_what_a_visitor_makes_up_keeps_nobody_out(kit: AuthKit, network: Network) -> None:
    for _ in range(3 * FAILURES):
        browser = Browser()
        query = callback(browser.start(kit), error="temporarily_unavailable")
        refused(lambda browser=browser, query=query: browser.come_back(kit, query))

    assert Browser().sign_in(kit).identity.subject == "user-1"
    assert len(network.sent) == 2


def test_a_plugin_that_asks_in_a_way_of_its_own_is_known_to_answer(
    kit: AuthKit, network: Network, clock: Clock
) -> None:
    bring_down(kit, network, clock)

    class Client:
        def fetch_profile(self, token: Token) -> Profile:
            return Profile("user-2")

    kit = replace(kit, clients={"acme": Client()})  # type: ignore[dict-item]  # all that is asked of it here
    clock.now += PAUSE

    with kit.breakers["acme"].operation():
        refused(lambda: kit.login_with("acme", Secret("a")))
    kit.login_with("acme", Secret("a"))
    with kit.breakers["acme"].operation():
        assert kit.login_with("acme", Secret("a")).identity.subject == "user-2"


def test_another_way_to_the_provider_begins_with_a_clean_record(kit: AuthKit, network: Network, clock: Clock) -> None:
    bring_down(kit, network, clock)

    moved = connected(kit, {"acme": Network()})

    assert Browser().sign_in(moved).identity.subject == "user-1"
    assert moved.breakers["other"] is kit.breakers["other"]
    assert isinstance(moved.breakers, MappingProxyType)


def test_how_many_may_wait_is_a_setting() -> None:
    breaker = make_kit(settings={"authkit.max_waiting": "1"}).breakers["acme"]

    with breaker.operation(), breaker.operation() as second:
        assert second.gives_up_at() <= time.monotonic() + SILENCE


# On real sockets


class Silent:
    """A server that takes every connection, and answers none until it is told to."""

    def __init__(self, **replies: bytes) -> None:
        self.may_answer = threading.Event()
        self.server = FaultyServer(self._handle)
        self.replies = replies

    def _handle(self, peer: Peer) -> None:
        while data := peer.read_request():
            self.may_answer.wait(20)
            reply = self.replies[data.split()[1].decode().rpartition("/")[2]]
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(reply), reply))


TOKEN_REPLY = b'{"access_token": "a", "refresh_token": "r", "scope": "profile"}'
USER_REPLY = b'{"id": "user-1", "name": "Ada"}'


@pytest.fixture
def silent() -> Iterator[Silent]:
    silent = Silent(token=TOKEN_REPLY, me=USER_REPLY, **{"openid-configuration": b"{}"})
    with silent.server:
        yield silent
        silent.may_answer.set()


@pytest.fixture
def wired(silent: Silent) -> AuthKit:
    """Give a kit whose provider is the silent one."""
    origin = f"http://{silent.server.host}"
    own: Mapping[str, str] = {"token_url": f"{origin}/token", "userinfo_url": f"{origin}/me"}
    settings = {**SETTINGS, **{f"authkit.acme.{name}": url for name, url in own.items()}}
    return AuthKit.from_settings(settings, plugins=plugins_with(acme), environ={})


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def gave_up(futures: list[Future[Any]]) -> tuple[float, list[Future[Any]]]:
    """Return how long it took until all but those that wait on gave up, and those that wait."""
    started = time.monotonic()
    pending = set(futures)
    while len(pending) > MAX_WAITING:
        _, pending = wait(pending, 10, "FIRST_COMPLETED")
    return time.monotonic() - started, list(pending)


@pytest.mark.slow
def test_of_those_that_wait_for_a_silent_provider_all_but_two_give_up_within_a_second(
    wired: AuthKit, silent: Silent, pool: ThreadPoolExecutor
) -> None:
    logins = [pool.submit(Browser().sign_in, wired) for _ in range(6)]

    seconds, waiting = gave_up(logins)
    reasons = [str(login.exception()) for login in logins if login not in waiting]
    started = time.monotonic()
    refused(lambda: Browser().sign_in(wired))
    took = time.monotonic() - started
    silent.may_answer.set()

    assert SILENCE - 0.1 < seconds < 3  # the logins began before the clock was looked at
    assert reasons == ["provider_unavailable: the provider does not answer, and enough are waiting for it"] * 4
    assert took < SILENCE - 0.1
    assert [login.result().identity.subject for login in waiting] == ["user-1"] * 2
    assert Browser().sign_in(wired).identity.subject == "user-1"


@pytest.mark.slow
def test_a_refresh_that_was_sent_is_waited_for_whoever_gives_up(
    wired: AuthKit, silent: Silent, pool: ThreadPoolExecutor
) -> None:
    logins = [pool.submit(Browser().sign_in, wired) for _ in range(4)]
    time.sleep(0.2)
    token = Token(Secret("a"), refresh_token=Secret("r"))
    refresh = pool.submit(wired.refresh, "acme", token)

    gave_up(logins)
    time.sleep(0.5)
    is_waiting = not refresh.done()
    silent.may_answer.set()

    assert is_waiting
    assert refresh.result().refresh_token == Secret("r")


@pytest.mark.slow
def test_whoever_waits_for_the_metadata_of_an_issuer_gives_up_as_well(
    silent: Silent, pool: ThreadPoolExecutor
) -> None:
    idp = OpenIDProvider(name="idp", title="IdP", issuer=f"http://{silent.server.host}")
    settings = {f"authkit.idp.{name}": "x" for name in ("client_id", "client_secret")}
    own = {key: text for key, text in SETTINGS.items() if not key.startswith("authkit.acme")}
    kit = AuthKit.from_settings({**own, **settings}, plugins=plugins_with(idp), environ={})

    begun: list[Future[Any]] = [pool.submit(kit.begin, "idp") for _ in range(5)]
    seconds, waiting = gave_up(begun)
    silent.may_answer.set()

    assert SILENCE < seconds < 1.3
    assert len(waiting) == MAX_WAITING
    assert silent.server.accepted == 1
