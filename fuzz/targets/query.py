"""The callback's query: decoded once, as a browser's own parser would, and refused before anything else is read."""

from __future__ import annotations

from urllib.parse import urlencode

from ada_url import URLSearchParams
from fakes import make_kit

from authkit.errors import InvalidRequest, StateInvalid
from authkit.query import each_once, parse_query, the_state
from fuzz.verdict import read_or_refused

SEEDS = (
    b"code=c&state=s",
    b"error=access_denied&error_description=no+%C3%A9&state=s&scopes=a%2Cb",
    b"state=a&state=b",
    b"=&a&&%zz=+;x?",
)
kit = make_kit()


def read(data: bytes) -> dict[str, list[str]] | None:
    """Return the parameters in a query as a WSGI server passes it on: each byte is a character."""
    return read_or_refused(lambda: parse_query(data.decode("latin-1")), InvalidRequest)


def target(data: bytes) -> None:
    """Check what was read against another parser, and that no callback goes on without a cookie."""
    query = data.decode("latin-1")
    assert kit.purpose_of(query, {}) == ""
    assert read_or_refused(lambda: kit.complete("acme", query, {}), InvalidRequest, StateInvalid) is None
    params = read(data)
    if params is None:
        return
    pairs = [(name, value) for name, values in params.items() for value in values]
    assert sorted(pairs) == sorted(URLSearchParams(f"&{query}").items())
    assert parse_query(urlencode(pairs)) == params
    once = read_or_refused(lambda: each_once(params), InvalidRequest)
    assert once == (None if any(len(values) > 1 for values in params.values()) else dict(pairs))
    state = read_or_refused(lambda: the_state(params), StateInvalid)
    assert state is None or [state] == (params.get("state") or [""])
