"""The ways in which the emulator signs an ID token, one of them right."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from joserfc.jwk import RSAKey

from authkit.emulator.openid.jose import SigningKey, sign
from authkit.emulator.openid.modules import Claims

__all__ = ["SEALS", "at_hash"]


def at_hash(access_token: str, alg: str) -> str:
    """Return the left half of a token's hash (OpenID Connect Core 1.0, section 3.1.3.6); EdDSA's is of SHA-512."""
    digest = hashlib.new("sha512" if alg == "EdDSA" else "sha256", access_token.encode("ascii")).digest()
    return _encode(digest[: len(digest) // 2])


def _signed(claims: Claims, key: SigningKey) -> str:
    return sign({"typ": "JWT", "alg": key.alg, "kid": key.kid}, claims, key)


def _nameless(claims: Claims, key: SigningKey) -> str:
    return sign({"typ": "JWT", "alg": key.alg}, claims, key)


def _unsigned(claims: Claims, key: SigningKey) -> str:  # noqa: ARG001 - all of these have one signature
    return f"{_encode_json({'typ': 'JWT', 'alg': 'none'})}.{_encode_json(claims)}."


def _spoiled(claims: Claims, key: SigningKey) -> str:
    """Return the token with a signature of the right length, each of whose bits is wrong."""
    content, _, signature = _signed(claims, key).rpartition(".")
    turned = bytes(byte ^ 0xFF for byte in base64.urlsafe_b64decode(f"{signature}=="))
    return f"{content}.{_encode(turned)}"


def _confused(claims: Claims, key: SigningKey) -> str:
    """Return the token signed by HMAC with what everybody knows (RFC 8725, section 2.1)."""
    content = f"{_encode_json({'typ': 'JWT', 'alg': 'HS256', 'kid': key.kid})}.{_encode_json(claims)}"
    secret = RSAKey.import_key(key.key.as_dict(private=False)).as_pem(private=False)
    return f"{content}.{_encode(hmac.digest(secret, content.encode('ascii'), 'sha256'))}"


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _encode_json(data: Mapping[str, Any]) -> str:
    return _encode(json.dumps(data, separators=(",", ":")).encode("ascii"))


SEALS: Mapping[str, Callable[[Claims, SigningKey], str]] = MappingProxyType(
    {
        "signed": _signed,
        "nameless": _nameless,
        "unsigned": _unsigned,
        "spoiled": _spoiled,
        "confused": _confused,
    }
)
"""Each way by its name."""
