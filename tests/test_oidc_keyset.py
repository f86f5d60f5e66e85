"""An issuer's keys: which are of use, and which of them a header means."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from joserfc.jwk import OctKey
from openid_world import key, public

from authkit.errors import ProviderProtocolError
from authkit.oidc.keyset import fitting, read_keys


def read(*members: object) -> list[tuple[str | None, tuple[str, ...]]]:
    return [(found.kid, found.algorithms) for found in read_keys({"keys": list(members)})]


RSA = ("RS256", "PS256", "RS384", "RS512", "PS384", "PS512")


def test_each_kind_of_key_has_its_algorithms() -> None:
    kinds = ("RSA", "P-256", "P-384", "P-521", "OKP")

    assert read(*(public(key(kind), kid=kind) for kind in kinds)) == [
        ("RSA", RSA),
        ("P-256", ("ES256",)),
        ("P-384", ("ES384",)),
        ("P-521", ("ES512",)),
        ("OKP", ("EdDSA", "Ed25519")),
    ]


def test_a_key_that_names_its_algorithm_has_no_other() -> None:
    assert read(public(key(), alg="PS256", use="sig")) == [(None, ("PS256",))]


GOOD = public(key(), kid="good")


@pytest.mark.parametrize(
    "other",
    [
        None,
        "a text",
        [],
        {},
        {"kty": "RSA"},
        {"kty": "RSA", "n": 1, "e": "AQAB"},
        {"kty": ["RSA"]},
        {**public(key("P-256")), "crv": ["P-256"]},
        public(key(), use="enc"),
        public(key(), alg="RSA-OAEP"),
        public(key(), alg=["RS256"]),
        public(key(), kid=1),
        {**public(key("P-256")), "crv": "secp256k1"},
        {**public(key("P-256")), "x": "AAAA"},
        {**public(key("P-256")), "y": None},
        OctKey.generate_key(256).as_dict(private=True),
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"},
    ],
    ids=[
        "null",
        "a text",
        "a list",
        "empty",
        "no number",
        "a number as a number",
        "a kind in a list",
        "a curve in a list",
        "for encryption",
        "RSA-OAEP",
        "an algorithm in a list",
        "a number as its name",
        "another curve",
        "a point nowhere",
        "half a point",
        "symmetric",
        "of a new kind",
    ],
)
def test_a_key_that_is_of_no_use_is_left_out(other: Any) -> None:
    assert read(other, GOOD) == [("good", RSA)]
    with pytest.raises(ProviderProtocolError, match="has no key that may verify an ID token"):
        read(other)


@pytest.mark.parametrize(("bits", "zeros"), [(1024, 0), (1024, 128), (2040, 0), (2040, 1), (2047, 0)])
def test_a_weak_rsa_key_is_left_out(bits: int, zeros: int) -> None:
    """Zeros in front, which no number has, make none stronger (RFC 7518, section 2)."""
    modulus = generate_private_key(65537, bits).public_key().public_numbers().n
    written = urlsafe_b64encode(bytes(zeros) + modulus.to_bytes(-(-bits // 8), "big")).rstrip(b"=").decode()

    assert read({**public(key()), "n": written}, GOOD) == [("good", RSA)]


@pytest.mark.parametrize("bits", [2048, 2056, 3072])
def test_a_strong_rsa_key_may_end_anywhere_in_its_text(bits: int) -> None:
    written = urlsafe_b64encode(((1 << bits - 1) + 1).to_bytes(bits // 8, "big")).rstrip(b"=").decode()

    assert read({**public(key()), "n": written}) == [(None, RSA)]


def test_what_a_key_may_verify_stays_so() -> None:
    [found] = read_keys({"keys": [public(key())]})

    with pytest.raises(FrozenInstanceError):
        found.algorithms = ("none",)  # type: ignore[misc]


def test_a_private_key_that_an_issuer_publishes_is_read_as_a_public_one() -> None:
    [found] = read_keys({"keys": [key("P-256").as_dict(private=True)]})

    assert not found.key.is_private


def test_a_set_without_an_end_is_read_up_to_a_hundred() -> None:
    assert len(read(*[GOOD] * 150)) == 100


@pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": {}}, {"keys": "x"}])
def test_what_is_no_key_set_is_refused(document: Any) -> None:
    with pytest.raises(ProviderProtocolError, match="no JSON Web Key set"):
        read_keys(document)


def test_a_header_means_the_key_with_its_id() -> None:
    keys = read_keys({"keys": [public(key(), kid="one"), public(key("RSA", 1), kid="two")]})

    assert fitting(keys, "two", "RS256") is keys[1]
    assert fitting(keys, "three", "RS256") is None
    assert fitting(keys, "two", "ES256") is None
    assert fitting(read_keys({"keys": [public(key())]}), "one", "RS256") is None


def test_without_an_id_a_header_means_the_only_key_for_its_algorithm() -> None:
    keys = read_keys({"keys": [public(key(), kid="one"), public(key("P-256"), kid="two")]})

    assert fitting(keys, None, "ES256") is keys[1]
    assert fitting([*keys, keys[1]], None, "ES256") is None


def test_of_two_keys_with_one_id_the_algorithm_tells() -> None:
    keys = read_keys({"keys": [public(key(), kid="one"), public(key("P-256"), kid="one")]})

    assert fitting(keys, "one", "ES256") is keys[1]
    assert fitting([*keys, keys[0]], "one", "RS256") is None
