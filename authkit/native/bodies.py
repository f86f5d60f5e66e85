"""JSON bodies of requests: small objects, and nothing that two parsers could read in two ways."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from authkit.errors import InvalidRequest, RequestTooLarge, UnsupportedMediaType

__all__ = ["MAX_BODY", "read_texts"]

MAX_BODY = 65_536


def read_texts(content_type: str, body: bytes, names: tuple[str, ...]) -> Mapping[str, str]:
    """Return those of `names` that the JSON object in a body has; whatever else it has is not looked at.

    Raises:
        UnsupportedMediaType: the content type is not ``application/json``.
        RequestTooLarge: the body is longer than 64 KiB.
        InvalidRequest: it is no JSON object in UTF-8, has a member twice, or one of `names` is no text.
    """
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType("the content type is not application/json")
    if len(body) > MAX_BODY:
        raise RequestTooLarge(f"the body is longer than {MAX_BODY} bytes")
    data = _read_object(body)
    found = {name: data[name] for name in names if name in data}
    if not all(isinstance(value, str) and value.isascii() and value.isprintable() for value in found.values()):
        raise InvalidRequest("a member of the body is no text, or has characters that none of them has")
    return found


def _read_object(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body.decode("utf-8"), object_pairs_hook=_each_once, parse_constant=_refuse)
    except (ValueError, RecursionError):
        data = None
    if isinstance(data, dict):
        return data
    raise InvalidRequest("the body is no JSON object in UTF-8, or has a member twice")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is there twice")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
