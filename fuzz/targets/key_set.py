"""An issuer's JSON Web Key set: public keys that are strong, each for its own algorithms, or left out."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

from authkit.errors import ProviderProtocolError
from authkit.jsontext import read_json
from authkit.oidc.keyset import Verifier, fitting, read_keys
from authkit.oidc.metadata import ALGORITHMS
from fuzz.verdict import read_or_refused

ED25519 = {"kty": "OKP", "crv": "Ed25519", "x": "6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw"}
P256 = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
"""The key of RFC 7515, appendix A.3."""
RSA = {"kty": "RSA", "e": "AQAB", "n": urlsafe_b64encode(b"\xff" * 256).rstrip(b"=").decode()}
PRIVATE = {
    "kty": "OKP",
    "crv": "Ed25519",
    "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}
"""The key of RFC 8037, appendix A.1."""
SEEDS = (
    json.dumps(
        {"keys": [{**ED25519, "kid": "one", "use": "sig", "alg": "EdDSA"}, {"kty": "oct", "k": "AA"}]}
    ).encode(),
    json.dumps({"keys": [{**P256, "kid": "two"}, RSA, {**RSA, "use": "enc"}, None]}).encode(),
    json.dumps(
        {"keys": [PRIVATE, {**P256, "kid": 1}, {**P256, "y": P256["x"]}, {**RSA, "n": "B" + RSA["n"][1:]}]}
    ).encode(),
)


def read(data: bytes) -> tuple[Verifier, ...] | None:
    """Return the keys in a document that may verify an ID token."""
    document = read_or_refused(lambda: read_json(data), ProviderProtocolError)
    if not isinstance(document, dict):
        return None
    return read_or_refused(lambda: read_keys(document), ProviderProtocolError)


def target(data: bytes) -> None:
    """Check that no key is weak, shared or private, and that a header picks one key or none."""
    keys = read(data) or ()
    assert len(keys) <= 100
    for key in keys:
        kind = str(key.key.key_type)
        assert key.kid is None or isinstance(key.kid, str)
        assert not key.key.is_private
        assert key.algorithms
        assert set(key.algorithms) <= set(ALGORITHMS)
        assert kind != "RSA" or key.key.raw_value.key_size >= 2048
        for algorithm in key.algorithms:
            assert algorithm.startswith({"RSA": ("RS", "PS"), "EC": "ES", "OKP": "Ed"}[kind])
            picked = fitting(keys, key.kid, algorithm)
            assert picked is None or algorithm in picked.algorithms
