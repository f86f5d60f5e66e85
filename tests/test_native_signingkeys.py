"""Signing keys: which may sign, which may verify, and that a header decides nothing else."""

from __future__ import annotations

import hmac
import json
import subprocess
import sys
import warnings
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey, RSAKey
from native_world import b64, key_set, member, parts_of, sign, unb64

from authkit.errors import ConfigError, TokenInvalid
from authkit.models import Secret
from authkit.native.signingkeys import SigningKeys, new_key

TYPE = "t+jwt"
ALGORITHMS = ["ES256", "EdDSA", "HS256"]
OF_USE = ("alg", "use")
PUBLIC_PARTS = ("kty", "crv", "x", "y", "kid", "alg", "use")


def header(algorithm: Any = "ES256", **changes: Any) -> dict[str, Any]:
    return {"alg": algorithm, "kid": "key-1", "typ": TYPE, **changes}


def public(of: Mapping[str, Any]) -> dict[str, Any]:
    return {name: of[name] for name in PUBLIC_PARTS if name in of}


def refused(keys: SigningKeys, token: str) -> str:
    with pytest.raises(TokenInvalid) as caught:
        keys.verify(TYPE, token)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    return caught.value.reason


def not_started(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        SigningKeys(Secret(text))
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    return caught.value.reason


def hs256(secret: bytes, head: Mapping[str, Any], payload: bytes = b"{}") -> str:
    content = f"{b64(head)}.{b64(payload)}"
    return f"{content}.{b64(hmac.new(secret, content.encode(), sha256).digest())}"


# Signing and verifying


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_was_signed_is_verified(algorithm: str) -> None:
    keys = SigningKeys(key_set(member(algorithm)))

    token = keys.sign(TYPE, b'{"a":1}')

    assert parts_of(token)[:2] == (header(algorithm), {"a": 1})
    assert keys.verify(TYPE, token) == b'{"a":1}'


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_any_damaged_character_is_noticed(algorithm: str) -> None:
    keys = SigningKeys(key_set(member(algorithm)))
    token = keys.sign(TYPE, b'{"a":1}')

    for index, char in enumerate(token):
        refused(keys, token[:index] + ("A" if char != "A" else "B") + token[index + 1 :])


def test_jwt_13_a_token_of_the_older_key_holds_until_the_key_is_removed() -> None:
    old, new = member("ES256", "old"), member("EdDSA", "new")
    token = SigningKeys(key_set(old)).sign(TYPE, b"{}")
    rotated = SigningKeys(key_set(new, old))

    assert rotated.verify(TYPE, token) == b"{}"
    assert parts_of(rotated.sign(TYPE, b"{}"))[0] == {"alg": "EdDSA", "kid": "new", "typ": TYPE}
    refused(SigningKeys(key_set(new)), token)


def test_an_older_key_may_be_public_only() -> None:
    old, new = member("ES256", "old"), member("EdDSA", "new")
    token = SigningKeys(key_set(old)).sign(TYPE, b"{}")

    assert SigningKeys(key_set(new, public(old))).verify(TYPE, token) == b"{}"


# JWT-01, JWT-02: the algorithm


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE", None, "", 1, [], ["ES256"], {}, True, ...])
@pytest.mark.parametrize("copies_signature", [False, True])
def test_jwt_01_no_token_is_unsigned(algorithm: Any, copies_signature: bool) -> None:
    keys = SigningKeys(key_set())
    _, claims, signature = keys.sign(TYPE, b"{}").split(".")
    head = header(algorithm)
    if algorithm is ...:
        del head["alg"]

    refused(keys, f"{b64(head)}.{claims}.{signature if copies_signature else ''}")


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
@pytest.mark.parametrize("asks_for", ["HS256", "HS384", "HS512"])
def test_jwt_02_a_public_key_is_no_shared_secret(algorithm: str, asks_for: str) -> None:
    own = member(algorithm)
    keys = SigningKeys(key_set(own))
    key = (ECKey if algorithm == "ES256" else OKPKey).import_key(dict(own))
    pem = key.as_pem(private=False)
    forms = [
        pem,
        pem.strip(),
        pem.replace(b"\n", b""),
        pem.replace(b"\n", b"\r\n"),
        key.as_der(private=False),
        json.dumps(public(own)).encode(),
        json.dumps(keys.public()).encode(),
        unb64(own["x"]),
        own["x"].encode(),
        b"",
    ]

    for secret in forms:
        refused(keys, hs256(secret, header(asks_for)))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("signed_by", ALGORITHMS)
@pytest.mark.parametrize("asks_for", ALGORITHMS)
def test_jwt_02_a_key_is_for_its_own_algorithm_alone(algorithm: str, signed_by: str, asks_for: str) -> None:
    """All combinations of the key that the header names, of the one that signed, and of the algorithm asked for."""
    members = {name: member(name, f"key-{name}") for name in ALGORITHMS}
    keys = SigningKeys(key_set(*members.values()))
    token = sign(b"{}", header(asks_for, kid=f"key-{algorithm}"), by=members[signed_by])

    if algorithm == signed_by == asks_for:
        assert keys.verify(TYPE, token) == b"{}"
    else:
        refused(keys, token)


def test_an_algorithm_is_not_taken_from_a_key_of_another_curve() -> None:
    stranger = ECKey.generate_key("P-384", {"kid": "key-1", "alg": "ES384"}).as_dict(private=True)

    refused(SigningKeys(key_set()), sign(b"{}", header("ES384"), by=stranger))


# The header


@pytest.mark.parametrize(
    "kid", [..., None, "", "key-2", "KEY-1", "key-1 ", 1, True, [], ["key-1"], {}, "\ud800", "é"]
)
def test_a_token_names_one_of_our_keys(kid: Any) -> None:
    head = header(kid=kid)
    if kid is ...:
        del head["kid"]

    refused(SigningKeys(key_set()), sign(b"{}", head))


@pytest.mark.parametrize("typ", [..., None, "", "JWT", "T+JWT", "t+jwt ", "application/t+jwt", 1, [TYPE]])
def test_jwt_07_a_token_is_of_the_type_that_is_asked_for(typ: Any) -> None:
    head = header(typ=typ)
    if typ is ...:
        del head["typ"]

    refused(SigningKeys(key_set()), sign(b"{}", head))


@pytest.mark.parametrize(
    "more",
    [
        {"crit": []},
        {"crit": ["exp"]},
        {"crit": ["typ"]},
        {"crit": ["bogus"], "bogus": 1},
        {"crit": ["b64"], "b64": False},
        {"crit": ["b64"], "b64": True},
        {"crit": 1},
        {"crit": [[]]},
        {"crit": None},
        {"b64": True},
        {"b64": False},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {"jku": "https://evil.example/jwks.json"},
        {"x5u": "https://evil.example/cert.pem"},
        {"x5c": ["MIIB"]},
        {"jwk": {"kty": "oct", "k": "YQ"}},
        {"made-up": 1},
    ],
)
def test_no_other_member_of_a_header_is_taken(more: Mapping[str, Any]) -> None:
    """Not even in a token that one of our keys has signed: ours have none."""
    refused(SigningKeys(key_set()), sign(b"{}", header(**more)))


def test_a_key_in_the_header_verifies_nothing() -> None:
    stranger = new_key("ES256", "key-1")

    refused(SigningKeys(key_set()), sign(b"{}", header(), by=stranger))
    refused(SigningKeys(key_set()), sign(b"{}", header(jwk=public(stranger)), by=stranger))


@pytest.mark.parametrize("head", [b"", b"{}", b'"alg"', b'["alg"]', b"null", b"1", b"{", b"\xff", b'"alg kid typ"'])
def test_a_header_that_is_no_header_is_refused(head: bytes) -> None:
    refused(SigningKeys(key_set()), f"{b64(head)}.{b64(b'{}')}.{b64(b'x' * 64)}")


@pytest.mark.parametrize("depth", [380, 2900])
def test_a_deeply_nested_header_is_refused(depth: int) -> None:
    refused(SigningKeys(key_set()), f"{b64(b'[' * depth)}.{b64(b'{}')}.{b64(b'x' * 64)}")


# The form


def test_jwt_09_a_token_has_one_spelling() -> None:
    keys = SigningKeys(key_set())
    token = keys.sign(TYPE, b'{"a":1}')
    head, claims, signature = token.split(".")

    for other in (
        *(f"{token}{char}" for char in "=A!.\n \x00"),
        *(f"{char}{token}" for char in "=A!.\n \x00"),
        *(f"{head}.{claims}{char}.{signature}" for char in "=A!\n "),
        *(f"{head}{char}.{claims}.{signature}" for char in "=A!\n "),
        f"{head}.{claims}",
        head,
        "",
        ".",
        "..",
        f"{head}..{signature}",
        f".{claims}.{signature}",
        f"{token}.{signature}",
        f"{token}.{claims}.{signature}",
        token + "é",
        "\ud800" + token,
        token.replace("-", "+").replace("_", "/") + "=",
    ):
        refused(keys, other)


def test_the_last_character_of_a_signature_has_one_spelling() -> None:
    """Of its six bits only some count; that another spelling means the same bytes would make two tokens of one."""
    keys = SigningKeys(key_set(member("HS256")))
    token = keys.sign(TYPE, b"{}")
    same_bytes = [
        token[:-1] + char
        for char in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        if char != token[-1] and unb64(token.rpartition(".")[2][:-1] + char) == unb64(token.rpartition(".")[2])
    ]

    assert len(same_bytes) == 3
    for other in same_bytes:
        refused(keys, other)


@pytest.mark.parametrize("length", [4097, 1_000_000])
def test_a_long_token_is_not_read(length: int) -> None:
    keys = SigningKeys(key_set(member("HS256")))

    assert refused(keys, "a" * length) == "the token is too long"


def test_a_token_of_four_kib_is_read() -> None:
    keys = SigningKeys(key_set(member("HS256", "key-22")))
    payload = b" " * 2994

    assert len(keys.sign(TYPE, payload)) == 4096
    assert keys.verify(TYPE, keys.sign(TYPE, payload)) == payload
    refused(keys, keys.sign(TYPE, payload + b" "))


KEYS = SigningKeys(key_set())
GOOD = KEYS.sign(TYPE, b"{}").split(".")
segments = st.one_of(st.sampled_from(GOOD), st.binary(max_size=60).map(b64), st.text(max_size=20))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["ES256", "key-1", TYPE]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
heads = st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "x"]), json_values) | json_values


@given(st.text() | st.lists(segments, max_size=5).map(".".join))
def test_whatever_comes_in_it_is_a_payload_of_ours_or_refused(text: str) -> None:
    try:
        payload = KEYS.verify(TYPE, text)
    except TokenInvalid:
        return
    assert (payload, text) == (b"{}", ".".join(GOOD))


@given(heads, st.binary(max_size=64))
def test_whatever_header_comes_in_it_is_refused(head: Any, signature: bytes) -> None:
    with pytest.raises(TokenInvalid):
        KEYS.verify(TYPE, f"{b64(json.dumps(head))}.{GOOD[1]}.{b64(signature)}")


# What may not sign: JWT-12


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "{}",
        "[]",
        "null",
        "1",
        '"keys"',
        '{"keys": 1}',
        "[" * 100_000,
        '{"keys": ' + "1" * 5000 + "}",
        "-----BEGIN PRIVATE KEY-----",
    ],
)
def test_what_is_no_key_set_is_refused(text: str) -> None:
    assert not_started(text) == "authkit.native.keys is no JSON Web Key set; make one with: authkit keys new"


@pytest.mark.parametrize("kid", [..., None, "", 1, [], "a b", "é", "k" * 65, "a\n"])
def test_a_key_has_a_short_id(kid: Any) -> None:
    nameless = {**member(), "kid": kid}
    if kid is ...:
        del nameless["kid"]

    for text in (key_set(nameless).reveal(), key_set(member(), nameless).reveal()):
        assert "id (kid)" in not_started(text) or "is no JSON Web Key set" in not_started(text)


def test_a_key_set_without_good_ids_says_what_an_id_is() -> None:
    assert not_started(key_set({**member(), "kid": "a b"}).reveal()) == (
        "authkit.native.keys must have at least one key, and each an id (kid) of 1 to 64 characters without blanks"
    )


@pytest.mark.parametrize("members", [None, [], "", {}, {"a": 1}, "ab", [1], ["kid"], [None], [[]]])
def test_a_key_set_has_keys(members: Any) -> None:
    assert not_started(json.dumps({"keys": members})).startswith("authkit.native.keys ")


def test_two_keys_may_not_have_one_id() -> None:
    text = key_set(member("ES256", "a"), member("EdDSA", "b"), member("HS256", "a")).reveal()

    assert not_started(text) == "authkit.native.keys: two keys have one id (kid)"


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_the_first_key_can_sign(algorithm: str) -> None:
    text = key_set(public(member(algorithm)), member("HS256", "other")).reveal()

    assert not_started(text) == "authkit.native.keys: the first key signs, and lacks its private part"


def test_an_id_of_64_characters_makes_tokens_that_verify() -> None:
    keys = SigningKeys(key_set(member("ES256", '"' * 64)))

    assert keys.verify(TYPE, keys.sign(TYPE, b"{}")) == b"{}"


@pytest.mark.parametrize(
    ("weak", "kind"),
    [
        (lambda: RSAKey.generate_key(2048, {"kid": "key-1"}).as_dict(private=True), "RSA"),
        (lambda: RSAKey.generate_key(2048, {"kid": "key-1", "alg": "RS256"}).as_dict(private=True), "RSA"),
        (lambda: ECKey.generate_key("P-384", {"kid": "key-1"}).as_dict(private=True), "EC/P-384"),
        (lambda: ECKey.generate_key("P-521", {"kid": "key-1"}).as_dict(private=True), "EC/P-521"),
        (lambda: ECKey.generate_key("secp256k1", {"kid": "key-1"}).as_dict(private=True), "EC/secp256k1"),
        (lambda: OKPKey.generate_key("Ed448", {"kid": "key-1"}).as_dict(private=True), "OKP/Ed448"),
        (lambda: OKPKey.generate_key("X25519", {"kid": "key-1"}).as_dict(private=True), "OKP/X25519"),
        (lambda: {**member(), "alg": "ES384"}, "EC/P-256"),
        (lambda: {**member(), "alg": "none"}, "EC/P-256"),
        (lambda: {**member(), "alg": None}, "EC/P-256"),
        (lambda: {**member(), "use": "enc"}, "EC/P-256"),
        (lambda: {**member(), "use": ["sig"]}, "EC/P-256"),
        (lambda: {**member("EdDSA"), "alg": "Ed25519"}, "OKP/Ed25519"),
        (lambda: {**member("HS256"), "alg": "HS512"}, "oct"),
        (lambda: {**member("HS256"), "crv": "P-256"}, "oct/P-256"),
        (lambda: {**member(), "kty": "ec"}, "ec/P-256"),
        (lambda: {**member(), "kty": ["EC"]}, "['EC']/P-256"),
        (lambda: {**member(), "crv": ["P-256"]}, "EC/['P-256']"),
        (lambda: {"kid": "key-1"}, "None"),
    ],
)
def test_a_key_of_another_kind_is_refused(weak: Any, kind: str) -> None:
    expected = f"authkit.native.keys: a key of kind {kind!r} is not for signing here; ES256, EdDSA and HS256 are"

    assert not_started(key_set(weak()).reveal()) == expected
    assert not_started(key_set(member("ES256", "good"), weak()).reveal()) == expected


@pytest.mark.parametrize("secret", [b"", b"secret", b"a" * 13, b"a" * 14, b"a" * 31])
def test_jwt_12_a_short_secret_is_refused(secret: bytes) -> None:
    text = key_set({**member("HS256"), "k": b64(secret)}).reveal()

    assert not_started(text) == "authkit.native.keys: a shared secret is shorter than 32 bytes"


def test_a_secret_of_32_bytes_is_enough() -> None:
    SigningKeys(key_set({**member("HS256"), "k": b64(bytes(range(32)))}))


@pytest.mark.parametrize(
    "damaged",
    [
        {**member("HS256"), "k": "é" * 64},
        {**member("HS256"), "k": 1},
        {**member("HS256"), "k": None},
        {**member("HS256"), "k": [1] * 64},
        {**member("HS256"), "k": b64(ECKey.import_key(dict(member())).as_pem(private=False))},
        {**member("HS256"), "k": b64(b"-----BEGIN CERTIFICATE----- and some more of it")},
        {**member(), "x": "AAAA"},
        {**member(), "x": member("ES256", "other")["x"]},
        {**member(), "d": "AAAA"},
        {**member(), "d": None},
        {**member(), "y": "=="},
        {**member("EdDSA"), "d": "AAAA"},
        {**member("EdDSA"), "x": 5},
        {name: value for name, value in member().items() if name != "y"},
        {name: value for name, value in member("HS256").items() if name != "k"},
    ],
)
def test_a_damaged_key_is_refused(damaged: Mapping[str, Any]) -> None:
    assert not_started(key_set(damaged).reveal()) == "authkit.native.keys: a key is malformed"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_need_not_say_what_it_is_for(algorithm: str) -> None:
    keys = SigningKeys(key_set({name: value for name, value in member(algorithm).items() if name not in OF_USE}))

    assert parts_of(keys.sign(TYPE, b"{}"))[0] == header(algorithm)


def test_what_a_key_says_of_its_use_cannot_bar_it_afterwards() -> None:
    keys = SigningKeys(key_set({**member(), "key_ops": ["deriveKey"]}))

    assert keys.verify(TYPE, keys.sign(TYPE, b"{}")) == b"{}"


# What is shown


def test_the_public_keys_are_those_that_need_no_secret() -> None:
    members = (member("ES256", "a"), member("HS256", "b"), member("EdDSA", "c"))

    assert SigningKeys(key_set(*members)).public() == {"keys": [public(members[0]), public(members[2])]}


def test_only_what_the_public_key_is_made_of_is_shown() -> None:
    odd = {**member("EdDSA"), "note": "canary", "k": "canary", "p": "canary", "x": member("EdDSA", "other")["x"]}

    assert SigningKeys(key_set(odd)).public() == {"keys": [public(member("EdDSA"))]}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_lek_02_a_key_set_shows_no_key(algorithm: str) -> None:
    own = member(algorithm)
    keys = SigningKeys(key_set(own))
    shown = f"{keys!r} {keys} {vars(keys)} {keys.public()} {json.dumps(vars(keys), default=str)}"

    assert own.get("d", own.get("k")) not in shown


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_new_key_is_one_that_may_sign(algorithm: str) -> None:
    made = new_key(algorithm, "my-key")

    assert (made["kid"], made["alg"], made["use"]) == ("my-key", algorithm, "sig")
    assert new_key(algorithm, "my-key") != made
    SigningKeys(key_set(made))


LIKE_A_PUBLIC_KEY = key_set({**member("HS256"), "k": b64(b"ssh-rsa " + b"a" * 40)}).reveal()


def test_a_secret_that_looks_like_a_public_key_is_refused_where_warnings_are_ignored() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = list(warnings.filters)

        assert not_started(LIKE_A_PUBLIC_KEY) == "authkit.native.keys: a key is malformed"
        assert warnings.filters == before


def test_a_secret_that_looks_like_a_public_key_is_refused_without_a_warning() -> None:
    code = (
        "import sys; from authkit.models import Secret; from authkit.native.signingkeys import SigningKeys\n"
        "try: SigningKeys(Secret(sys.argv[1]))\n"
        "except Exception as exc: print(exc)"
    )
    ran = subprocess.run([sys.executable, "-c", code, LIKE_A_PUBLIC_KEY], capture_output=True, text=True, check=True)

    assert (ran.stdout.strip(), ran.stderr) == ("config_error: authkit.native.keys: a key is malformed", "")
