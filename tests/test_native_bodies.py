"""Bodies of requests: MOB-10, and nothing that two parsers could read in two ways."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authkit.errors import InvalidRequest, RequestTooLarge, UnsupportedMediaType
from authkit.native.bodies import MAX_BODY, read_texts

NAMES = ("ticket", "verifier")
JSON = "application/json"


def refused(body: bytes) -> str:
    with pytest.raises(InvalidRequest) as caught:
        read_texts(JSON, body, NAMES)
    error = caught.value
    assert (type(error), error.status, error.__cause__, error.__context__) == (InvalidRequest, 400, None, None)
    return error.reason


def test_what_is_asked_for_is_read_and_nothing_else() -> None:
    body = {"ticket": "t", "open_id": "VICTIM", "email": None, "profile": {"is_admin": True}, "__class__": 1}

    assert read_texts(JSON, json.dumps(body).encode(), NAMES) == {"ticket": "t"}
    assert read_texts(JSON, b'{"verifier": "", "ticket": "t"}', NAMES) == {"ticket": "t", "verifier": ""}
    assert read_texts(JSON, b"{}", NAMES) == {}


@pytest.mark.parametrize(
    "content_type", [JSON, "Application/JSON", "application/json; charset=utf-8", " application/json ;", JSON + ";"]
)
def test_a_body_is_json(content_type: str) -> None:
    assert read_texts(content_type, b'{"ticket": "t"}', NAMES) == {"ticket": "t"}


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=application/json",
        "text/plain; application/json",
        "application/jsonp",
        "application/vnd.api+json",
        "application/json, text/plain",
        "json",
    ],
)
def test_mob_10_any_other_content_type_is_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType) as caught:
        read_texts(content_type, b'{"ticket": "t"}', NAMES)

    assert (caught.value.code, caught.value.status) == ("invalid_request", 415)


def test_mob_10_a_body_of_64_kib_is_read_and_a_longer_one_is_not() -> None:
    def body(length: int) -> bytes:
        return b'{"ticket": "t"}'.ljust(length)

    assert read_texts(JSON, body(MAX_BODY), NAMES) == {"ticket": "t"}
    for length in (MAX_BODY + 1, 1_000_000):
        with pytest.raises(RequestTooLarge) as caught:
            read_texts(JSON, body(length), NAMES)
        assert (caught.value.code, caught.value.status) == ("invalid_request", 413)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'["ticket"]',
        b'"x"',
        b'"ticket"',
        b"null",
        b"1",
        b"true",
        b"{",
        b"ticket=t",
        b"\xff\xfe",
        b'\xef\xbb\xbf{"ticket": "t"}',
        '{"ticket": "t"}'.encode("utf-16"),
        '{"ticket": "t"}'.encode("utf-32-le"),
        b'{"ticket": "\xe9"}',
        b'{"ticket": "t", "ticket": "t"}',
        b'{"ticket": "t", "\\u0074icket": "u"}',
        b'{"ticket": "t", "other": {"a": 1, "a": 2}}',
        b'{"ticket": "t", "other": NaN}',
        b'{"ticket": "t", "other": -Infinity}',
        b'{"ticket": "t", "other": ' + b"1" * 5000 + b"}",
        b'{"ticket": "t"} {"ticket": "u"}',
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"{'ticket': 't'}",
        b'{"ticket": "a\nb"}',
    ],
)
def test_mob_10_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    assert refused(body) == "the body is no JSON object in UTF-8, or has a member twice"


@pytest.mark.parametrize(
    "value", [1, 1.5, True, None, [], ["t"], {}, {"t": 1}, "\ud800", "a\nb", "a\x00", "é", "\U0001f600", "a\x7f"]
)
def test_mob_10_what_is_read_is_plain_text(value: Any) -> None:
    reason = "a member of the body is no text, or has characters that none of them has"

    assert refused(json.dumps({"ticket": value}).encode()) == reason
    assert refused(json.dumps({"ticket": "t", "verifier": value}).encode()) == reason


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    try:
        found = read_texts(JSON, body, NAMES)
    except InvalidRequest:
        return
    assert set(found) <= set(NAMES)
