"""`Keyring`: the keys that the emulator signs with, now and before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from joserfc.jwk import Key

from authkit.emulator.openid.jose import NEW, SigningKey, make_key

__all__ = ["Keyring"]


class Keyring:
    """Numbered keys of each algorithm, made when they are needed and shared by all emulators of the process."""

    def __init__(self) -> None:
        self._number = 1

    def rotate(self) -> None:
        """Sign with a new key from now on."""
        self._number += 1

    def newest(self, alg: str) -> SigningKey:
        """Return the key that signs with `alg`."""
        return make_key(alg, self._number)

    def published(self, alg: str, which: str) -> Sequence[Mapping[str, Any]]:
        """Return the public keys, newest first.

        Args:
            alg: what they sign with.
            which: ``newest`` for that key alone; otherwise the one before is there too, since tokens of its are on
                their way still, and with ``spare`` the one that comes next.
        """
        first = self._number + (which == "spare")
        last = self._number if which == "newest" else max(self._number - 1, 1)
        return [make_key(alg, number).public() for number in range(first, last - 1, -1)]

    def ever(self) -> Sequence[Key]:
        """Return every key that may have signed something."""
        return [make_key(alg, number).key for alg in NEW for number in range(1, self._number + 1)]
