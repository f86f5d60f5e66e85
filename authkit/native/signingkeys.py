"""Signing keys: a JSON Web Key set from the settings. The first signs, all verify, each with one algorithm."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, Key, OctKey, OKPKey

from authkit.errors import ConfigError, TokenInvalid
from authkit.jose import OneAlgorithm
from authkit.models import Secret

__all__ = ["SigningKeys", "new_key"]

ALGORITHMS: Mapping[tuple[str, str], str] = {
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
    ("oct", ""): "HS256",
}
"""The one algorithm of each kind of key (RFC 8725, section 3.1)."""
KINDS: Mapping[str, Callable[[Any], Key]] = {
    "EC": ECKey.import_key,
    "OKP": OKPKey.import_key,
    "oct": OctKey.import_key,
}
MATERIAL = ("kty", "crv", "x", "y", "d", "k")
"""The members of a key that are read; of the others, some would only bar it from what it is here for."""
KEY_ID = re.compile(r"[!-~]{1,64}")
HEADER = frozenset({"alg", "kid", "typ"})
MIN_SECRET_BYTES = 32
MAX_JWT = 4096


@dataclass(frozen=True, slots=True)
class _SigningKey:
    key: Key
    algorithm: str
    registry: OneAlgorithm


class SigningKeys:
    """The keys of the app's JSON Web Tokens.

    Args:
        text: a JSON Web Key set (RFC 7517, section 5), newest first, as ``authkit keys new`` makes it.

    Raises:
        ConfigError: it is none, or a key is weak, of an unknown kind, or lacks its id or its private part.
    """

    def __init__(self, text: Secret) -> None:
        members = _read_set(text)
        self._keys = {member["kid"]: _import(member) for member in members}
        if len(self._keys) != len(members):
            raise ConfigError("authkit.native.keys: two keys have one id (kid)")
        self._newest_id, self._newest = next(iter(self._keys.items()))
        if not self._newest.key.is_private:
            raise ConfigError("authkit.native.keys: the first key signs, and lacks its private part")

    def sign(self, typ: str, payload: bytes) -> str:
        """Return `payload` signed by the newest key, as a compact JWS of type `typ`."""
        header = {"alg": self._newest.algorithm, "kid": self._newest_id, "typ": typ}
        return jws.serialize_compact(header, payload, self._newest.key, registry=self._newest.registry)

    def verify(self, typ: str, text: str) -> bytes:
        """Return the payload of a compact JWS of type `typ` that one of the keys has signed.

        Its header chooses among our keys and says nothing else: the algorithm is the key's, and no other member is
        taken, critical or not (RFC 8725, sections 3.1 and 3.10).

        Raises:
            TokenInvalid: it is malformed, of another type, or not signed by one of the keys.
        """
        if len(text) > MAX_JWT:
            raise TokenInvalid("the token is too long")
        try:
            signed = jws.extract_compact(text.encode("ascii"))
            header = signed.headers()
            known = self._keys[header["kid"]]
            is_ours = header["typ"] == typ and header.keys() == HEADER
            if is_ours and jws.validate_compact(signed, known.key, registry=known.registry):
                return signed.payload
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            pass
        raise TokenInvalid("the token is malformed, of another type, or not signed by a key of ours")

    def public(self) -> Mapping[str, object]:
        """Return the public keys, as a JSON Web Key set; a shared secret is not among them."""
        return {"keys": [_public(kid, known) for kid, known in self._keys.items() if known.algorithm != "HS256"]}


def new_key(algorithm: str, key_id: str) -> Mapping[str, object]:
    """Return a new private key as a JSON Web Key.

    Args:
        algorithm: ``ES256``, ``EdDSA`` or ``HS256``.
        key_id: its id.
    """
    described: Any = {"kid": key_id, "alg": algorithm, "use": "sig"}
    if algorithm == "ES256":
        return ECKey.generate_key("P-256", described).as_dict(private=True)
    if algorithm == "EdDSA":
        return OKPKey.generate_key("Ed25519", described).as_dict(private=True)
    return OctKey.generate_key(256, described).as_dict(private=True)


def _read_set(text: Secret) -> list[dict[str, Any]]:
    problem = "is no JSON Web Key set; make one with: authkit keys new"
    try:
        data = json.loads(text.reveal())
        members = data["keys"]
        if members and all(KEY_ID.fullmatch(member["kid"]) for member in members):
            return list(members)
        problem = "must have at least one key, and each an id (kid) of 1 to 64 characters without blanks"
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise ConfigError(f"authkit.native.keys {problem}")


def _import(member: dict[str, Any]) -> _SigningKey:
    kind = (str(member.get("kty")), str(member.get("crv", "")))
    algorithm = ALGORITHMS.get(kind, "")
    problem = f"a key of kind {'/'.join(filter(None, kind))!r} is not for signing here; ES256, EdDSA and HS256 are"
    if algorithm and member.get("alg", algorithm) == algorithm and member.get("use", "sig") == "sig":
        try:
            if kind[0] != "oct" or len(member["k"]) * 6 // 8 >= MIN_SECRET_BYTES:
                return _SigningKey(_key(member), algorithm, OneAlgorithm(algorithm))
            problem = f"a shared secret is shorter than {MIN_SECRET_BYTES} bytes"
        except (JoseError, SecurityWarning, ValueError, TypeError, KeyError):
            problem = "a key is malformed"
    raise ConfigError(f"authkit.native.keys: {problem}")


def _key(member: Mapping[str, Any]) -> Key:
    with warnings.catch_warnings():
        warnings.simplefilter("error", SecurityWarning)  # a secret that looks like somebody's public key
        return KINDS[member["kty"]]({name: member[name] for name in MATERIAL if name in member})


def _public(kid: str, known: _SigningKey) -> Mapping[str, object]:
    """Return the public key anew from the key itself: whatever else stood beside it is not for everybody."""
    public = KINDS[str(known.key.key_type)](known.key.public_key).as_dict(private=False)
    return {**public, "kid": kid, "alg": known.algorithm, "use": "sig"}
