"""The OpenID Connect emulator. It needs the extra ``[oidc]``; without it, it can be imported, and not made."""

from __future__ import annotations

from authkit.emulator.openid.client import OpenIDClient
from authkit.emulator.openid.emulator import OpenIDEmulator
from authkit.emulator.openid.modules import MODULES, Module
from authkit.emulator.openid.switches import OpenIDSwitches

__all__ = ["MODULES", "Module", "OpenIDClient", "OpenIDEmulator", "OpenIDSwitches"]
