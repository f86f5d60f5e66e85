"""An app on a phone, its server and the provider: what a native login goes through, without any framework."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from account_world import AccountWorld
from fakes import Browser, Clock, CountingRandom, acme, make_kit, state_of
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey

from authkit import OAuth2Provider, Secret
from authkit.accounts import Database
from authkit.native import Jwts, Native, NativeConfiguration, Returned, SigningKeys, new_key

VERIFIER = "v" * 43
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
LINK = "https://app.example/signed-in"
PRIVATE_LINK = "com.example.app:/signed-in"
SDK_REDIRECT_URI = "https://app.example/sdk"
PRIVATE: Mapping[str, str] = {
    "authkit.native.private.link": PRIVATE_LINK,
    "authkit.native.private.allow_private_scheme": "yes",
}
"""The settings of an app with a scheme that any app can claim."""
JWT_SETTINGS: Mapping[str, Any] = {"issuer": "https://app.example", "audience": "https://app.example"}

asking = replace(acme, prompts={"consent": {"ask": "again"}})
"""Acme, which can be made to ask the user."""


@cache
def member(algorithm: str = "ES256", kid: str = "key-1") -> Mapping[str, Any]:
    """Return a private key as a member of a key set, always the same for the same arguments."""
    return new_key(algorithm, kid)


def key_set(*members: Mapping[str, Any]) -> Secret:
    """Return a key set; of one ES256 key, if none is given."""
    return Secret(json.dumps({"keys": members or (member(),)}))


def new_jwts(clock: Clock, *members: Mapping[str, Any], lifetime: int = 3600) -> Jwts:
    """Return what issues tokens with `members`, the first of which signs."""
    return Jwts(
        SigningKeys(key_set(*members)), lifetime=lifetime, clock=clock, random=CountingRandom(), **JWT_SETTINGS
    )


def b64(data: bytes | str | Mapping[str, Any]) -> str:
    """Return base64url without padding, of a JSON object if it is none of bytes and text."""
    content = data if isinstance(data, (bytes, str)) else json.dumps(data)
    return urlsafe_b64encode(content.encode() if isinstance(content, str) else content).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parts_of(jwt: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Return the header, the claims and the signature of a token, unchecked."""
    header, claims, signature = jwt.split(".")
    return json.loads(unb64(header)), json.loads(unb64(claims)), signature


def sign(
    claims: Mapping[str, Any] | bytes, header: Mapping[str, Any] | bytes = b"", *, by: Mapping[str, Any] | None = None
) -> str:
    """Return a token that the key `by`, the usual one of all tests if None, has signed, whatever is in it."""
    by = by or member()
    kind = {"EC": ECKey, "OKP": OKPKey, "oct": OctKey}[by["kty"]]
    algorithm = jws.JWSRegistry.algorithms[by["alg"]]
    head = b64(header or {"alg": by["alg"], "kid": by["kid"], "typ": "at+jwt"})
    content = f"{head}.{b64(claims)}"
    return f"{content}.{b64(algorithm.sign(content.encode(), kind.import_key(dict(by))))}"


class NativeWorld(AccountWorld):
    """A server with native apps: `phone` has an https link, `private` a scheme of its own, `seed` is as in the seed.

    Settings are given as ``native__pseudo_email="yes"``.
    """

    def __init__(self, database: Database, *, provider: OAuth2Provider = asking, **settings: str) -> None:
        from fakes import Network, plugins_with

        clock, network = Clock(), Network()
        own = {f"authkit.{name.replace('__', '.')}": value for name, value in settings.items()}
        kit = make_kit(network, {**self.usual(), **PRIVATE, **own}, clock=clock, plugins=plugins_with(provider))
        super().__init__(database, kit=kit)
        self.clock, self.network = clock, network
        self.browser = Browser()
        self.native = self.another_server()

    @staticmethod
    def usual() -> dict[str, str]:
        return {
            "authkit.native.keys": key_set().reveal(),
            "authkit.native.phone.link": LINK,
            "authkit.native.phone.redirect_uris": f"{SDK_REDIRECT_URI} com.example.app:/sdk",
            "authkit.native.seed.link": "https://seed.example/callback?from=web",
            "authkit.native.seed.link_carries": "access_token",
            "authkit.native.no-link.redirect_uris": "https://app.example/other-sdk",
        }

    def another_server(self) -> Native:
        """Return what another process would have, with the same settings and the same database."""
        return Native(self.kit, self.accounts, self.database, NativeConfiguration.of(self.kit))

    def start(self, app: str = "phone", *, challenge: str = CHALLENGE, state: str = "app-state") -> str:
        """Begin a login in the system browser, and return the authorization URL."""
        redirect = self.native.begin("acme", app=app, challenge=challenge, state=state, cookies=self.browser.cookies)
        self.browser.keep(redirect.cookies)
        return redirect.url

    def come_back(self, url: str, **params: str) -> Returned:
        """Open the callback of the login that `url` began, and do what the answer says with the cookies."""
        query = urlencode({"state": state_of(url), **(params or {"code": "the-code"})})
        returned = self.native.complete("acme", query, self.browser.cookies)
        self.browser.keep(returned.cookies)
        return returned

    def ticket(self, app: str = "phone") -> str:
        """Return a ticket from a login that went well."""
        return query_of(self.come_back(self.start(app)).link)["ticket"]

    def sign_in(self) -> Mapping[str, Any]:
        """Return the answer of a login that went well."""
        return self.native.connect("acme", {"ticket": self.ticket(), "verifier": VERIFIER}).answer


def query_of(link: str) -> dict[str, str]:
    """Return the query of a link, each parameter once."""
    pairs = parse_qsl(urlsplit(link).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)
