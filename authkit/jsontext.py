"""JSON as it comes from elsewhere, read strictly."""

from __future__ import annotations

import json
from typing import Any

from authkit.errors import ProviderProtocolError

__all__ = ["read_json"]


class _RefusedError(ValueError):
    """JSON that Python would take and we do not."""


def _refuse_constant(name: str) -> float:
    raise _RefusedError(f"it has the number {name}")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _RefusedError("an object has a name twice")
    return members


def read_json(body: bytes) -> Any:
    """Return the value that `body` is the JSON of, strictly after RFC 8259: UTF-8 without a byte order mark.

    Raises:
        ProviderProtocolError: it is not JSON, an object has a name twice, a number has thousands of digits, or
            the nesting is deeper than Python can follow. A number that is too large, such as 1e400, is infinity.
    """
    reason = "it is not JSON"
    try:
        return json.loads(
            body.decode("utf-8"),
            parse_constant=_refuse_constant,
            object_pairs_hook=_without_duplicates,
        )
    except _RefusedError as error:
        reason = str(error)
    except (ValueError, RecursionError):
        pass
    raise ProviderProtocolError(f"the answer cannot be read: {reason}")
