"""`Site`: the issuer, and the addresses below it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from authkit.emulator.messages import Request
from authkit.urls import check_url

__all__ = ["PATHS", "Site"]

PATHS = {
    "discovery": "/.well-known/openid-configuration",
    "jwks": "/jwks",
    "moved_jwks": "/moved/jwks",
    "authorize": "/authorize",
    "token": "/token",
    "userinfo": "/userinfo",
    "revoke": "/revoke",
    "par": "/par",
    "end_session": "/end_session",
}
"""The paths below the issuer (OpenID Connect Discovery 1.0, section 4, has the first)."""


EXAMPLE = "https://idp.example"
"""An origin that stands for any."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where the emulator is.

    Attributes:
        issuer: the issuer; or a path, or "", for the issuer at that path of whatever origin a request comes to.

    Raises:
        ValueError: it is none (OpenID Connect Discovery 1.0, section 3).
    """

    issuer: str

    def __post_init__(self) -> None:
        if "?" in self.issuer or "#" in self.issuer:
            raise ValueError(f"the issuer {self.issuer!r} has a query or a fragment")
        try:
            check_url(self.at(EXAMPLE))
        except ValueError as error:
            raise ValueError(f"the issuer {self.issuer!r} {error}") from None

    def at(self, origin: str) -> str:
        """Return the issuer for who comes to `origin`."""
        return self.issuer if self.issuer and not self.issuer.startswith("/") else origin + self.issuer

    def issuer_of(self, request: Request) -> str:
        """Return the issuer for who sent `request`."""
        return self.at(request.origin)

    def url(self, name: str, request: Request) -> str:
        """Return the address of an endpoint for who sent `request`."""
        return self.issuer_of(request).rstrip("/") + PATHS[name]

    @property
    def below(self) -> str:
        """The path of the issuer, as it is written, without a slash at its end."""
        return urlsplit(self.at(EXAMPLE)).path.rstrip("/")

    def path(self, name: str) -> str:
        """Return the path of an endpoint, percent-decoded."""
        return unquote(self.below + PATHS[name])

    @property
    def discovery_paths(self) -> tuple[str, str]:
        """The paths of the discovery document, the second as RFC 8414, section 3, has it."""
        return self.path("discovery"), unquote("/.well-known/oauth-authorization-server" + self.below)
