"""Bodies of requests, as they came."""

from __future__ import annotations

from collections.abc import Iterator

from pyramid.request import Request

from authkit.errors import InvalidRequest

__all__ = ["read_body"]

CHUNK = 8192


def read_body(request: Request, limit: int) -> bytes:
    """Return the body of a request; of one that is longer than `limit`, enough to see that it is.

    Raises:
        InvalidRequest: it is cut off, or its length is negative.
    """
    if (request.content_length or 0) < 0:
        raise InvalidRequest("the body has a negative length")
    try:
        return b"".join(_chunks(request, limit))
    except OSError:  # the client is gone
        pass
    raise InvalidRequest("the body is cut off")


def _chunks(request: Request, limit: int) -> Iterator[bytes]:
    size = 0
    while size <= limit:
        chunk = request.body_file.read(CHUNK)
        if not chunk:
            return
        size += len(chunk)
        yield chunk
