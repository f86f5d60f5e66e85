"""Sealing: AES-256-GCM under a key derived for one purpose, bound to the place where the text is kept.

A sealed text is base64url of: version (1 byte), key id (4 bytes), nonce (12 bytes), ciphertext and tag. The
version, the key id, the purpose and the place are authenticated as associated data, so that a text moved to
another cookie, or sealed for another purpose, does not open.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from authkit.models import Secret

__all__ = ["SealBroken", "Sealer", "read_values"]

VERSION = b"\x01"
KEY_ID_LENGTH = 4
NONCE_LENGTH = 12
HEAD_LENGTH = 1 + KEY_ID_LENGTH + NONCE_LENGTH


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
        self._purpose = purpose.encode("ascii")
        self._random = random
        self._ciphers = dict(self._derive(secret) for secret in secrets)
        self._newest = next(iter(self._ciphers))

    def _derive(self, secret: Secret) -> tuple[bytes, AESGCM]:
        info = b"authkit/" + self._purpose + b"/v1"
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret.reveal().encode("utf-8"))
        digest = Hash(SHA256())
        digest.update(key)
        return digest.finalize()[:KEY_ID_LENGTH], AESGCM(key)

    @property
    def key_id(self) -> str:
        """The id of the key that seals, as eight hex digits."""
        return self._newest.hex()

    def seal(self, content: bytes, place: str) -> str:
        """Return `content` sealed for `place`, as base64url text without padding."""
        head = VERSION + self._newest
        nonce = self._random(NONCE_LENGTH)
        sealed = self._ciphers[self._newest].encrypt(nonce, content, self._associated(head, place))
        return _encode(head + nonce + sealed)

    def open(self, text: str, place: str) -> bytes:
        """Return what was sealed for `place`.

        Raises:
            SealBroken: `text` is damaged, or was sealed with another key, for another purpose or place.
        """
        try:
            blob = _decode(text)
            head, nonce, sealed = blob[: 1 + KEY_ID_LENGTH], blob[1 + KEY_ID_LENGTH : HEAD_LENGTH], blob[HEAD_LENGTH:]
            cipher = self._ciphers[head[1:]]
            return cipher.decrypt(nonce, sealed, self._associated(head, place))
        except (InvalidTag, KeyError, ValueError):
            pass
        raise SealBroken

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
