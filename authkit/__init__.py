"""Pluggable login with any provider: "Continue with TikTok", or with anything else.

Light names are imported at once; `AuthKit`, which needs cryptography and an HTTP client, when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from authkit import errors
from authkit.hookspecs import hookimpl
from authkit.models import Identity, Login, Profile, ProviderEvent, Secret, Token
from authkit.provider import Api, Emulator, EventReader, OAuth2Provider, Option, Provider
from authkit.providerclient import AuthorizationRequest, AuthorizationResponse, ProviderClient
from authkit.refusal import Refusal, read_refusal

if TYPE_CHECKING:
    from authkit.flow import AuthKit, Completed, Redirect
    from authkit.transactions import ClaimStore
    from authkit.transport import Transport

__all__ = [
    "Api",
    "AuthKit",
    "AuthorizationRequest",
    "AuthorizationResponse",
    "ClaimStore",
    "Completed",
    "Emulator",
    "EventReader",
    "Identity",
    "Login",
    "OAuth2Provider",
    "Option",
    "Profile",
    "Provider",
    "ProviderClient",
    "ProviderEvent",
    "Redirect",
    "Refusal",
    "Secret",
    "Token",
    "Transport",
    "errors",
    "hookimpl",
    "read_refusal",
]


HEAVY = {
    "AuthKit": "authkit.flow",
    "ClaimStore": "authkit.transactions",
    "Completed": "authkit.flow",
    "Redirect": "authkit.flow",
    "Transport": "authkit.transport",
}


def __getattr__(name: str) -> object:
    if name in HEAVY:
        return getattr(import_module(HEAVY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
