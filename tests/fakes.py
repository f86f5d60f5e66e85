"""Fakes that are passed in: a provider's network, a clock, and a plugin."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from authkit import AuthKit, Login, OAuth2Provider, Profile, hookimpl
from authkit.cookies import Cookie
from authkit.errors import AuthkitError
from authkit.plugins import Plugins, load_plugins

SECRET = "an-app-secret-that-is-long-enough-for-everyone"
CLIENT_SECRET = "canary-client-secret"
ACCESS_TOKEN = "canary-access-token"
REFRESH_TOKEN = "canary-refresh-token"
BASE_URL = "https://app.example"

SETTINGS: Mapping[str, str] = {
    "authkit.secret": SECRET,
    "authkit.base_url": BASE_URL,
    "authkit.acme.client_id": "acme-client",
    "authkit.acme.client_secret": CLIENT_SECRET,
}

TOKEN: Mapping[str, Any] = {
    "access_token": ACCESS_TOKEN,
    "refresh_token": REFRESH_TOKEN,
    "token_type": "Bearer",
    "expires_in": 3600,
    "scope": "profile",
}
USER: Mapping[str, Any] = {"id": "user-1", "name": "Ada"}


def read_acme(data: Mapping[str, Any]) -> Profile:
    return Profile(subject=data["id"], display_name=data["name"])


acme = OAuth2Provider(
    name="acme",
    title="Acme",
    authorize_url="https://acme.example/oauth/authorize",
    token_url="https://acme.example/oauth/token",
    userinfo_url="https://acme.example/api/me",
    revoke_url="https://acme.example/oauth/revoke",
    default_scope=("profile",),
    profile=read_acme,
)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def plugins_with(*providers: Any, **observers: Callable[..., None]) -> Plugins:
    """Return the plugins of a process in which one plugin supplies `providers`, and observes."""

    class Plugin:
        @hookimpl
        def authkit_providers(self) -> list[Any]:
            return list(providers)

    for name, observer in observers.items():
        setattr(Plugin, name, staticmethod(hookimpl(observer)))
    return load_plugins(found=(), extra=[Plugin()])


def answer(request: PreparedRequest, status: int = 200, body: Any = b"", **headers: str) -> Response:
    """Return a response as an adapter of requests makes it; a body that is no bytes goes out as JSON."""
    response = Response()
    response.status_code = status
    response.headers = CaseInsensitiveDict({name.replace("_", "-"): value for name, value in headers.items()})
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response.raw = io.BytesIO(content)
    response.request = request
    response.url = request.url or ""
    return response


@dataclass
class Sent:
    """One request that reached the network."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: str = field(repr=False)

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body, keep_blank_values=True, strict_parsing=True))

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.url).query))


Reply = Callable[[PreparedRequest], Response] | Exception | Mapping[str, Any] | tuple[int, Any]


class Network(BaseAdapter):
    """The provider's end of the wire: answers what it is told to, and remembers what it was asked.

    Give `replies` by path: a JSON object, a pair of status and body, an exception, or a function of the request.
    """

    def __init__(self, **replies: Reply) -> None:
        super().__init__()
        self.repair()
        self.replies.update(replies)
        self.sent: list[Sent] = []

    def repair(self) -> None:
        """Answer as a provider should, from now on."""
        self.replies: dict[str, Reply] = {"token": TOKEN, "me": USER, "revoke": {}}

    def note(self, request: PreparedRequest) -> None:
        """Remember what was asked."""
        body = request.body or ""
        text = body.decode() if isinstance(body, bytes) else str(body)
        self.sent.append(Sent(request.method or "", request.url or "", dict(request.headers), text))

    def send(self, request: PreparedRequest, **_: Any) -> Response:  # type: ignore[override]
        self.note(request)
        reply = self.replies[urlsplit(request.url or "").path.rstrip("/").rsplit("/", 1)[-1]]
        if isinstance(reply, Exception):
            raise reply
        if callable(reply):
            return reply(request)
        if isinstance(reply, tuple):
            return answer(request, reply[0], reply[1])
        return answer(request, 200, reply)

    def close(self) -> None:
        """Hold nothing."""

    def to(self, path_end: str) -> list[Sent]:
        """Return the requests whose path ends in `path_end`."""
        return [sent for sent in self.sent if sent.path.rstrip("/").endswith(path_end)]


def make_kit(
    network: BaseAdapter | None = None,
    settings: Mapping[str, object] | None = None,
    *,
    provider: Any = acme,
    plugins: Plugins | None = None,
    clock: Callable[[], float] | None = None,
    **more: Any,
) -> AuthKit:
    """Return a kit that reaches `network` and knows `provider`; `settings` come on top of the usual ones."""
    return AuthKit.from_settings(
        {**SETTINGS, **(settings or {})},
        transport=network or Network(),
        clock=clock or Clock(),
        plugins=plugins or plugins_with(provider),
        environ={},
        **more,
    )


def state_of(url: str) -> str:
    """Return the state in an authorization URL."""
    return parse_qs(urlsplit(url).query)["state"][0]


class CountingRandom:
    """A source of random bytes that counts: every byte of the first answer is 1, of the second 2, and so on."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, length: int) -> bytes:
        self.calls += 1
        return bytes([self.calls % 256]) * length


FIRST_STATE = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"
"""The state of the first login of a kit whose random source is a `CountingRandom`."""

FIRST_VERIFIER = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI"
"""The PKCE verifier of that login."""


class Browser:
    """A browser: it keeps the cookies that it is told to keep, and comes back from the provider with a query."""

    def __init__(self) -> None:
        self.cookies: dict[str, str] = {}

    def keep(self, cookies: Iterable[Cookie]) -> None:
        """Do what ``Set-Cookie`` says."""
        for cookie in cookies:
            if cookie.value:
                self.cookies[cookie.name] = cookie.value
            else:
                self.cookies.pop(cookie.name, None)

    def start(self, kit: AuthKit, name: str = "acme", **options: Any) -> str:
        """Begin a login and return the authorization URL."""
        redirect = kit.begin(name, cookies=self.cookies, **options)
        self.keep(redirect.cookies)
        return redirect.url

    def come_back(self, kit: AuthKit, query: str, name: str = "acme", **options: Any) -> Login:
        """Open the callback and return the login."""
        try:
            completed = kit.complete(name, query, self.cookies, **options)
        except AuthkitError as error:
            self.keep(error.cookies)
            raise
        self.keep(completed.cookies)
        return completed.login

    def sign_in(self, kit: AuthKit, name: str = "acme", code: str = "the-code", **params: str) -> Login:
        """Begin a login, say yes at the provider, and come back; `params` are added to the callback."""
        return self.come_back(kit, callback(self.start(kit, name), code=code, **params), name)


def callback(url: str, **params: str) -> str:
    """Return the query with which a provider answers the authorization URL `url`."""
    return urlencode({"state": state_of(url), **params})
