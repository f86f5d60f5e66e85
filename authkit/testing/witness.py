"""`Witness`: a provider's client, and what it was told last."""

from __future__ import annotations

from typing import Any

from authkit.models import Profile, Token
from authkit.providerclient import ProviderClient

__all__ = ["Witness"]


class Witness:
    """A `ProviderClient` that does what another does, and remembers the profile that it fetched last.

    Attributes:
        profile: that profile, None before the first.
    """

    def __init__(self, client: ProviderClient) -> None:
        self.profile: Profile | None = None
        self._client = client

    def fetch_profile(self, token: Token) -> Profile:
        """Fetch the profile of the user to whom `token` belongs."""
        self.profile = self._client.fetch_profile(token)
        return self.profile

    def __getattr__(self, name: str) -> Any:
        """Return whatever else the client has."""
        return getattr(self._client, name)
