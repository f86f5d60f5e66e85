"""PKCE: the test vector of RFC 7636, appendix B, and its hexadecimal form."""

from __future__ import annotations

import re
import secrets

from authkit import pkce

OCTETS = bytes.fromhex("7418dfb49799e0254ffa607dd8adbbba16d4254d69d6bff05b58055853848d79")
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_verifier_is_32_random_bytes_as_base64url() -> None:
    asked: list[int] = []

    def random(length: int) -> bytes:
        asked.append(length)
        return OCTETS

    assert pkce.new_verifier(random) == VERIFIER
    assert asked == [32]


def test_pkc_02_every_verifier_is_new_and_well_formed() -> None:
    verifiers = {pkce.new_verifier(secrets.token_bytes) for _ in range(1000)}

    assert len(verifiers) == 1000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", verifier) for verifier in verifiers)


def test_pkc_01_the_challenge_is_base64url_without_padding() -> None:
    assert pkce.s256(VERIFIER) == CHALLENGE


def test_the_hex_challenge_is_lower_case_hex_of_the_same_hash() -> None:
    assert pkce.s256_hex(VERIFIER) == "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3"
