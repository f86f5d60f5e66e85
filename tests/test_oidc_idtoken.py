"""The ID token, claim by claim and signature by signature; rows JWT-01 to JWT-04, and their variants."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import FrozenInstanceError, replace
from hashlib import sha256, sha384, sha512
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from fakes import Clock
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import OctKey
from openid_world import CLIENT_ID, ISSUER, claims, key, public, signed, token_with

from authkit import Secret
from authkit.errors import ProviderProtocolError
from authkit.oidc.idtoken import Expected, nonce_of, read_id_token
from authkit.oidc.keyset import read_keys
from authkit.oidc.metadata import ALGORITHMS

EXPECTED = Expected(
    issuer=ISSUER,
    client_id=CLIENT_ID,
    audiences=(),
    algorithms=ALGORITHMS,
    nonce="the-nonce",
    max_age=None,
    now=Clock()(),
)


def keys(*members: dict[str, object]) -> Any:
    found = read_keys({"keys": list(members)})
    return lambda is_renewed: found


ONE = keys(public(key(), kid="one"))


def read(id_token: Secret | None, expected: Expected = EXPECTED, published: Any = ONE) -> Any:
    return read_id_token(token_with(id_token), expected, published)


def refused(id_token: Secret | None, expected: Expected = EXPECTED, published: Any = ONE) -> str:
    with pytest.raises(ProviderProtocolError) as caught:
        read(id_token, expected, published)
    return caught.value.reason


def as_text(value: object) -> str:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def signed_with_any_header(header: dict[str, object]) -> Secret:
    """Return good claims, rightly signed, under a header that no library would make."""
    content = f"{as_text(header)}.{as_text(claims())}"
    private_key: Any = key().private_key
    return Secret(f"{content}.{as_text(private_key.sign(content.encode(), PKCS1v15(), SHA256()))}")


def test_a_good_one_is_read() -> None:
    assert read(signed(claims(name="Ada"))) == claims(name="Ada")


def test_what_is_expected_stays_so() -> None:
    with pytest.raises(FrozenInstanceError):
        EXPECTED.nonce = None  # type: ignore[misc]


def test_none_at_all_is_refused() -> None:
    assert refused(None) == "the token answer has no ID token; does the scope have openid?"


# Signatures


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE", None, "", 1, [], {}, "HS256", "RS1"])
@pytest.mark.parametrize("has_signature", [False, True])
def test_jwt_01_an_algorithm_that_the_header_chooses_is_refused(algorithm: object, has_signature: bool) -> None:
    header = {"alg": algorithm, "kid": "one"} if algorithm is not None else {"kid": "one"}
    signature = signed(claims()).reveal().rpartition(".")[2] if has_signature else ""

    reason = refused(Secret(f"{as_text(header)}.{as_text(claims())}.{signature}"))

    assert reason in ("the ID token is malformed", "the ID token is not signed, or not as the issuer announced")


@pytest.mark.parametrize("form", [True, False])
def test_jwt_02_a_public_key_is_no_shared_secret(form: bool) -> None:
    material = key().as_pem(private=False) if form else json.dumps(public(key())).encode()
    shared = OctKey.import_key(urlsafe_b64encode(material).decode())

    token = signed(claims(), shared, algorithm="HS256")

    assert refused(token) == "the ID token is not signed, or not as the issuer announced"


def test_an_algorithm_that_the_issuer_did_not_announce_is_refused() -> None:
    only_es256 = replace(EXPECTED, algorithms=("ES256",))

    assert refused(signed(claims()), only_es256) == "the ID token is not signed, or not as the issuer announced"


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [(kind, name) for kind, names in {
        "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
        "P-256": ("ES256",), "P-384": ("ES384",), "P-521": ("ES512",),
        "OKP": ("EdDSA", "Ed25519"),
    }.items() for name in names],
)  # fmt: skip
def test_every_safe_algorithm_is_known_and_its_at_hash_too(kind: str, algorithm: str) -> None:
    hashes = {"256": sha256, "384": sha384, "512": sha512}
    digest = hashes[algorithm[-3:] if algorithm[-3:] in hashes and kind != "OKP" else "512"](b"the-access-token")
    half = digest.digest()[: digest.digest_size // 2]
    published = keys(public(key(kind), kid="one"))

    assert read(signed(claims(at_hash=as_text(half)), key(kind), algorithm=algorithm), published=published)
    assert refused(signed(claims(at_hash="wrong"), key(kind), algorithm=algorithm), published=published) == (
        "the ID token's at_hash is not that of the access token"
    )


@pytest.mark.parametrize("at_hash", [None, "", 1, ["x"], "é"])
def test_an_at_hash_that_is_no_hash_is_refused(at_hash: object) -> None:
    content = json.dumps({**claims(), "at_hash": at_hash}).encode()

    assert refused(signed(content)) == "the ID token's at_hash is not that of the access token"


NOT_SIGNED = "the ID token is not signed by a key of the issuer's that its header names"


def test_a_key_of_somebody_else_is_refused() -> None:
    assert refused(signed(claims(), key("RSA", 1))) == NOT_SIGNED


def test_a_key_with_another_id_is_refused() -> None:
    assert refused(signed(claims(), kid="two")) == NOT_SIGNED


@pytest.mark.parametrize("kid", [1, [], {}, True])
def test_an_id_of_a_key_that_is_no_text_is_refused(kid: object) -> None:
    assert refused(signed_with_any_header({"alg": "RS256", "kid": kid})) == NOT_SIGNED


def test_a_key_for_another_algorithm_does_not_verify() -> None:
    published = keys(public(key(), kid="one", alg="PS256"), public(key("P-256"), kid="two"))

    assert refused(signed(claims()), published=published) == NOT_SIGNED
    assert read(signed(claims(), algorithm="PS256"), published=published)


def test_changed_claims_are_refused() -> None:
    header, _, signature = signed(claims()).reveal().split(".")

    assert refused(Secret(f"{header}.{as_text(claims(sub='user-2'))}.{signature}")) == NOT_SIGNED


def test_a_critical_header_that_is_not_known_is_refused() -> None:
    critical = signed_with_any_header({"alg": "RS256", "kid": "one", "crit": ["acme"], "acme": 1})

    assert read(signed_with_any_header({"alg": "RS256", "kid": "one", "acme": 1}))
    assert refused(critical) == NOT_SIGNED


def test_claims_that_are_signed_as_they_are_make_no_json_web_token() -> None:
    """RFC 7797, section 7."""
    header = as_text({"alg": "RS256", "kid": "one", "b64": False, "crit": ["b64"]})
    content = f"{header}.{as_text(claims())}"
    private_key: Any = key().private_key
    signature = as_text(private_key.sign(content.encode(), PKCS1v15(), SHA256()))

    assert refused(Secret(f"{content}.{signature}")) == "the ID token is malformed"


@pytest.mark.parametrize(
    "header", ["[" * 100_000, '{"alg":' * 100_000, "[]", '["alg"]', '"alg"', "1", "null", "{}", "", "{"]
)
def test_a_header_that_is_no_header_is_refused(header: str) -> None:
    _, claimed, signature = signed(claims()).reveal().split(".")

    reason = refused(Secret(f"{as_text(header.encode())}.{claimed}.{signature}"))

    assert reason == "the ID token is malformed"


def test_a_header_with_members_of_the_issuers_own_is_read() -> None:
    assert read(signed(claims(), nonce="of the header's own", x5t="abc"))


def test_a_key_that_is_newer_than_what_we_have_is_fetched() -> None:
    asked: list[bool] = []

    def published(is_renewed: bool) -> Any:
        asked.append(is_renewed)
        return keys(public(key("RSA", 1), kid="new") if is_renewed else public(key(), kid="one"))(is_renewed)

    assert read(signed(claims(), key("RSA", 1), kid="new"), published=published)
    assert asked == [False, True]


def test_a_key_without_an_id_that_was_replaced_is_fetched_anew() -> None:
    def published(is_renewed: bool) -> Any:
        return keys(public(key("RSA", 1)) if is_renewed else public(key()))(is_renewed)

    assert read(signed(claims(), key("RSA", 1), kid=None), published=published)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "é.é.é",
        "a" * 200_000,
        f"{as_text([])}.{as_text({})}.x",
        f"{as_text({})}.{as_text({})}.x",
        f"{as_text({'alg': 'RS256'})}.{as_text({})}",
        f"{as_text(b'[' * 5000)}.{as_text({})}.x",
        "a.b.c.d.e",
    ],
)
def test_what_is_no_json_web_token_is_malformed(text: str) -> None:
    assert refused(Secret(text)) == "the ID token is malformed"


@given(st.text(st.characters(codec="ascii"), max_size=80))
def test_nothing_but_our_own_error_comes_out_of_any_text(text: str) -> None:
    assert refused(Secret(text)) in ("the ID token is malformed", NOT_SIGNED)


@pytest.mark.parametrize("payload", [b"[]", b"1", b'"x"', b"null"])
def test_claims_that_are_no_object_are_refused(payload: bytes) -> None:
    assert refused(signed(payload)) == "the ID token's claims are no JSON object"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"\xff", "the answer cannot be read: it is not JSON"),
        (b"{", "the answer cannot be read: it is not JSON"),
        (b'{"sub": "a", "sub": "b"}', "the answer cannot be read: an object has a name twice"),
        (b'{"exp": NaN}', "the answer cannot be read: it has the number NaN"),
    ],
)
def test_claims_that_two_parsers_would_read_in_two_ways_are_refused(payload: bytes, reason: str) -> None:
    assert refused(signed(payload)) == reason


@pytest.mark.parametrize("subject", [None, "", 1, [], True])
def test_a_subject_that_is_none_is_refused(subject: object) -> None:
    content = json.dumps({**claims(), "sub": subject}).encode()

    assert refused(signed(content)) == "the ID token has no sub"


# Times


NOW = int(Clock()())


@pytest.mark.parametrize(("name", "value", "is_good"), [
    ("exp", NOW + 1, True), ("exp", NOW - 59, True), ("exp", NOW - 60, False), ("exp", NOW - 3600, False),
    ("iat", NOW + 60, True), ("iat", NOW + 61, False), ("iat", NOW + 600, False),
    ("iat", NOW - 600, True), ("iat", NOW - 601, False), ("iat", 0, False),
    ("nbf", NOW + 60, True), ("nbf", NOW + 61, False), ("nbf", 0, True),
    ("exp", NOW + 0.5, True), ("iat", NOW - 0.5, True),
])  # fmt: skip
def test_jwt_03_and_clk_01_a_minute_is_to_spare_and_no_more(name: str, value: float, is_good: bool) -> None:
    token = signed(claims(**{name: value}))

    if is_good:
        assert read(token)
    else:
        assert refused(token) in (
            "the ID token has expired, or a clock is wrong",
            "the ID token was issued long ago or in the future; is a clock wrong?",
            "the ID token is not good yet",
        )


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", ["1800000000", True, [1], {}, None, "x"])
def test_jwt_03_times_are_numbers(name: str, value: object) -> None:
    content = json.dumps({**claims(), name: value}).encode()

    assert refused(signed(content)) == f"the ID token's {name} is missing, or no number"


@pytest.mark.parametrize("name", ["exp", "iat"])
def test_jwt_03_exp_and_iat_are_required(name: str) -> None:
    assert refused(signed(claims(**{name: None}))) == f"the ID token's {name} is missing, or no number"


# Parties


@pytest.mark.parametrize(
    "issuer", [None, "", "https:", f"{ISSUER}/", ISSUER.upper(), "https://evil.example", [ISSUER], 1]
)
def test_jwt_04_another_issuer_is_refused(issuer: object) -> None:
    content = json.dumps({**claims(), "iss": issuer}).encode()

    assert refused(signed(content)) == "the ID token is another issuer's"


@pytest.mark.parametrize(
    "audience", [None, "", "other", CLIENT_ID.upper(), [], ["other"], 1, {CLIENT_ID: 1}, [[CLIENT_ID]]]
)
def test_jwt_04_another_audience_is_refused(audience: object) -> None:
    content = json.dumps({**claims(), "aud": audience}).encode()

    assert refused(signed(content)) == "the ID token is for another client"


def test_jwt_04_a_list_of_us_alone_is_us() -> None:
    assert read(signed(claims(aud=[CLIENT_ID])))


@pytest.mark.parametrize("other", ["other", 1, None, [CLIENT_ID]])
def test_jwt_04_a_second_audience_is_refused_unless_it_is_trusted(other: object) -> None:
    token = signed(claims(aud=[CLIENT_ID, other], azp=CLIENT_ID))

    assert refused(token) == "the ID token is also for somebody whom we do not trust"


def test_jwt_04_a_trusted_second_audience_needs_us_as_the_authorized_party() -> None:
    trusting = replace(EXPECTED, audiences=("other",))

    assert read(signed(claims(aud=[CLIENT_ID, "other"], azp=CLIENT_ID)), trusting)
    assert refused(signed(claims(aud=[CLIENT_ID, "other"])), trusting) == (
        "the ID token was issued to another client: its azp"
    )
    assert refused(signed(claims(aud="other")), trusting) == "the ID token is for another client"


@pytest.mark.parametrize("azp", ["other", "", 1, [CLIENT_ID]])
def test_jwt_04_another_authorized_party_is_refused(azp: object) -> None:
    assert refused(signed(claims(azp=azp))) == "the ID token was issued to another client: its azp"


def test_we_may_be_named_as_the_authorized_party() -> None:
    assert read(signed(claims(azp=CLIENT_ID)))


# The login


@pytest.mark.parametrize("nonce", [None, "", "another", "THE-NONCE", ["the-nonce"], 1])
def test_another_nonce_is_refused(nonce: object) -> None:
    assert refused(signed(claims(nonce=nonce))) == "the ID token's nonce is missing, or another login's"


def test_where_no_nonce_is_expected_none_is_looked_at() -> None:
    assert read(signed(claims(nonce="another")), replace(EXPECTED, nonce=None))


def test_the_nonce_is_a_hash_of_the_verifier_and_not_the_challenge() -> None:
    verifier = Secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")

    assert nonce_of(verifier) == as_text(sha256(b"authkit/nonce/v1:" + verifier.reveal().encode()).digest())
    assert nonce_of(verifier) != "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert nonce_of(Secret("another")) != nonce_of(verifier)


@pytest.mark.parametrize(("auth_time", "is_good"), [(NOW, True), (NOW - 160, True), (NOW - 161, False)])
def test_max_age_is_held_to(auth_time: int, is_good: bool) -> None:
    asking = replace(EXPECTED, max_age=100)

    if is_good:
        assert read(signed(claims(auth_time=auth_time)), asking)
    else:
        assert refused(signed(claims(auth_time=auth_time)), asking) == (
            "the user signed in at the issuer longer ago than max_age allows"
        )


def test_with_max_age_the_time_of_the_sign_in_is_required() -> None:
    assert refused(signed(claims()), replace(EXPECTED, max_age=100)) == (
        "the ID token's auth_time is missing, or no number"
    )
