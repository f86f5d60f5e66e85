"""What may go into a log line: printable, of a sane length, and without secrets."""

from __future__ import annotations

import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator

__all__ = ["brief", "printable", "redacted"]

REASON_LENGTH = 500
BRIEF_LENGTH = 1000
TELLING = 7
"""How many of a secret's first characters are taken out, though the rest was cut off."""
READINGS = tuple(
    re.compile(rf"%(?:25)?([0-9a-fA-F]{{2}})|{escape}([\0-$&-\[\]-\x7f]+|.)", re.DOTALL) for escape in ("", r"\\?")
)
"""What spells a byte, percent-encoded once or twice, or characters as they are, after a backslash or not."""


def printable(text: str, length: int = REASON_LENGTH) -> str:
    """Return `text` fit for one log line: control and non-ASCII characters escaped, at most `length` long."""
    escaped = text[: length + 1].encode("unicode_escape").decode("ascii")
    return escaped if len(escaped) <= length else escaped[: length - 3] + "..."


def brief(text: str) -> str:
    """Return `text` if it is of a sane length, else only its length: searching it for secrets must cost nothing."""
    return text if len(text) <= BRIEF_LENGTH else f"({len(text)} characters)"


def redacted(text: str, secret_texts: Iterable[str]) -> str:
    """Return `text` without `secret_texts`: a provider may echo what it was sent, in whatever spelling.

    Taken out is a secret as it is, percent-encoded once or twice, escaped as in JSON, as base64 and as hex, in
    capitals or not; and as much of it as a provider has left, if that is more than six characters from its beginning.
    Do this before `printable`, which may cut off all but fewer.
    """
    spellings = {spelling for secret in secret_texts for spelling in _spellings(secret)}
    pieces, rest = [], 0
    for begin, end in sorted(place for reading in READINGS for place in _places(text, reading, spellings)):
        if begin >= rest:
            pieces += [text[rest:begin], "[redacted]"]
        rest = max(rest, end)
    return "".join([*pieces, text[rest:]])


def _places(text: str, reading: re.Pattern[str], spellings: Iterable[bytes]) -> Iterator[tuple[int, int]]:
    """Yield where in `text` something begins and ends that spells one of `spellings`, or its beginning."""
    spelled, begins = _spelled_by(text, reading)
    for spelling in spellings:
        place = spelled.find(spelling[:TELLING])
        while place >= 0:
            end = place + _common(spelling, spelled[place : place + len(spelling)])
            yield begins[place], begins[end]
            place = spelled.find(spelling[:TELLING], end)


def _common(one: bytes, other: bytes) -> int:
    """Return how many bytes `other`, which is no longer, has in common with `one` from the beginning."""
    return next((length for length, byte in enumerate(other) if byte != one[length]), len(other))


def _spelled_by(text: str, reading: re.Pattern[str]) -> tuple[bytes, list[int]]:
    """Return the bytes that `text` spells, and where in it each begins, its end included.

    Nothing is searched for by a pattern made of secrets: Python would keep that, and throw the app's own away.
    """
    spelled, begins = bytearray(), []
    for unit in reading.finditer(text):
        new = bytes.fromhex(unit[1]) if unit[1] else _encoded(unit[2].lower())
        spelled += new
        is_run = unit[2] is not None and len(new) == len(unit[2])  # a byte for each character
        begins += [unit.start(), *range(unit.start(2) + 1, unit.end(2))] if is_run else [unit.start()] * len(new)
    return _folded(bytes(spelled)), [*begins, len(text)]


def _spellings(secret: str) -> Iterator[bytes]:
    """Yield the bytes that each way to write `secret` spells."""
    raw = _encoded(secret)
    written = {raw, _encoded(secret.lower()), _spelled_by(secret, READINGS[0])[0]}
    if len(raw) > 3:  # base64 and hex of less would be found in any text
        padded = {b64encode(raw), urlsafe_b64encode(raw)}
        written |= {*padded, *(each.rstrip(b"=") for each in padded), raw.hex().encode("ascii")}
    yield from filter(None, map(_folded, written))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _folded(spelled: bytes) -> bytes:
    """Return what neither capitals nor a form make a difference to."""
    return spelled.lower().replace(b"+", b" ")
