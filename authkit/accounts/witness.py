"""A client of a provider that tells when a token is refreshed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from authkit.models import Profile, Token
from authkit.providerclient import AuthorizationRequest, AuthorizationResponse, ProviderClient

__all__ = ["Witness"]


@dataclass(frozen=True, slots=True)
class Witness:
    """A `ProviderClient` that passes everything on.

    Attributes:
        client: who speaks to the provider.
        on_refresh: is called before each refresh, in its thread.
    """

    client: ProviderClient
    on_refresh: Callable[[], None]

    def authorization_url(self, request: AuthorizationRequest) -> str:
        """See `ProviderClient.authorization_url`."""
        return self.client.authorization_url(request)

    def exchange(self, response: AuthorizationResponse) -> Token:
        """See `ProviderClient.exchange`."""
        return self.client.exchange(response)

    def fetch_profile(self, token: Token) -> Profile:
        """See `ProviderClient.fetch_profile`."""
        return self.client.fetch_profile(token)

    def refresh(self, token: Token) -> Token:
        """See `ProviderClient.refresh`."""
        self.on_refresh()
        return self.client.refresh(token)

    def revoke(self, token: Token) -> bool:
        """See `ProviderClient.revoke`."""
        return self.client.revoke(token)
