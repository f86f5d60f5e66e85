"""`TikTokEmulator`: TikTok's login as a WSGI application."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, ClassVar, Literal
from urllib.parse import parse_qs

from authkit.emulator import Answer, Recorded, Request, read_request
from authkit_tiktok.emulator.app import EXAMPLE_APP, App
from authkit_tiktok.emulator.authorize import AuthorizeEndpoint
from authkit_tiktok.emulator.ledger import Ledger
from authkit_tiktok.emulator.tokens import TokenEndpoint
from authkit_tiktok.emulator.user import EXAMPLE_USERS, User
from authkit_tiktok.emulator.userinfo import UserInfoEndpoint

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["TikTokEmulator"]

RECORDED_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Route:
    """What an endpoint is called in `TikTokEmulator.requests`, and what answers it."""

    endpoint: str
    answer: Callable[[Request], Answer]


@dataclass(kw_only=True, eq=False)
class TikTokEmulator:
    """TikTok's login, as far as apps see it: authorization, token, revocation and user info.

    It answers at TikTok's paths under any origin, keeps everything in memory, and may be called from many
    threads. Where TikTok documents nothing, the defaults are what its users report.

    Attributes:
        clock: the time, in seconds since 1970.
        random: that many random bytes.
        apps: the apps that are registered; `settings` gives the first one's key and secret.
        users: the accounts that the consent page offers.
        error_status: the HTTP status of token errors: always 200, or 400 and 401 as RFC 6749 has it.
        rotation: whether a refresh replaces the refresh token; the old one is dead at once then.
        access_lifetime: seconds; 86400 until late 2026.
        refresh_lifetime: seconds, counted from the login; 31536000 until late 2026.
        code_lifetime: seconds.
        resource_error_data: whether an error of the user info endpoint has an empty ``data`` beside it.
        requests: what was sent, oldest first, the last thousand.

    Example:
        >>> from authkit_tiktok.emulator import TikTokEmulator
        >>> emulator = TikTokEmulator()
        >>> sorted(emulator.settings("http://127.0.0.1:8787"))
        ['authorize_url', 'client_key', 'client_secret', 'revoke_url', 'token_url', 'userinfo_url']
    """

    provider: ClassVar[str] = "tiktok"

    clock: Callable[[], float] = time.time
    random: Callable[[int], bytes] = secrets.token_bytes
    apps: Sequence[App] = (EXAMPLE_APP,)
    users: Sequence[User] = EXAMPLE_USERS
    error_status: Literal["200", "rfc"] = "200"
    rotation: bool = True
    access_lifetime: int = 7200
    refresh_lifetime: int = 15552000
    code_lifetime: int = 60
    resource_error_data: bool = False
    requests: list[Recorded] = field(init=False, repr=False, default_factory=list)
    _routes: Mapping[str, Mapping[str, Route]] = field(init=False, repr=False)
    _lock: Lock = field(init=False, repr=False, default_factory=Lock)

    def __post_init__(self) -> None:
        if not self.apps or not self.users:
            raise ValueError("the emulator needs at least one app and one user")
        ledger = Ledger(
            self.clock,
            self.random,
            code_lifetime=self.code_lifetime,
            access_lifetime=self.access_lifetime,
            refresh_lifetime=self.refresh_lifetime,
            rotation=self.rotation,
        )
        apps = {app.client_key: app for app in self.apps}
        authorize = AuthorizeEndpoint(apps, self.users, ledger)
        token = TokenEndpoint(apps, ledger, self.error_status)
        userinfo = UserInfoEndpoint(ledger, self.resource_error_data)
        pages = {"GET": Route("authorize", authorize.show), "POST": Route("consent", authorize.decide)}
        self._routes = {
            "/v2/auth/authorize/": pages,
            "/v2/auth/authorize": pages,
            "/v2/oauth/token/": {"POST": Route("token", token.exchange)},
            "/v2/oauth/revoke/": {"POST": Route("revoke", token.revoke)},
            "/v2/user/info/": {"GET": Route("userinfo", userinfo.show)},
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        return self._answer(read_request(environ)).send(start_response)

    @property
    def scopes(self) -> Sequence[str]:
        """What the first app may ask for."""
        return self.apps[0].scopes

    def settings(self, origin: str) -> Mapping[str, str]:
        """Return the settings of a registration that uses the emulator at `origin`, without their prefix."""
        origin = origin.rstrip("/")
        return {
            "client_key": self.apps[0].client_key,
            "client_secret": self.apps[0].client_secret,
            "authorize_url": f"{origin}/v2/auth/authorize/",
            "token_url": f"{origin}/v2/oauth/token/",
            "userinfo_url": f"{origin}/v2/user/info/",
            "revoke_url": f"{origin}/v2/oauth/revoke/",
        }

    def approve(self, authorize_url: str, *, user: int | str = 0, scopes: Sequence[str] | None = None) -> str:
        """Go to `authorize_url` as a browser would, continue as `user`, and return the callback's address.

        Args:
            authorize_url: an authorization request, at whatever host.
            user: a place in `users`, an open id or a username.
            scopes: the boxes that stay ticked; None for all of them.

        Raises:
            ValueError: TikTok would show an error page, and the message names the parameter; or there is no such
                user or box.
        """
        offered = Request.by_browser("GET", authorize_url).query.get("scope", "").split(",")
        ticked = offered if scopes is None else scopes
        if unknown := set(ticked) - set(offered):
            raise ValueError(f"the consent page has no box for {', '.join(sorted(unknown))}")
        form = {"decision": "allow", "user": self._find_user(user).open_id, "scope": ",".join(ticked)}
        return self._visit(authorize_url, form)

    def deny(self, authorize_url: str) -> str:
        """Go to `authorize_url` as a browser would, cancel, and return the callback's address.

        Raises:
            ValueError: TikTok would show an error page; the message names the parameter.
        """
        return self._visit(authorize_url, {"decision": "deny"})

    def _find_user(self, user: int | str) -> User:
        for number, candidate in enumerate(self.users):
            if user in (number, candidate.open_id, candidate.username):
                return candidate
        raise ValueError(f"the emulator has no user {user!r}")

    def _visit(self, authorize_url: str, form: Mapping[str, str]) -> str:
        self._answer(Request.by_browser("GET", authorize_url))
        location = self._answer(Request.by_browser("POST", authorize_url, form)).location
        if location is None:
            raise ValueError("this is not the address of TikTok's authorization endpoint")
        if location.startswith("?"):
            fields = parse_qs(location[1:])
            raise ValueError(f"TikTok shows an error page: {fields['error_type'][0]} ({fields['error'][0]})")
        return location

    def _answer(self, request: Request) -> Answer:
        methods = self._routes.get(request.path, {})
        route = methods.get(request.method)
        with self._lock:
            if route is None:
                allowed = ", ".join(methods)
                answer = Answer(405, headers=(("Allow", allowed),)) if methods else Answer(404)
            else:
                answer = Answer(413) if request.is_too_large else route.answer(request)
            self._record(request, answer, route.endpoint if route else "")
        return answer

    def _record(self, request: Request, answer: Answer, endpoint: str) -> None:
        recorded = Recorded(
            request.method, request.path, request.query, request.form, request.headers, answer.status, endpoint
        )
        self.requests.append(recorded)
        del self.requests[:-RECORDED_LIMIT]
