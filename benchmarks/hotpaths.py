"""The paths that every login, or every request of a signed-in app, takes: each alone, and the same in every run.

Clock and randomness are passed in, and the provider answers from memory, so that nothing but our own work differs.
"""

from __future__ import annotations

import atexit
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

from authkit import AuthKit, Identity, Login, Profile, Secret, Token
from authkit.accounts import Accounts, Database, Vault, metadata
from authkit.native import Native, NativeConfiguration, new_key

__all__ = ["PATHS", "Path"]

Path = Callable[[int], Callable[[], object]]
"""Prepares for a number of rounds, and returns what one round is."""

NOW = 1_790_000_000
IDENTITY = Identity("tiktok", "awexamplekey00001", "open-id-1")
TOKEN_REPLY = {
    "access_token": "act.example-access-token",
    "expires_in": 86400,
    "open_id": "open-id-1",
    "refresh_expires_in": 31536000,
    "refresh_token": "rft.example-refresh-token",
    "scope": "user.info.basic",
    "token_type": "Bearer",
}
USER_REPLY = {
    "data": {"user": {"open_id": "open-id-1", "union_id": "union-1", "display_name": "Ada"}},
    "error": {"code": "ok", "message": "", "log_id": "20260101"},
}


class Provider(BaseAdapter):
    """A provider within the process, whose answers are made beforehand."""

    def __init__(self) -> None:
        super().__init__()
        self._bodies = {"POST": json.dumps(TOKEN_REPLY).encode(), "GET": json.dumps(USER_REPLY).encode()}

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        """Answer a POST with a token, and a GET with a user."""
        response = Response()
        response.status_code = 200
        response.headers["Content-Type"] = "application/json"
        response.raw = io.BytesIO(self._bodies[str(request.method)])
        return response

    def close(self) -> None:
        """Do nothing: there is nothing to close."""


def random_source() -> Callable[[int], bytes]:
    """Return a source of bytes that are the same in every run, and different at every call."""
    numbers = count()
    return lambda size: (sha256(next(numbers).to_bytes(8, "big")).digest() * (size // 32 + 1))[:size]


def make_kit(**more: str) -> AuthKit:
    """Return a kit for TikTok; `more` are settings of the optional parts."""
    settings: Mapping[str, str] = {
        "authkit.secret": "a-secret-of-a-benchmark-that-is-long-enough",
        "authkit.base_url": "https://app.example",
        "authkit.tiktok.client_key": IDENTITY.client,
        "authkit.tiktok.client_secret": "SECRET",
        **more,
    }
    return AuthKit.from_settings(
        settings, transport=Provider(), clock=lambda: NOW, random=random_source(), environ={}
    )


def begin(_: int) -> Callable[[], object]:
    """A login begins: state, verifier, sealed transaction, authorization URL."""
    kit = make_kit()
    return lambda: kit.begin("tiktok", return_to="/inbox")


def complete(rounds: int) -> Callable[[], object]:
    """A callback is completed: the transaction claimed, the code exchanged, the profile fetched."""
    kit = make_kit()

    def callbacks() -> Iterator[tuple[str, dict[str, str]]]:
        for number in range(rounds):
            redirect = kit.begin("tiktok")
            state = parse_qs(urlsplit(redirect.url).query)["state"][0]
            yield f"code=code-{number}&state={state}", {cookie.name: cookie.value for cookie in redirect.cookies}

    waiting = list(callbacks())
    return lambda: kit.complete("tiktok", *waiting.pop())


def open_transaction(_: int) -> Callable[[], object]:
    """A transaction is opened to see what it was begun for, and not claimed."""
    kit = make_kit()
    redirect = kit.begin("tiktok")
    cookies = {cookie.name: cookie.value for cookie in redirect.cookies}
    query = urlsplit(redirect.url).query
    return lambda: kit.purpose_of(query, cookies)


def a_login() -> Login:
    """Return a login to make an account of."""
    token = Token(Secret("act.example"), Secret("rft.example"), scope=("user.info.basic",))
    return Login("tiktok", IDENTITY, Profile("open-id-1", "Ada"), token, token.scope, (), "/", "0123456789abcdef")


def make_accounts(kit: AuthKit) -> tuple[Accounts, Database]:
    """Return accounts in an empty database."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    database = Database.open(f"sqlite:///{folder}/accounts.sqlite")
    atexit.register(database.close)
    metadata.create_all(database.engine)
    return Accounts(kit, database), database


def verify_jwt(_: int) -> Callable[[], object]:
    """The JWT of a native app is verified."""
    keys = json.dumps({"keys": [dict(new_key("EdDSA", "key-1"))]})
    kit = make_kit(**{"authkit.native.keys": keys})
    accounts, database = make_accounts(kit)
    native = Native(kit, accounts, database, NativeConfiguration.of(kit))
    account = accounts.sign_in(a_login()).account
    session = native.sessions.start(account.id, "phone", "tiktok").session
    token = native.jwts.issue(account.id, session.id)
    return lambda: native.jwts.verify(token)


def sign_in(_: int) -> Callable[[], object]:
    """Somebody who comes back is signed in to their account: profile and token are kept, the login is recorded."""
    accounts, _database = make_accounts(make_kit())
    login = a_login()
    accounts.sign_in(login)
    return lambda: accounts.sign_in(login)


def read_vault(_: int) -> Callable[[], object]:
    """The stored token of an identity is read and opened."""
    kit = make_kit()
    accounts, database = make_accounts(kit)
    accounts.sign_in(a_login())
    vault = Vault(kit, database)
    return lambda: vault.token(IDENTITY)


PATHS: Mapping[str, Path] = {
    "begin": begin,
    "complete": complete,
    "open a transaction": open_transaction,
    "verify a JWT": verify_jwt,
    "read the vault": read_vault,
    "sign in to an account": sign_in,
}
