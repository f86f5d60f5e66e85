"""Whole logins over real sockets at an emulated provider, with one call of each login that can go wrong."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fakes import Clock, Network, acme
from faulty_places import Certificates, resolving_to
from faulty_server import FaultyServer, Peer
from pyramid_apps import World, local, make_world
from requests import PreparedRequest, Request, Response
from webtest import TestApp
from wire import head
from wire_faults import Fault

from authkit.deadline import Deadline
from authkit.emulator import OpenIDEmulator, WsgiTransport
from authkit.oidc import OpenIDProvider
from authkit.transport import PooledAdapter
from authkit_tiktok.emulator import TikTokEmulator
from authkit_tiktok.provider import tiktok

BEGINNING = {"tiktok": (), "idp": ("metadata", "push")}
COMPLETING = {"tiktok": ("token", "userinfo"), "idp": ("token", "keys", "userinfo")}
"""What is asked of a provider as a login begins, and as it is completed, by the name of the registration."""


class Sockets(Network):
    """The way to real servers; it remembers what was asked."""

    def __init__(self, adapter: PooledAdapter) -> None:
        super().__init__()
        self.adapter = adapter

    def send(self, request: PreparedRequest, **options: Any) -> Response:  # type: ignore[override]
        self.note(request)
        return self.adapter.send(request, **options)


class Provider:
    """An emulated provider on real sockets: a connection for each call, and a fault on one of them.

    Attributes:
        fault: what goes wrong, None for nothing.
        faulty: the number of the call that it goes wrong with, counted from 1.
        calls: how many were made.
    """

    def __init__(self, emulator: Any, certificates: Certificates, context: ssl.SSLContext | None) -> None:
        self.emulator = emulator
        self._certificates = certificates
        self._context = context
        self._transport = WsgiTransport(emulator)
        self.calls = 0
        self.faulty = 0
        self.fault: Fault | None = None

    def break_at(self, call: int, fault: Fault) -> None:
        """Let the call of this number go wrong, the next one being the first."""
        self.calls, self.faulty, self.fault = 0, call, fault

    def look_up(self, server: FaultyServer) -> Any:
        """Return what looks up the name of the provider, once for each call."""

        def look_up(host: str, port: int) -> Sequence[tuple[Any, ...]]:
            self.calls += 1
            fault = self._current
            addresses = fault.look_up() if fault and fault.look_up else [("127.0.0.1", server.port)]
            return resolving_to(*addresses)(host, port)

        return look_up

    def __call__(self, peer: Peer) -> None:
        """Handle a connection."""
        fault = self._current
        if fault and fault.below:
            return fault.below(peer)
        context = fault.context(self._certificates) if fault and fault.context else self._context
        if context:
            peer.secure(context)
        peer.read_request()
        if fault and fault.reply:
            return fault.reply(peer)
        return peer.send(self._answer(peer.server.requests[-1]))

    @property
    def _current(self) -> Fault | None:
        return self.fault if self.calls == self.faulty else None

    def _answer(self, request: bytes) -> bytes:
        start, _, body = request.partition(b"\r\n\r\n")
        first, *lines = start.decode("latin-1").split("\r\n")
        method, path, _ = first.split()
        headers = dict(line.split(": ", 1) for line in lines)
        url = f"{'https' if self._context else 'http'}://{headers['Host']}{path}"
        answer = self._transport.send(Request(method, url, headers, data=body).prepare())
        fields = [f"{name}: {value}" for name, value in answer.headers.items() if name != "Content-Length"]
        status = f"{answer.status_code} {answer.reason}"
        return head(status, *fields, f"Content-Length: {len(answer.content)}", "Connection: close") + answer.content


def emulated(name: str) -> Any:
    """Return the emulator of a registration's provider."""
    return TikTokEmulator(clock=Clock()) if name == "tiktok" else OpenIDEmulator(clock=Clock())


@dataclass(frozen=True)
class Login:
    """Logins of an app at one provider."""

    name: str
    provider: Provider
    world: World

    def sign_in(self) -> str:
        """Sign somebody in, and return who it is."""
        browser = self.world.browser()
        browser.get(self.callback(browser), status=303)
        return self.world.me(browser)

    def callback(self, browser: TestApp) -> str:
        """Begin a login, say yes at the provider, and return where the browser is sent to."""
        url = browser.get(self.world.path(f"/{self.name}"), status=302).location
        return local(self.provider.emulator.approve(url))

    def refused_at_each_call(self, fault: Fault, seconds: float) -> Iterator[Deadline]:
        """Sign in as often as a login makes calls; each time the next call goes wrong. Check all that holds then.

        What an earlier login was told is not kept: it was not told all of it.
        """
        for call in range(len(BEGINNING[self.name])):
            self.provider.break_at(call + 1, fault)
            with Deadline(seconds) as deadline:
                self.world.refused(self.world.browser(), self.world.path(f"/{self.name}"), fault.code)
            yield deadline
        for call in range(len(COMPLETING[self.name])):
            browser = self.world.browser()
            callback = self.callback(browser)
            self.provider.break_at(call + 1, fault)
            with Deadline(seconds) as deadline:
                self.world.refused(browser, callback, fault.code, exchanges=1)
            yield deadline
            self.world.refused(browser, callback, "state_invalid")


def login_at(name: str, provider: Provider, server: FaultyServer, bundle: str, caplog: Any) -> Login:
    """Return logins of a new app, whose provider stands behind a server."""
    origin = f"{'http' if provider._context is None else 'https'}://localhost:{server.port}"
    given = provider.emulator.settings(origin)
    idp = OpenIDProvider(name="idp", title="IdP", issuer=given.get("issuer", ""))
    world = make_world(
        caplog,
        network=Sockets(PooledAdapter(bundle, look_up=provider.look_up(server))),
        settings={f"authkit.{name}.{key}": value for key, value in given.items()},
        providers=(acme, tiktok if name == "tiktok" else idp),
    )
    return Login(name, provider, world)
