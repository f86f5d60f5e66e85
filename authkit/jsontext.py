"""JSON as it comes from elsewhere, read strictly."""

from __future__ import annotations

import json
from typing import Any

from authkit.errors import ProviderProtocolError

__all__ = ["parse_json", "read_json"]


class _RefusedError(ValueError):
    """JSON that Python would take and we do not."""


def _refuse_constant(name: str) -> float:
    raise _RefusedError(f"it has the number {name}")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _RefusedError("an object has a name twice")
    return members


def parse_json(document: bytes | str) -> Any:
    """Return the value that a document is the JSON of, strictly after RFC 8259: UTF-8 without a byte order mark.

    A number that is too large, such as 1e400, is infinity.

    Raises:
        ValueError: it is not JSON, an object has a name twice, a number is NaN or has thousands of digits, or the
            nesting is deeper than Python can follow. The message quotes nothing of the document.
    """
    reason = "it is not JSON"
    try:
        text = document if isinstance(document, str) else document.decode("utf-8")
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_without_duplicates)
    except _RefusedError as error:
        reason = str(error)
    except (ValueError, RecursionError):
        pass
    raise ValueError(reason)


def read_json(body: bytes) -> Any:
    """Return the value of a provider's answer, as `parse_json` does.

    Raises:
        ProviderProtocolError: the answer is no JSON that everybody reads in the same way.
    """
    try:
        return parse_json(body)
    except ValueError as error:
        reason = str(error)
    raise ProviderProtocolError(f"the answer cannot be read: {reason}")
