"""What speaks to a provider for one registration, and what it is handed of the two legs through the browser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from authkit.models import Profile, Secret, Token

__all__ = ["AuthorizationRequest", "AuthorizationResponse", "EndsSessions", "ProviderClient"]


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """One authorization request, as the core hands it to a provider (RFC 6749, section 4.1.1)."""

    client_id: str
    redirect_uri: str
    scope: tuple[str, ...]
    state: str = field(repr=False)
    code_verifier: Secret
    prompt: str | None = None


@dataclass(frozen=True, slots=True)
class AuthorizationResponse:
    """What came back through the browser, with what the transaction remembers of the request.

    Attributes:
        params: the callback's query, decoded once; no parameter is there twice.
        redirect_uri: the same as in the authorization request, byte for byte.
        scope: what was asked for; it counts as granted when the provider does not say otherwise.
        code_verifier: the PKCE verifier of this login.
    """

    params: Mapping[str, str] = field(repr=False)
    redirect_uri: str
    scope: tuple[str, ...]
    code_verifier: Secret


class ProviderClient(Protocol):
    """A provider, spoken to on behalf of one registration: the five things the core asks for."""

    def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return the address that the browser is sent to."""
        ...

    def exchange(self, response: AuthorizationResponse) -> Token:
        """Read what came back through the browser and exchange it for a token."""
        ...

    def fetch_profile(self, token: Token) -> Profile:
        """Fetch the profile of the user to whom `token` belongs."""
        ...

    def refresh(self, token: Token) -> Token:
        """Return a fresh token for `token`."""
        ...

    def revoke(self, token: Token) -> bool:
        """End `token` at the provider; False when the provider has no way to.

        Raises:
            ReauthRequired: the provider says that the token is none any more.
            AuthkitError: it may be alive.
        """
        ...


@runtime_checkable
class EndsSessions(Protocol):
    """A client whose provider can be told that a user signs out (OpenID Connect RP-Initiated Logout 1.0)."""

    def logout_url(self, id_token: Secret | None, return_to: str) -> str:
        """Return where to send the browser so that the user is signed out there as well; "" for nowhere.

        Args:
            id_token: the ID token of the login that ends, None if nobody kept it.
            return_to: the absolute URL to come back to; the provider must have it registered.
        """
        ...
