"""Sign-in for native apps: tickets, code exchange, tokens of our own, and the loopback login of a desktop program.

It needs the extra ``[native]``; the loopback login, `authkit.native.loopback`, needs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from authkit.native.extra import require_extra

if TYPE_CHECKING:
    from authkit.native.apps import NativeApp
    from authkit.native.configuration import NativeConfiguration
    from authkit.native.jwts import Bearer, Jwts
    from authkit.native.native import Native
    from authkit.native.sessions import NativeSession, NativeSessions, Renewed
    from authkit.native.signingkeys import SigningKeys, new_key
    from authkit.native.tickets import Ticket, Tickets
    from authkit.native.values import Connected, Returned

__all__ = [
    "Bearer",
    "Connected",
    "Jwts",
    "Native",
    "NativeApp",
    "NativeConfiguration",
    "NativeSession",
    "NativeSessions",
    "Renewed",
    "Returned",
    "SigningKeys",
    "Ticket",
    "Tickets",
    "new_key",
]

HEAVY = {
    "Bearer": "jwts",
    "Connected": "values",
    "Jwts": "jwts",
    "Native": "native",
    "NativeApp": "apps",
    "NativeConfiguration": "configuration",
    "NativeSession": "sessions",
    "NativeSessions": "sessions",
    "Renewed": "sessions",
    "Returned": "values",
    "SigningKeys": "signingkeys",
    "Ticket": "tickets",
    "Tickets": "tickets",
    "new_key": "signingkeys",
}


def __getattr__(name: str) -> object:
    if name in HEAVY:
        require_extra()
        return getattr(import_module(f"authkit.native.{HEAVY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
