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

__all__ = ["Answer", "LengthError", "NoAnswerError", "require_hooks"]

MAX_HEAD = 64 * 1024
"""How many bytes may come before the body, those of answers that are not final included."""

MAX_LINES = 256 * 1024
"""How many bytes may be between the chunks of a body, and behind them."""

LINE = re.compile(rb"[\t -~\x80-\xff]*\r?\n")
LENGTH = re.compile("[0-9]{1,18}")
CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}[ \t]*(;.*)?\r\n")
CHUNKED = ["chunked"]
STATUS = re.compile(rb"(HTTP/1\.[01]) ([1-9][0-9]{2})(?: (.*))?\r?\n")
EARLY = {HTTPStatus.CONTINUE, *range(HTTPStatus.PROCESSING, HTTPStatus.OK)}
"""The codes of answers that are not final; after ``101 Switching Protocols``, what comes is no HTTP."""
NAME = re.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+")
FIELD = re.compile(NAME.pattern.encode() + b":")
FRAMING = re.compile(b"(content-length|transfer-encoding):", re.IGNORECASE)
MORE = re.compile(FIELD.pattern + b"|[ \t]")
"""What may follow a field: another, or the rest of it (RFC 9112, section 5.2)."""


HOOKS = ("_close_conn", "_get_chunk_left", "_read_and_discard_trailer", "_read_next_chunk_size", "_read_status")
"""What `Answer` has in the place of http.client's own, which that calls: private, and so it may change."""


def require_hooks(response: type) -> None:
    """Refuse an http.client that would not call what makes an answer safe to read.

    Raises:
        ImportError: a later Python has changed it, and authkit has not followed yet.
    """
    missing = [name for name in HOOKS if not hasattr(response, name)]
    if missing:
        raise ImportError(f"authkit does not know the http.client of this Python, which has no {', '.join(missing)}")


require_hooks(http.client.HTTPResponse)


class NoAnswerError(ConnectionResetError):
    """The connection ended before the first byte of an answer.

    Attributes:
        kept: whether an earlier request had used the connection: then it was probably closed while idle.
    """

    kept = False


class LengthError(http.client.HTTPException):
    """The head does not say how long the body is, or says it in two ways (RFC 9112, section 6.3)."""


class Stream(BufferedReader):
    """What is read of a connection: bytes, and whole lines without what only some readers take for their end.

    Attributes:
        left: how many bytes the lines to come may have, all together.
    """

    left = MAX_HEAD

    def readline(self, _: int | None = -1, /) -> bytes:
        """Return the next line, however long a line the caller would take: `left` is the limit.

        An end of the connection in place of a line is none; http.client takes it for one.
        """
        line = super().readline(self.left + 1)
        self.left -= len(line)
        if self.left < 0:
            raise http.client.HTTPException("the lines are too long")
        if not line.endswith(b"\n"):
            raise http.client.IncompleteRead(b"")
        if not LINE.fullmatch(line):
            raise http.client.HTTPException("a line has a control character in it")
        return line


class Answer(http.client.HTTPResponse):
    """An answer that tells apart a connection that ended before its first byte, and one that broke later.

    Attributes:
        left_nothing: whether the answer is over, and nothing came behind it: what did would be taken for the
            answer to the next request, which is another user's.
    """

    left_nothing = False

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._sock = sock
        self.fp = self._stream = Stream(self.fp.detach())

    def begin(self) -> None:
        """Read the status and the headers."""
        try:
            is_over = not self._stream.peek(1)
        except ConnectionError:
            is_over = True
        if is_over:
            raise NoAnswerError
        super().begin()
        self._stream.left = MAX_LINES
        assert_header_parsing(self.msg)
        if not all(map(NAME.fullmatch, self.msg.keys())):
            raise http.client.HTTPException("a field has no name")
        self._check_length()

    def _read_status(self) -> tuple[str, int, str]:
        """Read the status line of the final answer, and pass over what comes before it (RFC 9110, section 15.2).

        http.client passes over ``100 Continue`` only, and takes the others for the answer, which then waits for who
        asks next.
        """
        while True:
            line = STATUS.fullmatch(self._stream.readline())
            if line is None:
                raise http.client.BadStatusLine("")
            version, status, reason = (text.decode("latin-1") for text in line.groups(b""))
            if int(status) not in EARLY:
                return version, int(status), reason
            self._pass_over_fields()

    def _pass_over_fields(self) -> None:
        """Pass over what http.client never looks at: the head of an answer that is not final, and trailers."""
        known = FIELD
        while line := self._stream.readline().rstrip(b"\r\n"):
            if not known.match(line):
                raise http.client.HTTPException("a line is no field")
            if FRAMING.match(line):  # of a body that there is none of, or that is over
                raise LengthError
            known = MORE

    _read_and_discard_trailer = _pass_over_fields

    def _check_length(self) -> None:
        encodings = [value.strip(" \t").lower() for value in self.msg.get_all("Transfer-Encoding", [])]
        lengths = {value.strip(" \t") for value in self.msg.get_all("Content-Length", [])}
        if encodings not in ([], CHUNKED) or len(lengths) + len(encodings) > 1:
            raise LengthError
        if not all(LENGTH.fullmatch(length) for length in lengths):
            raise LengthError
        if encodings:  # http.client overlooks a coding with a blank behind it
            self.chunked, self.chunk_left = True, None

    def _get_chunk_left(self) -> int | None:
        """Return what is left of this chunk, or the size of the next; http.client takes any two bytes for its end."""
        if self.chunk_left == 0:
            if self._stream.readline() != b"\r\n":
                raise http.client.HTTPException("a chunk is longer than its size")
            self.chunk_left = None
        left: int | None = super()._get_chunk_left()  # type: ignore[misc]
        return left

    def _read_next_chunk_size(self) -> int:
        """Return the size of the next chunk; http.client takes a sign and underscores for a part of it."""
        line = self._stream.readline()
        if not CHUNK_SIZE.fullmatch(line):
            raise ValueError("the size of a chunk is no number")
        return int(line.partition(b";")[0], 16)

    def close(self) -> None:
        """Let go of the stream. Before the end of the body, that leaves the rest of it, be it there yet or not."""
        self.will_close = True
        super().close()

    def _close_conn(self) -> None:
        """Let go of the stream: http.client calls this where the body ends."""
        if not self.will_close:
            self.left_nothing = self._is_nothing_there()
        super()._close_conn()  # type: ignore[misc]  # private, and the one place where all answers end

    def _is_nothing_there(self) -> bool:
        """Whether no byte is left, in the stream, inside TLS, or in the socket, which is not at its end either.

        The socket need not wait again afterwards: the next request says how long it may.
        """
        self._sock.settimeout(0)
        try:
            return not self._stream.peek(1) and self._stream.raw.readinto(memoryview(bytearray(1))) is None
        except ssl.SSLWantReadError:
            return True
        except OSError:
            return False
