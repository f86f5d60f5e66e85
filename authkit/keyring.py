"""The keys of one purpose, derived from the app's secrets, and what they encrypt: AES-256-GCM, by cryptography."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from authkit.models import Secret

__all__ = ["KEY_ID_LENGTH", "Keyring"]

KEY_ID_LENGTH = 4


class Keyring:
    """The keys of one purpose. The newest encrypts, any of them decrypts.

    Args:
        secrets: the app's secrets, newest first.
        purpose: the purpose; the key is HKDF(secret, "authkit/<purpose>/v1").

    Attributes:
        newest: the id of the key that encrypts.
    """

    def __init__(self, secrets: Sequence[Secret], purpose: bytes) -> None:
        self._ciphers = dict(_derive(secret, b"authkit/" + purpose + b"/v1") for secret in secrets)
        self.newest = next(iter(self._ciphers))

    def encrypt(self, nonce: bytes, content: bytes, associated: bytes) -> bytes:
        """Return `content` encrypted, with the tag that authenticates it and `associated`."""
        return self._ciphers[self.newest].encrypt(nonce, content, associated)

    def decrypt(self, key_id: bytes, nonce: bytes, encrypted: bytes, associated: bytes) -> bytes | None:
        """Return what was encrypted; None where there is no such key, or it was encrypted with another, or damaged.

        Raises:
            ValueError: it has no form that a text could have that was encrypted.
        """
        try:
            return self._ciphers[key_id].decrypt(nonce, encrypted, associated)
        except (InvalidTag, KeyError):
            return None


def _derive(secret: Secret, info: bytes) -> tuple[bytes, AESGCM]:
    """Return a key's id, and its cipher."""
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret.reveal().encode("utf-8"))
    digest = Hash(SHA256())
    digest.update(key)
    return digest.finalize()[:KEY_ID_LENGTH], AESGCM(key)
