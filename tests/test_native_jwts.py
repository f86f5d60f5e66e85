"""The app's JSON Web Tokens: what is in them, and every claim that makes one of no use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from fakes import REFRESH_TOKEN, SECRET, Clock, make_kit, state_of
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import KeySet
from native_world import b64, key_set, member, new_jwts, parts_of, sign, unb64

from authkit.errors import TokenInvalid
from authkit.models import Secret
from authkit.native.jwts import Bearer, Jwts
from authkit.native.signingkeys import SigningKeys
from authkit.seal import Sealer

NOW = 1_800_000_000
ALGORITHMS = ["ES256", "EdDSA", "HS256"]


def good(**changes: Any) -> dict[str, Any]:
    """Return claims that are accepted, with `changes`; what is `...` is left out."""
    claims = {
        "iss": "https://app.example",
        "aud": "https://app.example",
        "sub": "ada",
        "sid": "session-1",
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 3600,
        "jti": "01" * 16,
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not ...}


def refused(text: str, clock: Clock | None = None, jwts: Jwts | None = None) -> str:
    with pytest.raises(TokenInvalid) as caught:
        (jwts or new_jwts(clock or Clock())).verify(text)
    error = caught.value
    assert (error.code, error.status, error.__cause__, error.__context__) == ("token_invalid", 401, None, None)
    return error.reason


# What is issued


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_has_the_claims_of_rfc_9068_and_no_more(algorithm: str, clock: Clock) -> None:
    jwts = new_jwts(clock, member(algorithm))

    token = jwts.issue("ada", "session-1")

    assert parts_of(token)[:2] == ({"alg": algorithm, "kid": "key-1", "typ": "at+jwt"}, good())
    assert jwts.verify(token) == Bearer("ada", "session-1", NOW + 3600)


def test_the_claims_are_written_without_blanks(clock: Clock) -> None:
    """A token goes with every request."""
    assert b" " not in unb64(new_jwts(clock).issue("ada", "session-1").split(".")[1])


def test_every_token_has_an_id_of_its_own(clock: Clock) -> None:
    jwts = new_jwts(clock)

    assert parts_of(jwts.issue("ada", "s"))[1]["jti"] != parts_of(jwts.issue("ada", "s"))[1]["jti"]


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # by RFC 9864, for Ed25519, which few know yet
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_another_service_can_verify_a_token_with_the_public_keys(algorithm: str, clock: Clock) -> None:
    keys = SigningKeys(key_set(member(algorithm)))
    token = new_jwts(clock, member(algorithm)).issue("ada", "session-1")
    known = KeySet.import_key_set(json.loads(json.dumps(keys.public())))

    claims = jwt.decode(token, known, algorithms=[algorithm]).claims

    assert claims == good()


@pytest.mark.parametrize("account_id", ["a" * 255, "é" * 255, "\U0001f600" * 255, '"' * 255, "a b", "0"])
def test_the_longest_account_id_fits_into_a_token(account_id: str, clock: Clock) -> None:
    jwts = new_jwts(clock)

    assert jwts.verify(jwts.issue(account_id, "s" * 32)).account_id == account_id


def test_a_token_is_what_the_claims_say(clock: Clock) -> None:
    """So that the tests below refuse a token for its one change, and for nothing else."""
    assert new_jwts(clock).verify(sign(good())) == Bearer("ada", "session-1", NOW + 3600)
    assert new_jwts(clock).verify(sign(good(jti=..., more={"is_admin": True}))).account_id == "ada"


# JWT-03, CLK-01, CLK-04: times


@pytest.mark.parametrize("later", [0, 1, 3599, 3599.9])
def test_a_token_is_good_for_its_time(later: float) -> None:
    assert new_jwts(Clock(NOW + later)).verify(sign(good())).account_id == "ada"


@pytest.mark.parametrize("later", [3600, 3600.1, 3601, 1e9])
def test_clk_04_a_token_ends_in_the_second_that_it_names(later: float) -> None:
    assert refused(sign(good()), Clock(NOW + later)) == "the token has expired, or lives longer than ours do"


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_clk_01_a_server_s_clock_may_be_a_minute_behind(name: str) -> None:
    token = sign(good(**{name: NOW + 60}, exp=NOW + 3600))

    assert new_jwts(Clock(NOW)).verify(token).account_id == "ada"
    assert refused(token, Clock(NOW - 1)) == "the token is not good yet"


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_jwt_03_a_token_of_the_future_is_refused(name: str) -> None:
    assert refused(sign(good(**{name: NOW + 600}))) == "the token is not good yet"


@pytest.mark.parametrize("exp", [NOW + 3661, NOW + 7200, NOW + 50 * 365 * 86400, 10**400])
def test_jwt_03_a_token_lives_no_longer_than_ours_do(exp: int) -> None:
    assert refused(sign(good(exp=exp))) == "the token has expired, or lives longer than ours do"
    assert new_jwts(Clock()).verify(sign(good(exp=NOW + 3660))).expires_at == NOW + 3660


def test_a_shorter_lifetime_ends_the_longer_tokens_at_once(clock: Clock) -> None:
    token = new_jwts(clock, lifetime=3600).issue("ada", "s")

    refused(token, jwts=new_jwts(clock, lifetime=600))


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize(
    "value",
    [..., None, "", str(NOW + 100), f"{NOW}.0", float(NOW), 1e400, True, False, [NOW], {"s": NOW}, "now", -0.5],
)
def test_a_time_is_a_whole_number(name: str, value: Any) -> None:
    if value == 1e400:
        token = sign(json.dumps(good(**{name: 0})).replace(f'"{name}": 0', f'"{name}": 1e400').encode())
    else:
        token = sign(good(**{name: value}))

    assert refused(token) == f"the token's {name} is missing, or no whole number"


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", [-1, 0, -(10**400), 10**400])
def test_a_number_that_is_no_time_of_ours_is_refused(name: str, value: int) -> None:
    if name == "nbf" and value <= 0:
        assert new_jwts(Clock()).verify(sign(good(nbf=value))).account_id == "ada"
    else:
        refused(sign(good(**{name: value})))


# JWT-04: issuer and audience


@pytest.mark.parametrize(
    "value",
    [
        ...,
        None,
        "",
        "https://other.example",
        "https://app.example/",
        "https://App.example",
        "HTTPS://APP.EXAMPLE",
        "https://app.exampl",
        "https:",
        "app.example",
        "https://app.example.evil.example",
        " https://app.example",
        ["https://app.example"],
        ["https://app.example", "https://other.example"],
        {"https://app.example": 1},
        1,
        True,
    ],
)
@pytest.mark.parametrize("name", ["iss", "aud"])
def test_jwt_04_issuer_and_audience_are_ours_to_the_letter(name: str, value: Any) -> None:
    assert refused(sign(good(**{name: value}))) == "the token is of another issuer, or for another audience"


def test_jwt_04_a_foreign_authorized_party_is_refused() -> None:
    assert (
        refused(sign(good(azp="https://other.example"))) == "the token is of another issuer, or for another audience"
    )
    assert new_jwts(Clock()).verify(sign(good(azp="https://app.example"))).account_id == "ada"


# Whose it is


@pytest.mark.parametrize("name", ["sub", "sid"])
@pytest.mark.parametrize("value", [..., None, "", 1, 0, True, 1.5, ["ada"], {"id": "ada"}])
def test_a_token_names_an_account_and_a_session(name: str, value: Any) -> None:
    assert refused(sign(good(**{name: value}))) == f"the token's {name} is missing, or no text"


# The payload


@pytest.mark.parametrize("name", ["sub", "exp", "iss", "aud", "sid", "jti"])
def test_a_claim_may_not_be_there_twice(name: str) -> None:
    twice = json.dumps(good())[:-1] + f', "{name}": {json.dumps(good()[name])}}}'

    assert refused(sign(twice.encode())) == "the token's claims are malformed"


@pytest.mark.parametrize("inner", ['{"a": 1, "a": 1}', "NaN", "Infinity", "-Infinity", "[" * 1400, '{"a":' * 280])
def test_json_that_two_parsers_could_read_in_two_ways_is_refused(inner: str) -> None:
    payload = json.dumps(good())[:-1] + f', "more": {inner}}}'

    assert refused(sign(payload.encode())) == "the token's claims are malformed"


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b"1", b'"a"', b"{", b"\xff", b"\xef\xbb\xbf{}", b"{} {}"])
def test_claims_are_a_json_object(payload: bytes) -> None:
    assert refused(sign(payload)) == "the token's claims are malformed"


def test_claims_in_another_encoding_are_refused() -> None:
    """`json.loads` would read them, and another parser would not."""
    for encoding in ("utf-16", "utf-16-be", "utf-32"):
        refused(sign(json.dumps(good()).encode(encoding)))


def test_claims_of_a_megabyte_are_not_read() -> None:
    refused(sign(good(more="a" * 1_000_000)))


# JWT-07: other kinds of token


def test_jwt_07_nothing_else_that_we_or_others_make_passes_for_a_token(clock: Clock) -> None:
    kit = make_kit(clock=clock)
    redirect = kit.begin("acme")
    seen = [
        state_of(redirect.url),
        redirect.cookies[0].value,
        Sealer((Secret(SECRET),), "ticket", kit.random).seal(b'["ada","phone","acme","c",1800000000]', "acme"),
        f"{'a' * 32}.{'b' * 64}",
        REFRESH_TOKEN,
        sign(good(), {"alg": "ES256", "kid": "key-1", "typ": "JWT"}),
        sign(good(), {"alg": "ES256", "kid": "provider", "typ": "JWT"}, by=member("ES256", "provider")),
        sign(good(), {"alg": "HS256", "typ": "JWT"}, by=member("HS256", "shared")),
        f"{b64({'alg': 'dir', 'enc': 'A256GCM'})}..{b64('iv')}.{b64('text')}.{b64('tag')}",
    ]

    for text in seen:
        refused(text, clock)


@pytest.mark.parametrize("typ", ["JWT", "AT+JWT", "At+Jwt", "application/at+jwt", "at+JWT"])
def test_the_type_has_one_spelling(typ: str) -> None:
    """RFC 7515 has more; but nobody except us makes these."""
    refused(sign(good(), {"alg": "ES256", "kid": "key-1", "typ": typ}))


# Whatever comes in


JWTS = new_jwts(Clock())
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(NOW + 60),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_any_text_is_refused_and_nothing_else_goes_out(text: str) -> None:
    with pytest.raises(TokenInvalid):
        JWTS.verify(text)


@given(st.dictionaries(st.sampled_from([*good()]), values), st.sampled_from([*good()]))
def test_any_claims_are_good_or_refused(changes: Mapping[str, Any], without: str) -> None:
    claims = {name: value for name, value in good(**changes).items() if name != without or without in changes}
    try:
        bearer = JWTS.verify(sign(claims))
    except TokenInvalid:
        return
    assert (claims["iss"], claims["aud"]) == ("https://app.example", "https://app.example")
    assert bearer == Bearer(claims["sub"], claims["sid"], claims["exp"])
    assert NOW < claims["exp"] <= claims["iat"] + 3660


@given(st.binary(max_size=200))
def test_any_signed_bytes_are_good_or_refused(payload: bytes) -> None:
    with pytest.raises(TokenInvalid):
        JWTS.verify(sign(payload))
