"""The hooks of the built-in plugin ``oidc``: any issuer, named in the settings."""

from __future__ import annotations

from collections.abc import Sequence

from authkit import hookimpl
from authkit.oidc.provider import OpenIDProvider

__all__ = ["authkit_providers"]


@hookimpl
def authkit_providers() -> Sequence[OpenIDProvider]:
    """Supply a provider whose issuer each registration names."""
    return [OpenIDProvider(name="oidc", title="OpenID Connect")]
