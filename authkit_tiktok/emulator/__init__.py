"""An emulator of TikTok's login, written from TikTok's pages and from what its users report.

It knows nothing of `authkit_tiktok.provider`, so each of the two tests the other.
"""

from __future__ import annotations

from authkit_tiktok.emulator.app import App
from authkit_tiktok.emulator.switches import TikTokSwitches
from authkit_tiktok.emulator.tiktok import TikTokEmulator
from authkit_tiktok.emulator.user import User
from authkit_tiktok.emulator.video import Video

__all__ = ["App", "TikTokEmulator", "TikTokSwitches", "User", "Video"]
