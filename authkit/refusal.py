"""A provider's "no", as its plugin reads it from an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from authkit.errors import AuthkitError

__all__ = ["ReadError", "Refusal", "read_refusal"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A provider's "no", read from an answer of its.

    Attributes:
        error: the provider's own word for it, such as ``invalid_grant``.
        description: the provider's sentence; it goes to the operator's log.
        log_id: the provider's id of the request, for its support.
        meaning: the error of authkit that this is; None leaves it to the table of RFC 6749 and the HTTP status.
    """

    error: str
    description: str = ""
    log_id: str = ""
    meaning: type[AuthkitError] | None = None


ReadError: TypeAlias = Callable[[Mapping[str, Any]], Refusal | None]
"""Finds a refusal in a JSON object, or in the parameters of a callback."""


def read_refusal(data: Mapping[str, Any]) -> Refusal | None:
    """Read an error in the form of RFC 6749, sections 4.1.2.1 and 5.2; None when `data` holds none."""
    error = data.get("error")
    if error in (None, ""):
        return None
    description = data.get("error_description")
    if not isinstance(error, str):
        error = "an error that is no text"
    return Refusal(error=error, description=description if isinstance(description, str) else "")
