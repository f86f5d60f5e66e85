"""JSON that two parsers cannot read in two ways."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["read_object"]


def read_object(text: bytes) -> dict[str, Any]:
    """Return the JSON object that `text` is (RFC 8259): in UTF-8, with no member twice, and no NaN or Infinity.

    Raises:
        ValueError: it is none.
    """
    try:
        data = json.loads(text.decode("utf-8"), object_pairs_hook=_each_once, parse_constant=_refuse)
    except RecursionError:
        data = None
    if isinstance(data, dict):
        return data
    raise ValueError("it is no JSON object, or too deep")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is there twice")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
