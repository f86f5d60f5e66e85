"""The extra ``[oidc]``: what the OpenID Connect emulator needs besides the core."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from authkit.errors import ConfigError

__all__ = ["require_extra"]


def require_extra(find: Callable[[str], object] = find_spec) -> None:
    """Check that the extra is installed, as `find` finds modules.

    Raises:
        ConfigError: it is not.
    """
    if find("joserfc") is None:
        raise ConfigError("the OpenID Connect emulator needs joserfc: pip install 'authkit-core[oidc]'")
