"""The ID token, its header in a first line: signed by the issuer, for us, now, for this login, or none."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha512
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fakes import Clock
from openid_world import CLIENT_ID, ISSUER

from authkit.errors import ProviderProtocolError
from authkit.models import Secret, Token
from authkit.oidc.claims import map_claims, merge_claims
from authkit.oidc.idtoken import Expected, read_id_token
from authkit.oidc.keyset import read_keys
from authkit.oidc.metadata import ALGORITHMS
from fuzz.verdict import read_or_refused


def _encoded(content: bytes) -> bytes:
    return urlsafe_b64encode(content).rstrip(b"=")


ACCESS_TOKEN = "the-access-token"
AT_HASH = _encoded(sha512(ACCESS_TOKEN.encode()).digest()[:32]).decode()
NOW = int(Clock()())
CLAIMS = {"iss": ISSUER, "aud": CLIENT_ID, "sub": "u", "iat": NOW, "exp": NOW + 300, "nonce": "the-nonce"}
MORE = {**CLAIMS, "aud": [CLIENT_ID, "also"], "azp": CLIENT_ID, "nbf": 1.5, "email": "a@b.example", "picture": "x"}
GOOD = {**MORE, "auth_time": NOW, "at_hash": AT_HASH}
BAD: tuple[Mapping[str, object], ...] = (
    {"aud": [CLIENT_ID, "evil"]},
    {"iss": f"{ISSUER}/"},
    {"azp": "also"},
    {"nonce": "another"},
    {"exp": NOW - 60},
    {"iat": NOW - 601},
    {"nbf": NOW + 61},
    {"auth_time": NOW - 7261},
    {"at_hash": "x"},
    {"exp": "1800000300"},
)
SEEDS = (
    b'{"alg": "EdDSA", "kid": "one"}\n' + json.dumps({**CLAIMS, "auth_time": NOW - 3600}).encode(),
    b'{"alg":"Ed25519","typ":"JWT","x":[1]}\n' + json.dumps(GOOD).encode(),
    *(b'{"alg": "EdDSA"}\n' + json.dumps({**GOOD, **change}).encode() for change in BAD),
)
MAX_AGE = 7200
EXPECTED = Expected(ISSUER, CLIENT_ID, ("also",), ALGORITHMS, "the-nonce", MAX_AGE, float(NOW))
signing_key = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
public_x = _encoded(signing_key.public_key().public_bytes_raw()).decode()
keys = read_keys({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": public_x, "kid": "one"}]})


def read(data: bytes) -> Mapping[str, Any] | None:
    """Return the claims of an ID token that the issuer has signed, whatever is in it."""
    header, _, payload = data.partition(b"\n")
    content = _encoded(header) + b"." + _encoded(payload)
    return _claims(content + b"." + _encoded(signing_key.sign(content)))


def target(data: bytes) -> None:
    """Check what is read, and that without the issuer's signature nothing is."""
    header, _, payload = data.partition(b"\n")
    unsigned = _encoded(header) + b"." + _encoded(payload) + b"."
    for id_token in (data, unsigned, unsigned + _encoded(signing_key.sign(payload))):
        assert _claims(id_token) is None
    claims = read(data)
    if claims is not None:
        assert json.loads(header)["alg"] in ("EdDSA", "Ed25519")
        _check(claims)


def _check(claims: Mapping[str, Any]) -> None:
    assert (claims["iss"], claims["nonce"]) == (ISSUER, "the-nonce")
    audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    assert CLIENT_ID in audience
    assert set(audience) <= {CLIENT_ID, "also"}
    assert claims.get("azp", CLIENT_ID if len(audience) == 1 else None) == CLIENT_ID
    assert claims["exp"] + 60 > NOW >= claims["iat"] - 60
    assert claims["iat"] >= NOW - 600
    assert claims.get("nbf", 0) <= NOW + 60
    assert claims["auth_time"] >= NOW - MAX_AGE - 60
    assert claims.get("at_hash", AT_HASH) == AT_HASH
    profile = read_or_refused(lambda: map_claims(merge_claims(claims, {})), ProviderProtocolError)
    assert profile is None or profile.subject == claims["sub"]


def _claims(id_token: bytes) -> Mapping[str, Any] | None:
    token = replace(Token(Secret(ACCESS_TOKEN)), id_token=Secret(id_token.decode("latin-1")))
    return read_or_refused(lambda: read_id_token(token, EXPECTED, lambda _: keys), ProviderProtocolError)
