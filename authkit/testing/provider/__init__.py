"""The contract of providers: what a plugin's test class inherits."""

from __future__ import annotations

from authkit.testing.provider.contract import ProviderContract
from authkit.testing.provider.emulators import emulator_for

__all__ = ["ProviderContract", "emulator_for"]
