"""One answer of a provider, read as HTTP/1.1 has it; nothing of it is left for who asks next."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from http import HTTPStatus
from io import BufferedReader
from typing import Any

from urllib3.util.response import assert_header_parsing

__all__ = ["Answer", "LengthError", "NoAnswerError"]

MAX_HEAD = 64 * 1024
"""How many bytes may come before the body, those of answers that are not final included."""

LENGTH = re.compile("[0-9]{1,18}")
CHUNKED = ["chunked"]


class NoAnswerError(ConnectionResetError):
    """The connection ended before the first byte of an answer.

    Attributes:
        kept: whether an earlier request had used the connection: then it was probably closed while idle.
    """

    kept = False


class LengthError(http.client.HTTPException):
    """The head does not say how long the body is, or says it in two ways (RFC 9112, section 6.3)."""


class Head:
    """The head of an answer: whole lines, without what one reader takes for the end of a line and another does not.

    It must end with an empty line; http.client takes the end of the connection, too.
    """

    def __init__(self, stream: BufferedReader) -> None:
        self._stream = stream
        self._left = MAX_HEAD

    def readline(self, limit: int) -> bytes:
        """Return the next line, which is whole unless it is longer than `limit`."""
        line = self._stream.readline(limit)
        if len(line) < limit and not line.endswith(b"\n"):
            raise http.client.IncompleteRead(b"")
        self._left -= len(line)
        if self._left < 0:
            raise http.client.HTTPException("the head is too long")
        if b"\0" in line or b"\r" in line.removesuffix(b"\r\n"):
            raise http.client.HTTPException("a line of the head has a NUL or a CR in it")
        return line

    def flush(self) -> None:
        """Do nothing: http.client wants it of what it closes."""

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()


class Answer(http.client.HTTPResponse):
    """An answer that tells apart a connection that ended before its first byte, and one that broke later.

    It is not begun, and only its head is read, if it is a proxy's to ``CONNECT``.

    Attributes:
        left_nothing: whether the answer is over, and nothing came behind it: what did would be taken for the
            answer to the next request, which is another user's.
    """

    left_nothing = False

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._sock = sock
        self._stream: BufferedReader = self.fp
        self.fp = Head(self._stream)  # type: ignore[assignment]  # a line at a time is all that the head takes

    def begin(self) -> None:
        """Read the status and the headers.

        What comes before the final answer is passed over (RFC 9110, section 15.2); http.client does so for
        ``100 Continue`` only, and takes the others for the answer, which then waits for who asks next.
        """
        try:
            is_over = not self._stream.peek(1)
        except ConnectionError:
            is_over = True
        if is_over:
            raise NoAnswerError
        super().begin()
        while HTTPStatus.PROCESSING <= self.status < HTTPStatus.OK:
            self.headers = self.msg = None  # type: ignore[assignment]  # begin does nothing where there are some
            super().begin()
        self.fp = self._stream
        assert_header_parsing(self.msg)
        self._check_length()

    def _check_length(self) -> None:
        encodings = [value.strip(" \t").lower() for value in self.msg.get_all("Transfer-Encoding", [])]
        lengths = {value.strip(" \t") for value in self.msg.get_all("Content-Length", [])}
        if encodings not in ([], CHUNKED) or len(lengths) + len(encodings) > 1:
            raise LengthError
        if not all(LENGTH.fullmatch(length) for length in lengths):
            raise LengthError

    def _close_conn(self) -> None:
        """Let go of the stream: http.client calls this where the body ends."""
        if not self.will_close:
            self.left_nothing = self._is_nothing_there()
        super()._close_conn()  # type: ignore[misc]  # private, and the one place where all answers end

    def _is_nothing_there(self) -> bool:
        """Whether no byte is left, in the stream, inside TLS, or in the socket, which is not at its end either.

        The socket need not wait again afterwards: urllib3 says so to it for the next request.
        """
        self._sock.settimeout(0)
        try:
            return not self._stream.peek(1) and self._stream.raw.readinto(memoryview(bytearray(1))) is None
        except ssl.SSLWantReadError:
            return True
        except OSError:
            return False
