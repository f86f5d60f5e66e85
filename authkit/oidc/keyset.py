"""An issuer's public keys, and which of them a signature has to be of (RFC 7517)."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from authkit.errors import ProviderProtocolError
from authkit.jose import OneAlgorithm
from authkit.oidc.metadata import ALGORITHMS

__all__ = ["Verifier", "fitting", "read_keys"]

KINDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("RSA", ""): ("RS256", "PS256", "RS384", "RS512", "PS384", "PS512"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA", "Ed25519"),
}
"""What each kind of key may verify: a header cannot make one serve for another (RFC 8725, section 3.1)."""
IMPORTERS: Mapping[str, Callable[[Any], Key]] = {
    "RSA": RSAKey.import_key,
    "EC": ECKey.import_key,
    "OKP": OKPKey.import_key,
}
MATERIAL = ("kty", "crv", "x", "y", "n", "e")
MIN_RSA_BITS = 2048
MAX_KEYS = 100
REGISTRIES = {name: OneAlgorithm(name, is_strict=False) for name in ALGORITHMS}


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key.

    Attributes:
        kid: its id, None where the issuer gives none.
        algorithms: what it may verify.
        key: the key.
    """

    kid: str | None
    algorithms: tuple[str, ...]
    key: Key

    def verifies(self, signed: jws.CompactSignature, algorithm: str) -> bool:
        """Whether this key has made a signature, by an algorithm that the caller has chosen."""
        try:
            return jws.validate_compact(signed, self.key, registry=REGISTRIES[algorithm])
        except (JoseError, ValueError, TypeError):
            return False


def read_keys(document: Mapping[str, Any]) -> tuple[Verifier, ...]:
    """Return the keys of a JSON Web Key set that may verify an ID token; others are left out (section 5).

    Raises:
        ProviderProtocolError: it is no key set, or has none that is of use.
    """
    members = document.get("keys")
    if not isinstance(members, list):
        raise ProviderProtocolError("the issuer's keys are no JSON Web Key set")
    keys = tuple(verifier for member in members[:MAX_KEYS] for verifier in _read(member))
    if not keys:
        raise ProviderProtocolError("the issuer's JSON Web Key set has no key that may verify an ID token")
    return keys


def fitting(keys: Sequence[Verifier], kid: object, algorithm: str) -> Verifier | None:
    """Return the one key that a header means: by its id, or without one, the only key for the algorithm.

    Where there are several and the header does not say which, none is (Core 1.0, section 10.1).
    """
    able = [key for key in keys if algorithm in key.algorithms and (kid is None or key.kid == kid)]
    return able[0] if len(able) == 1 else None


def _read(member: object) -> Iterator[Verifier]:
    if not isinstance(member, dict) or member.get("use", "sig") != "sig":
        return
    algorithms = KINDS.get((str(member.get("kty")), str(member.get("crv", ""))), ())
    declared = member.get("alg")
    if declared is not None:
        algorithms = tuple(name for name in algorithms if name == declared)
    kid = member.get("kid")
    if not algorithms or not isinstance(kid, str | None) or not _is_strong(member):
        return
    try:
        key = IMPORTERS[member["kty"]]({name: member[name] for name in MATERIAL if name in member})
    except (JoseError, ValueError, TypeError, KeyError):
        return
    yield Verifier(kid, algorithms, key)


def _is_strong(member: Mapping[str, Any]) -> bool:
    """Whether an RSA key has at least 2048 bits (NIST SP 800-131A); the others are strong by their curves."""
    if member["kty"] != "RSA":
        return True
    try:
        modulus = urlsafe_b64decode(f"{member['n']}==")
    except (ValueError, KeyError):
        return False
    return int.from_bytes(modulus, "big").bit_length() >= MIN_RSA_BITS
