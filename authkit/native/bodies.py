"""JSON bodies of requests: small objects of texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from authkit.errors import InvalidRequest, RequestTooLarge, UnsupportedMediaType
from authkit.jsontext import parse_json

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
    data = _object(body)
    found = {name: data[name] for name in names if name in data}
    if not all(isinstance(value, str) and value.isascii() and value.isprintable() for value in found.values()):
        raise InvalidRequest("a member of the body is no text, or has characters that none of them has")
    return found


def _object(body: bytes) -> dict[str, Any]:
    try:
        data = parse_json(body)
    except ValueError:
        data = None
    if isinstance(data, dict):
        return data
    raise InvalidRequest("the body is no JSON object in UTF-8, or has a member twice")
