"""Continue with TikTok: the hooks of the TikTok plugin."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from authkit import Emulator, OAuth2Provider, hookimpl
from authkit_tiktok.provider import tiktok


@hookimpl
def authkit_providers() -> Sequence[OAuth2Provider]:
    """Supply TikTok."""
    return [tiktok]


@hookimpl
def authkit_emulators() -> Sequence[Callable[[], Emulator]]:
    """Supply the emulator of TikTok."""
    from authkit_tiktok.emulator import TikTokEmulator

    return [TikTokEmulator]
