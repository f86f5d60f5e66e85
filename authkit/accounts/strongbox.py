"""The strongbox: seals tokens, each for its identity, with keys that rotate."""

from __future__ import annotations

import json

from authkit.errors import StoreUnavailable
from authkit.models import Secret, Token
from authkit.seal import SealBroken, Sealer

__all__ = ["Strongbox"]


class Strongbox:
    """Seals what is secret of a token: the access token and the refresh token.

    A sealed text opens for the identity and the table that it was sealed for, and nowhere else.

    Args:
        sealer: seals with the vault's keys.
        table: the name of the table that keeps it.
    """

    def __init__(self, sealer: Sealer, table: str) -> None:
        self._sealer = sealer
        self._table = table

    @property
    def key_id(self) -> str:
        """The id of the key that seals, as eight hex digits."""
        return self._sealer.key_id

    def seal(self, place: str, token: Token) -> str:
        """Return the secrets of `token` sealed for `place`, which names a row."""
        refresh_token = token.refresh_token.reveal() if token.refresh_token else None
        content = json.dumps([token.access_token.reveal(), refresh_token])
        return self._sealer.seal(content.encode("utf-8"), f"{self._table}.sealed:{place}")

    def open(self, place: str, sealed: str) -> tuple[Secret, Secret | None]:
        """Return the access token and the refresh token that were sealed for `place`.

        Raises:
            StoreUnavailable: it was sealed with a key that we do not have, for another row, or is damaged.
        """
        try:
            access_token, refresh_token = json.loads(self._sealer.open(sealed, f"{self._table}.sealed:{place}"))
        except SealBroken:
            pass
        else:
            return Secret(access_token), Secret(refresh_token) if refresh_token else None
        raise StoreUnavailable(
            "a stored token does not open: its key is not among authkit.vault_key, or it is damaged"
        )
