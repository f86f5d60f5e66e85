"""`TikTokEmulator`: TikTok's login as a WSGI application."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import parse_qs

from authkit.emulator import AdjustableClock, Endpoint, Faults, Request, Switchboard, Workbench
from authkit_tiktok.emulator.app import EXAMPLE_APP, App
from authkit_tiktok.emulator.authorize import AuthorizeEndpoint
from authkit_tiktok.emulator.ledger import Ledger
from authkit_tiktok.emulator.switches import DEFAULTS, TikTokSwitches
from authkit_tiktok.emulator.tokens import TokenEndpoint
from authkit_tiktok.emulator.user import EXAMPLE_USERS, User
from authkit_tiktok.emulator.userinfo import UserInfoEndpoint
from authkit_tiktok.emulator.world import World

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["TikTokEmulator"]


class TikTokEmulator:
    """TikTok's login, as far as apps see it.

    It answers at TikTok's paths under any origin, keeps everything in memory, and may be called from many
    threads. Where TikTok documents nothing, the defaults are what its users report.

    Args:
        clock: the time, in seconds since 1970.
        random: that many random bytes.
        apps: the apps that are registered; `settings` gives the first one's key and secret.
        users: the accounts that the consent page offers.
        switches: what TikTok does otherwise; they can be turned while it runs.
        faults: what goes wrong from the start, such as ``token:reset:once``.
        seed: what decides about faults that have a probability.

    Attributes:
        requests: what was sent, oldest first, the last thousand.
        workbench: the shared part: clock, switches, faults and control page.

    Raises:
        ValueError: there is no app or no user, or a fault is not understood.

    Example:
        >>> from authkit_tiktok.emulator import TikTokEmulator
        >>> emulator = TikTokEmulator()
        >>> sorted(emulator.settings("http://127.0.0.1:8787"))
        ['authorize_url', 'client_key', 'client_secret', 'revoke_url', 'token_url', 'userinfo_url']
    """

    provider: ClassVar[str] = "tiktok"

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = secrets.token_bytes,
        apps: Sequence[App] = (EXAMPLE_APP,),
        users: Sequence[User] = EXAMPLE_USERS,
        switches: TikTokSwitches = DEFAULTS,
        faults: Sequence[str] = (),
        seed: int = 0,
    ) -> None:
        if not apps or not users:
            raise ValueError("the emulator needs at least one app and one user")
        self.apps = tuple(apps)
        self.users = tuple(users)
        adjustable, board = AdjustableClock(clock), Switchboard(switches)
        world = World({app.client_key: app for app in apps}, self.users, board, Ledger(adjustable, random, board))
        self.workbench = Workbench(
            "TikTok", _endpoints(world), clock=adjustable, switches=board, faults=Faults(faults, seed)
        )
        self.requests = self.workbench.requests

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        return self.workbench(environ, start_response)

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
        self.workbench.answer(Request.by_browser("GET", authorize_url))
        location = self.workbench.answer(Request.by_browser("POST", authorize_url, form)).location
        if location is None:
            raise ValueError("this is not the address of TikTok's authorization endpoint")
        if location.startswith("?"):
            fields = parse_qs(location[1:])
            raise ValueError(f"TikTok shows an error page: {fields['error_type'][0]} ({fields['error'][0]})")
        return location


def _endpoints(world: World) -> Sequence[Endpoint]:
    authorize, token, userinfo = AuthorizeEndpoint(world), TokenEndpoint(world), UserInfoEndpoint(world)
    pages = ("/v2/auth/authorize/", "/v2/auth/authorize")
    return (
        Endpoint("authorize", "GET", pages, authorize.show),
        Endpoint("consent", "POST", pages, authorize.decide),
        Endpoint("token", "POST", ("/v2/oauth/token/",), token.exchange),
        Endpoint("revoke", "POST", ("/v2/oauth/revoke/",), token.revoke),
        Endpoint("userinfo", "GET", ("/v2/user/info/",), userinfo.show),
    )
