"""For tests: contracts for plugins and adapters, and logins in one line. It needs the extra ``[testing]``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from authkit.testing.adapter import AdapterContract

__all__ = ["AdapterContract"]

HEAVY = {
    "AdapterContract": "authkit.testing.adapter",
}


def __getattr__(name: str) -> object:
    if name in HEAVY:
        return getattr(import_module(HEAVY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
