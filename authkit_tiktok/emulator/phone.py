"""`Phone`: what people do in the TikTok app, and what TikTok does of its own accord."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from authkit_tiktok.emulator.events import EXAMPLE_CONTENTS
from authkit_tiktok.emulator.world import World

__all__ = ["Phone"]

REASONS = range(6)


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone with the TikTok app, in the hands of whoever of the users."""

    world: World

    def scan(self, url: str) -> None:
        """Open a QR code; see `QrCodes.scan`."""
        self.world.qrcodes.scan(url)

    def confirm(self, url: str, user: int | str, scopes: Sequence[str] | None) -> None:
        """Approve what was scanned; see `QrCodes.confirm`."""
        self.world.qrcodes.confirm(url, self.world.find_user(user), scopes)

    def disconnect(self, user: int | str, client_key: str | None, reason: int) -> None:
        """Take an app, None for every app, off the list of what a user has connected, and tell it why.

        Raises:
            ValueError: there is no such user, app or reason, or the user has not connected the app.
        """
        if reason not in REASONS:
            raise ValueError(f"a reason is a number from {REASONS[0]} to {REASONS[-1]}")
        account = self.world.find_user(user)
        wanted = tuple(self.world.apps.values()) if client_key is None else (self.world.find_app(client_key),)
        connected = [app for app in wanted if self.world.ledger.disconnect(account, app)]
        if not connected:
            raise ValueError(f"{account.username!r} has not connected {client_key or 'any app'}")
        for app in connected:
            self.world.webhooks.remove(app, self.world.identities.open_id(account, app), reason)

    def notify(
        self, event: str, content: Mapping[str, str | int] | None, user: int | str | None, client_key: str | None
    ) -> None:
        """Send a webhook: any event, about a user or about nobody, to an app, None for the first.

        Raises:
            ValueError: there is no such user or app, or the app has no webhook URL.
        """
        app = self.world.find_app(client_key or next(iter(self.world.apps)))
        if not app.webhook_url:
            raise ValueError(f"the app {app.client_key} has no webhook URL")
        open_id = "" if user is None else self.world.identities.open_id(self.world.find_user(user), app)
        told = EXAMPLE_CONTENTS.get(event, {}) if content is None else content
        self.world.webhooks.queue(app, event, open_id, told)
