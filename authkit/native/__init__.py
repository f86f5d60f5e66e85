"""Sign-in for native apps: tickets, code exchange, tokens of our own, and the loopback login of a desktop program.

It needs the extra ``[native]``; the loopback login, `authkit.native.loopback`, needs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from authkit.native.extra import require_extra

if TYPE_CHECKING:
    from authkit.native.apps import NativeApp
    from authkit.native.jwts import Bearer, Jwts
    from authkit.native.native import Connected, Native, NativeConfiguration, Returned
    from authkit.native.sessions import NativeSession, NativeSessions, Renewed
    from authkit.native.signingkeys import SigningKeys, new_key
    from authkit.native.tickets import Ticket, Tickets

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
    "Connected": "native",
    "Jwts": "jwts",
    "Native": "native",
    "NativeApp": "apps",
    "NativeConfiguration": "native",
    "NativeSession": "sessions",
    "NativeSessions": "sessions",
    "Renewed": "sessions",
    "Returned": "native",
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
