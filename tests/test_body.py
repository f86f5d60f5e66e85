"""Bodies: whole, unpacked, and in pieces of a size."""

from __future__ import annotations

import gzip
import http.client
import zlib

import pytest
from fake_socks import Sock

from authkit.answer import Answer
from authkit.body import GZIP, MAX_PACKED, Body

TEXT = b'{"name": "' + b"a" * 1000 + b'"}'


def body_of(sent: bytes, *, is_packed: bool = True, length: int | None = None) -> tuple[Body, list[str]]:
    """Return the body of an answer, and where its release is noted."""
    released: list[str] = []
    size = len(sent) if length is None else length
    answer = Answer(Sock(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + sent))  # type: ignore[arg-type]
    answer.begin()
    return Body(answer, lambda: released.append("released"), is_packed=is_packed), released


def all_of(body: Body, size: int) -> list[bytes]:
    return list(iter(lambda: body.read(size), b""))


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_body_comes_in_pieces_of_the_size_that_is_asked_for(is_packed: bool) -> None:
    body, _ = body_of(gzip.compress(TEXT) if is_packed else TEXT, is_packed=is_packed)
    pieces = all_of(body, 100)
    assert b"".join(pieces) == TEXT
    assert max(map(len, pieces)) == 100


def test_a_packed_body_that_is_empty_is_one() -> None:
    body, _ = body_of(b"")
    assert all_of(body, 100) == []


@pytest.mark.parametrize("missing", [1, 8, 15])
def test_a_packed_body_whose_end_is_missing_is_broken(missing: int) -> None:
    body, _ = body_of(gzip.compress(TEXT)[:-missing])
    with pytest.raises(zlib.error, match="the end is missing"):
        all_of(body, 100)


def test_a_body_that_is_packed_in_another_way_is_broken() -> None:
    body, _ = body_of(zlib.compress(TEXT))
    with pytest.raises(zlib.error, match="incorrect header check"):
        all_of(body, 100)


@pytest.mark.parametrize("size", [20, 100_000], ids=["in-a-later-piece", "in-the-same-piece"])
@pytest.mark.parametrize("behind", [b"x", gzip.compress(b"another")], ids=["junk", "another-member"])
def test_what_comes_behind_a_packed_body_is_broken(behind: bytes, size: int) -> None:
    body, _ = body_of(gzip.compress(TEXT) + behind)
    with pytest.raises(zlib.error, match=r"something comes behind the end|more of it"):
        all_of(body, size)


def test_what_unpacks_to_nothing_ends_as_well() -> None:
    packer = zlib.compressobj(wbits=GZIP)
    nothing = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH) * (MAX_PACKED // 5 + 1)
    body, _ = body_of(nothing)
    with pytest.raises(zlib.error, match="more of it than could be unpacked"):
        all_of(body, 65536)


def test_nothing_is_lost_that_waits_to_be_unpacked() -> None:
    text = b"a" * 100_000
    body, _ = body_of(gzip.compress(text))
    assert b"".join(all_of(body, 7)) == text


def test_a_body_that_ends_too_early_says_how_much_is_missing() -> None:
    body, _ = body_of(b"{}", is_packed=False, length=9)
    with pytest.raises(http.client.IncompleteRead) as caught:
        all_of(body, 100)
    assert caught.value.expected == 7


def test_a_body_that_is_closed_gives_its_connection_back_once() -> None:
    body, released = body_of(b"{}", is_packed=False)
    body.read(1)
    assert released == []
    body.close()
    body.release_conn()
    body.close()
    assert released == ["released"]
