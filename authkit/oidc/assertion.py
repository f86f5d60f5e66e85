"""``private_key_jwt``: a client proves who it is by a signature, and shares no secret (RFC 7523, section 2.2)."""

from __future__ import annotations

import json
import secrets
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from authkit.jose import OneAlgorithm
from authkit.models import Secret

__all__ = ["PrivateKey", "SignedAssertion", "read_private_key"]

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME = 60
IMPORTERS: Mapping[str, Callable[[Any], Key]] = {
    "RSA": RSAKey.import_key,
    "EC": ECKey.import_key,
    "OKP": OKPKey.import_key,
}
ALGORITHMS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("RSA", ""): ("RS256", "PS256"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA", "Ed25519"),
}
"""What each kind of key signs with, the usual one first."""
MIN_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key that signs assertions.

    Attributes:
        key: the key.
        kid: its id, as the provider knows it; "" where the key names none. None is made up: a provider that was
            given the key without an id, or gave it one of its own, would find no key of that name.
        algorithms: what it may sign with, the usual one first.
    """

    key: Key = field(repr=False)
    kid: str
    algorithms: tuple[str, ...]

    def algorithm_for(self, announced: Sequence[str]) -> str:
        """Return what to sign with, where a provider has announced `announced`; empty where it has not."""
        return next((name for name in self.algorithms if name in announced), self.algorithms[0])


def read_private_key(text: Secret) -> PrivateKey:
    """Return the key in `text`, a JSON Web Key or PEM.

    Raises:
        ValueError: it is none, has no private part, or is weak. Nothing of it is in the message.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # a weak key is refused below
            key, members = _import(text.reveal())
    except (JoseError, ValueError, TypeError, KeyError):
        key, members = None, {}
    algorithms = ALGORITHMS.get((key.key_type, str(key.as_dict().get("crv", "")))) if key else None
    if key is None or not key.is_private or algorithms is None:
        raise ValueError(
            "private_key is no private key of RSA, P-256, P-384, P-521 or Ed25519, as a JSON Web Key or PEM"
        )
    raw: Any = key.raw_value
    if key.key_type == "RSA" and raw.key_size < MIN_RSA_BITS:
        raise ValueError(f"private_key is weak: an RSA key has {MIN_RSA_BITS} bits or more")
    named = [name for name in algorithms if name == members.get("alg", name)]
    return PrivateKey(key, str(members.get("kid") or ""), tuple(named) or algorithms)


def _import(text: str) -> tuple[Key | None, Mapping[str, Any]]:
    if not text.lstrip().startswith("{"):
        return _import_pem(text), {}
    members = json.loads(text)
    material = {name: value for name, value in members.items() if name not in ("use", "key_ops", "alg", "kid")}
    return IMPORTERS[members["kty"]](material), members


def _import_pem(text: str) -> Key | None:
    for importer in IMPORTERS.values():
        try:
            return importer(text)
        except (JoseError, ValueError, TypeError):
            continue
    return None


@dataclass(frozen=True, slots=True)
class SignedAssertion:
    """A `ClientAuth` that signs a new assertion for each request.

    Attributes:
        client_id: the client id: issuer and subject of an assertion.
        audience: the issuer that it is for, and nobody else.
        key: what signs.
        algorithm: by what.
        clock: the time, in seconds since the epoch.
    """

    client_id: str
    audience: str
    key: PrivateKey
    algorithm: str
    clock: Callable[[], float]

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Nothing: the key never leaves, and each assertion is another one, in the form."""
        return ()

    def form(self) -> dict[str, str]:
        """Return the fields, with a new assertion (RFC 7523, sections 2.2 and 3)."""
        now = int(self.clock())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.audience,
            "iat": now,
            "exp": now + LIFETIME,
            "jti": secrets.token_urlsafe(16),
        }
        kid = {"kid": self.key.kid} if self.key.kid else {}
        header = {"alg": self.algorithm, **kid, "typ": "JWT"}
        registry = OneAlgorithm(self.algorithm)
        assertion = jws.serialize_compact(header, json.dumps(claims).encode(), self.key.key, registry=registry)
        return {
            "client_id": self.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }

    def header(self) -> None:
        """Return nothing: all of it is in the form."""
