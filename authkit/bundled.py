"""The plugin that comes with the core: ``oidc``, any issuer of OpenID Connect that the settings name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec

from authkit import Emulator, hookimpl
from authkit.oidc import OpenIDProvider

__all__ = ["authkit_emulators", "authkit_providers"]


@hookimpl
def authkit_providers() -> Sequence[OpenIDProvider]:
    """Supply a provider whose issuer each registration names."""
    return [OpenIDProvider(name="oidc", title="OpenID Connect")]


@hookimpl
def authkit_emulators() -> Sequence[Callable[[], Emulator]]:
    """Supply the emulator of an issuer, where the extra ``[oidc]`` is installed."""
    if find_spec("joserfc") is None:
        return []
    from authkit.emulator import OpenIDEmulator

    return [OpenIDEmulator]
