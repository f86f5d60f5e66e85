"""`emulator_for`: the emulator that a provider is tested over, unless its plugin brings one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from authkit.emulator import Drivable, OpenIDEmulator, StockEmulator
from authkit.emulator.stock.resources import NO_RESOURCES, Resources
from authkit.errors import ConfigError
from authkit.oidc import OpenIDProvider
from authkit.provider import AnyProvider, OAuth2Provider

__all__ = ["emulator_for", "missing_members"]

ANY_ISSUER = "https://issuer.example"


DRIVEN_BY = ("workbench", "settings", "scopes", "approve", "deny")


def missing_members(emulator: object) -> list[str]:
    """Return what the contract needs of an emulator and this one has not."""
    return [name for name in DRIVEN_BY if not hasattr(emulator, name)]


def emulator_for(
    provider: AnyProvider, users: Sequence[Mapping[str, Any]] = (), resources: Resources = NO_RESOURCES
) -> Drivable:
    """Return an emulator of `provider`.

    Args:
        provider: the provider.
        users: what its user info endpoint answers for each account, if that cannot be made up.
        resources: what further addresses of its API answer, as `StockEmulator` takes them.

    Raises:
        ConfigError: there is none for such a provider, or its own functions cannot read what the users say.
    """
    if isinstance(provider, OAuth2Provider):
        return StockEmulator(provider, users=users, resources=resources)
    if isinstance(provider, OpenIDProvider):
        return OpenIDEmulator(provider.issuer or ANY_ISSUER, provider=provider.name, users=users)
    raise ConfigError(
        f"nobody can tell how the server of {provider.name!r} behaves: give the test class a method "
        "new_emulator(self) that returns an emulator of it"
    )
