"""A stock emulator with everything around it: a clock, an app's browser, and plain requests."""

from __future__ import annotations

import itertools
from dataclasses import replace
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from fakes import Clock

from authkit import OAuth2Provider, Profile, pkce
from authkit.emulator import Rule, StockClient, StockEmulator, StockSwitches, WsgiTransport

CLIENT_ID, SECRET = "client one", "s+cr%t:& ü"
"""An id and a secret that only a client that encodes them gets through HTTP Basic."""

OTHER = StockClient("other", "other-secret")
CALLBACK = "https://app.example/callback"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
"""The pair of RFC 7636, appendix B."""

AUTHORIZE = "https://acme.example/oauth/authorize"
TOKEN = "https://acme.example/oauth/token"
USERINFO = "https://acme.example/api/me"
REVOKE = "https://acme.example/oauth/revoke"

acme = OAuth2Provider(
    name="acme",
    title="Acme",
    authorize_url=AUTHORIZE,
    token_url=TOKEN,
    userinfo_url=USERINFO,
    revoke_url=REVOKE,
    default_scope=("profile", "email"),
    token_auth="body",
    profile=lambda data: Profile(subject=data["id"], display_name=data["name"], username=data["login"]),
)


def provider(**changes: Any) -> OAuth2Provider:
    return replace(acme, **changes)


class World:
    """An emulator, its clock, and a session whose every request reaches it."""

    def __init__(
        self, data: OAuth2Provider = acme, *, switches: dict[str, Any] | None = None, **options: Any
    ) -> None:
        self.clock = Clock()
        numbers = itertools.count(1)
        self.data = data
        options.setdefault("clients", (StockClient(CLIENT_ID, SECRET), OTHER))
        self.emulator = StockEmulator(
            data,
            clock=self.clock,
            random=lambda size: sha256(b"%d" % next(numbers)).digest()[:size],
            switches=StockSwitches(**switches) if switches is not None else None,
            **options,
        )
        self.http = requests.Session()
        self.http.trust_env = False
        for scheme in ("http://", "https://"):
            self.http.mount(scheme, WsgiTransport(self.emulator))

    # The browser

    def url(self, extra: str = "", **changes: str | None) -> str:
        """Return an authorization request; None takes a parameter away."""
        query = {
            "client_id": CLIENT_ID,
            "response_type": "code",
            "scope": "profile email",
            "redirect_uri": CALLBACK,
            "state": "xyz",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        return f"{AUTHORIZE}?{urlencode({name: value for name, value in query.items() if value is not None})}{extra}"

    def browse(self, extra: str = "", **changes: str | None) -> requests.Response:
        return self.http.get(self.url(extra, **changes), allow_redirects=False)

    def consent(self, form: dict[str, Any], **changes: str | None) -> requests.Response:
        return self.http.post(self.url(**changes), data=form, allow_redirects=False)

    def code(self, *, user: int | str = 0, scopes: Any = None, **changes: str | None) -> str:
        return query_of(self.emulator.approve(self.url(**changes), user=user, scopes=scopes))["code"]

    # The client

    def post(self, url: str, form: Any = None, **options: Any) -> requests.Response:
        return self.http.post(url, data=form, allow_redirects=False, **options)

    def token(self, /, **form: str | None) -> requests.Response:
        return self.post(TOKEN, without_none({"client_id": CLIENT_ID, "client_secret": SECRET, **form}))

    def exchange(self, code: str, /, **changes: str | None) -> requests.Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return self.token(**{**form, **changes})

    def refresh(self, refresh_token: str, **changes: str | None) -> requests.Response:
        return self.token(**{"grant_type": "refresh_token", "refresh_token": refresh_token, **changes})

    def revoke(self, token: str | None, **changes: str | None) -> requests.Response:
        form = {"client_id": CLIENT_ID, "client_secret": SECRET, "token": token, **changes}
        return self.post(REVOKE, without_none(form))

    def tokens(self, **options: Any) -> dict[str, Any]:
        return self.exchange(self.code(**options)).json()

    def userinfo(self, access_token: str) -> requests.Response:
        return self.http.get(USERINFO, headers={"Authorization": f"Bearer {access_token}"})

    # What came of it

    @property
    def broken(self) -> Rule | None:
        """The rule that the last request broke."""
        return self.emulator.requests[-1].broken


def as_other(**form: str) -> dict[str, str]:
    """Return the form of a request by the other client."""
    return {**form, "client_id": OTHER.client_id, "client_secret": OTHER.client_secret}


def without_none(form: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in form.items() if value is not None}


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True, strict_parsing=True))


def error_of(response: requests.Response) -> tuple[int, str]:
    """Return status and error code of an answer, having checked what RFC 6749, section 5.2 says of it."""
    assert sorted(response.json()) == ["error", "error_description"]
    assert response.headers["Content-Type"] == "application/json"
    assert (response.headers["Cache-Control"], response.headers["Pragma"]) == ("no-store", "no-cache")
    return response.status_code, response.json()["error"]


HEX = pkce.s256_hex
