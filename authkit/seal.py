"""Sealing: AES-256-GCM under a key derived for one purpose, bound to the place where the text is kept.

A sealed text is base64url of: version (1 byte), key id (4 bytes), nonce (12 bytes), ciphertext and tag. The
version, the key id, the purpose and the place are authenticated as associated data, so that a text moved to
another cookie, or sealed for another purpose, does not open.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from authkit.models import Secret

if TYPE_CHECKING:
    from authkit.keyring import Keyring

__all__ = ["SealBroken", "Sealer", "read_values"]

VERSION = b"\x01"
NONCE_AT = 5
SEALED_AT = 17


class SealBroken(ValueError):
    """The text was not sealed by us, for this purpose and place; or it was damaged."""


class Sealer:
    """Seals and opens texts for one purpose.

    Args:
        secrets: the app's secrets, newest first: the first seals, any of them opens.
        purpose: what is sealed, such as ``transaction``; the key is HKDF(secret, "authkit/<purpose>/v1").
        random: returns as many random bytes as it is asked for.
    """

    def __init__(self, secrets: Sequence[Secret], purpose: str, random: Callable[[int], bytes]) -> None:
        self._secrets = tuple(secrets)
        self._purpose = purpose.encode("ascii")
        self._random = random

    @cached_property
    def _keyring(self) -> Keyring:
        from authkit.keyring import Keyring  # cryptography is large, and a process that seals nothing does without

        return Keyring(self._secrets, self._purpose)

    def warm_up(self) -> None:
        """Derive the keys now, and not with the first text."""
        _ = self._keyring

    @property
    def key_id(self) -> str:
        """The id of the key that seals, as eight hex digits."""
        return self._keyring.newest.hex()

    def seal(self, content: bytes, place: str) -> str:
        """Return `content` sealed for `place`, as base64url text without padding."""
        keyring = self._keyring
        head = VERSION + keyring.newest
        nonce = self._random(SEALED_AT - NONCE_AT)
        sealed = keyring.encrypt(nonce, content, self._associated(head, place))
        return _encode(head + nonce + sealed)

    def open(self, text: str, place: str) -> bytes:
        """Return what was sealed for `place`.

        Raises:
            SealBroken: `text` is damaged, or was sealed with another key, for another purpose or place.
        """
        try:
            blob = _decode(text)
            head, nonce, sealed = blob[:NONCE_AT], blob[NONCE_AT:SEALED_AT], blob[SEALED_AT:]
            content = self._keyring.decrypt(head[1:], nonce, sealed, self._associated(head, place))
        except ValueError:
            content = None
        if content is None:
            raise SealBroken
        return content

    def _associated(self, head: bytes, place: str) -> bytes:
        return b"\x00".join([head, self._purpose, place.encode("utf-8")])


def read_values(content: bytes, *kinds: type) -> list[Any]:
    """Return the values of a JSON array that was sealed, one of each of `kinds`.

    Raises:
        SealBroken: it is none: another version of authkit has sealed it, in another form.
    """
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, list) or [type(value) for value in values] != list(kinds):
        raise SealBroken
    return values


def _encode(blob: bytes) -> str:
    return urlsafe_b64encode(blob).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    """Return what `_encode` made `text` of. Python's decoder skips foreign characters; here each one counts."""
    blob = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    if _encode(blob) != text:
        raise SealBroken
    return blob
