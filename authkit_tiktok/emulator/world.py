"""`World`: what the endpoints of the emulated TikTok have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from authkit_tiktok.emulator.user import User, taken_names
from authkit_tiktok.emulator.webhooks import Webhooks

__all__ = ["World"]


@dataclass(frozen=True, slots=True)
class World:
    """Who is there, what was handed out, and how TikTok behaves today.

    Attributes:
        apps: the apps that are registered, by client key.
        users: the accounts that the consent page offers; there may be more of them later.
        switches: how TikTok behaves.
        ledger: what it remembers.
        identities: under which ids apps know users.
        clock: the time, in seconds since 1970.
        limits: how often the resource API was called.
        webhooks: tells apps what happened to them.
        qrcodes: the logins by QR code.
    """

    apps: Mapping[str, App]
    users: list[User]
    switches: Switchboard[TikTokSwitches]
    ledger: Ledger
    identities: Identities
    clock: Callable[[], float]
    limits: RateLimit
    webhooks: Webhooks
    qrcodes: QrCodes

    def find_user(self, user: int | str) -> User:
        """Return the user at this place, or with this open id, or else with this username.

        Raises:
            ValueError: there is none.
        """
        names: list[tuple[int | str, User]] = [
            *enumerate(self.users),
            *((known.open_id, known) for known in self.users),
            *((known.username, known) for known in self.users),
        ]
        for name, candidate in names:
            if user == name:
                return candidate
        raise ValueError(f"the emulator has no user {user!r}")

    def enrol(self, user: User) -> str:
        """Add a user, or replace the one with the same open id, and return the open id.

        Raises:
            ValueError: another has the same username or union id.
        """
        open_ids = [known.open_id for known in self.users]
        place = open_ids.index(user.open_id) if user.open_id in open_ids else len(self.users)
        others = [*self.users[:place], user, *self.users[place + 1 :]]
        if taken := taken_names(others):
            raise ValueError(f"somebody else at TikTok has the {taken[0]} {getattr(user, taken[0])!r}")
        self.users[:] = others
        return user.open_id

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
