"""The loopback login: one callback counts, whatever else comes to the port."""

from __future__ import annotations

import inspect
import logging
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import webbrowser
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from fakes import ACCESS_TOKEN, Network, acme, callback, make_kit, plugins_with
from loopback_world import (
    KEY,
    SECRET,
    attempt,
    connect,
    desktop_emulator,
    get,
    is_open,
    port_of,
    query_of,
    read_answer,
    send,
    settings_at,
)

from authkit import AuthKit, Profile, Token
from authkit.emulator import WsgiTransport, serve
from authkit.errors import (
    AccessDenied,
    ConfigError,
    InvalidRequest,
    ProviderUnavailable,
    StateInvalid,
    UnknownProvider,
)
from authkit.models import Secret
from authkit.native.desktop import desktop_kit
from authkit.native.listener import Listener, Visit
from authkit.native.loopback import login
from authkit.pages import SAFE_HEADERS, Pages

CODE = "canary-code"
MOST_CLIENTS = 50
OPEN_FILES = Path("/proc/self/fd")


@pytest.fixture(scope="module")
def tiktok():
    """Give TikTok with a desktop app, on a port of this machine, and a kit for it."""
    emulator = desktop_emulator()
    with serve(emulator, port=0) as server:
        yield emulator, desktop_kit("tiktok", settings_at(emulator, server.origin), environ={})


@dataclass
class Told:
    """What the observers were told."""

    succeeded: list[Any]
    failed: list[Any]


@pytest.fixture
def told():
    return Told([], [])


@pytest.fixture
def kit(told, network, clock):
    """Give a kit that knows Acme, and whose observers write down what they are told."""
    return acme_kit(network, told, clock=clock)


def acme_kit(network, told, provider=acme, **options):
    def on_success(login):
        told.succeeded.append(login)

    def on_failure(error):
        told.failed.append(error)

    plugins = plugins_with(provider, authkit_login_succeeded=on_success, authkit_login_failed=on_failure)
    return make_kit(network, plugins=plugins, **options)


def callback_of(url, **params):
    """Return the address at which the provider answers an authorization request."""
    return f"{query_of(url)['redirect_uri']}?{callback(url, **(params or {'code': CODE}))}"


def line(target, method="GET"):
    return f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


# Signing in.


def test_a_user_signs_in_at_tiktok_over_the_loopback_address(tiktok):
    emulator, kit = tiktok
    done = attempt(kit, lambda url: get(emulator.approve(url, user=1)))

    assert done.login.identity.key.startswith(f"v1:tiktok:{KEY}:")
    assert (done.login.profile.display_name, done.login.granted_scopes) == ("Ben Moka", ("user.info.basic",))
    assert (done.login.registration, done.login.missing_scopes, done.error) == ("tiktok", (), None)
    assert done.seen.status == 200
    assert done.seen.text == (
        "Signed in You are signed in as Ben Moka. You can close this page and go back to the program."
    )
    assert not is_open(done.port)


def test_what_goes_to_tiktok_has_hex_pkce_and_the_address_with_its_port():
    emulator, sent = desktop_emulator(), []

    class Spy(WsgiTransport):
        def send(self, request, **options):
            sent.append(request.body)
            return super().send(request, **options)

    kit = desktop_kit("tiktok", settings_at(emulator, "http://127.0.0.1:1"), transport=Spy(emulator), environ={})
    done = attempt(kit, lambda url: get(emulator.approve(url)), scope=["user.info.profile"])
    asked = query_of(done.announced[0])
    form = query_of(f"?{sent[0]}")

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/callback/", asked["redirect_uri"])
    assert (asked["code_challenge_method"], asked["scope"]) == ("S256", "user.info.basic,user.info.profile")
    assert asked["code_challenge"] == sha256(form["code_verifier"].encode()).hexdigest()
    assert form == {
        "grant_type": "authorization_code",
        "client_key": KEY,
        "client_secret": SECRET,
        "code": form["code"],
        "redirect_uri": asked["redirect_uri"],
        "code_verifier": form["code_verifier"],
    }
    assert done.login.granted_scopes == ("user.info.basic", "user.info.profile")


def test_the_emulator_refuses_a_desktop_login_without_pkce(tiktok):
    emulator, kit = tiktok
    url = kit.begin("tiktok", redirect_uri="http://127.0.0.1:1234/callback/").url

    with pytest.raises(ValueError, match="code_challenge"):
        emulator.approve(re.sub("&code_challenge.*", "", url))


def test_what_was_not_granted_is_said(tiktok):
    emulator, kit = tiktok
    done = attempt(
        kit, lambda url: get(emulator.approve(url, scopes=["user.info.basic"])), scope=["user.info.profile"]
    )

    assert (done.login.granted_scopes, done.login.missing_scopes) == (("user.info.basic",), ("user.info.profile",))


def test_a_user_who_says_no_is_told_so_and_so_is_the_program(tiktok):
    emulator, kit = tiktok
    done = attempt(kit, lambda url: get(emulator.deny(url)))

    assert (done.login, type(done.error), done.error.registration) == (None, AccessDenied, "tiktok")
    assert done.seen.status == 403
    assert done.seen.text == (
        "Sign-in failed You did not allow the sign-in. You can try again whenever you like. "
        "You can close this page and go back to the program. "
        f"Error access_denied Reference {done.error.correlation_id}"
    )
    assert not is_open(done.port)


def test_one_outcome_is_told_once(kit, told):
    done = attempt(kit, lambda url: get(callback_of(url)), "acme")

    assert (told.succeeded, told.failed) == ([done.login], [])


def test_a_failure_is_told_once(told):
    network = Network(token=(503, b"down"))
    done = attempt(acme_kit(network, told), lambda url: get(callback_of(url)), "acme")

    assert type(done.error) is ProviderUnavailable
    assert (done.seen.status, done.seen.text.split(" You can close")[0]) == (
        503,
        "Sign-in failed The provider does not answer at the moment. Please try again shortly.",
    )
    assert (told.succeeded, told.failed) == ([], [done.error])
    assert not is_open(done.port)


def test_a_provider_that_is_no_oauth_2_may_take_a_loopback_login(told):
    class Client:
        def authorization_url(self, request):
            return f"https://hand.example/?redirect_uri={request.redirect_uri}&state={request.state}"

        def exchange(self, response):
            return Token(Secret("a token"))

        def fetch_profile(self, token):
            return Profile("user-1")

    @dataclass(frozen=True)
    class HandMade:
        name: str = "acme"
        title: str = "Hand made"
        default_scope: tuple[str, ...] = ()

        def client(self, client_id, client_secret, transport):
            return Client()

    done = attempt(acme_kit(Network(), told, HandMade()), lambda url: get(callback_of(url)), "acme")

    assert done.login.identity.key == "v1:acme:acme-client:user-1"
    assert done.seen.text == "Signed in You can close this page and go back to the program."


# The page.


def test_the_page_has_the_safe_headers_and_nothing_of_the_address(kit):
    done = attempt(kit, lambda url: (url, get(callback_of(url))), "acme")
    url, page = done.seen
    policy = page.headers.pop("Content-Security-Policy")

    assert page.headers == {
        **{name: value for name, value in SAFE_HEADERS.items() if name != "Content-Security-Policy"},
        "Content-Type": "text/html; charset=utf-8",
        "Content-Length": str(len(page.body.encode())),
        "Connection": "close",
    }
    assert policy.startswith("default-src 'none'; style-src 'self' 'nonce-")
    assert [value for value in (CODE, *query_of(url).values()) if len(value) > 4 and value in page.body] == []


class Markup(HTMLParser):
    """Reads off a page what it runs, loads or leads to."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.icons = set(), set(), []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if ("rel", "icon") in attrs:  # an empty one of its own, so that no other is asked for
            self.icons.append(dict(attrs)["href"])
            return
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)


@pytest.mark.parametrize("answer", [{"code": CODE}, {"error": "access_denied"}])
def test_the_page_runs_loads_and_links_nothing(kit, answer):
    page = attempt(kit, lambda url: get(callback_of(url, **answer)), "acme").seen
    markup = Markup(page.body)

    assert markup.tags & {"script", "link", "img", "a", "form", "iframe", "base"} == set()
    assert {name for name in markup.attributes if name.startswith("on") or name in ("href", "src", "style")} == set()
    assert markup.icons == ["data:,"]
    assert "://" not in page.body


def test_a_name_full_of_markup_is_text(told):
    network = Network(me={"id": "user-1", "name": "<script>alert(1)</script>"})
    page = attempt(acme_kit(network, told), lambda url: get(callback_of(url)), "acme").seen

    assert "You are signed in as &lt;script&gt;alert(1)&lt;/script&gt;." in page.body


def test_a_program_may_have_a_page_of_its_own(told, tmp_path):
    (tmp_path / "done.html").write_text("{{ error.code if error else login.profile.display_name }}", encoding="utf-8")
    kit = acme_kit(Network(), told, settings={"authkit.templates": str(tmp_path)})

    assert attempt(kit, lambda url: get(callback_of(url)), "acme").seen.body == "Ada"
    assert attempt(kit, lambda url: get(callback_of(url, error="access_denied")), "acme").seen.body == "access_denied"


def test_the_page_of_a_failure_has_its_status(kit):
    assert Pages(kit).done(ProviderUnavailable("canary-reason")).status == 503
    assert "canary-reason" not in Pages(kit).done(ProviderUnavailable("canary-reason")).html


# What comes to the port and is not the callback.

STRAY = {
    "the root": (line("/"), 404),
    "an icon": (line("/favicon.ico"), 404),
    "no slash at the end": (line("/callback?STATE"), 404),
    "a path behind it": (line("/callback/x?STATE"), 404),
    "another host's address": (line("http://127.0.0.1/callback/?STATE"), 404),
    "a path that urlsplit dies of": (line("//[/callback/?STATE"), 404),
    "no query": (line("/callback/"), 400),
    "no state": (line("/callback/?code=canary-code"), 400),
    "another state": (line("/callback/?code=canary-code&state=AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"), 400),
    "an error without a state": (line("/callback/?error=access_denied"), 400),
    "an error with another state": (line("/callback/?error=access_denied&state=x"), 400),
    "two states": (line("/callback/?STATE&state=x"), 400),
    "no utf-8": (line("/callback/?STATE&x=%ff"), 400),
    "a hundred parameters": (line("/callback/?STATE&" + "&".join(f"p{n}=1" for n in range(101))), 400),
    "a long query": (line("/callback/?STATE&x=" + "x" * 20_000), 400),
    "a path of a megabyte": (line("/callback/?STATE&x=" + "x" * 2**20), 400),
    "a head without an end": (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000, 400),
    "a post": (line("/callback/?STATE", "POST"), 405),
    "a post with a body": (b"POST /callback/ HTTP/1.1\r\nContent-Length: 9\r\n\r\nSTATE", 405),
    "a look ahead": (line("/callback/?STATE", "HEAD"), 405),
    "a preflight": (line("/callback/?STATE", "OPTIONS"), 405),
    "http/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "http/0.9": (b"GET /callback/?STATE\r\n\r\n", 400),
    "a method in small letters": (line("/callback/?STATE", "get"), 400),
    "bytes that are no text": (b"GET /callback/?STATE&\xff\x00 HTTP/1.1\r\n\r\n", 400),
    "letters beyond ascii": ("GET /callback/?STATE&é HTTP/1.1\r\n\r\n".encode("latin-1"), 400),
    "a blank in the path": (b"GET /callback/?STATE &x HTTP/1.1\r\n\r\n", 400),
    "garbage": (bytes(range(256)) + b"\r\n\r\n", 400),
}


@pytest.mark.parametrize("name", STRAY)
def test_a_stray_request_is_answered_and_changes_nothing(name, kit, told, network):
    content, status = STRAY[name]

    def browse(url):
        mine = callback(url, code=CODE).encode()
        answer = send(port_of(url), content.replace(b"STATE", mine))
        before = list(network.sent)
        return answer, before, get(callback_of(url))

    done = attempt(kit, browse, "acme")
    stray, sent_before, page = done.seen

    assert (stray.status, sent_before) == (status, [])
    assert stray.headers.get("Allow") == ("GET" if status == 405 else None)
    assert stray.headers["Referrer-Policy"] == "no-referrer"
    assert "Sign-in failed" in stray.body or (name, stray.body) == ("a look ahead", "")
    assert CODE not in stray.body
    assert page.status == 200
    assert (told.succeeded, told.failed) == ([done.login], [])


def test_a_look_ahead_gets_the_head_of_the_page_alone(kit):
    done = attempt(kit, lambda url: [get(callback_of(url), method="HEAD"), get(callback_of(url))], "acme")

    assert (done.seen[0].body, int(done.seen[0].headers["Content-Length"]) > 1000) == ("", True)


def test_a_line_may_end_without_a_carriage_return_and_come_in_pieces(kit):
    def browse(url):
        with connect(port_of(url)) as connection:
            for piece in ("GET ", f"/callback/?{callback(url, code=CODE)} HTTP/1.1\r\n", "Host: x\n", "\n"):
                connection.sendall(piece.encode())
                time.sleep(0.05)  # so that they are read one by one; the login goes through in any case
            return read_answer(connection)

    assert attempt(kit, browse, "acme").seen.status == 200


def test_a_name_that_was_bound_to_this_machine_changes_nothing(kit):
    def browse(url):
        port = port_of(url)
        guess = f"http://127.0.0.1:{port}/callback/?code=x&state=x"
        return get(guess, host="evil.example"), get(guess), get(callback_of(url), host=f"evil.example:{port}")

    evil, usual, page = attempt(kit, browse, "acme").seen

    assert (evil.status, evil.text.split(" Reference")[0]) == (400, usual.text.split(" Reference")[0])
    assert "evil" not in page.body + evil.body + str(page.headers) + str(evil.headers)
    assert page.status == 200


def test_clients_that_are_silent_slow_or_gone_hold_nobody_up(kit):
    def browse(url):
        port = port_of(url)
        silent, slow, half, gone, reset = [connect(port) for _ in range(5)]
        slow.sendall(b"GET /callback/?co")
        half.sendall(b"GET / HTTP/1.1\r\n")
        half.shutdown(socket.SHUT_WR)
        gone.sendall(line("/"))
        gone.close()
        reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        reset.sendall(b"GET")
        reset.close()
        began = time.monotonic()
        page = get(callback_of(url))
        with silent, slow, half:
            return page, time.monotonic() - began

    page, seconds = attempt(kit, browse, "acme").seen

    assert (page.status, seconds < 4) == (200, True)


def test_a_slow_client_is_answered_once_it_is_done(kit):
    def browse(url):
        with connect(port_of(url)) as slow:
            slow.sendall(b"GET /a")
            other = get(f"http://127.0.0.1:{port_of(url)}/b?")
            slow.sendall(b" HTTP/1.1\r\n\r\n")
            return read_answer(slow), other, get(callback_of(url))

    assert [answer.status for answer in attempt(kit, browse, "acme").seen] == [404, 404, 200]


def test_a_crowd_drives_out_its_oldest_and_never_the_callback(kit):
    def browse(url):
        crowd = [connect(port_of(url)) for _ in range(MOST_CLIENTS + 10)]
        page = get(callback_of(url))
        first = crowd[0].recv(1)
        for connection in crowd:
            connection.close()
        return page, first

    page, first = attempt(kit, browse, "acme").seen

    assert (page.status, first) == (200, b"")


def test_no_more_than_a_crowd_is_held(kit):
    def browse(url):
        crowd = [connect(port_of(url)) for _ in range(MOST_CLIENTS + 1)]
        first = crowd[0].recv(1)  # it waits until the last one is in
        crowd[1].settimeout(0.2)
        with pytest.raises(TimeoutError):
            crowd[1].recv(1)
        page = get(callback_of(url))
        for connection in crowd:
            connection.close()
        return page, first

    page, first = attempt(kit, browse, "acme").seen

    assert (page.status, first) == (200, b"")


def test_a_crowd_that_is_there_first_does_not_keep_the_callback_out(kit):
    crowd = []
    done = login(
        kit,
        "acme",
        announce=lambda url: crowd.extend(connect(port_of(url)) for _ in range(MOST_CLIENTS + 10)),
        open_browser=lambda url: get(callback_of(url)),
    )
    for connection in crowd:
        connection.close()

    assert done.identity.subject == "user-1"


def test_a_client_that_sends_more_than_it_is_asked_for_still_gets_its_answer(kit):
    def browse(url):
        with connect(port_of(url)) as connection:
            connection.sendall(line("/", "POST"))
            answer = b""
            while not answer.endswith(b"</html>\n") and (came := connection.recv(65536)):
                answer += came
                connection.sendall(b"x" * 65536)
            connection.sendall(b"x" * 65536)
        return answer.split(b"\r\n")[0], get(callback_of(url))

    first, page = attempt(kit, browse, "acme").seen

    assert (first, page.status) == (b"HTTP/1.1 405 Method Not Allowed", 200)


@pytest.mark.slow
def test_a_client_that_does_not_read_is_given_up(told, tmp_path):
    (tmp_path / "done.html").write_text("{{ 'x' * 8_000_000 }}", encoding="utf-8")
    kit = acme_kit(Network(), told, settings={"authkit.templates": str(tmp_path)})

    def browse(url):
        with connect(port_of(url)) as deaf:
            deaf.sendall(line("/"))
            return get(callback_of(url))

    page = attempt(kit, browse, "acme").seen

    assert (page.status, len(page.body)) == (200, 8_000_000)  # who does read gets all of it


def test_a_client_gets_all_of_a_page_that_takes_its_time(told, tmp_path):
    (tmp_path / "done.html").write_text("{{ 'x' * 8_000_000 }}", encoding="utf-8")
    kit = acme_kit(Network(), told, settings={"authkit.templates": str(tmp_path)})

    assert len(attempt(kit, lambda url: get(callback_of(url)), "acme").seen.body) == 8_000_000


@pytest.mark.parametrize(("length", "method"), [(65_536, "GET"), (65_537, "")])
def test_a_request_is_one_up_to_its_greatest_length(length, method):
    with Listener() as listener, connect(listener.port) as client:
        client.sendall(line("/" + "x" * (length - len(line("/")))))
        assert next(listener.visits(10)).method == method


def test_too_many_open_files_end_no_login(kit):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    def browse(url):
        with socket.socket() as waiting, socket.socket() as lowest_free:
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free.fileno() + 1, hard))
            try:
                waiting.connect(("127.0.0.1", port_of(url)))
                waiting.sendall(line("/"))
                waiting.settimeout(0.3)
                with pytest.raises(TimeoutError):
                    waiting.recv(1)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            waiting.settimeout(10)
            answer = read_answer(waiting)
        return answer, get(callback_of(url))

    assert [answer.status for answer in attempt(kit, browse, "acme").seen] == [404, 200]


# A second callback.


def test_a_second_callback_while_the_first_is_at_work_sees_the_same_and_changes_nothing(told):
    at_work, go_on = threading.Event(), threading.Event()
    network = Network()

    def slow_token(request):
        at_work.set()
        assert go_on.wait(10)
        return network_answer(request)

    def network_answer(request):
        del network.replies["slow"]
        network.replies["token"] = Network().replies["token"]
        return Network().send(request)

    network.replies |= {"token": slow_token, "slow": {}}

    def browse(url):
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(get, callback_of(url))
            assert at_work.wait(10)
            with connect(port_of(url)) as second, connect(port_of(url)) as other:
                second.sendall(line(callback_of(url).partition(str(port_of(url)))[2]))
                other.sendall(line("/callback/?code=x&state=x"))
                go_on.set()
                return first.result(), read_answer(second), read_answer(other)

    done = attempt(acme_kit(network, told), browse, "acme")
    first, second, other = done.seen

    assert (first.status, second.status, other.status) == (200, 200, 400)
    assert first.text == second.text
    assert "Ada" not in other.body
    assert len(network.to("token")) == 1
    assert (told.succeeded, told.failed) == ([done.login], [])


def test_a_callback_of_another_login_is_refused_by_this_one(kit):
    seen = []

    def browse_second(url):
        seen.append(get(callback_of(outer[0]).replace(f":{port_of(outer[0])}/", f":{port_of(url)}/")))
        return get(callback_of(url))

    outer = []

    def browse_first(url):
        outer.append(url)
        inner = attempt(kit, browse_second, "acme")
        return inner, get(callback_of(url))

    done = attempt(kit, browse_first, "acme")
    inner, page = done.seen

    assert [answer.status for answer in (*seen, inner.seen, page)] == [400, 200, 200]
    assert inner.login is not done.login
    assert inner.port != done.port


def test_two_logins_at_once_in_one_process_do_not_disturb_each_other(tiktok):
    emulator, kit = tiktok
    both = threading.Barrier(2, timeout=20)

    def sign_in(user):
        def browse(url):
            address = emulator.approve(url, user=user)
            both.wait()
            return get(address)

        return attempt(kit, browse)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(sign_in, (0, 1))

    assert [done.login.profile.display_name for done in (first, second)] == ["Ada Tok", "Ben Moka"]
    assert first.port != second.port


def test_a_callback_of_a_web_login_is_none_of_a_desktop_s(kit):
    web = kit.begin("acme")

    with pytest.raises(StateInvalid):
        kit.complete("acme", callback(web.url, code=CODE), web.cookies, purpose="loopback")


# How it ends.


def test_a_callback_that_says_something_twice_ends_the_login(kit, told):
    done = attempt(kit, lambda url: get(callback_of(url) + "&code=other"), "acme")

    assert (type(done.error), done.seen.status, told.failed) == (InvalidRequest, 400, [done.error])


def test_a_callback_that_comes_too_late_by_the_clock_ends_the_login(kit, clock):
    def browse(url):
        clock.now += 601
        return get(callback_of(url))

    done = attempt(kit, browse, "acme")

    assert (type(done.error), done.seen.status) == (StateInvalid, 400)


def test_nobody_comes_back(kit, told):
    began = time.monotonic()
    done = attempt(kit, lambda url: None, "acme", timeout=0.2)

    assert (type(done.error), done.error.reason) == (AccessDenied, "nobody came back from the provider in time")
    assert (done.error.registration, told.failed) == ("acme", [done.error])
    assert 0.2 <= time.monotonic() - began < 5
    assert not is_open(done.port)


def test_clients_that_keep_it_busy_do_not_extend_the_time(kit):
    is_over = threading.Event()

    def browse(url):
        with connect(port_of(url)) as connection:
            while not is_over.wait(0.01):
                connection.sendall(b"x")

    began = time.monotonic()
    in_the_end = threading.Timer(3, is_over.set)
    in_the_end.start()
    with pytest.raises(ConnectionError):
        attempt(kit, browse, "acme", timeout=0.5)
    in_the_end.cancel()

    assert time.monotonic() - began < 5


@pytest.mark.parametrize("timeout", [0, -1, 601, float("inf"), float("nan")])
def test_no_login_lasts_longer_than_its_state(kit, timeout):
    announced = []

    with pytest.raises(ValueError, match="at most 600 seconds"):
        login(kit, "acme", timeout=timeout, announce=announced.append)

    assert announced == []


def test_the_user_has_five_minutes_as_the_manual_says():
    assert inspect.signature(login).parameters["timeout"].default == 300


def test_a_login_may_last_as_long_as_its_state(kit):
    assert attempt(kit, lambda url: get(callback_of(url)), "acme", timeout=600).login.identity.subject == "user-1"


def test_ctrl_c_ends_it_and_closes_the_port(kit):
    announced = []
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            login(
                kit,
                "acme",
                announce=announced.append,
                open_browser=lambda url: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT),
            )
    finally:
        signal.signal(signal.SIGINT, handler)

    assert not is_open(port_of(announced[0]))


def test_the_port_is_open_before_anybody_hears_of_it_and_on_this_address_alone(kit):
    heard = []

    def announce(url):
        heard.append(is_open(port_of(url)))
        with socket.socket() as other:  # with 0.0.0.0 the address would be taken
            other.bind(("127.0.0.2", port_of(url)))
            heard.append("free elsewhere")

    login(kit, "acme", announce=announce, open_browser=lambda url: get(callback_of(url)))

    assert heard == [True, "free elsewhere"]


def test_no_thread_is_left(kit):
    attempt(kit, lambda url: get(callback_of(url)), "acme")
    before = set(threading.enumerate())
    attempt(kit, lambda url: get(callback_of(url)), "acme")

    assert set(threading.enumerate()) <= before


# The browser, and the announcement.


def test_the_browser_is_the_system_s_unless_the_program_says_otherwise(kit, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda url: [opened.append(url), get(callback_of(url))])
    announced = []

    login(kit, "acme", announce=announced.append)

    assert opened == announced


def test_a_browser_that_fails_is_no_failure_of_the_login(kit, caplog):
    announced = []

    def announce(url):
        announced.append(url)
        threading.Timer(0.1, get, [callback_of(url)]).start()

    def open_browser(url):
        raise OSError(f"cannot open {url}")

    done = login(kit, "acme", announce=announce, open_browser=open_browser)

    assert done.identity.subject == "user-1"
    assert [record.getMessage() for record in caplog.records if record.name == "authkit.native.loopback"] == [
        "no browser could be opened (OSError)"
    ]


@pytest.mark.slow
def test_a_browser_that_takes_the_terminal_does_not_hold_the_callback_up(kit):
    is_closed = threading.Event()

    def open_browser(url):
        get(callback_of(url))
        is_closed.wait(60)

    began = time.monotonic()
    done = login(kit, "acme", announce=lambda url: None, open_browser=open_browser)
    seconds = time.monotonic() - began
    is_closed.set()

    assert (done.identity.subject, seconds < 20) == ("user-1", True)


def test_a_browser_that_never_returns_does_not_keep_the_program_from_ending(kit):
    seen = []

    def open_browser(url):
        seen.append(threading.current_thread().daemon)
        get(callback_of(url))

    login(kit, "acme", announce=lambda url: None, open_browser=open_browser)

    assert seen == [True]


def test_the_address_is_printed_to_the_standard_error_unless_the_program_says_otherwise(kit, capsys, caplog):
    caplog.set_level(logging.DEBUG)
    opened = []
    login(kit, "acme", open_browser=lambda url: [opened.append(url), get(callback_of(url))])

    assert capsys.readouterr() == ("", f"If no browser opens, open this address in yours:\n\n  {opened[0]}\n\n")
    assert query_of(opened[0])["state"] not in caplog.text


def test_an_announcement_that_fails_closes_the_port_and_opens_no_browser(kit):
    announced, opened = [], []

    def announce(url):
        announced.append(url)
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        login(kit, "acme", announce=announce, open_browser=opened.append)

    assert (is_open(port_of(announced[0])), opened) == (False, [])


def test_nothing_of_a_code_a_state_or_a_token_is_printed_or_logged(kit, caplog, capfd):
    caplog.set_level(logging.DEBUG)

    def browse(url):
        send(port_of(url), line(f"/callback/?{callback(url, code=CODE)}", "POST"))
        send(port_of(url), line(f"/callback/?{callback(url, code=CODE)}&state=x"))
        return get(callback_of(url))

    done = attempt(kit, browse, "acme")
    written = caplog.text + "".join(capfd.readouterr())

    assert "outcome=success" in written
    assert [
        secret
        for secret in (CODE, query_of(done.announced[0])["state"], ACCESS_TOKEN, "canary-client-secret")
        if secret in written
    ] == []


# What cannot be.


def refused(kit, name="acme"):
    """Return the reason for which a login does not even begin."""
    told = []
    with pytest.raises((ConfigError, UnknownProvider)) as caught:
        login(kit, name, announce=told.append, open_browser=told.append)
    assert told == []
    return caught.value.reason


def test_an_unknown_registration_is_refused_before_a_browser_opens(kit):
    assert refused(kit, "other") == "no registration is named 'other'"


def test_a_web_app_at_tiktok_is_refused_with_the_fix():
    emulator = desktop_emulator()
    settings = {**settings_at(emulator, "http://127.0.0.1:1"), "authkit.tiktok.platform": "web"}
    kit = AuthKit.from_settings(
        {**settings, "authkit.secret": "x" * 32, "authkit.base_url": "https://app.example"}, environ={}
    )

    assert re.fullmatch(
        r"authkit\.tiktok: TikTok takes no http://127\.0\.0\.1:\d+/callback/: TikTok wants .* `platform = desktop`",
        refused(kit, "tiktok"),
    )


@pytest.mark.parametrize("without", ["setting", "provider"])
def test_a_login_without_pkce_is_refused(told, without):
    provider = replace(acme, code_challenge=None) if without == "provider" else acme
    settings = {"authkit.acme.pkce": "off"} if without == "setting" else {}

    assert refused(acme_kit(Network(), told, provider, settings=settings)) == (
        "authkit.acme.pkce: a login over the loopback address needs PKCE; RFC 8252, section 8.1"
    )


def test_it_needs_neither_a_database_nor_a_signing_library():
    blocked = "sqlalchemy", "joserfc", "keyring", "click", "pyramid", "alembic"
    script = (
        f"import sys; sys.modules.update(dict.fromkeys({blocked!r}))\n"
        "import authkit.native.loopback, authkit.native.desktop, authkit.native.tokenring\n"
        "print(authkit.native.loopback.login.__name__)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("login\n", "")


def test_a_request_shows_no_code_when_it_is_printed():
    with Listener() as listener, connect(listener.port) as client:
        client.sendall(line(f"/callback/?code={CODE}"))
        visit = next(listener.visits(10))
        assert CODE in visit.target
        assert repr(visit) == "Visit(method='GET')"
        visit.answer(Pages(make_kit()).done(AccessDenied()))
        assert read_answer(client).status == 403


def test_a_connection_has_one_request(kit):
    with Listener() as listener, connect(listener.port) as client:
        client.sendall(line("/first"))
        first = next(listener.visits(10))
        first.answer(Pages(kit).done(AccessDenied()))
        client.sendall(line("/second"))
        assert (first.target, list(listener.visits(0.3))) == ("/first", [])


@pytest.mark.parametrize("content", [b"", b"GET", line("/")])
def test_a_client_that_has_gone_is_let_go(content):
    with Listener() as listener, connect(listener.port) as client:
        client.sendall(content)
        client.shutdown(socket.SHUT_WR)
        targets = [visit.target for visit in listener.visits(0.3)]
        client.settimeout(5)
        assert (targets, client.recv(1)) == (["/"] if content == line("/") else [], b"")


@pytest.mark.skipif(not OPEN_FILES.exists(), reason="needs /proc")
def test_nothing_stays_open(kit):
    held = []

    def browse(url):
        held.append(connect(port_of(url)))
        return get(callback_of(url))

    attempt(kit, lambda url: get(callback_of(url)), "acme")
    before = len(list(OPEN_FILES.iterdir()))
    attempt(kit, browse, "acme")

    assert len(list(OPEN_FILES.iterdir())) == before + len(held)
    assert held[0].recv(1) == b""
    held[0].close()


def test_what_has_come_already_is_seen_without_waiting():
    with Listener() as listener, connect(listener.port) as client:
        client.sendall(line("/here"))
        assert [visit.target for visit in listener.waiting()] == ["/here"]
        began = time.monotonic()
        assert list(listener.waiting()) == []
        assert time.monotonic() - began < 3


def test_who_has_sent_nothing_yet_is_not_waited_for():
    with Listener() as listener, connect(listener.port) as first, connect(listener.port) as later:
        first.sendall(line("/here"))
        visits = listener.waiting()
        assert next(visits).target == "/here"
        later.sendall(line("/later"))
        assert list(visits) == []


def test_a_wait_is_no_longer_than_it_may_be():
    with Listener() as listener:
        began = time.monotonic()
        assert list(listener.visits(0.05)) == []
        assert time.monotonic() - began < 3


def test_each_visit_is_itself():
    with Listener() as listener, connect(listener.port) as client:
        assert Visit("GET", "/", client) != Visit("GET", "/", client)
