"""The extra ``[native]``: what native apps need besides the core."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from authkit.errors import ConfigError

__all__ = ["require_extra"]

NEEDED = ("joserfc", "sqlalchemy", "alembic")


def require_extra(find: Callable[[str], object] = find_spec) -> None:
    """Check that the extra is installed, as `find` finds modules.

    Raises:
        ConfigError: it is not.
    """
    if missing := [name for name in NEEDED if find(name) is None]:
        raise ConfigError(f"native apps need {', '.join(missing)}: pip install 'authkit-core[native]'")
