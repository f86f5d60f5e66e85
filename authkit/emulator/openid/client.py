"""`OpenIDClient`: a client as it is registered at the OpenID Connect emulator."""

from __future__ import annotations

from dataclasses import dataclass

from authkit.emulator.openid import rules
from authkit.emulator.rules import Rule
from authkit.emulator.stock.client import StockClient
from authkit.urls import check_url

__all__ = ["EXAMPLE_CLIENT", "OpenIDClient"]


@dataclass(frozen=True, slots=True)
class OpenIDClient(StockClient):
    """A client.

    Attributes:
        jwks: its public keys, the text of a JSON Web Key set (RFC 7517), for ``private_key_jwt``; "" for none.
        post_logout_redirect_uris: where it may send the browser after a logout, compared character by character.
            Empty means: any https or loopback address, since you develop.
    """

    jwks: str = ""
    post_logout_redirect_uris: tuple[str, ...] = ()

    @property
    def is_public(self) -> bool:
        """Whether it has nothing to authenticate with."""
        return not self.client_secret and not self.jwks

    def refuses_logout_to(self, uri: str) -> Rule | None:
        """Return the rule that keeps a logout from ending at `uri`, None when it may end there."""
        if self.post_logout_redirect_uris:
            return None if uri in self.post_logout_redirect_uris else rules.LOGOUT_EXACT
        try:
            check_url(uri)
        except ValueError:
            return rules.LOGOUT_EXACT
        return None


EXAMPLE_CLIENT = OpenIDClient("emulated-client", "emulated-secret-worth-nothing")
"""The client that an emulator has unless it is given others. Its secret is public and worthless."""
