"""The body of an answer, as requests reads it: unpacked, and never more at a time than is asked for."""

from __future__ import annotations

import http.client
import zlib
from collections.abc import Callable

from authkit.answer import Answer

__all__ = ["Body"]

GZIP = 16 + zlib.MAX_WBITS
"""How zlib is told that what it unpacks has the header of gzip (RFC 1952); of its members, there may be one."""
MAX_PACKED = 1024 * 1024
"""How many bytes are unpacked: there are some that unpack to nothing, without an end."""


class Body:
    """The body of an answer.

    Args:
        answer: the answer, its head read.
        is_packed: whether the body is compressed with gzip.
        release: takes the connection back; called once, however often the body is closed: a connection that is given
            back twice is given to two users.
    """

    def __init__(self, answer: Answer, release: Callable[[], None], *, is_packed: bool) -> None:
        self._answer = answer
        self._release: Callable[[], None] | None = release
        self._unpacker = zlib.decompressobj(GZIP) if is_packed else None
        self._packed = 0

    def read(self, size: int) -> bytes:
        """Return the next bytes, at most `size`, none at the end.

        Raises:
            http.client.IncompleteRead: the connection ended before the body.
            zlib.error: the compression is broken.
        """
        return self._read(size) if self._unpacker is None else self._unpacked(self._unpacker, size)

    def close(self) -> None:
        """Give the connection back, whether or not all was read."""
        self._answer.close()
        release, self._release = self._release, None
        if release is not None:
            release()

    release_conn = close

    def _read(self, size: int) -> bytes:
        piece = self._answer.read(size)
        if not piece and self._answer.length:  # http.client takes any end of the connection for that of the body
            raise http.client.IncompleteRead(b"", self._answer.length)
        return piece

    def _unpacked(self, unpacker: zlib._Decompress, size: int) -> bytes:
        piece = unpacker.decompress(unpacker.unconsumed_tail, size)
        while not piece and (packed := self._read(size)):
            self._packed += len(packed)
            if unpacker.eof or self._packed > MAX_PACKED:
                raise zlib.error("there is more of it than could be unpacked")
            piece = unpacker.decompress(packed, size)
        if unpacker.unused_data:
            raise zlib.error("something comes behind the end")
        if not piece and self._packed and not unpacker.eof:
            raise zlib.error("the end is missing")
        return piece
