"""JSON that everybody reads in the same way, or not at all."""

from __future__ import annotations

import json

import pytest

from authkit import parse_json
from authkit.errors import ProviderProtocolError
from authkit.jsontext import read_json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2.5, null, true, "\\u00e9"]}', {"a": [1, 2.5, None, True, "é"]}),
        ("[]", []),
        ("null", None),
        ('{"a": {"b": 1}, "c": {"b": 2}}', {"a": {"b": 1}, "c": {"b": 2}}),
        ("1e300", 1e300),
    ],
)
def test_json_is_read(text: str, value: object) -> None:
    assert read_json(text.encode()) == value
    assert parse_json(text) == value


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "it is not JSON"),
        (b"<html>s3cr3t-canary</html>", "it is not JSON"),
        (b'{"a": "s3cr3t-canary"', "it is not JSON"),
        (b'\xef\xbb\xbf{"a": 1}', "it is not JSON"),
        ('{"a": "é"}'.encode("latin-1"), "it is not JSON"),
        ('{"a": 1}'.encode("utf-16"), "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b'{"a":' * 100_000, "it is not JSON"),
        (b"9" * 5000, "it is not JSON"),
        (b"[NaN]", "it has the number NaN"),
        (b"[-Infinity]", "it has the number -Infinity"),
        (b'[{"s3cr3t-canary": 1, "s3cr3t-canary": 2}]', "an object has a name twice"),
    ],
)
def test_what_is_not_quite_json_is_refused_without_quoting_it(body: bytes, reason: str) -> None:
    with pytest.raises(ProviderProtocolError) as caught:
        read_json(body)
    assert caught.value.reason == f"the answer cannot be read: {reason}"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("text", ['\ufeff{"a": 1}', "[NaN]", '{"a": 1, "a": 2}', "[" * 100_000, "9" * 5000, "", "\0"])
def test_a_text_is_read_as_strictly_as_bytes_are(text: str) -> None:
    for document in (text, text.encode()):
        with pytest.raises(ValueError, match=r"^(it is not JSON|it has the number NaN|an object has a name twice)$"):
            parse_json(document)


def test_a_cut_answer_is_refused_wherever_it_is_cut() -> None:
    body = json.dumps({"access_token": "a", "expires_in": 86400, "scope": "b,c"}).encode()
    for length in range(len(body)):
        with pytest.raises(ProviderProtocolError):
            read_json(body[:length])
