"""`World`: what the endpoints of the emulated TikTok have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from authkit.emulator import Switchboard
from authkit_tiktok.emulator.app import App
from authkit_tiktok.emulator.ledger import Ledger
from authkit_tiktok.emulator.switches import TikTokSwitches
from authkit_tiktok.emulator.user import User

__all__ = ["World"]


@dataclass(frozen=True, slots=True)
class World:
    """Who is there, what was handed out, and how TikTok behaves today.

    Attributes:
        apps: the apps that are registered, by client key.
        users: the accounts that the consent page offers.
        switches: how TikTok behaves.
        ledger: what it remembers.
    """

    apps: Mapping[str, App]
    users: Sequence[User]
    switches: Switchboard[TikTokSwitches]
    ledger: Ledger
