"""The JWT of a native app, its header in a first line: signed by us, as what it is, for us, now, or none."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fakes import Clock, CountingRandom

from authkit.errors import TokenInvalid
from authkit.models import Secret
from authkit.native import Bearer, Jwts, SigningKeys
from fuzz.verdict import read_or_refused


def _encoded(content: bytes) -> bytes:
    return urlsafe_b64encode(content).rstrip(b"=")


NOW = int(Clock()())
LIFETIME = 900
HEADER = {"alg": "EdDSA", "kid": "key-1", "typ": "at+jwt"}
CLAIMS = {"iss": "https://app.example", "aud": "https://app.example", "sub": "7", "sid": "s-1"}
TIMES = {"iat": NOW, "nbf": NOW, "exp": NOW + LIFETIME}
GOOD = {**CLAIMS, **TIMES, "jti": "00"}


def _seed(header: dict[str, object], claims: dict[str, object]) -> bytes:
    return json.dumps(header).encode() + b"\n" + json.dumps(claims).encode()


SEEDS = (
    _seed({**HEADER}, {**GOOD}),
    _seed({**HEADER}, {**GOOD, "azp": "https://app.example"}),
    _seed({**HEADER, "alg": "none"}, {**GOOD}),
    _seed({**HEADER, "typ": "JWT"}, {**GOOD}),
    _seed({**HEADER, "crit": ["b64"], "b64": False}, {**GOOD}),
    _seed({**HEADER}, {**GOOD, "exp": NOW}),
    _seed({**HEADER}, {**GOOD, "exp": NOW + 2 * LIFETIME}),
    _seed({**HEADER}, {**GOOD, "nbf": NOW + 61}),
    _seed({**HEADER}, {**GOOD, "aud": ["https://app.example"]}),
    _seed({**HEADER}, {**GOOD, "sid": ""}),
)
private_key = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
jwk = {"kty": "OKP", "crv": "Ed25519", "kid": "key-1", "d": _encoded(b"\x07" * 32).decode()}
jwk["x"] = _encoded(private_key.public_key().public_bytes_raw()).decode()
jwts = Jwts(
    SigningKeys(Secret(json.dumps({"keys": [jwk]}))),
    issuer=CLAIMS["iss"],
    audience=CLAIMS["aud"],
    lifetime=LIFETIME,
    clock=Clock(),
    random=CountingRandom(),
)


def read(data: bytes) -> Bearer | None:
    """Return what a token says that is signed by us, whatever is in it."""
    header, _, payload = data.partition(b"\n")
    content = _encoded(header) + b"." + _encoded(payload)
    return _verified(content + b"." + _encoded(private_key.sign(content)))


def target(data: bytes) -> None:
    """Check what is read, and that without our signature nothing is."""
    header, _, payload = data.partition(b"\n")
    unsigned = _encoded(header) + b"." + _encoded(payload) + b"."
    for text in (data, unsigned, unsigned + _encoded(private_key.sign(payload))):
        assert _verified(text) is None
    found = read(data)
    if found is None:
        return
    claims = json.loads(payload)
    assert json.loads(header) == HEADER
    assert {name: claims[name] for name in CLAIMS} == {**CLAIMS, "sub": found.account_id, "sid": found.session_id}
    assert found.account_id
    assert found.session_id
    assert NOW < found.expires_at <= claims["iat"] + LIFETIME + 60 <= NOW + LIFETIME + 120
    assert claims["nbf"] <= NOW + 60


def _verified(text: bytes) -> Bearer | None:
    return read_or_refused(lambda: jwts.verify(text.decode("latin-1")), TokenInvalid)
