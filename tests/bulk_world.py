"""Many people with tokens, and a provider that takes each refresh token once."""

from __future__ import annotations

import threading
from base64 import b64decode
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl

from account_world import AccountWorld
from fakes import answer
from requests import PreparedRequest, Response

from authkit import Identity, Secret, Token
from authkit.accounts import Database

DAY = timedelta(days=1)
DOWN = (503, {"error": "temporarily_unavailable"})
GONE = (400, {"error": "invalid_grant"})
OTHER = {"other__provider": "acme", "other__client_id": "other-client", "other__client_secret": "other-secret"}
"""The settings of a second registration."""


class Rotation:
    """A token endpoint that rotates.

    Attributes:
        used: the refresh tokens that came, in their order.
        issued: the newest access token of each person, by the name in the first refresh token.
        failing: what it answers instead to whom, by client id: a status and a body.
        refresh_lifetime: what it says of a new refresh token, in seconds; None for nothing.
    """

    def __init__(self) -> None:
        self.used: list[str] = []
        self.issued: dict[str, str] = {}
        self.failing: dict[str, tuple[int, Any]] = {}
        self.refresh_lifetime: int | None = 180 * 86400
        self._lock = threading.Lock()

    def __call__(self, request: PreparedRequest) -> Response:
        form = dict(parse_qsl(str(request.body)))
        old = form["refresh_token"]
        with self._lock:
            is_replay = old in self.used
            self.used.append(old)
        client_id = b64decode(request.headers["Authorization"].partition(" ")[2]).decode().partition(":")[0]
        if client_id in self.failing:
            return answer(request, *self.failing[client_id])
        if is_replay:
            return answer(request, 400, {"error": "invalid_grant"})
        name, _, number = old.partition("~")
        fresh = f"{name}~{int(number or 0) + 1}"
        self.issued[name] = f"access-of-{fresh}"
        body = {"access_token": f"access-of-{fresh}", "refresh_token": fresh, "expires_in": 3600, "scope": "profile"}
        if self.refresh_lifetime is not None:
            body["refresh_expires_in"] = self.refresh_lifetime
        return answer(request, 200, body)


def now_of(world: AccountWorld) -> datetime:
    return datetime.fromtimestamp(world.clock(), timezone.utc)


class BulkWorld(AccountWorld):
    """A world whose provider rotates."""

    def __init__(self, database: Database, **settings: str) -> None:
        super().__init__(database, **settings)
        self.provider = Rotation()
        self.network.replies["token"] = self.provider

    def add(
        self, name: str, ends_in: timedelta | None = DAY, *, registration: str = "acme", **changes: Any
    ) -> Identity:
        """Sign a person in, whose refresh token has the person's name."""
        identity = Identity("acme", f"{registration}-client", name)
        token = self.named_token(name, ends_in, **changes)
        self.accounts.sign_in(self.login(name, identity=identity, registration=registration, token=token))
        return identity

    def named_token(self, name: str, ends_in: timedelta | None = DAY, **changes: Any) -> Token:
        """Return a token whose texts have a name in them."""
        ends_at = None if ends_in is None else now_of(self) + ends_in
        usual = {"refresh_token": Secret(name), "refresh_expires_at": ends_at}
        return self.token(f"access-of-{name}", **{**usual, **changes})
