"""The ID token: signed by the issuer, for us, now, and for this login (OpenID Connect Core 1.0, section 3.1.3.7)."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256, sha384, sha512
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from authkit.errors import ProviderProtocolError, ReauthRequired
from authkit.jsontext import read_json
from authkit.models import Secret, Token
from authkit.oidc.keyset import Verifier, fitting

__all__ = ["Expected", "nonce_of", "read_id_token", "read_refreshed_id_token"]

CLOCK_SKEW = 60
OLDEST = 600
"""Seconds since it was issued: it comes straight from the token endpoint."""
HASHES: Mapping[str, Callable[[bytes], Any]] = {"256": sha256, "384": sha384, "512": sha512}
LAST_DIGITS = {"EdDSA": "512", "Ed25519": "512"}
"""Ed25519 hashes with SHA-512 (RFC 8032, section 5.1)."""


def nonce_of(code_verifier: Secret) -> str:
    """Return the nonce of a login: a hash of its PKCE verifier, bound to browser and transaction as that is.

    Section 15.5.2 advises a hash of what only the browser's session knows. It is another one than the PKCE challenge.
    """
    digest = sha256(b"authkit/nonce/v1:" + code_verifier.reveal().encode("ascii")).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token has to say.

    Attributes:
        issuer: the issuer.
        client_id: whom it is for.
        audiences: who else it may be for.
        algorithms: what may sign it.
        nonce: the nonce of the login, None where it is no login's.
        max_age: how many seconds ago the user may have signed in at the issuer, None for any time.
        now: the time, in seconds since the epoch.
    """

    issuer: str
    client_id: str
    audiences: tuple[str, ...]
    algorithms: tuple[str, ...]
    nonce: str | None
    max_age: int | None
    now: float


def read_id_token(token: Token, expected: Expected, keys: Callable[[bool], Sequence[Verifier]]) -> Mapping[str, Any]:
    """Return the claims of the ID token in `token`, once everything about it is known to be right.

    Args:
        token: what the token endpoint answered.
        expected: what it has to say.
        keys: returns the issuer's keys; with True, fetched anew, since a key may be newer than what we have.

    Raises:
        ProviderProtocolError: it is missing, malformed, not signed by the issuer, or not for us, now and this login.
    """
    claims, algorithm = _signed_claims(token, expected, keys)
    _check(claims, algorithm, token, expected)
    return claims


def read_refreshed_id_token(
    token: Token, subject: str | None, expected: Expected, keys: Callable[[bool], Sequence[Verifier]]
) -> Mapping[str, Any]:
    """Return the claims of an ID token that came with a refresh (section 12.2), as `read_id_token` does.

    Args:
        token: what the token endpoint answered.
        subject: whose it has to be, None if that is not known.
        expected: what else it has to say.
        keys: returns the issuer's keys, as for `read_id_token`.

    Raises:
        ReauthRequired: it is signed by the issuer, and names another user: so whatever came with it may be theirs.
        ProviderProtocolError: it cannot be trusted for any other reason, which says nothing about the access token.
    """
    claims, algorithm = _signed_claims(token, expected, keys)
    if claims["sub"] != (subject or claims["sub"]):
        raise ReauthRequired("the ID token that came with the refresh is another user's")
    if claims.get("iss", expected.issuer) != expected.issuer:
        raise ReauthRequired("the ID token that came with the refresh is another issuer's")
    _check(claims, algorithm, token, expected)
    return claims


def _signed_claims(
    token: Token, expected: Expected, keys: Callable[[bool], Sequence[Verifier]]
) -> tuple[Mapping[str, Any], str]:
    """Return what the issuer has signed, and the algorithm."""
    if token.id_token is None:
        raise ProviderProtocolError("the token answer has no ID token; does the scope have openid?")
    signed, algorithm = _open(token.id_token, expected.algorithms)
    if not (_is_signed(signed, algorithm, keys(False)) or _is_signed(signed, algorithm, keys(True))):
        raise ProviderProtocolError("the ID token is not signed by a key of the issuer's that its header names")
    return _claims(signed.payload), algorithm


def _check(claims: Mapping[str, Any], algorithm: str, token: Token, expected: Expected) -> None:
    _check_parties(claims, expected)
    _check_times(claims, expected.now)
    if expected.nonce is not None and claims.get("nonce") != expected.nonce:
        raise ProviderProtocolError("the ID token's nonce is missing, or another login's")
    if expected.max_age is not None and _moment(claims, "auth_time") < expected.now - expected.max_age - CLOCK_SKEW:
        raise ProviderProtocolError("the user signed in at the issuer longer ago than max_age allows")
    if "at_hash" in claims and claims["at_hash"] != _half_hash(token.access_token, algorithm):
        raise ProviderProtocolError("the ID token's at_hash is not that of the access token")


def _open(id_token: Secret, algorithms: Sequence[str]) -> tuple[jws.CompactSignature, str]:
    """Return the signature and the algorithm, which is one that we chose to allow (RFC 8725, section 3.1)."""
    failure = ProviderProtocolError("the ID token is malformed")
    try:
        signed = jws.extract_compact(id_token.reveal().encode("ascii"))
        header = signed.headers()
        algorithm = header["alg"]
        is_encoded = "b64" not in header  # claims in no base64url make no JSON Web Token (RFC 7797, section 7)
        if is_encoded and algorithm in algorithms:
            return signed, algorithm
        if is_encoded:
            failure = ProviderProtocolError("the ID token is not signed, or not as the issuer announced")
    except (JoseError, ValueError, TypeError, KeyError, RecursionError):
        pass
    raise failure


def _is_signed(signed: jws.CompactSignature, algorithm: str, keys: Sequence[Verifier]) -> bool:
    verifier = fitting(keys, signed.headers().get("kid"), algorithm)
    return verifier is not None and verifier.verifies(signed, algorithm)


def _claims(payload: bytes) -> Mapping[str, Any]:
    claims = read_json(payload)
    if not isinstance(claims, dict):
        raise ProviderProtocolError("the ID token's claims are no JSON object")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise ProviderProtocolError("the ID token has no sub")
    return claims


def _check_parties(claims: Mapping[str, Any], expected: Expected) -> None:
    if claims.get("iss") != expected.issuer:
        raise ProviderProtocolError("the ID token is another issuer's")
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or expected.client_id not in audiences:
        raise ProviderProtocolError("the ID token is for another client")
    if any(name not in (expected.client_id, *expected.audiences) for name in audiences):
        raise ProviderProtocolError("the ID token is also for somebody whom we do not trust")
    if claims.get("azp", None if len(audiences) > 1 else expected.client_id) != expected.client_id:
        raise ProviderProtocolError("the ID token was issued to another client: its azp")


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    expires_at, issued_at = _moment(claims, "exp"), _moment(claims, "iat")
    if now >= expires_at + CLOCK_SKEW:
        raise ProviderProtocolError("the ID token has expired, or a clock is wrong")
    if not now - OLDEST <= issued_at <= now + CLOCK_SKEW:
        raise ProviderProtocolError("the ID token was issued long ago or in the future; is a clock wrong?")
    if "nbf" in claims and _moment(claims, "nbf") > now + CLOCK_SKEW:
        raise ProviderProtocolError("the ID token is not good yet")


def _moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ProviderProtocolError(f"the ID token's {name} is missing, or no number")
    return value


def _half_hash(access_token: Secret, algorithm: str) -> str:
    """Return the left half of the hash of an access token (section 3.1.3.6)."""
    digest = HASHES[LAST_DIGITS.get(algorithm, algorithm[-3:])](access_token.reveal().encode("ascii")).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")
