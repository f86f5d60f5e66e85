"""TikTok to log in with, passed in: its answers as its pages print them, and its emulator without a socket."""

from __future__ import annotations

import itertools
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode, urlsplit

from fakes import SECRET, Clock, Network, state_of
from requests.adapters import BaseAdapter

import authkit_tiktok
from authkit import AuthKit, Login
from authkit.emulator import Recorded, WsgiTransport
from authkit.flow import Redirect
from authkit.plugins import load_plugins
from authkit_tiktok.emulator import App, TikTokEmulator, TikTokSwitches

CLIENT_KEY = "awexamplekey00001"
CLIENT_SECRET = "canary-client-secret"
BASE_URL = "https://app.example.test"
CALLBACK = "https://app.example.test/auth/tiktok/callback/"
LOOPBACK_CALLBACK = "http://127.0.0.1:3455/callback/"
BASIC, PROFILE, STATS = "user.info.basic", "user.info.profile", "user.info.stats"
ALL_SCOPES = (BASIC, PROFILE, STATS, "video.list")

AUTHORIZE_URL = "https://www.tiktok.com/v2/auth/authorize/"
TOKEN_URL = "https://open.tiktokapis.com/v2/oauth/token/"
REVOKE_URL = "https://open.tiktokapis.com/v2/oauth/revoke/"
USERINFO_URL = "https://open.tiktokapis.com/v2/user/info/"

SETTINGS: Mapping[str, str] = {
    "authkit.secret": SECRET,
    "authkit.base_url": BASE_URL,
    "authkit.tiktok.client_key": CLIENT_KEY,
    "authkit.tiktok.client_secret": CLIENT_SECRET,
    "authkit.tiktok.redirect_uri": CALLBACK,
}

CODE = "AbC-dEf_gHi*0!4608.va"
OPEN_ID = "-000AbCdEfGhIjKlMnOpQrStUvWxYz01"
LOG_ID = "202611211000000123456789ABCDEF0123"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
"""The verifier of RFC 7636, appendix B; `CHALLENGE` is its SHA-256 in hex."""
CHALLENGE = "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3"
STATE = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

TOKEN: Mapping[str, Any] = {
    "access_token": "act.emulated0001AAAA",
    "expires_in": 7200,
    "open_id": OPEN_ID,
    "refresh_expires_in": 15552000,
    "refresh_token": "rft.emulated0001AAAA",
    "scope": BASIC,
    "token_type": "Bearer",
}
OK: Mapping[str, str] = {"code": "ok", "message": "", "log_id": LOG_ID}
USER: Mapping[str, Any] = {
    "open_id": OPEN_ID,
    "union_id": "3c0b1e52-7a1f-4b0e-9f53-0d9f2f6f1a10",
    "avatar_url": "https://p16-sign.tiktokcdn.example/tos/abc~c5_168x168.jpeg?x-expires=1795305600&x-signature=Zm9v",
    "display_name": "Ada Tok",
}


def random_of_the_samples() -> Callable[[int], bytes]:
    """Return a source of random bytes that gives `STATE` and `VERIFIER` first."""
    chosen = iter([bytes(range(32)), urlsafe_b64decode(VERIFIER + "=")])
    numbers = itertools.count()
    return lambda size: next(chosen, sha256(b"%d" % next(numbers)).digest())[:size]


def user_info(**user: Any) -> Mapping[str, Any]:
    """Return TikTok's answer about a user; a field that is None is left out."""
    fields = {**USER, **user}
    return {"data": {"user": {name: value for name, value in fields.items() if value is not None}}, "error": OK}


def resource_error(code: str, message: str = "No.", **beside: Any) -> Mapping[str, Any]:
    """Return an error of the resource API."""
    return {**beside, "error": {"code": code, "message": message, "log_id": LOG_ID}}


def oauth_error(error: str, description: str) -> Mapping[str, Any]:
    """Return an error of the OAuth endpoints."""
    return {"error": error, "error_description": description, "log_id": LOG_ID}


def scripted(**replies: Any) -> Network:
    """Return TikTok's end of the wire; `token`, `info` and `revoke` say what it answers."""
    return Network(**{"token": TOKEN, "info": user_info(), **replies})


def tiktok_kit(network: BaseAdapter, settings: Mapping[str, object] | None = None, **more: Any) -> AuthKit:
    """Return a kit that has the TikTok plugin and reaches `network`; a setting that is None is left out."""
    return AuthKit.from_settings(
        {**SETTINGS, **(settings or {})},
        transport=network,
        **{
            "clock": Clock(),
            "environ": {},
            "plugins": load_plugins(found=(), extra=[authkit_tiktok]),
            **more,
        },
    )


def complete(kit: AuthKit, redirect: Redirect, callback: Mapping[str, str] | str | None = None) -> Login:
    """Come back from TikTok with `callback`: its parameters besides the state, or its whole address."""
    if isinstance(callback, str):
        query = urlsplit(callback).query
    else:
        query = urlencode({**({"code": CODE} if callback is None else callback), "state": state_of(redirect.url)})
    return kit.complete("tiktok", query, redirect.cookies).login


def log_in(kit: AuthKit, callback: Mapping[str, str] | None = None, **begin: Any) -> Login:
    """Log in with a scripted TikTok."""
    return complete(kit, kit.begin("tiktok", **begin), callback)


class World:
    """An app, its kit, and TikTok's emulator between them, all with one clock."""

    def __init__(self, settings: Mapping[str, object] | None = None, *, app: App | None = None, **switches: Any):
        self.clock = Clock()
        self.app = app or App(CLIENT_KEY, CLIENT_SECRET, ALL_SCOPES)
        self.emulator = TikTokEmulator(clock=self.clock, apps=[self.app], switches=TikTokSwitches(**switches))
        self.kit = tiktok_kit(WsgiTransport(self.emulator), settings, clock=self.clock)

    def log_in(self, *, scopes: Sequence[str] | None = None, user: int | str = 0, **begin: Any) -> Login:
        redirect = self.kit.begin("tiktok", **begin)
        return complete(self.kit, redirect, self.emulator.approve(redirect.url, scopes=scopes, user=user))

    def sent(self, endpoint: str) -> list[Recorded]:
        """Return what was sent to one of the emulator's endpoints: ``token``, ``revoke``, ``userinfo`` …"""
        return list(self.emulator.requests(endpoint))
