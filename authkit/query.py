"""The callback's query, read raw and once."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from authkit.errors import InvalidRequest, StateInvalid, brief, redacted

__all__ = ["each_once", "parse_query", "the_state"]

MAX_QUERY = 16_384
MAX_PARAMS = 100


def parse_query(query: str) -> dict[str, list[str]]:
    """Return the parameters of a raw query string, each with all its values, decoded once.

    Raises:
        InvalidRequest: it is longer than 16 KiB, has more than 100 parameters, or is no UTF-8.
    """
    if len(query) > MAX_QUERY:
        raise InvalidRequest("the query is too long")
    params: dict[str, list[str]] = {}
    try:
        for name, value in parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMS):
            params.setdefault(name, []).append(value)
        return params
    except ValueError:
        pass
    raise InvalidRequest("the query is no UTF-8, or has too many parameters")


def the_state(params: Mapping[str, list[str]]) -> str:
    """Return the callback's one state."""
    states = params.get("state", [])
    if len(states) > 1:
        raise StateInvalid("the callback has more than one state")
    if not states and "error" in params:
        said = ", ".join(f"{name}={brief(params[name][0])}" for name in params if name.startswith("error"))
        said = redacted(brief(said), params.get("code", []))
        raise StateInvalid(f"the callback has an error, but no state: {said}")
    return states[0] if states else ""


def each_once(params: Mapping[str, list[str]]) -> dict[str, str]:
    """Return the parameters with one value each (RFC 6749, section 3.1: none may be there twice)."""
    if any(len(values) > 1 for values in params.values()):
        raise InvalidRequest("the callback has a parameter twice")
    return {name: values[0] for name, values in params.items()}
