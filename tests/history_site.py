"""A site of several servers behind one origin, and all that can be watched of it from outside."""

from __future__ import annotations

import logging
import random
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from account_apps import kept_in
from fakes import BASE_URL, Clock, acme, plugins_with
from history_providers import SETTINGS, Providers
from native_world import LINK, key_set
from pyramid.response import Response
from pyramid_apps import RecordedRandom, everything_logged, make_app, signed_cookie_session

from authkit import AuthKit
from authkit.accounts import Accounts, Database
from authkit.breaker import Breaker
from authkit.emulator import WsgiTransport
from authkit.testing.audit import AuditLine
from authkit_tiktok.provider import tiktok

SKEWS = (0, 20, -20)
"""How far the clock of each server is ahead, in seconds."""
SERVER = "histories.server"
"""Where the environment of a request says which server it goes to."""
NATIVE = {"authkit.native.keys": key_set().reveal(), "authkit.native.phone.link": LINK}


def who_is_it(config: Any) -> None:
    """A view of the app's own that says who is signed in, and what is in the session."""

    def look(request: Any) -> Response:
        return Response(json_body={"me": request.authenticated_userid, "session": dict(request.session)})

    config.add_route("look", "/look")
    config.add_view(look, route_name="look")


class Dice(RecordedRandom):
    """Random bytes that are the same in each run, so that a history can be told again."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = random.Random(seed)

    def __call__(self, size: int) -> bytes:
        self.given.append(self._random.randbytes(size))
        return self.given[-1]


@dataclass(frozen=True)
class Server:
    """One process: what is in its memory goes with it."""

    kit: AuthKit
    app: Any
    database: Database | None


class Watch(logging.Handler):
    """Keeps what every logger says, at DEBUG."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []
        root = logging.getLogger()
        self._before = root.level, root.handlers
        root.setLevel(logging.DEBUG)
        root.handlers = [self]  # pytest's own would keep everything until the end

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def end(self) -> None:
        """Listen no more."""
        root = logging.getLogger()
        root.setLevel(self._before[0])
        root.handlers = self._before[1]


class Site:
    """The servers, made when somebody first comes; a request says which one it goes to.

    Args:
        url: the database that all servers share; None for servers that share nothing but their secrets.

    Attributes:
        clock: the right time; each server's own is a little ahead of it, or behind.
        providers: the providers.
        codes: every authorization code that was given out, and every ticket and JWT.
        told: what the observers were told.
    """

    def __init__(self, url: str | None) -> None:
        self.clock, self.dice, self.watch = Clock(), Dice(1), Watch()
        self.providers = Providers(self.clock, Dice(2))
        self.codes: set[str] = set()
        self.told: list[str] = []
        self._url = url
        self._secrets: tuple[str, ...] = ("secret-number-0-that-is-long-enough",)
        self._rotations = 0
        self._servers: list[Server | None] = [None] * len(SKEWS)
        self._plugins = plugins_with(
            tiktok,
            acme,
            authkit_login_succeeded=lambda login: self._tell("succeeded"),
            authkit_login_failed=lambda error: self._tell("failed"),
        )

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        answer: Iterable[bytes] = self.server(environ[SERVER]).app(environ, start_response)
        return answer

    def server(self, number: int) -> Server:
        """Return one of the servers, which starts if it does not run."""
        server = self._servers[number] or self._start(SKEWS[number])
        self._servers[number] = server
        return server

    def accounts(self, number: int) -> Accounts:
        """Return the accounts, as the app's own code on a server sees them."""
        server = self.server(number)
        assert server.database is not None
        return Accounts(server.kit, server.database)

    def stop(self, number: int) -> None:
        """Stop a server: what is in its memory is gone."""
        server = self._servers[number]
        if server is not None and server.database is not None:
            assert server.database.engine.pool.checkedout() == 0
            server.database.close()
        self._servers[number] = None

    def rotate(self) -> None:
        """Begin to use a new secret on all servers, and give up the one before the last."""
        self._rotations += 1
        self._secrets = (f"secret-number-{self._rotations}-that-is-long-enough", self._secrets[0])
        self.end()

    def end(self) -> None:
        """Stop all servers."""
        for number in range(len(SKEWS)):
            self.stop(number)

    def _start(self, skew: int) -> Server:
        settings = {"authkit.secret": " ".join(self._secrets), "authkit.base_url": BASE_URL, **SETTINGS}
        kit = AuthKit.from_settings(
            {**settings, **(NATIVE if self._url else {})},
            transport=WsgiTransport(self.providers),
            clock=lambda: self.clock() + skew,
            random=self.dice,
            plugins=self._plugins,
            environ={},
        )
        # A machine that is slow is no provider that is silent.
        breakers = {name: Breaker(name, timer=self.clock) for name in kit.registrations}
        kit = replace(kit, breakers=breakers)
        parts = [signed_cookie_session, who_is_it]
        if self._url is None:
            return Server(kit, make_app(kit, before=parts), None)
        database = Database.open(self._url)
        return Server(kit, make_app(kit, before=[*parts, kept_in(database), "authkit.pyramid.native"]), database)

    @property
    def secrets(self) -> set[str]:
        """Everything that is secret: no page, header or log may have it."""
        clients = {value for name, value in SETTINGS.items() if name.endswith("secret")}
        return {*clients, *self._secrets, *self.codes, *self.providers.tokens, *self.dice.texts}

    def new_lines(self) -> list[AuditLine]:
        """Return the audit lines since the last call, after a look for secrets in all that was logged."""
        records, self.watch.records = self.watch.records, []
        self.assert_nothing_secret(everything_logged(records))
        texts = [record.getMessage() for record in records if record.name == "authkit.audit"]
        assert all(text.isascii() and text.isprintable() for text in texts)
        return [AuditLine.read(text) for text in texts]

    def _tell(self, outcome: str) -> None:
        self.told.append(outcome)

    def new_told(self) -> list[str]:
        """Return what the observers were told since the last call."""
        told, self.told = self.told, []
        return told

    def assert_nothing_secret(self, text: str, *allowed: str) -> None:
        """Check that no secret is in a text, whole or in part, but for those that are `allowed`."""
        for secret in self.secrets.difference(allowed):
            for form in beginnings_of(secret):
                assert form not in text, f"a secret is in {text[:2000]!r}"


@lru_cache(10_000)
def beginnings_of(secret: str) -> tuple[str, ...]:
    """Return how a secret begins, as it is and in the forms in which it may be passed on."""
    return secret[:16], quote(secret, safe="")[:16], b64encode(secret.encode()).decode()[:16]
