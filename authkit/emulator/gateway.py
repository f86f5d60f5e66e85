"""`Request` and `Gateway`: cheroot's, made strict about what is read, and open to damage of what is answered."""

from __future__ import annotations

import io
import re
from typing import Any

from cheroot.errors import MaxSizeExceeded
from cheroot.server import HeaderReader, HTTPRequest
from cheroot.wsgi import Gateway_10

from authkit.emulator.damagedstream import DamagedStream
from authkit.emulator.wire import IS_CONNECTED, SPOIL_DELIVERY, Delivery

__all__ = ["Gateway", "Request"]


CONTROLS = re.compile(rb"[\x00-\x1f\x7f]")
CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]+[ \t]*(;[^\r\n]*)?\r\n")
ONCE = frozenset({b"content-length", b"host"})


class HeaderLines:
    """Hands over the lines of headers; one that two readers could understand differently is a ValueError."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._names: set[bytes] = set()

    def readline(self) -> bytes:
        """Return the next line."""
        line = bytes(self._stream.readline())
        if line[:1] in {b" ", b"\t"}:
            raise ValueError("Illegal continuation line.")
        if CONTROLS.search(line.removesuffix(b"\r\n").replace(b"\t", b"")):
            raise ValueError("Illegal control character.")
        name = line.partition(b":")[0].strip().lower()
        if name in self._names & ONCE:
            raise ValueError("Illegal repetition of a header.")
        self._names.add(name)
        return line


class ChunkSizes:
    """Hands over a body in pieces; a size that is not written as RFC 9112 wants it is a ValueError."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.read = stream.read

    def readline(self) -> bytes:
        """Return the next line, which is the size of a piece."""
        line = bytes(self._stream.readline())
        if not CHUNK_SIZE.fullmatch(line):
            raise ValueError("Illegal size of a chunk.")
        return line


class StrictHeaders(HeaderReader):
    """Reads headers, in which every mistake is a ValueError."""

    def __call__(self, rfile: Any, hdict: dict[bytes, bytes] | None = None) -> dict[bytes, bytes]:
        """Return the headers."""
        headers = dict(super().__call__(HeaderLines(rfile), hdict))
        if b"Content-Length" in headers and b"Transfer-Encoding" in headers:
            raise ValueError("Illegal Content-Length beside Transfer-Encoding.")
        return headers


class Request(HTTPRequest):
    """A request, in which every mistake is answered with a status from 400 to 499.

    What is no mistake, but more than the server can do, is answered with 501, such as ``Transfer-Encoding: gzip``, or
    505, such as HTTP/2.0.
    """

    header_reader = StrictHeaders()

    def read_request_line(self) -> bool:
        """Read the first line, and return whether it is a good one."""
        try:
            if not super().read_request_line():
                return False
            is_good = not CONTROLS.search(self.uri)
        except ValueError:  # what urllib raises for a host such as `[`
            is_good = False
        if not is_good:
            self.simple_response("400 Bad Request", "Malformed Request-URI")
        return is_good

    def read_request_headers(self) -> bool:
        """Read the headers, and return whether they are good ones."""
        if not super().read_request_headers():
            return False
        if not self.inheaders.get(b"Content-Length", b"0").isdigit():
            self.simple_response("400 Bad Request", "Malformed Content-Length Header.")
            return False
        for name in [name for name in self.inheaders if b"_" in name]:  # WSGI could not tell it from one with "-"
            del self.inheaders[name]
        return True

    def respond(self) -> None:
        """Read the body, have the request answered, and take part in the damage."""
        try:
            super().respond()
        except BadBodyError:
            self.close_connection = True
            self.simple_response("400 Bad Request", "Malformed body.")

    def write(self, chunk: bytes) -> None:
        """Write a piece of the body, which the answer to HEAD has none of."""
        if self.method != b"HEAD":
            super().write(chunk)


class BadBodyError(Exception):
    """A body that is not what its headers say."""


class Gateway(Gateway_10):
    """Calls the application, and lets it say how the answer arrives."""

    def respond(self) -> None:
        """Call the application, and write what it answers."""
        connection = self.req.conn
        self.env["wsgi.input"] = io.BytesIO(body := self._read_body())
        if self.req.chunked_read:
            self.env["CONTENT_LENGTH"] = str(len(body))
            self.req.close_connection = True  # cheroot leaves the end of such a body unread
        self.env["SERVER_NAME"] = self.req.server.bind_addr[0]
        self.env[SPOIL_DELIVERY] = self._spoil
        if connection.is_connected:
            self.env[IS_CONNECTED] = True
        connection.is_answering = True
        super().respond()
        if isinstance(connection.wfile, DamagedStream):
            connection.wfile.finish()

    def _read_body(self) -> bytes:
        """Return the body, all of it: a client that is not listened to might not listen to the answer."""
        if self.req.chunked_read:
            self.req.rfile.rfile = ChunkSizes(self.req.rfile.rfile)
        try:
            body = bytes(self.req.rfile.read())
        except (ValueError, OSError, MaxSizeExceeded) as cause:
            raise BadBodyError from cause
        if getattr(self.req.rfile, "remaining", 0):
            raise BadBodyError
        return body

    def _spoil(self, delivery: Delivery) -> None:
        connection = self.req.conn
        if delivery.is_connecting:
            connection.pause(delivery.silence)
            connection.check()
            return
        self.req.close_connection = True
        connection.wfile = DamagedStream(connection.wfile, delivery, connection.pause, connection.reset)
