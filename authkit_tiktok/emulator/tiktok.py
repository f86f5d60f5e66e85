"""`TikTokEmulator`: TikTok's login as a WSGI application."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from authkit import Profile
from authkit.emulator import AdjustableClock, Recipe, Request, Switchboard, Table, Workbench, read_records
from authkit_tiktok.emulator.actions import list_actions
from authkit_tiktok.emulator.app import EXAMPLE_APP, App
from authkit_tiktok.emulator.enrolment import user_of
from authkit_tiktok.emulator.identities import Identities
from authkit_tiktok.emulator.ledger import Ledger
from authkit_tiktok.emulator.phone import Phone
from authkit_tiktok.emulator.qrcodes import QrCodes
from authkit_tiktok.emulator.ratelimit import RateLimit
from authkit_tiktok.emulator.recipes import list_recipes
from authkit_tiktok.emulator.routes import list_endpoints
from authkit_tiktok.emulator.switches import DEFAULTS, TikTokSwitches
from authkit_tiktok.emulator.tables import list_tables
from authkit_tiktok.emulator.user import EXAMPLE_USERS, User, taken_names
from authkit_tiktok.emulator.webhooks import Webhooks
from authkit_tiktok.emulator.world import World

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from requests.adapters import BaseAdapter

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
        webhook_transport: what takes webhooks to apps; then nothing is sent but by `webhooks.deliver`. None for the
            network, and a thread that delivers.

    Attributes:
        requests: what was sent, oldest first, the last thousand.
        workbench: the shared part: clock, switches, faults and control page.
        webhooks: what apps are told.

    Raises:
        ValueError: there is no app or no user, two have the same id or name, or a fault is not understood.

    Example:
        >>> from authkit_tiktok.emulator import TikTokEmulator
        >>> emulator = TikTokEmulator()
        >>> sorted(emulator.settings("http://127.0.0.1:8787"))
        ['authorize_url', 'client_key', 'client_secret', 'revoke_url', 'token_url', 'userinfo_url']
    """

    provider = "tiktok"

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
        webhook_transport: BaseAdapter | None = None,
    ) -> None:
        _check_names(apps, users)
        self.apps = tuple(apps)
        adjustable, board = AdjustableClock(clock), Switchboard(switches)
        self.webhooks = Webhooks(adjustable, board, webhook_transport, in_background=webhook_transport is None)
        self._world = world = World(
            apps={app.client_key: app for app in apps},
            users=list(users),
            switches=board,
            ledger=Ledger(adjustable, random, board),
            identities=Identities(self.apps[0]),
            clock=adjustable,
            limits=RateLimit(adjustable),
            webhooks=self.webhooks,
            qrcodes=QrCodes(adjustable, board),
        )
        self._phone = Phone(world)
        self.workbench = Workbench(
            "TikTok",
            list_endpoints(world),
            clock=adjustable,
            switches=board,
            faults=faults,
            seed=seed,
            tables=self.tables,
            actions=list_actions(self._phone),
            identity_fields=frozenset({"open_id", "union_id"}),
        )
        self.requests = self.workbench.requests

    @classmethod
    def configured(cls, apps: Sequence[Mapping[str, Any]], users: Sequence[Mapping[str, Any]]) -> TikTokEmulator:
        """Return an emulator with the apps and users that JSON describes; empty for the usual ones.

        Raises:
            ValueError: TikTok would not have them so; the message says why.
        """
        return cls(apps=read_records(App, apps) or (EXAMPLE_APP,), users=read_records(User, users) or EXAMPLE_USERS)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        return self.workbench(environ, start_response)

    @property
    def users(self) -> Sequence[User]:
        """The accounts that the consent page offers."""
        return tuple(self._world.users)

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

    def tables(self) -> Sequence[Table]:
        """Return what it knows: users, apps and the newest tokens. The tokens and the secrets are real."""
        return list_tables(self._world)

    def recipes(self, origin: str) -> Sequence[Recipe]:
        """Return how other libraries are pointed at the emulator at `origin`."""
        return list_recipes(self.settings(origin))

    def approve(self, authorize_url: str, *, user: int | str = 0, scopes: Sequence[str] | None = None) -> str:
        """Go to `authorize_url` as a browser would, continue as `user`, and return the callback's address.

        Where TikTok asks nobody, as the switch ``consent`` can have it, the answer is TikTok's.

        Args:
            authorize_url: an authorization request, at whatever host.
            user: a place in `users`, an open id as written there, or a username; an open id goes first.
            scopes: the boxes that stay ticked; None for all of them.

        Raises:
            ValueError: TikTok would show an error page, and the message names the parameter; or there is no such
                user or box.
        """
        query = Request.by_browser("GET", authorize_url).query
        offered = query.get("scope", "").split(",")
        ticked = offered if scopes is None else scopes
        if unknown := set(ticked) - set(offered):
            raise ValueError(f"the consent page has no box for {', '.join(sorted(unknown))}")
        key = query.get("client_key", "")
        open_id = self._world.identities.open_id(self._world.find_user(user), self._world.apps.get(key, self.apps[0]))
        return self._visit(authorize_url, {"decision": "allow", "user": open_id, "scope": ",".join(ticked)})

    def deny(self, authorize_url: str) -> str:
        """Go to `authorize_url` as a browser would, cancel, and return the callback's address.

        Raises:
            ValueError: TikTok would show an error page; the message names the parameter.
        """
        return self._visit(authorize_url, {"decision": "deny"})

    def enrol(self, profile: Profile) -> str:
        """Add an account with this profile, or put it in the place of the one that has the subject already.

        The subject is the open id at the first app. Everybody has a display name, a username and a union id at
        TikTok: what `profile` leaves out of these is made up, and an app sees them if it has the scopes. ``raw`` is
        not read.

        Returns:
            the subject, for `approve`.

        Raises:
            ValueError: TikTok cannot have such an account; the message names the field.
        """
        with self.workbench.exclusively():
            return self._world.enrol(user_of(profile))

    def scan(self, scan_qrcode_url: str) -> None:
        """Scan a QR code with the TikTok app.

        Args:
            scan_qrcode_url: what the app was given, with its client_ticket in place of ``tobefilled``.

        Raises:
            ValueError: it is none, it has no proper ticket, or it is not new.
        """
        with self.workbench.exclusively():
            self._phone.scan(scan_qrcode_url)

    def confirm(self, scan_qrcode_url: str, *, user: int | str = 0, scopes: Sequence[str] | None = None) -> None:
        """Approve, in the TikTok app, what was scanned.

        Args:
            scan_qrcode_url: what was scanned.
            user: a place in `users`, an open id or a username.
            scopes: what the user allows; None for all that is asked for.

        Raises:
            ValueError: it was not scanned, the app does not ask for that, or the user cannot log in to it.
        """
        with self.workbench.exclusively():
            self._phone.confirm(scan_qrcode_url, user, scopes)

    def disconnect(self, user: int | str = 0, app: str | None = None, reason: int = 1) -> None:
        """Disconnect an app from a user's account; its tokens are dead, and its webhook tells it so.

        Args:
            user: a place in `users`, an open id or a username.
            app: a client key; None for every app that the user has connected.
            reason: 0 for unknown, 1 when the user disconnected it, 2 when the account was deleted, 3 when its age
                changed, 4 when it was banned, 5 when the app revoked ("Webhook events").

        Raises:
            ValueError: there is no such user, app or reason, or the user has not connected the app.
        """
        with self.workbench.exclusively():
            self._phone.disconnect(user, app, reason)

    def notify(
        self,
        event: str,
        content: Mapping[str, str | int] | None = None,
        *,
        user: int | str | None = 0,
        app: str | None = None,
    ) -> None:
        """Send a webhook to an app.

        Args:
            event: such as ``video.publish.completed``.
            content: what it says; None for an example.
            user: a place in `users`, an open id or a username; None for an event that is about nobody.
            app: a client key; None for the first app.

        Raises:
            ValueError: there is no such user or app, or the app has no webhook URL.
        """
        with self.workbench.exclusively():
            self._phone.notify(event, content, user, app)

    def _visit(self, authorize_url: str, form: Mapping[str, str]) -> str:
        location = self.workbench.answer(Request.by_browser("GET", authorize_url)).location
        if location is None or location.startswith("?"):
            location = self.workbench.answer(Request.by_browser("POST", authorize_url, form)).location
        if location is None:
            raise ValueError("this is not the address of TikTok's authorization endpoint")
        if location.startswith("?"):
            fields = parse_qs(location[1:])
            raise ValueError(f"TikTok shows an error page: {fields['error_type'][0]} ({fields['error'][0]})")
        return location


def _check_names(apps: Sequence[App], users: Sequence[User]) -> None:
    if not apps or not users:
        raise ValueError("the emulator needs at least one app and one user")
    if len({app.client_key for app in apps}) < len(apps):
        raise ValueError("two apps have the same client key")
    if taken := taken_names(users):
        raise ValueError(f"two users have the same {taken[0]}")
