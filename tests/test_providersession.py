"""`ProviderSession` sends what any session of requests would, and leaves out what surrounds it."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests import PreparedRequest, Request, Response
from requests.adapters import BaseAdapter
from requests.auth import HTTPBasicAuth

from authkit.models import Secret
from authkit.oauth2 import FORM_HEADERS
from authkit.providersession import ProviderSession
from authkit.transport import Transport

URL = "https://acme.example/api"

texts = st.text(st.characters(codec="utf-8"), max_size=12)
forms = (
    st.none()
    | st.dictionaries(texts, texts | st.lists(texts, min_size=1, max_size=2) | st.integers(), max_size=4)
    | st.just("a=b")
)
payloads = st.dictionaries(texts, texts, max_size=3)
bodies = st.tuples(forms, st.none()) | st.tuples(st.none(), payloads)
urls = st.sampled_from([URL, f"{URL}?v=2", "https://acme.example", "https://acme.example:8443/a%2fb/%7e?c=%20d&e"])
auths = st.none() | st.just(HTTPBasicAuth("acme-1", "secret"))


class Recorder(BaseAdapter):
    """Records what is sent, and answers that it is fine."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[PreparedRequest] = []

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        self.sent.append(request)
        response = Response()
        response.status_code = 200
        response.headers["Set-Cookie"] = "seen=1"
        response.raw = BytesIO(b"{}")
        return response

    def close(self) -> None:
        """Do nothing."""


def described(prepared: PreparedRequest) -> tuple[object, ...]:
    body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
    return prepared.method, prepared.url, dict(prepared.headers), body or b""


@given(method=st.sampled_from(["get", "POST"]), url=urls, params=forms, body=bodies, auth=auths)
def test_a_request_goes_out_as_requests_would_have_sent_it(
    method: str, url: str, params: Any, body: tuple[Any, Any], auth: Any
) -> None:
    data, payload = body
    recorder = Recorder()
    more = {"headers": dict(FORM_HEADERS), "params": params, "data": data, "json": payload, "auth": auth}
    plain = requests.Session()
    plain.headers.clear()
    plain.headers["User-Agent"] = "authkit"
    plain.trust_env = False

    ProviderSession(Transport(recorder)).request(method, url, **more)

    expected = plain.prepare_request(Request(method, url, **more))
    expected.headers["Accept-Encoding"] = "gzip"
    assert described(recorder.sent[0]) == described(expected)


def test_a_token_is_sent_by_the_session_that_has_one() -> None:
    recorder = Recorder()
    ProviderSession(Transport(recorder), Secret("t-1")).get(URL)
    ProviderSession(Transport(recorder)).get(URL)

    assert [sent.headers.get("Authorization") for sent in recorder.sent] == ["Bearer t-1", None]


def test_the_environment_is_not_read(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine acme.example login eve password stolen\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    recorder = Recorder()
    ProviderSession(Transport(recorder)).post(URL, data={"a": "b"})

    assert "Authorization" not in recorder.sent[0].headers


def test_a_user_in_an_address_is_nobody_s_credentials() -> None:
    recorder = Recorder()
    ProviderSession(Transport(recorder)).get("https://eve:stolen@acme.example/api")

    assert "Authorization" not in recorder.sent[0].headers


def test_no_cookie_is_kept() -> None:
    recorder = Recorder()
    session = ProviderSession(Transport(recorder))
    session.get(URL)
    session.get(URL)

    assert "Cookie" not in recorder.sent[1].headers
