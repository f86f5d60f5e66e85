"""The app's JSON Web Tokens: short-lived, signed, and checked claim by claim (RFC 8725, RFC 9068)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from authkit.errors import TokenInvalid
from authkit.jsontext import parse_json
from authkit.native.signingkeys import SigningKeys

__all__ = ["Bearer", "Jwts"]

TYPE = "at+jwt"
"""RFC 9068, section 2.1: so that nothing else that the keys have signed passes for one."""
CLOCK_SKEW = 60


@dataclass(frozen=True, slots=True)
class Bearer:
    """What a JSON Web Token says, once it is verified.

    Attributes:
        account_id: whose it is (``sub``).
        session_id: the session of the app that it belongs to (``sid``).
        expires_at: when it ends, in seconds since the epoch.
    """

    account_id: str
    session_id: str
    expires_at: int


class Jwts:
    """Issues and verifies JSON Web Tokens.

    Args:
        keys: sign and verify.
        issuer: the ``iss`` of every token.
        audience: the ``aud`` of every token.
        lifetime: in seconds.
        clock: the time, in seconds since the epoch.
        random: returns as many random bytes as it is asked for.
    """

    def __init__(
        self,
        keys: SigningKeys,
        *,
        issuer: str,
        audience: str,
        lifetime: int,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self.lifetime = lifetime
        self._clock = clock
        self._random = random

    def issue(self, account_id: str, session_id: str) -> str:
        """Return a token for an account."""
        now = int(self._clock())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": account_id,
            "iat": now,
            "nbf": now,
            "exp": now + self.lifetime,
            "jti": self._random(16).hex(),
            "sid": session_id,
        }
        return self._keys.sign(TYPE, json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode("utf-8"))

    def verify(self, text: str) -> Bearer:
        """Return what a token says.

        Raises:
            TokenInvalid: it is not ours, not for us, not yet or no longer good, or malformed; the reason says which.
        """
        claims = _read_claims(self._keys.verify(TYPE, text))
        now = self._clock()
        issued_at, not_before, expires_at = (_moment(claims, name) for name in ("iat", "nbf", "exp"))
        aud, azp = claims.get("aud"), claims.get("azp", self._audience)
        if claims.get("iss") != self._issuer or aud != self._audience or azp != self._audience:
            raise TokenInvalid("the token is of another issuer, or for another audience")
        if now >= expires_at or expires_at - issued_at > self.lifetime + CLOCK_SKEW:
            raise TokenInvalid("the token has expired, or lives longer than ours do")
        if issued_at > now + CLOCK_SKEW or not_before > now + CLOCK_SKEW:
            raise TokenInvalid("the token is not good yet")
        return Bearer(_text(claims, "sub"), _text(claims, "sid"), expires_at)


def _read_claims(payload: bytes) -> dict[str, Any]:
    try:
        claims = parse_json(payload)
    except ValueError:
        claims = None
    if isinstance(claims, dict):
        return claims
    raise TokenInvalid("the token's claims are malformed")


def _moment(claims: dict[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int:  # True is an int as well
        raise TokenInvalid(f"the token's {name} is missing, or no whole number")
    return value


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise TokenInvalid(f"the token's {name} is missing, or no text")
    return value
