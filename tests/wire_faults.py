"""What can go wrong between an app and a provider, as data: below, in and above TLS, and in the answer itself."""

from __future__ import annotations

import gzip
import socket
import ssl
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import trustme
from faulty_places import Certificates, closed_port, self_signed
from faulty_server import Handler, Peer
from wire import head

UNAVAILABLE, PROTOCOL = "provider_unavailable", "provider_protocol"
LATE = "the deadline of 15 s passed"
CUT = "the answer was cut off"
RESET = "connection reset"
NOT_HTTP = "the answer is not HTTP"
UNCLEAR = "the answer does not say how long it is, or in two ways"
TOO_LARGE = "the answer is larger than 1048576 bytes"
UNVERIFIED = "certificate verify failed: "
NO_TLS = "TLS failed"
ENDED = "the connection was closed without an answer"

Context = Callable[[Certificates], ssl.SSLContext]
LookUp = Callable[[], list[tuple[str, int]]]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that goes wrong with a call; one of four fields says what, the others are None.

    Attributes:
        causes: how the cause begins that the operator reads; one of them, where it depends on the moment.
        code: of the error that it is.
        look_up: gives the addresses of the provider's name, or raises.
        below: what the server does with the connection in place of TLS.
        context: who the server says it is, wrongly.
        reply: what the server does once it has the request.
        is_slow: whether it lasts as long as the deadline lets it.
    """

    causes: tuple[str, ...]
    code: str = UNAVAILABLE
    look_up: LookUp | None = None
    below: Handler | None = None
    context: Context | None = None
    reply: Handler | None = None
    is_slow: bool = False


def failed(number: int) -> LookUp:
    """Return a look-up that fails in one of the system's ways."""

    def look_up() -> list[tuple[str, int]]:
        raise socket.gaierror(number, "not known")

    return look_up


def hang(_: Any = None) -> Any:
    """Look a name up for longer than anybody waits in a test."""
    time.sleep(1)
    return []


# Who the server says it is.


def days(first: int, last: int) -> Context:
    """Return a context whose certificate is valid on these days only, counted from today."""
    today = datetime.now(timezone.utc)
    period = {"not_before": today + timedelta(days=first), "not_after": today + timedelta(days=last)}
    return lambda certificates: certificates.context("127.0.0.1", "localhost", **period)


def of_another_authority(certificates: Certificates) -> ssl.SSLContext:
    return certificates.context("127.0.0.1", "localhost", authority=trustme.CA())


def only(version: ssl.TLSVersion) -> Context:
    """Return a context that speaks one version of TLS."""

    def make(certificates: Certificates) -> ssl.SSLContext:
        context = certificates.context("127.0.0.1", "localhost")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # what is deprecated is what is tested
            context.minimum_version = context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")
        return context

    return make


# What the server does in place of a handshake.


def nothing_below(peer: Peer) -> None:
    peer.hang()


def dripping_handshake(peer: Peer) -> None:
    peer.sock.recv(65536)
    peer.drip(b"\x16\x03\x03\x40\x00" + b"\x02" * 1000)


def end_below(peer: Peer) -> None:
    peer.sock.recv(65536)


def reset_below(peer: Peer) -> None:
    peer.sock.recv(65536)
    peer.reset()


def plain_below(peer: Peer) -> None:
    peer.sock.recv(65536)
    peer.send(head("400 Bad Request", "Content-Length: 0"))


def alert_below(peer: Peer) -> None:
    peer.sock.recv(65536)
    peer.send(b"\x15\x03\x03\x00\x02\x02\x28")


# What the server does once it has the request.


def saying(data: bytes) -> Handler:
    """Return what says one thing, and ends the connection."""
    return lambda peer: peer.send(data)


def dripping(start: bytes, rest: bytes) -> Handler:
    """Return what says one thing at once, and another byte by byte."""

    def reply(peer: Peer) -> None:
        peer.send(start)
        peer.drip(rest)

    return reply


def without_end(start: bytes, more: bytes) -> Handler:
    """Return what says one thing, and then another again and again, as long as somebody listens."""

    def reply(peer: Peer) -> None:
        peer.send(start)
        while not peer.server.stopping.is_set():
            peer.send(more)

    return reply


def resetting(start: bytes) -> Handler:
    """Return what says one thing, and resets the connection."""

    def reply(peer: Peer) -> None:
        peer.send(start)
        time.sleep(0.05 if start else 0)  # a reset overtakes what was sent before it
        peer.reset()

    return reply


def falling_silent(start: bytes = b"") -> Handler:
    """Return what says one thing, and then nothing."""

    def reply(peer: Peer) -> None:
        peer.send(start)
        peer.hang()

    return reply


def redirecting(status: int) -> Fault:
    """Return the fault of a provider that sends its client elsewhere."""
    answer = head(f"{status} Go", "Location: https://evil.example/", "Content-Length: 0")
    cause = f"the provider answered {status}; redirects are not followed"
    return Fault(code=PROTOCOL, causes=(cause,), reply=saying(answer))


def plainly(cause: str, *lines: str, body: bytes = b"{}", code: str = UNAVAILABLE) -> Fault:
    """Return the fault of an answer that says something at once."""
    return Fault(code=code, causes=(cause,), reply=saying(head("200 OK", *lines) + body))


def chunked(body: bytes, cause: str = CUT) -> Fault:
    """Return the fault of an answer in chunks."""
    return plainly(cause, "Transfer-Encoding: chunked", body=body)


BOMB = gzip.compress(bytes(30_000_000))
H2_SETTINGS = b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18)
IN_CHUNKS = head("200 OK", "Transfer-Encoding: chunked")

CONNECTING: Mapping[str, Fault] = {
    "the name does not exist": Fault(causes=("name resolution failed",), look_up=failed(socket.EAI_NONAME)),
    "the resolver is refused": Fault(causes=("name resolution failed",), look_up=failed(socket.EAI_AGAIN)),
    "the resolver fails": Fault(causes=("name resolution failed",), look_up=failed(socket.EAI_FAIL)),
    "the resolver hangs": Fault(causes=(LATE,), look_up=hang, is_slow=True),
    "the name has no address": Fault(causes=("cannot connect",), look_up=list),
    "nobody listens": Fault(causes=("connection refused",), look_up=lambda: [("127.0.0.1", closed_port())]),
}
"""What goes wrong before there is a connection."""

HANDSHAKES: Mapping[str, Fault] = {
    "the handshake does not begin": Fault(causes=(LATE,), below=nothing_below, is_slow=True),
    "the handshake comes byte by byte": Fault(causes=(LATE,), below=dripping_handshake, is_slow=True),
    "the handshake is ended": Fault(causes=(NO_TLS,), below=end_below),
    "the handshake is reset": Fault(causes=(RESET,), below=reset_below),
    "the server speaks no TLS": Fault(causes=(NO_TLS,), below=plain_below),
    "the server has no cipher in common": Fault(causes=(NO_TLS,), below=alert_below),
    "TLS 1.0 only": Fault(causes=(NO_TLS,), context=only(ssl.TLSVersion.TLSv1)),
    "TLS 1.1 only": Fault(causes=(NO_TLS,), context=only(ssl.TLSVersion.TLSv1_1)),
    "an expired certificate": Fault(causes=(UNVERIFIED,), context=days(-2, -1)),
    "a certificate that is not valid yet": Fault(causes=(UNVERIFIED,), context=days(1, 2)),
    "the certificate of another host": Fault(causes=(UNVERIFIED,), context=lambda ca: ca.context("other.example")),
    "an unknown authority": Fault(causes=(UNVERIFIED,), context=of_another_authority),
    "a self-signed certificate": Fault(causes=(UNVERIFIED,), context=lambda _: self_signed("127.0.0.1")),
}
"""What goes wrong with TLS."""

ANSWERS: Mapping[str, Fault] = {
    "silence": Fault(causes=(LATE,), reply=falling_silent(), is_slow=True),
    "silence after the head": Fault(
        causes=(LATE,), reply=falling_silent(head("200 OK", "Content-Length: 9")), is_slow=True
    ),
    "headers byte by byte": Fault(causes=(LATE,), reply=dripping(b"", head("200 OK", *["X: 1"] * 99)), is_slow=True),
    "a body byte by byte": Fault(
        causes=(LATE,), reply=dripping(head("200 OK", "Content-Length: 999"), b" " * 999), is_slow=True
    ),
    "chunks byte by byte": Fault(causes=(LATE,), reply=dripping(IN_CHUNKS, b"1\r\n \r\n" * 999), is_slow=True),
    "an end in place of an answer": Fault(causes=(ENDED,), reply=saying(b"")),
    "a reset in place of an answer": Fault(causes=(ENDED,), reply=resetting(b"")),
    "a reset in the head": Fault(causes=(RESET, CUT), reply=resetting(b"HTTP/1.1 200 OK\r\nContent-")),
    "a reset in the body": Fault(causes=(RESET, CUT), reply=resetting(head("200 OK", "Content-Length: 9") + b"{")),
    "an end in the head": Fault(causes=(CUT,), reply=saying(b"HTTP/1.1 200 OK\r\nContent-")),
    "a body shorter than its length": plainly(CUT, "Content-Length: 9"),
    "two lengths": plainly(UNCLEAR, "Content-Length: 2", "Content-Length: 3"),
    "a length that is no number": plainly(UNCLEAR, "Content-Length: +2"),
    "a length and chunks": plainly(
        UNCLEAR, "Content-Length: 2", "Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n"
    ),
    "a coding that was not asked for": plainly(UNCLEAR, "Transfer-Encoding: gzip, chunked"),
    "a chunk of a negative size": chunked(b"-5\r\n{}\r\n0\r\n\r\n", CUT),
    "a chunk without a size": chunked(b"zz\r\n{}\r\n0\r\n\r\n"),
    "a chunk shorter than its size": chunked(b"9\r\n{}"),
    "chunks without an end": chunked(b"2\r\n{}\r\n"),
    "endless trailers": Fault(
        causes=(NOT_HTTP,), reply=without_end(IN_CHUNKS + b"2\r\n{}\r\n0\r\n", b"X: 1\r\n" * 1000)
    ),
    "an endless line between chunks": Fault(causes=(NOT_HTTP,), reply=without_end(IN_CHUNKS + b"2;", b"a" * 65536)),
    "an endless body": Fault(code=PROTOCOL, causes=(TOO_LARGE,), reply=without_end(head("200 OK"), b" " * 65536)),
    "endless chunks": Fault(
        code=PROTOCOL, causes=(TOO_LARGE,), reply=without_end(IN_CHUNKS, b"10000\r\n" + b" " * 65536 + b"\r\n")
    ),
    "a gzip bomb": plainly(
        TOO_LARGE, "Content-Encoding: gzip", f"Content-Length: {len(BOMB)}", body=BOMB, code=PROTOCOL
    ),
    "broken compression": plainly(
        "the answer's compression is broken", "Content-Encoding: gzip", "Content-Length: 2", code=PROTOCOL
    ),
    "another compression": plainly(
        "the answer is compressed in a way that was not asked for",
        "Content-Encoding: br",
        "Content-Length: 2",
        code=PROTOCOL,
    ),
    "endless headers": Fault(causes=(NOT_HTTP,), reply=without_end(b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n" * 100)),
    "10,000 headers": plainly(NOT_HTTP, *["X: 1"] * 10_000, "Content-Length: 2"),
    "a header of 64 KiB": plainly(NOT_HTTP, f"X: {'y' * 65_536}", "Content-Length: 2"),
    "a NUL in a header": plainly(NOT_HTTP, "X: a\0b", "Content-Length: 2"),
    "a CR in a header": plainly(NOT_HTTP, "X: a\rContent-Length: 9", "Content-Length: 2"),
    "a header without a colon": plainly(NOT_HTTP, "no header", "Content-Length: 2"),
    "endless 100 Continue": Fault(causes=(NOT_HTTP,), reply=without_end(b"", head("100 Continue") * 100)),
    "endless 103 Early Hints": Fault(causes=(NOT_HTTP,), reply=without_end(b"", head("103 Early Hints") * 100)),
    "101 Switching Protocols": Fault(
        code=PROTOCOL,
        causes=("the provider answered 101, which is no final answer",),
        reply=saying(head("101 Switching Protocols", "Upgrade: h2c")),
    ),
    "HTTP/0.9": Fault(causes=(NOT_HTTP,), reply=saying(b'{"access_token": "a"}\n')),
    "HTTP/2 in the status line": Fault(causes=(NOT_HTTP,), reply=saying(b"HTTP/2 200\r\n\r\n")),
    "HTTP/2 without being asked": Fault(causes=(CUT,), reply=saying(H2_SETTINGS)),
    "another protocol": Fault(causes=(NOT_HTTP,), reply=saying(b"SSH-2.0-OpenSSH_9.6\r\n")),
    "300 Multiple Choices": redirecting(300),
    "301 Moved Permanently": redirecting(301),
    "302 Found": redirecting(302),
    "303 See Other": redirecting(303),
    "304 Not Modified": redirecting(304),
    "305 Use Proxy": redirecting(305),
    "307 Temporary Redirect": redirecting(307),
    "308 Permanent Redirect": redirecting(308),
}
"""What goes wrong with an answer, on a connection that came about."""

PROXIES: Mapping[str, Fault] = {
    "a proxy that says nothing": Fault(causes=(LATE,), reply=falling_silent(), is_slow=True),
    "a proxy that drips": Fault(causes=(LATE,), reply=dripping(b"", head("200 OK", *["X: 1"] * 99)), is_slow=True),
    "a proxy that lets nothing through": Fault(causes=(LATE,), reply=falling_silent(head("200 OK")), is_slow=True),
    "a proxy that refuses": Fault(causes=("the proxy: ",), reply=saying(head("403 No", "Content-Length: 0"))),
    "a proxy that wants a password": Fault(
        causes=("the proxy: ",), reply=saying(head("407 Who are you?", "Content-Length: 0"))
    ),
    "a proxy that sends elsewhere": Fault(
        causes=("the proxy: ",), reply=saying(head("302 Go", "Location: https://evil.example/"))
    ),
    "a proxy that says something else": Fault(
        causes=(NO_TLS, RESET), reply=saying(head("200 OK", "Content-Length: 9") + b"x" * 99)
    ),
    "a proxy that speaks no HTTP": Fault(
        causes=(f"the proxy: {NOT_HTTP}",), reply=saying(b"SSH-2.0-OpenSSH_9.6\r\n")
    ),
    "a proxy that ends the connection": Fault(causes=(f"the proxy: {ENDED}",), reply=saying(b"")),
    "a proxy that resets the connection": Fault(causes=("the proxy: ",), reply=resetting(b"")),
    "a proxy of endless headers": Fault(
        causes=(f"the proxy: {NOT_HTTP}",), reply=without_end(b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n" * 100)
    ),
}
"""What goes wrong with a proxy, which has read the word ``CONNECT``."""
