"""What people can do on the control page of the emulated TikTok."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from authkit.emulator import Action
from authkit_tiktok.emulator.phone import Phone

__all__ = ["list_actions"]

Fields = Mapping[str, str]


def list_actions(phone: Phone) -> Sequence[Action]:
    """Return them all. An empty field means the first user, every scope, any app, reason 1, or nobody."""
    do = Doing(phone)
    return (
        Action("scan", "Scan a QR code", ("address",), do.scan),
        Action("confirm", "Confirm a scanned QR code", ("address", "user", "scopes"), do.confirm),
        Action("disconnect", "Disconnect the app from a user", ("user", "app", "reason"), do.disconnect),
        Action("webhook", "Send a webhook", ("event", "user", "app"), do.notify),
    )


@dataclass(frozen=True, slots=True)
class Doing:
    """Does with texts what a `Phone` does."""

    phone: Phone

    def scan(self, fields: Fields) -> str:
        """Open a QR code."""
        self.phone.scan(fields["address"])
        return "the QR code is scanned, and waits to be confirmed"

    def confirm(self, fields: Fields) -> str:
        """Approve what was scanned."""
        scopes = fields["scopes"].split(",") if fields["scopes"] else None
        self.phone.confirm(fields["address"], fields["user"] or 0, scopes)
        return "the login is confirmed"

    def disconnect(self, fields: Fields) -> str:
        """Disconnect an app."""
        reason = fields["reason"] or "1"
        if reason not in set("012345"):
            raise ValueError("a reason is a number from 0 to 5")
        self.phone.disconnect(fields["user"] or 0, fields["app"] or None, int(reason))
        return "the app is disconnected"

    def notify(self, fields: Fields) -> str:
        """Send a webhook with an example of a content."""
        self.phone.notify(fields["event"], None, fields["user"] or None, fields["app"] or None)
        return f"{fields['event']} is on its way"
