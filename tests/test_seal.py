"""Sealing: what was sealed opens in its own place alone, and damage is noticed."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fakes import SECRET, CountingRandom
from hypothesis import given
from hypothesis import strategies as st

from authkit.models import Secret
from authkit.seal import SealBroken, Sealer, read_values

OLD, NEW = Secret(SECRET), Secret("another-app-secret-that-is-long-enough")
SEALER = Sealer([OLD], "test", secrets.token_bytes)
SEALED = SEALER.seal(b"content", "place")


def assert_does_not_open(sealer: Sealer, text: str, place: str = "place") -> None:
    with pytest.raises(SealBroken) as caught:
        sealer.open(text, place)
    assert (str(caught.value), caught.value.__cause__, caught.value.__context__) == ("", None, None)


@given(st.binary(max_size=200), st.text(st.characters(codec="utf-8"), max_size=40))
def test_what_was_sealed_opens(content: bytes, place: str) -> None:
    assert SEALER.open(SEALER.seal(content, place), place) == content


def test_the_sealed_text_has_the_documented_form() -> None:
    pseudorandom = hmac.digest(bytes(32), SECRET.encode(), "sha256")  # HKDF without salt (RFC 5869)
    key = hmac.digest(pseudorandom, b"authkit/test/v1\x01", "sha256")
    head = b"\x01" + hashlib.sha256(key).digest()[:4]

    text = Sealer([OLD], "test", CountingRandom()).seal(b"content", "place")
    blob = urlsafe_b64decode(text + "=" * (-len(text) % 4))

    assert (blob[:5], blob[5:17]) == (head, b"\x01" * 12)
    assert AESGCM(key).decrypt(blob[5:17], blob[17:], head + b"\x00test\x00place") == b"content"


def test_no_two_sealed_texts_are_equal() -> None:
    assert len({SEALER.seal(b"content", "place") for _ in range(100)}) == 100


def test_a_sealed_text_shows_nothing() -> None:
    assert b"content" not in urlsafe_b64decode(SEALED + "=" * (-len(SEALED) % 4))


def test_it_does_not_open_in_another_place() -> None:
    assert_does_not_open(SEALER, SEALED, "place2")


def test_it_does_not_open_for_another_purpose() -> None:
    assert_does_not_open(Sealer([OLD], "test2", secrets.token_bytes), SEALED)


def test_it_does_not_open_with_another_secret() -> None:
    assert_does_not_open(Sealer([NEW], "test", secrets.token_bytes), SEALED)


def test_after_a_rotation_the_old_secret_opens_and_the_new_one_seals() -> None:
    rotated = Sealer([NEW, OLD], "test", secrets.token_bytes)

    assert rotated.open(SEALED, "place") == b"content"
    assert Sealer([NEW], "test", secrets.token_bytes).open(rotated.seal(b"new", "place"), "place") == b"new"
    assert_does_not_open(SEALER, rotated.seal(b"new", "place"))


def test_a_sealer_keeps_the_secrets_that_it_was_given() -> None:
    given = [OLD]
    sealer = Sealer(given, "test", secrets.token_bytes)
    given[:] = [NEW]

    assert sealer.open(SEALED, "place") == b"content"


def test_a_sealer_names_the_key_that_seals() -> None:
    rotated = Sealer([NEW, OLD], "test", secrets.token_bytes)
    blob = urlsafe_b64decode(rotated.seal(b"content", "place") + "===")

    assert rotated.key_id == blob[1:5].hex() == Sealer([NEW], "test", secrets.token_bytes).key_id
    assert len({rotated.key_id, SEALER.key_id, Sealer([NEW], "test2", secrets.token_bytes).key_id}) == 3


@given(st.integers(0, len(SEALED) - 1), st.characters(codec="latin-1"))
def test_ses_07_a_change_of_any_character_is_noticed(position: int, char: str) -> None:
    damaged = SEALED[:position] + char + SEALED[position + 1 :]
    if damaged != SEALED:
        assert_does_not_open(SEALER, damaged)


@pytest.mark.parametrize("last", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
def test_ses_07_bits_that_a_decoder_would_drop_count_too(last: str) -> None:
    if last != SEALED[-1]:
        assert_does_not_open(SEALER, SEALED[:-1] + last)


@pytest.mark.parametrize("extra", ["\n", "====", "!!!!", "\n\n\n\n"])
def test_ses_07_characters_that_a_decoder_would_skip_count_too(extra: str) -> None:
    assert_does_not_open(SEALER, SEALED + extra)
    assert_does_not_open(SEALER, extra + SEALED)


@given(st.integers(0, len(SEALED)), st.characters(codec="latin-1"))
def test_ses_07_an_added_character_is_noticed(position: int, char: str) -> None:
    assert_does_not_open(SEALER, SEALED[:position] + char + SEALED[position:])


@pytest.mark.parametrize("length", range(len(SEALED)))
def test_ses_07_a_truncated_text_does_not_open(length: int) -> None:
    assert_does_not_open(SEALER, SEALED[:length])


@given(st.text(max_size=100))
def test_ses_07_a_text_that_we_never_sealed_does_not_open(text: str) -> None:
    assert_does_not_open(SEALER, text)


def test_values_that_were_sealed_are_read() -> None:
    assert read_values(b'["a",1,[true]]', str, int, list) == ["a", 1, [True]]


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"1", b"{}", b"[]", b'["a"]', b'["a",1,2]', b'["a",true]', b'["a",1.0]', b"[" * 100_000]
)
def test_values_in_another_form_are_none_of_ours(content: bytes) -> None:
    with pytest.raises(SealBroken):
        read_values(content, str, int)
