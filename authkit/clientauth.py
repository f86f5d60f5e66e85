"""How a client proves to a provider who it is (RFC 6749, section 2.3), a way each."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote

from requests.auth import HTTPBasicAuth

from authkit.models import Secret
from authkit.provider import OAuth2Provider

__all__ = ["ClientAuth", "SecretInForm", "SecretInHeader", "client_auth"]


class ClientAuth(Protocol):
    """One way to prove it. What it returns goes into a single request."""

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What the provider is sent and may echo, so that it can be kept out of errors."""
        ...

    def form(self) -> dict[str, str]:
        """Return what goes into the form."""
        ...

    def header(self) -> HTTPBasicAuth | None:
        """Return what makes the Authorization header, None for no header."""
        ...


@dataclass(frozen=True, slots=True)
class SecretInHeader:
    """Id and secret as HTTP Basic; both are form-encoded before they are joined (RFC 6749, section 2.3.1)."""

    client_id: str
    client_secret: Secret = field(repr=False)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secret, and what HTTP Basic makes of it."""
        pair = ":".join(self._encoded()).encode("ascii")
        return self.client_secret, Secret(b64encode(pair).decode("ascii"))  # not the pair, which begins with the id

    def form(self) -> dict[str, str]:
        """Return nothing: all of it is in the header."""
        return {}

    def header(self) -> HTTPBasicAuth:
        """Return what makes the header."""
        return HTTPBasicAuth(*self._encoded())

    def _encoded(self) -> tuple[str, str]:
        return quote(self.client_id, safe=""), quote(self.client_secret.reveal(), safe="")


@dataclass(frozen=True, slots=True)
class SecretInForm:
    """Id and secret as fields of the form, or the id alone for a public client, which has no secret.

    Attributes:
        client_id: the client id.
        client_secret: the client secret, None for a public client.
        client_id_param: what the provider calls the client id.
    """

    client_id: str
    client_secret: Secret | None = field(repr=False)
    client_id_param: str = "client_id"

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secret."""
        return (self.client_secret,) if self.client_secret else ()

    def form(self) -> dict[str, str]:
        """Return the fields."""
        secret = {"client_secret": self.client_secret.reveal()} if self.client_secret is not None else {}
        return {self.client_id_param: self.client_id, **secret}

    def header(self) -> None:
        """Return nothing: all of it is in the form."""


def client_auth(provider: OAuth2Provider, client_id: str, client_secret: Secret) -> ClientAuth:
    """Return the way that `provider` wants."""
    if provider.token_auth == "basic":
        return SecretInHeader(client_id, client_secret)
    secret = client_secret if provider.token_auth == "body" else None
    return SecretInForm(client_id, secret, provider.client_id_param)
