"""The JSON body of a native request, its content type in a first line: read in one way only, and plain text."""

from __future__ import annotations

import json
from collections.abc import Mapping

from authkit.errors import InvalidRequest
from authkit.native.bodies import MAX_BODY, read_texts
from fuzz.verdict import read_or_refused

SEEDS = (
    b'application/json\n{"ticket": "t", "verifier": "v", "more": [1, {"a": null}]}',
    b'Application/JSON; charset=utf-8\n{"refresh_token": "r-1"}',
    b" application/json\t;\n {} ",
    b'application/json\n{"ticket": "\\u00e9"}',
    b'application/json\n{"ticket": "a\\nb"}',
    b'application/json\n{"code": ["c"]}',
    b'application/json\n{"iss": "a", "iss": "b"}',
    b'text/plain; application/json\n{"ticket": "t"}',
)
NAMES = ("ticket", "verifier", "code", "code_verifier", "redirect_uri", "iss", "access_token", "refresh_token")


def read(data: bytes) -> Mapping[str, str] | None:
    """Return what is read in a body: of the known members, those that are there."""
    content_type, _, body = data.partition(b"\n")
    return read_or_refused(lambda: read_texts(content_type.decode("latin-1"), body, NAMES), InvalidRequest)


def target(data: bytes) -> None:
    """Check what was read against the body, and that no other parser reads something else."""
    found = read(data)
    if found is None:
        return
    content_type, _, body = data.partition(b"\n")
    members: list[tuple[str, object]] = json.loads(body, object_pairs_hook=list)
    assert len(body) <= MAX_BODY
    assert b"application/json" in content_type.lower()
    assert len(dict(members)) == len(members)
    assert found == {name: value for name, value in members if name in NAMES}
    assert all(text.isascii() and text.isprintable() for text in found.values())
    assert read(b"application/json\n" + json.dumps(dict(found)).encode()) == found
