"""One application with an adapter in it, the provider behind it, and all that can be watched from outside."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from authkit import AuthKit, Login, OAuth2Provider, Profile, hookimpl
from authkit.emulator import StockEmulator, WsgiTransport
from authkit.errors import AuthkitError
from authkit.plugins import load_plugins
from authkit.testing.adapter.browser import Browser
from authkit.testing.adapter.listening import Log

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["ME", "ORIGIN", "SESSION", "OnLogin", "World", "make_world", "place_of"]

OnLogin = Callable[[Login], object]
"""What an application does with a login: it returns, or raises to refuse it."""

ME = "/me"
SESSION = "/session"
ORIGIN = "https://app.example"
USERS: tuple[Mapping[str, str], ...] = ({"id": "ada-1", "name": "Ada"}, {"id": "grace-2", "name": "Grace"})


@lru_cache
def _provider() -> OAuth2Provider:
    return OAuth2Provider(
        name="acme",
        title="Acme",
        authorize_url="https://acme.example/oauth/authorize",
        token_url="https://acme.example/oauth/token",
        userinfo_url="https://acme.example/api/me",
        default_scope=("profile",),
        prompts={"consent": {"prompt": "consent"}},
        profile=lambda data: Profile(subject=data["id"], display_name=data["name"]),
    )


class _Observer:
    """A plugin that supplies the provider, and remembers what observers are told."""

    def __init__(self, provider: OAuth2Provider) -> None:
        self._provider = provider
        self.told: list[Login | AuthkitError] = []

    @hookimpl
    def authkit_providers(self) -> list[OAuth2Provider]:
        return [self._provider]

    @hookimpl
    def authkit_login_succeeded(self, login: Login) -> None:
        self.told.append(login)

    @hookimpl
    def authkit_login_failed(self, error: AuthkitError) -> None:
        self.told.append(error)


def place_of(location: str) -> str:
    """Return where a ``Location`` of the site leads, without its query; a relative one counts as on the site."""
    return urljoin(ORIGIN, location).partition("?")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a test acts in.

    Attributes:
        kit: the kit that the adapter was given.
        app: the application with the adapter in it.
        provider: the provider's end of the wire.
        told: what observers were told, oldest first: logins that succeeded, and errors.
        environ: what every request to this site has.
        log: what was logged during the requests.
        nobody: what the application says when nobody is signed in.
    """

    kit: AuthKit
    app: WSGIApplication = field(repr=False)
    provider: StockEmulator = field(repr=False)
    told: list[Login | AuthkitError]
    environ: Mapping[str, str]
    nobody: str
    log: Log = field(default_factory=Log, repr=False)

    def browser(self, *, app: WSGIApplication | None = None, cookies: dict[str, str] | None = None) -> Browser:
        """Return a browser, which has no cookies unless it is given some."""
        return Browser(self, app, cookies)

    def path(self, rest: str) -> str:
        """Return the path of a route of authkit, as the application sees it."""
        return self.kit.site.prefix + rest

    def who(self, browser: Browser) -> str:
        """Return who is signed in in a browser, "" for nobody."""
        said = browser.get(ME).text.strip()
        return "" if said == self.nobody else said

    def content(self, browser: Browser, query: str = "") -> Mapping[str, Any]:
        """Return the content of a browser's session, once what `query` names has been put into it."""
        content: Mapping[str, Any] = json.loads(browser.get(SESSION, query).text)
        return content

    @property
    def exchanges(self) -> int:
        """How many codes the provider was asked to exchange."""
        return sum(recorded.endpoint == "token" for recorded in self.provider.requests)

    @property
    def codes(self) -> list[str]:
        """What observers were told, as codes: "ok" for a login that succeeded."""
        return [told.code if isinstance(told, AuthkitError) else "ok" for told in self.told]

    @property
    def error(self) -> AuthkitError | None:
        """The error that observers were told of last."""
        return next((told for told in reversed(self.told) if isinstance(told, AuthkitError)), None)


def make_world(
    make_app: Callable[[AuthKit, OnLogin | None], WSGIApplication],
    settings: Mapping[str, object],
    on_login: OnLogin | None,
    nobody: str,
) -> World:
    """Return the world of one test.

    Args:
        make_app: makes the application from a kit and a login handler.
        settings: settings that come on top of the usual ones.
        on_login: what the application does with a login.
        nobody: what the application says when nobody is signed in.
    """
    observer = _Observer(_provider())
    emulator = StockEmulator(_provider(), users=USERS)
    client = emulator.settings("https://acme.example")
    kit = AuthKit.from_settings(
        {
            "authkit.secret": "the-contract-s-own-secret-that-is-long-enough",
            "authkit.base_url": ORIGIN,
            **{f"authkit.{name}.{key}": value for name in ("acme", "second") for key, value in client.items()},
            "authkit.second.provider": "acme",
            **settings,
        },
        transport=WsgiTransport(emulator),
        plugins=load_plugins(found=(), extra=[observer]),
        environ={},
    )
    parts = urlsplit(kit.site.base_url)
    environ = {"HTTP_HOST": parts.netloc, "SCRIPT_NAME": parts.path, "wsgi.url_scheme": parts.scheme}
    return World(
        kit=kit, app=make_app(kit, on_login), provider=emulator, told=observer.told, environ=environ, nobody=nobody
    )
