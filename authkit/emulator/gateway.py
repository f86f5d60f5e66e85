"""`Request` and `Gateway`: cheroot's, made strict about what is read, and open to damage of what is answered."""

from __future__ import annotations

import io
from typing import Any

from cheroot.server import HeaderReader, HTTPRequest
from cheroot.wsgi import Gateway_10

from authkit.emulator.damage import DamagedStream
from authkit.emulator.wire import IS_CONNECTED, SPOIL_DELIVERY, Delivery

__all__ = ["Gateway", "Request"]


class StrictHeaders(HeaderReader):
    """Reads headers, in which every mistake is a ValueError."""

    def __call__(self, rfile: Any, hdict: dict[bytes, bytes] | None = None) -> dict[bytes, bytes]:
        """Return the headers."""
        try:
            return dict(super().__call__(rfile, hdict))
        except UnboundLocalError:  # cheroot's way to stumble over a continuation of nothing
            raise ValueError("Illegal continuation line.") from None


class Request(HTTPRequest):
    """A request, in which every mistake is answered with a status from 400 to 499."""

    header_reader = StrictHeaders()

    def read_request_line(self) -> bool:
        """Read the first line, and return whether it is a good one."""
        try:
            return bool(super().read_request_line())
        except ValueError:  # what urllib raises for a host such as `[`
            self.simple_response("400 Bad Request", "Malformed Request-URI")
            return False

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
        try:
            body = bytes(self.req.rfile.read())
        except (ValueError, OSError) as cause:
            raise BadBodyError from cause
        if getattr(self.req.rfile, "remaining", 0):
            raise BadBodyError
        return body

    def _spoil(self, delivery: Delivery) -> None:
        connection = self.req.conn
        if delivery.is_connecting:
            connection.pause(delivery.silence)
            return
        self.req.close_connection = True
        connection.wfile = DamagedStream(connection.wfile, delivery, connection.pause, connection.reset)
