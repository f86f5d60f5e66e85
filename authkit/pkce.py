"""Proof Key for Code Exchange (RFC 7636): the verifier, and the challenges made from it."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256

__all__ = ["new_verifier", "s256", "s256_hex"]


def new_verifier(random: Callable[[int], bytes]) -> str:
    """Return a code verifier: 43 unreserved characters made from 32 bytes of `random` (RFC 7636, section 4.1)."""
    return urlsafe_b64encode(random(32)).rstrip(b"=").decode("ascii")


def s256(verifier: str) -> str:
    """Return the challenge of RFC 7636, section 4.2: SHA-256 as base64url without padding."""
    return urlsafe_b64encode(sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")


def s256_hex(verifier: str) -> str:
    """Return the challenge as TikTok wants it: SHA-256 as lower-case hex (Login Kit for Desktop, 64 characters)."""
    return sha256(verifier.encode("ascii")).hexdigest()
