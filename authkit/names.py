"""Names of providers and registrations: what they look like, and which are taken."""

from __future__ import annotations

import re
from collections.abc import Iterable

from authkit.errors import ConfigError

__all__ = ["RESERVED_NAMES", "check_name", "close_to", "is_free", "is_name"]

NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
RESERVED_NAMES = frozenset(
    "accounts api authkit base ca callback connect health jwks link login logout metrics native oidc plugins "  # noqa: SIM905 - a list would take a page
    "prefix proxy secret session static unlink vault webhook".split()
)


def is_name(name: str) -> bool:
    """Whether `name` has the form of a name."""
    return NAME.fullmatch(name) is not None


def is_free(name: str) -> bool:
    """Whether `name` may name a registration: of the right form, and not reserved."""
    return is_name(name) and name not in RESERVED_NAMES


def check_name(name: object, what: str, *, may_be_reserved: bool = False) -> str:
    """Return `name` if it may name a provider or a registration.

    Args:
        name: the name.
        what: what it names, for the message.
        may_be_reserved: whether a reserved name will do, as for a provider that the core itself supplies.

    Raises:
        ConfigError: it does not match ``[a-z][a-z0-9-]{0,31}`` in full, is reserved, or is no plain text: a class of
            its own could compare as it likes.
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ConfigError(f"{what} name {str(name)[:80]!r} does not match [a-z][a-z0-9-]{{0,31}}; choose another")
    if type(name) is not str:
        raise ConfigError(f"{what} name {str.__str__(name)!r} is a {type(name).__name__}; make it a plain str")
    if name in RESERVED_NAMES and not may_be_reserved:
        raise ConfigError(f"{what} name {name!r} is reserved; choose another")
    return name


def close_to(name: str, known: Iterable[str]) -> str:
    """Return what somebody who wrote `name` may have meant, "" if nothing of what is `known` comes close."""
    from difflib import get_close_matches  # for a message alone

    return next(iter(get_close_matches(name, list(known), n=1)), "")
