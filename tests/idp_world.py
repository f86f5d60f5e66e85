"""An OpenID Connect emulator with everything around it: a clock, an app's browser, and plain requests."""

from __future__ import annotations

import base64
import hmac
import itertools
import json
from hashlib import sha256
from typing import Any
from urllib.parse import quote_plus, urlencode

import requests
from fakes import Clock
from joserfc import jws, jwt
from joserfc.jwk import KeySet
from stock_world import CALLBACK, CHALLENGE, VERIFIER, query_of, without_none

from authkit.emulator import OpenIDClient, OpenIDEmulator, OpenIDSwitches, Rule, WsgiTransport

IDP = "https://idp.example"
CLIENT_ID, SECRET = "client one", "s+cr%t:& ü"
OTHER = OpenIDClient("other", "other-secret")
NO_CREDENTIALS: dict[str, str | None] = {"client_id": None, "client_secret": None}
NONCE = "n-0S6_WzA2Mj"


class World:
    """An emulator, its clock, and a session whose every request reaches it."""

    def __init__(self, issuer: str = "", *, switches: dict[str, Any] | None = None, **options: Any) -> None:
        self.clock = Clock()
        numbers = itertools.count(1)
        options.setdefault("clients", (OpenIDClient(CLIENT_ID, SECRET), OTHER))
        self.emulator = OpenIDEmulator(
            issuer,
            clock=self.clock,
            random=lambda size: sha256(b"%d" % next(numbers)).digest()[:size],
            switches=OpenIDSwitches(**switches) if switches is not None else None,
            **options,
        )
        self.client = self.emulator.clients[0]
        self.issuer = self.emulator.settings(IDP)["issuer"]
        self.http = requests.Session()
        self.http.trust_env = False
        for scheme in ("http://", "https://"):
            self.http.mount(scheme, WsgiTransport(self.emulator))

    # What everybody may know

    def metadata(self) -> dict[str, Any]:
        return self.http.get(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration").json()

    def jwks(self) -> dict[str, Any]:
        return self.http.get(self.metadata()["jwks_uri"]).json()

    def at(self, name: str) -> str:
        return self.issuer.rstrip("/") + name

    # The browser

    def asked(self, **changes: str | None) -> dict[str, str]:
        """Return the parameters of an authorization request; None takes one away."""
        query = {
            "client_id": self.client.client_id,
            "response_type": "code",
            "scope": "openid profile email",
            "redirect_uri": CALLBACK,
            "state": "xyz",
            "nonce": NONCE,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        return without_none(query)

    def url(self, **changes: str | None) -> str:
        return f"{self.at('/authorize')}?{urlencode(self.asked(**changes))}"

    def pushed_url(self, request_uri: str, client_id: str | None = None, **more: str) -> str:
        query = {"client_id": client_id or self.client.client_id, "request_uri": request_uri, **more}
        return f"{self.at('/authorize')}?{urlencode(query)}"

    def browse(self, **changes: str | None) -> requests.Response:
        return self.http.get(self.url(**changes), allow_redirects=False)

    def refusal(self, **changes: str | None) -> str:
        """Return the error that the client is told by way of the browser."""
        return query_of(self.browse(**changes).headers["Location"])["error"]

    def callback(self, *, user: int | str = 0, scopes: Any = None, **changes: str | None) -> dict[str, str]:
        return query_of(self.emulator.approve(self.url(**changes), user=user, scopes=scopes))

    # The client

    def post(self, name: str, form: dict[str, str | None], **options: Any) -> requests.Response:
        return self.http.post(self.at(name), data=without_none(form), allow_redirects=False, **options)

    def by_post(self) -> dict[str, str]:
        return {"client_id": self.client.client_id, "client_secret": self.client.client_secret}

    def exchange(
        self, code: str, /, headers: dict[str, str] | None = None, **changes: str | None
    ) -> requests.Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return self.post("/token", {**form, **self.by_post(), **changes}, headers=headers)

    def tokens(self, **options: Any) -> dict[str, Any]:
        return self.exchange(self.callback(**options)["code"]).json()

    def refresh(self, tokens: dict[str, Any], **changes: str | None) -> dict[str, Any]:
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        return self.post("/token", {**form, **self.by_post(), **changes}).json()

    def push(self, **changes: str | None) -> requests.Response:
        return self.post("/par", {**self.asked(), **self.by_post(), **changes})

    def userinfo(self, tokens: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        return self.http.get(self.at("/userinfo"), headers=headers).json()

    def verified(self, tokens: dict[str, Any], jwks: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the claims of an ID token whose signature is right by the key that its header names."""
        keys = KeySet.import_key_set(jwks or self.jwks())
        return dict(jwt.decode(tokens["id_token"], keys, algorithms=["RS256", "ES256", "EdDSA"]).claims)

    # What came of it

    @property
    def broken(self) -> Rule | None:
        """The rule that the last request broke."""
        return self.emulator.requests[-1].broken


def header_of(tokens: dict[str, Any]) -> dict[str, Any]:
    return jws.extract_compact(tokens["id_token"].encode()).headers()


def claims_of(tokens: dict[str, Any]) -> dict[str, Any]:
    """Return the claims of an ID token, whoever signed it."""
    return json.loads(jws.extract_compact(tokens["id_token"].encode()).payload)


def is_signed_with(secret: bytes, tokens: dict[str, Any]) -> bool:
    """Whether an ID token is signed by HMAC with a secret."""
    content, _, signature = tokens["id_token"].rpartition(".")
    return base64.urlsafe_b64decode(f"{signature}=") == hmac.digest(secret, content.encode(), "sha256")


def basic(client_id: str = CLIENT_ID, secret: str = SECRET) -> dict[str, str]:
    """Return the header of a client that authenticates by HTTP Basic (RFC 6749, section 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
