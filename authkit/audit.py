"""The audit lines: one for each login, link, unlink and delivery, on the logger ``authkit.audit``."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType

from authkit.errors import AuthkitError
from authkit.registration import Registration

__all__ = ["write_failure", "write_success"]

logger = logging.getLogger("authkit.audit")

NOTHING: Mapping[str, str] = MappingProxyType({})


def write_success(provider: str, registration: str, reference: str, details: Mapping[str, str] = NOTHING) -> None:
    """Write the line of what succeeded.

    Args:
        provider: the provider's name.
        registration: the registration's name.
        reference: the correlation id, ``-`` for none.
        details: more fields, in their order; no value has a blank in it, which could forge another.
    """
    said = {"provider": provider, "registration": registration, "ref": reference, **details}
    logger.info("outcome=success code=ok %s", _fields(said))


def write_failure(
    error: AuthkitError, registration: Registration | None, details: Mapping[str, str] = NOTHING
) -> None:
    """Write the line of what failed.

    Args:
        error: why it failed.
        registration: the registration concerned, None where there is none of that name.
        details: as in `write_success`.
    """
    said = {
        "code": error.code,
        "provider": registration.provider.name if registration else "-",
        "registration": registration.name if registration else "-",
        "ref": error.correlation_id,
        **details,
        "cause": error.reason or "-",  # the last, because it may have blanks
    }
    logger.warning("outcome=failure %s", _fields(said))


def _fields(said: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in said.items())
