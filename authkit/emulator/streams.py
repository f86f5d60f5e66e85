"""`Reader` and `Writer`: the two streams of a connection, which cheroot has in pure Python."""

from __future__ import annotations

import errno
import io
import socket
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["Reader", "Writer"]


class Reader(io.BufferedReader):
    """Reads from a socket through a buffer."""

    def __init__(self, sock: socket.socket, size: int = io.DEFAULT_BUFFER_SIZE) -> None:
        self._source = _Source(sock)
        super().__init__(self._source, size if size > 0 else io.DEFAULT_BUFFER_SIZE)

    def has_data(self) -> bool:
        """Return whether there is something in the buffer, and never wait for more."""
        self._source.is_dry = True
        try:
            return bool(self.peek(1))
        finally:
            self._source.is_dry = False


class _Source(socket.SocketIO):
    """The socket, which can be told to have nothing at the moment."""

    is_dry = False

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock, "r")

    def readinto(self, b: WriteableBuffer) -> int | None:
        """Fill `b` with what comes, and return how much that is; None for nothing at the moment."""
        return None if self.is_dry else super().readinto(b)


class Writer:
    """Writes to a socket at once. cheroot's own copies all that is left of an answer for every piece of it."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def write(self, data: bytes) -> int:
        """Write `data`, all of it; raise ConnectionError when the client has gone, with TLS as well."""
        try:
            self._sock.sendall(data)
        except ssl.SSLError as gone:  # cheroot takes its number for that of an error of the system
            raise ConnectionAbortedError(errno.ECONNABORTED, "the client has gone") from gone
        return len(data)

    def close(self) -> None:
        """Leave the socket to its connection."""
