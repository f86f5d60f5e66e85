"""The token endpoint's reply, its status and Retry-After in a first line: checked before anything relies on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from fakes import CLIENT_SECRET, Network, acme, answer, make_kit
from requests import Request, Response
from tiktok_fakes import CODE, OPEN_ID, STATE, TOKEN, VERIFIER, tiktok_kit

from authkit import OAuth2Provider
from authkit.errors import ReauthRequired
from authkit.models import Secret, Token
from authkit.providerclient import AuthorizationResponse
from authkit.replies import read_reply, read_token
from authkit_tiktok.provider import tiktok
from fuzz.verdict import PROVIDER_ERRORS, read_or_refused

SEEDS = (
    b"200\n" + json.dumps(TOKEN).encode(),
    b'201\n{"access_token": "a", "expires_in": "3600", "scope": ["profile", "x"], "open_id": "u"}',
    b'400\n{"error": "invalid_grant", "error_description": "canary-code", "log_id": "x", "more": {"a_token": "b"}}',
    b"429 5\n{}",
    b'200\n{"access_token": "a", "scope": "a,b c", "open_id": "u", "refresh_expires_in": 1e9}',
    b'200\n{"access_token": "a", "scope": ["a,b", "c d", ""], "open_id": "u"}',
    b'200\n{"access_token": 1, "open_id": "u"}',
)
OLD = Token(Secret("canary-old-access"), Secret("canary-old-refresh"), scope=("old",), subject=OPEN_ID)
SENT = (CLIENT_SECRET, CODE, VERIFIER, "canary-old-refresh", "canary-code")
ASKED = AuthorizationResponse(
    {"code": CODE, "state": STATE}, "https://app.example/back", ("asked",), Secret(VERIFIER)
)
MOST_SECONDS = 10 * 365 * 24 * 3600
STATUSES = frozenset(map(str, range(100, 600)))
network = Network()
kits = {"acme": (acme, make_kit(network)), "tiktok": (tiktok, tiktok_kit(network))}


def read(data: bytes) -> list[str] | None:
    """Return the names of the providers that a reply is a token of; None for none of them."""
    return [name for name, (provider, _) in kits.items() if _read(data, provider) is not None] or None


def target(data: bytes) -> None:
    """Check that the whole client makes the same of it, and that a token is fit for headers, tables and clocks."""
    names = read(data) or []
    network.replies["token"] = lambda _: _response(data)
    for name in names:
        client = kits[name][1].clients[name]
        _check(client.exchange(ASKED))
        refreshed = read_or_refused(lambda client=client: client.refresh(OLD), ReauthRequired)
        if refreshed is not None:
            _check(refreshed)
            assert refreshed.refresh_token
            assert refreshed.subject == OLD.subject
    network.sent.clear()


def _response(data: bytes) -> Response:
    head, _, body = data.partition(b"\n")
    status, _, wait = head.decode("latin-1").partition(" ")
    known = int(status) if status in STATUSES else 200
    return answer(Request("POST", "https://x.example/").prepare(), known, body, Retry_After=wait)


def _read(data: bytes, provider: OAuth2Provider) -> Mapping[str, Any] | None:
    response, sent = _response(data), tuple(map(Secret, SENT))

    def call() -> Mapping[str, Any]:
        return read_token(read_reply(response, provider.read_error, secrets=sent), provider)

    return read_or_refused(call, *PROVIDER_ERRORS, secrets=SENT)


def _check(token: Token) -> None:
    now = datetime.fromtimestamp(int(kits["acme"][1].clock()), timezone.utc)
    for secret, longest in ((token.access_token, 8192), (token.refresh_token, 8192), (token.id_token, 65_536)):
        assert secret is None or 0 < len(secret.reveal()) <= longest
        assert secret is None or all("!" <= char <= "~" for char in secret.reveal())
    for moment in (token.expires_at, token.refresh_expires_at):
        assert moment is None or timedelta() < moment - now <= timedelta(seconds=MOST_SECONDS)
    assert len(set(token.scope)) == len(token.scope)
    assert all(word.split() == [word] and "," not in word for word in token.scope)
    assert token.subject is None or token.subject.strip()
