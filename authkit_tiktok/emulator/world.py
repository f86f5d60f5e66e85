"""`World`: what the endpoints of the emulated TikTok have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from authkit.emulator import Switchboard
from authkit_tiktok.emulator.app import App
from authkit_tiktok.emulator.identities import Identities
from authkit_tiktok.emulator.ledger import Ledger
from authkit_tiktok.emulator.qrcodes import QrCodes
from authkit_tiktok.emulator.ratelimit import RateLimit
from authkit_tiktok.emulator.redirects import Platform
from authkit_tiktok.emulator.switches import TikTokSwitches
from authkit_tiktok.emulator.user import User
from authkit_tiktok.emulator.webhooks import Webhooks

__all__ = ["World"]


@dataclass(frozen=True, slots=True)
class World:
    """Who is there, what was handed out, and how TikTok behaves today.

    Attributes:
        apps: the apps that are registered, by client key.
        users: the accounts that the consent page offers.
        switches: how TikTok behaves.
        ledger: what it remembers.
        identities: under which ids apps know users.
        clock: the time, in seconds since 1970.
        limits: how often the resource API was called.
        webhooks: tells apps what happened to them.
        qrcodes: the logins by QR code.
    """

    apps: Mapping[str, App]
    users: Sequence[User]
    switches: Switchboard[TikTokSwitches]
    ledger: Ledger
    identities: Identities
    clock: Callable[[], float]
    limits: RateLimit
    webhooks: Webhooks
    qrcodes: QrCodes

    def find_user(self, user: int | str) -> User:
        """Return the user at this place, or with this open id or username.

        Raises:
            ValueError: there is none.
        """
        for number, candidate in enumerate(self.users):
            if user in (number, candidate.open_id, candidate.username):
                return candidate
        raise ValueError(f"the emulator has no user {user!r}")

    def find_app(self, client_key: str) -> App:
        """Return the app with this client key.

        Raises:
            ValueError: there is none.
        """
        if client_key not in self.apps:
            raise ValueError(f"the emulator has no app {client_key!r}")
        return self.apps[client_key]

    def platform_of(self, app: App) -> Platform:
        """Return what `app` is taken for: its own platform, unless the switch says otherwise."""
        switched = self.switches.now.platform
        return app.platform if switched == "as-registered" else cast("Platform", switched)
