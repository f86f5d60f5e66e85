"""Pluggable login with any provider: "Continue with TikTok", or with anything else.

Each name is imported when it is first used: a process that uses none, or few, does not load the others.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from authkit import errors
    from authkit.flow import AuthKit, Completed, Redirect
    from authkit.hookspecs import hookimpl
    from authkit.jsontext import parse_json
    from authkit.models import Identity, Login, Profile, ProviderEvent, Secret, Token
    from authkit.provider import Api, Emulator, EventReader, OAuth2Provider, Option, Provider
    from authkit.providerclient import AuthorizationRequest, AuthorizationResponse, ProviderClient
    from authkit.refusal import Refusal, read_refusal
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
    "parse_json",
    "read_refusal",
]

MODULES = {
    "Api": "provider",
    "AuthKit": "flow",
    "AuthorizationRequest": "providerclient",
    "AuthorizationResponse": "providerclient",
    "ClaimStore": "transactions",
    "Completed": "flow",
    "Emulator": "provider",
    "EventReader": "provider",
    "Identity": "models",
    "Login": "models",
    "OAuth2Provider": "provider",
    "Option": "provider",
    "Profile": "models",
    "Provider": "provider",
    "ProviderClient": "providerclient",
    "ProviderEvent": "models",
    "Redirect": "flow",
    "Refusal": "refusal",
    "Secret": "models",
    "Token": "models",
    "Transport": "transport",
    "hookimpl": "hookspecs",
    "parse_json": "jsontext",
    "read_refusal": "refusal",
}
"""The module of each name; `errors` is one itself."""


def __getattr__(name: str) -> object:
    if name == "errors":
        return import_module("authkit.errors")
    if name in MODULES:
        return getattr(import_module(f"authkit.{MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
