"""`WsgiTransport`: what an application sees of a request, and what requests sees of its answer."""

from __future__ import annotations

import gzip
import io
import sys
from wsgiref.validate import validator

import pytest
import requests
from faulty_provider import TOKEN, Provider
from urllib3 import Timeout

from authkit.emulator import WsgiTransport


class Echo:
    """An application that keeps the last environ and body, and answers as it is told."""

    def __init__(self, status="200 OK", headers=(("Content-Type", "text/plain"),), body=b"hello"):
        self.status, self.headers, self.body = status, list(headers), body
        self.environ, self.received = {}, b""

    def __call__(self, environ, start_response):
        self.environ = environ
        self.received = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response(self.status, self.headers)
        return [self.body]


def open_session(app):
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, WsgiTransport(app))
    return session


@pytest.fixture
def echo():
    return Echo()


@pytest.fixture
def session(echo):
    return open_session(echo)


def test_the_application_sees_method_path_and_raw_query(session, echo):
    session.get("https://api.example/a%20b/%C3%A9%2Fc/?q=%2A%21&empty=")

    seen = {name: echo.environ[name] for name in ("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING")}
    assert seen == {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/a b/\xc3\xa9/c/",
        "QUERY_STRING": "q=%2A%21&empty=",
    }


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.example/", ("https", "api.example", "443", "api.example")),
        ("http://127.0.0.1/", ("http", "127.0.0.1", "80", "127.0.0.1")),
        ("http://user:secret@localhost:8787/", ("http", "localhost", "8787", "localhost:8787")),
    ],
)
def test_the_application_sees_scheme_host_and_port(session, echo, url, expected):
    session.get(url)

    names = ("wsgi.url_scheme", "SERVER_NAME", "SERVER_PORT", "HTTP_HOST")
    assert tuple(echo.environ[name] for name in names) == expected


def test_an_address_without_a_path_is_the_root(echo):
    request = requests.Request("GET", "https://api.example").prepare()
    request.url = "https://api.example"

    WsgiTransport(echo).send(request)

    assert echo.environ["PATH_INFO"] == "/"


def test_a_host_header_wins_over_the_address(session, echo):
    session.get("https://127.0.0.1/", headers={"Host": "api.example"})

    assert echo.environ["HTTP_HOST"] == "api.example"


def test_headers_arrive_as_sent_text_or_bytes(session, echo):
    session.get("https://api.example/", headers={"X-Text": "one", "Authorization": b"Bearer \xe9"})

    assert (echo.environ["HTTP_X_TEXT"], echo.environ["HTTP_AUTHORIZATION"]) == ("one", "Bearer \xe9")


def test_a_form_arrives_with_its_bare_content_type_and_length(session, echo):
    session.post("https://api.example/", data={"a": "1*!", "b": "é"})

    assert echo.environ["CONTENT_TYPE"] == "application/x-www-form-urlencoded"
    assert (echo.received, echo.environ["CONTENT_LENGTH"]) == (b"a=1%2A%21&b=%C3%A9", "18")


def test_a_content_type_arrives_exactly_as_sent(session, echo):
    session.post("https://api.example/", data=b"x", headers={"Content-Type": "Text/Plain;  charset=UTF-8"})

    assert echo.environ["CONTENT_TYPE"] == "Text/Plain;  charset=UTF-8"
    assert "HTTP_CONTENT_TYPE" not in echo.environ


def test_without_a_body_there_is_no_content_type_and_no_length(session, echo):
    session.get("https://api.example/")

    assert not {"CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_CONTENT_LENGTH"} & set(echo.environ)


class Reader:
    """A body that can be read and nothing else."""

    def read(self):
        return "é"


@pytest.mark.parametrize(
    "body", ["é", "é".encode(), io.BytesIO("é".encode()), Reader()], ids=["text", "bytes", "file", "reader"]
)
def test_a_body_of_any_kind_arrives_as_bytes(session, echo, body):
    session.post("https://api.example/", data=body)

    assert echo.received == b"\xc3\xa9"


def test_a_body_in_pieces_arrives_in_one_with_its_length(session, echo):
    session.post("https://api.example/", data=iter([b"one", "two"]))

    assert (echo.received, echo.environ["CONTENT_LENGTH"]) == (b"onetwo", "6")
    assert "HTTP_TRANSFER_ENCODING" not in echo.environ


def test_the_answer_has_status_reason_headers_and_body():
    app = Echo("418 I'm a teapot", [("Content-Type", "text/plain; charset=utf-8"), ("X-Log", "7")], "é".encode())
    response = open_session(app).get("https://api.example/tea?x=1")

    assert (response.status_code, response.reason) == (418, "I'm a teapot")
    assert (response.headers["x-log"], response.encoding, response.text) == ("7", "utf-8", "é")
    assert response.url == response.request.url == "https://api.example/tea?x=1"


def test_a_status_without_a_reason_is_understood():
    response = open_session(Echo("204", body=b"")).get("https://api.example/")

    assert (response.status_code, response.reason, response.content) == (204, "", b"")


def test_the_body_can_be_read_in_pieces(session):
    response = session.get("https://api.example/", stream=True)

    assert (response.raw.read(2), response.raw.read()) == (b"he", b"llo")


def test_a_compressed_answer_is_unpacked():
    app = Echo(headers=[("Content-Encoding", "gzip")], body=gzip.compress(b"small"))

    assert open_session(app).get("https://api.example/").content == b"small"


def test_the_answer_to_head_has_a_length_and_no_body():
    app = Echo(headers=[("Content-Length", "5")], body=b"")
    response = open_session(app).head("https://api.example/")

    assert (response.headers["Content-Length"], response.content) == ("5", b"")


def test_a_session_keeps_every_cookie_and_sends_it_again():
    app = Echo(headers=[("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; Path=/")])
    session = open_session(app)

    first = session.get("https://api.example/")
    session.get("https://api.example/")

    assert first.cookies.get_dict() == {"a": "1", "b": "2"}
    assert sorted(app.environ["HTTP_COOKIE"].split("; ")) == ["a=1", "b=2"]


def test_redirects_are_followed_to_the_same_application():
    def app(environ, start_response):
        if environ["PATH_INFO"] == "/":
            start_response("302 Found", [("Location", "/next?x=1")])
            return [b""]
        start_response("200 OK", [])
        return [environ["QUERY_STRING"].encode()]

    response = open_session(app).get("https://api.example/")

    assert (response.url, response.text, len(response.history)) == ("https://api.example/next?x=1", "x=1", 1)


def test_start_response_may_come_with_the_first_piece():
    def app(environ, start_response):
        start_response("201 Created", [])
        yield b"late"

    response = open_session(app).get("https://api.example/")

    assert (response.status_code, response.content) == (201, b"late")


def test_what_is_written_comes_before_what_is_returned():
    def app(environ, start_response):
        write = start_response("200 OK", [])
        write(b"one ")
        write(b"two ")
        return [b"three"]

    assert open_session(app).get("https://api.example/").content == b"one two three"


class Pieces:
    """An iterable that can be closed, and may fail on the way."""

    def __init__(self, *pieces):
        self.pieces, self.is_closed = pieces, False

    def __iter__(self):
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def close(self):
        self.is_closed = True


def test_an_iterable_is_closed_after_use():
    pieces = Pieces(b"a", b"b")

    def app(environ, start_response):
        start_response("200 OK", [])
        return pieces

    assert open_session(app).get("https://api.example/").content == b"ab"
    assert pieces.is_closed


def test_an_iterable_that_fails_is_closed_and_its_error_comes_out():
    pieces = Pieces(b"a", ZeroDivisionError("half way"))

    def app(environ, start_response):
        start_response("200 OK", [])
        return pieces

    with pytest.raises(ZeroDivisionError, match="half way"):
        open_session(app).get("https://api.example/")
    assert pieces.is_closed


def test_an_application_may_replace_its_answer_when_it_fails():
    def app(environ, start_response):
        start_response("200 OK", [("X-Old", "1")])
        try:
            environ["no such key"]
        except KeyError:
            start_response("500 Oops", [], sys.exc_info())
        return [b"sorry"]

    response = open_session(app).get("https://api.example/")

    assert (response.status_code, dict(response.headers), response.content) == (500, {}, b"sorry")


def test_an_application_that_starts_twice_is_told_so():
    def app(environ, start_response):
        start_response("200 OK", [])
        start_response("200 OK", [])
        return []

    with pytest.raises(RuntimeError, match="start_response twice"):
        open_session(app).get("https://api.example/")


def test_an_application_that_never_starts_is_told_so():
    def app(environ, start_response):
        return [b"hello"]

    with pytest.raises(RuntimeError, match="without calling start_response"):
        open_session(app).get("https://api.example/")


def test_the_environ_satisfies_the_validator_of_the_standard_library():
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["wsgi.input"].read(3)]

    session = open_session(validator(app))

    assert session.post("https://api.example/a?b=c", data=b"abc").content == b"abc"


def test_a_closed_session_can_be_used_again(session):
    session.close()

    assert session.get("https://api.example/").text == "hello"


# Faults.


def post(*faults, **options):
    """What becomes of one request, and the provider."""
    provider = Provider(*faults)
    try:
        return open_session(provider).post("https://acme.example/token", **options), provider
    except requests.RequestException as error:
        return error, provider


@pytest.mark.parametrize(
    ("fault", "timeout"),
    [
        ("silent=5", 5),
        ("silent=5", (60, 5)),
        ("silent=5", Timeout(connect=60, read=5)),
        ("silent=60", None),
        ("silent=60", (5, None)),
        ("silent=60", Timeout(connect=5)),
        ("slow-headers=5", 5),
        ("drip=5", 5),
        ("slow-headers=0.2", 5),
        ("drip=0.2", 5),
        ("drip=0.2", None),
    ],
)
def test_an_answer_that_does_not_come_in_time_is_a_read_timeout_at_once(fault, timeout):
    error, provider = post(f"token:{fault}", timeout=timeout)

    assert type(error) is requests.ReadTimeout
    assert error.request.url == "https://acme.example/token"
    assert provider.processed == ["token"]


@pytest.mark.parametrize("timeout", [5, (5, 60), (5, None), Timeout(connect=5, read=60)])
def test_a_connection_that_does_not_come_about_in_time_is_a_connect_timeout_and_nothing_is_processed(timeout):
    error, provider = post("token:slow-connect=5", timeout=timeout)

    assert type(error) is requests.ConnectTimeout
    assert error.request.url == "https://acme.example/token"
    assert provider.processed == []


@pytest.mark.parametrize(
    ("fault", "timeout"),
    [
        ("silent=4.9", 5),
        ("silent=59", None),
        ("slow-connect=4.9", 5),
        ("slow-connect=59", (None, 1)),
        ("slow-headers=0.01", 5),
        ("drip=0.01", 5),
    ],
)
def test_an_answer_that_comes_in_time_comes_at_once(fault, timeout):
    answer, _ = post(f"token:{fault}", timeout=timeout)

    assert answer.json() == TOKEN


@pytest.mark.parametrize("kind", ["reset", "reset-headers", "reset-body"])
def test_a_reset_is_a_connection_error(kind):
    error, provider = post(f"token:{kind}")

    assert type(error) is requests.ConnectionError
    assert isinstance(error.args[0], ConnectionResetError)
    assert error.request.url == "https://acme.example/token"
    assert provider.processed == ["token"]


def test_an_empty_body_cannot_drip():
    provider = Provider("leave:drip=60")
    answer = open_session(provider).get("https://acme.example/leave", allow_redirects=False, timeout=1)

    assert answer.status_code == 302


def test_every_request_has_a_connection_of_its_own_that_can_be_slow():
    provider = Provider("token:slow-connect")
    session = open_session(provider)
    for _ in range(2):
        with pytest.raises(requests.ConnectTimeout):
            session.post("https://acme.example/token", timeout=1)
