"""`DamagedStream`: writes an answer to a connection in one of the ways networks fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from authkit.emulator.wire import Delivery

__all__ = ["DamagedStream"]

END_OF_HEAD = b"\r\n\r\n"
BROKEN_HEAD = len("HTTP/1.1 2")  # more could be taken for an answer: not every client can tell a reset from an end


class Stream(Protocol):
    """What writes bytes to a connection at once."""

    def write(self, data: bytes, /) -> int:
        """Write `data`, all of it."""
        ...

    def close(self) -> None:
        """Let the connection go."""
        ...


class DamagedStream:
    """Stands in for the stream of one answer, whose head is written in one piece.

    Args:
        stream: what really writes.
        delivery: how the answer arrives.
        pause: waits for so many seconds; raises OSError when the server is closed meanwhile.
        reset: resets the connection, and raises ConnectionResetError.
    """

    def __init__(
        self, stream: Stream, delivery: Delivery, pause: Callable[[float], None], reset: Callable[[], None]
    ) -> None:
        self._stream = stream
        self._delivery = delivery
        self._pause = pause
        self._reset = reset
        self._has_head = False

    def write(self, data: bytes) -> int:
        """Write `data`, slowly, or a part of it before the connection is reset."""
        head, body = (b"", data) if self._has_head else self._begin(data)
        if self._delivery.reset == "headers":
            self._write(head[:BROKEN_HEAD], self._delivery.head_pause)
            self._reset()
        self._write(head, self._delivery.head_pause)
        if body and self._delivery.reset == "body":
            self._write(body[: len(body) // 2], self._delivery.body_pause)
            self._reset()
        self._write(body, self._delivery.body_pause)
        return len(data)

    def finish(self) -> None:
        """Reset the connection if that has to happen in a body, and there was none."""
        if self._delivery.reset == "body":
            self._reset()

    def close(self) -> None:
        """Let the connection go."""
        self._stream.close()

    def _begin(self, data: bytes) -> tuple[bytes, bytes]:
        self._pause(self._delivery.silence)
        if self._delivery.reset == "answer":
            self._reset()
        self._has_head = True
        head, _, body = data.partition(END_OF_HEAD)
        return head + END_OF_HEAD, body

    def _write(self, data: bytes, pause: float) -> None:
        for piece in (data[place : place + 1] for place in range(len(data))) if pause else filter(None, (data,)):
            self._pause(pause)
            self._stream.write(piece)
