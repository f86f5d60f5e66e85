"""Signing and verifying by joserfc: the keys of the emulator, and the assertions of clients."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey

from authkit.jose import OneAlgorithm

__all__ = ["ALGORITHMS", "SigningKey", "make_key", "read_keys", "sign", "verify"]

ALGORITHMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"RSA": ("RS256", "PS256"), "EC": ("ES256",), "OKP": ("EdDSA",)}
)
"""What a key of each kind may have signed; its header chooses among no others (RFC 8725, section 3.1)."""

NEW: Mapping[str, Callable[[], Key]] = MappingProxyType(
    {
        "RS256": lambda: RSAKey.generate_key(2048),
        "ES256": lambda: ECKey.generate_key("P-256"),
        "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
    }
)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of the server, with the one algorithm that it is for."""

    alg: str
    kid: str
    key: Key = field(repr=False)

    def public(self) -> Mapping[str, Any]:
        """Return what everybody may know, as a JSON Web Key (RFC 7517, section 4)."""
        return {**self.key.as_dict(private=False), "kid": self.kid, "alg": self.alg, "use": "sig"}


@cache
def make_key(alg: str, number: int) -> SigningKey:
    """Return the key of that number, which is made once in a process: RSA keys take their time."""
    return SigningKey(alg, f"{alg}-{number}", NEW[alg]())


def sign(header: Mapping[str, Any], claims: Mapping[str, Any], key: SigningKey) -> str:
    """Return the claims as a JSON Web Token that is signed."""
    payload = json.dumps(claims, separators=(",", ":")).encode("ascii")
    return jws.serialize_compact(dict(header), payload, key.key, registry=OneAlgorithm(key.alg))


def read_keys(jwks: str) -> tuple[Key, ...]:
    """Return the keys of a JSON Web Key set.

    Raises:
        ValueError: it is none.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # how strong a client's keys are is its own affair
            return tuple(KeySet.import_key_set(json.loads(jwks)).keys)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ValueError("the jwks of a client is no JSON Web Key set") from None


def verify(text: str, keys: Iterable[Key]) -> Mapping[str, Any] | None:
    """Return the claims of a JSON Web Token that one of the keys has signed; None when it is no such thing."""
    try:
        signed = jws.extract_compact(text.encode("ascii"))
        claims = json.loads(signed.payload)
    except (JoseError, ValueError, TypeError, RecursionError):
        return None
    pairs = ((key, alg) for key in keys for alg in ALGORITHMS.get(str(key.key_type), ()))
    is_signed = any(_is_signed(signed, key, alg) for key, alg in pairs)
    return claims if is_signed and isinstance(claims, dict) else None


def _is_signed(signed: jws.CompactSignature, key: Key, alg: str) -> bool:
    try:
        return jws.validate_compact(signed, key, registry=OneAlgorithm(alg))
    except (JoseError, ValueError, TypeError, AttributeError):
        return False
