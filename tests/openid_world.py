"""An app that signs in at an OpenID Connect issuer, the issuer behind it, and ID tokens of a test's own making."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fakes import SECRET, Browser, Clock, plugins_with
from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from authkit import AuthKit, Login, Secret, Token
from authkit.emulator import OpenIDEmulator, WsgiTransport
from authkit.jose import OneAlgorithm
from authkit.oidc import OpenIDProvider

ISSUER = "https://idp.example"
CLIENT_ID = "emulated-client"

idp = OpenIDProvider(name="idp", title="IdP", issuer=ISSUER)


class World:
    """A kit whose registration ``idp`` is at an emulated issuer, and a browser.

    Args:
        provider: what is registered.
        switches: what the emulator is told, by the name of the switch.
        settings: of the registration, on top of what the emulator gives.
        options: of the emulator.
    """

    def __init__(
        self,
        provider: OpenIDProvider = idp,
        *,
        switches: dict[str, str] | None = None,
        settings: dict[str, object] | None = None,
        **options: Any,
    ) -> None:
        self.clock = Clock()
        issuer = str((settings or {}).get("issuer") or provider.issuer or ISSUER)
        self.emulator = OpenIDEmulator(issuer, clock=self.clock, **options)
        for name, text in (switches or {}).items():
            self.emulator.workbench.switches.turn(name, text)
        given = {**self.emulator.settings(ISSUER), **(settings or {})}
        self.kit = AuthKit.from_settings(
            {
                "authkit.secret": SECRET,
                "authkit.base_url": "https://app.example",
                **{f"authkit.idp.{name}": value for name, value in given.items() if value is not None},
            },
            transport=WsgiTransport(self.emulator),
            clock=self.clock,
            plugins=plugins_with(provider),
            environ={},
        )
        self.browser = Browser()

    def start(self, **options: Any) -> str:
        """Begin a login and return the authorization URL."""
        return self.browser.start(self.kit, "idp", **options)

    def back(self, callback_url: str) -> Login:
        """Open the callback, as its address stands, and return the login."""
        return self.browser.come_back(self.kit, urlsplit(callback_url).query, "idp")

    def sign_in(self, user: int | str = 0, **options: Any) -> Login:
        """Go through a whole login."""
        return self.back(self.emulator.approve(self.start(**options), user=user))

    def turn(self, name: str, text: str) -> None:
        """Turn a switch of the emulator."""
        self.emulator.workbench.switches.turn(name, text)

    def sent(self, endpoint: str) -> list[Any]:
        """Return what was sent to an endpoint."""
        return [request for request in self.emulator.requests if request.endpoint == endpoint]


def query_of(url: str) -> dict[str, str]:
    """Return the parameters of an address."""
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True, strict_parsing=True))


# ID tokens of a test's own making


@cache
def key(kind: str = "RSA", number: int = 0) -> Key:
    """Return a key that every test may use: making one takes long."""
    if kind == "RSA":
        return RSAKey.generate_key(2048)
    return OKPKey.generate_key("Ed25519") if kind == "OKP" else ECKey.generate_key(kind)


def public(signing_key: Key, **members: object) -> dict[str, object]:
    """Return the public half of a key, as a JSON Web Key."""
    return {**signing_key.as_dict(private=False), **members}


def claims(**changed: object) -> dict[str, object]:
    """Return the claims of a good ID token for the clock's first second; None takes one away."""
    now = int(Clock()())
    usual = {"iss": ISSUER, "aud": CLIENT_ID, "sub": "user-1", "iat": now, "exp": now + 300, "nonce": "the-nonce"}
    return {name: value for name, value in {**usual, **changed}.items() if value is not None}


def signed(content: object, signing_key: Key | None = None, *, algorithm: str = "RS256", **header: object) -> Secret:
    """Return `content` as a signed JSON Web Token; bytes are signed as they are."""
    payload = content if isinstance(content, bytes) else json.dumps(content).encode()
    members = {"alg": algorithm, "kid": "one", **header}
    given = {name: value for name, value in members.items() if value is not None}
    registry = OneAlgorithm(algorithm, is_strict=False)
    return Secret(jws.serialize_compact(given, payload, signing_key or key(), registry=registry))


def token_with(id_token: Secret | None, access_token: str = "the-access-token") -> Token:
    """Return a token with an ID token in it."""
    return replace(Token(Secret(access_token)), id_token=id_token)
