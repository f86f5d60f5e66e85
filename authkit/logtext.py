"""What may go into a log line: printable, of a sane length, and without secrets."""

from __future__ import annotations

import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator

__all__ = ["brief", "printable", "redacted"]

REASON_LENGTH = 500
BRIEF_LENGTH = 1000


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
    capitals or not. Do this before `printable`: of a secret that was cut off, the rest would not be recognised.
    """
    longest_first = sorted(set(filter(None, secret_texts)), key=len, reverse=True)
    spellings = "|".join(spelling for secret in longest_first for spelling in _spellings(secret))
    return re.sub(spellings, "[redacted]", text, flags=re.IGNORECASE) if spellings else text


def _spellings(secret: str) -> Iterator[str]:
    """Yield patterns for the ways to write `secret`."""
    raw = secret.encode("utf-8", "replace")
    yield "".join(map(_spelled, secret))
    if len(raw) > 3:  # base64 and hex of less would be found in any text
        for encode in (b64encode, urlsafe_b64encode):
            yield re.escape(encode(raw).decode().rstrip("=")) + "={0,2}"
        yield raw.hex()


def _spelled(char: str) -> str:
    """Return a pattern for the ways to write one character."""
    if char.isalnum():
        return re.escape(char)
    percent = "".join(f"%(?:25)?{byte:02x}" for byte in char.encode("utf-8", "replace"))
    plus = r"|\+" if char == " " else ""
    return rf"(?:\\?{re.escape(char)}|{percent}{plus})"
