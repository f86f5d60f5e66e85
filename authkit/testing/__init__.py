"""For tests: contracts for plugins and adapters, and logins in one line. It needs the extra ``[testing]``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from authkit.testing.provider import ProviderContract

__all__ = ["ProviderContract"]

LATE = {"ProviderContract": "authkit.testing.provider"}


def __getattr__(name: str) -> object:
    if name in LATE:
        return getattr(import_module(LATE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
