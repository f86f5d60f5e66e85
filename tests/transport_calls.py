"""Calls of a transport, and the errors they end in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from requests import Response
from requests.adapters import BaseAdapter

from authkit.deadline import Deadline
from authkit.errors import AuthkitError, ProviderProtocolError, ProviderUnavailable

SECRET = "s3cr3t-canary"
PLAIN_AND_TLS = pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])


@contextmanager
def session_on(transport: BaseAdapter) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.mount("https://", transport)
        session.mount("http://", transport)
        yield session


def ask(transport: BaseAdapter, url: str, method: str = "GET", **more: Any) -> Response:
    headers = {"Authorization": f"Bearer {SECRET}"}
    with session_on(transport) as session:
        return session.request(method, url, headers=headers, **more)


def refusal(transport: BaseAdapter, url: str, method: str = "GET", seconds: float = 10, **more: Any) -> AuthkitError:
    """Return the error that a request ends in: within `seconds`, with nothing of the original attached to it."""
    started = time.monotonic()
    with Deadline(seconds), pytest.raises(AuthkitError) as caught:
        ask(transport, url, method, **more)
    error = caught.value
    assert time.monotonic() - started < seconds + 3
    assert error.__cause__ is None
    assert error.__context__ is None
    assert SECRET not in error.reason
    assert "http" not in error.reason.replace("HTTP", "")
    return error


def unavailable(transport: BaseAdapter, url: str, method: str = "GET", **more: Any) -> str:
    error = refusal(transport, url, method, **more)
    assert type(error) is ProviderUnavailable
    return error.reason


def assert_ends_in_time(transport: BaseAdapter, url: str, method: str = "GET") -> None:
    """Check that a request ends with its deadline, for that reason."""
    assert unavailable(transport, url, method, seconds=0.5) == "the deadline of 0.5 s passed"


def nonsense(transport: BaseAdapter, url: str, method: str = "GET", **more: Any) -> str:
    error = refusal(transport, url, method, **more)
    assert type(error) is ProviderProtocolError
    return error.reason


def with_head(head: str, body: bytes = b"") -> bytes:
    return f"HTTP/1.1 {head}\r\n\r\n".encode() + body
