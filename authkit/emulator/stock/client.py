"""`StockClient`: a client as it is registered at the stock emulator."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from authkit.emulator.rules import Rule
from authkit.emulator.stock import rules
from authkit.urls import check_url

__all__ = ["EXAMPLE_CLIENT", "StockClient"]


@dataclass(frozen=True, slots=True)
class StockClient:
    """A client.

    Attributes:
        client_id: the client id, whatever the provider calls it.
        client_secret: the client secret; no use is made of it where the provider has public clients only.
        redirect_uris: what is registered, compared character by character. Empty means: any https or loopback
            address, since you develop.
        scopes: what it may ask for; empty means: anything that is a scope.
        name: what the consent page calls it.

    Raises:
        ValueError: one of the redirect URIs is not absolute, or has a fragment (RFC 6749, section 3.1.2).
    """

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uris: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    name: str = "Example app"

    def __post_init__(self) -> None:
        for uri in self.redirect_uris:
            if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+", uri) or "#" in uri:
                raise ValueError(f"the redirect URI {uri!r} is not absolute, or has a fragment")

    def refuses(self, redirect_uri: str) -> Rule | None:
        """Return the rule that keeps a login from ending at `redirect_uri`, None when it may end there."""
        if "#" in redirect_uri:
            return rules.REDIRECT_NO_FRAGMENT
        if self.redirect_uris:
            return None if redirect_uri in self.redirect_uris else rules.REDIRECT_EXACT
        try:
            check_url(redirect_uri)
        except ValueError:
            return rules.REDIRECT_SECURE
        return None


EXAMPLE_CLIENT = StockClient("emulated-client", "emulated-secret-worth-nothing")
"""The client that an emulator has unless it is given others. Its secret is public and worthless."""
