"""`OpenIDSwitches`: where the specifications leave a choice, and what a relying party has to notice."""

from __future__ import annotations

from dataclasses import dataclass

from authkit.emulator.openid.modules import MODULES
from authkit.emulator.stock.switches import StockSwitches
from authkit.emulator.switches import switch

__all__ = ["METHODS", "OpenIDSwitches"]

METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt", "none")
"""The ways of client authentication (OpenID Connect Core 1.0, section 9)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIDSwitches(StockSwitches):
    """What the OpenID Connect emulator does at first, and what it can be told to do otherwise."""

    iss: bool = switch(
        True, "Whether the answers of the authorization endpoint have `iss` (RFC 9207), and the metadata say so."
    )
    module: str = switch(
        "plain",
        "What the server does otherwise, by the name of a conformance module; the docs say what each is.",
        choices=tuple(MODULES),
    )
    alg: str = switch("RS256", "What signs ID tokens.", choices=("RS256", "ES256", "EdDSA"))
    id_token_lifetime: int = switch(3600, "Seconds after which an ID token ends.")
    refreshed_id_token: bool = switch(
        True, "Whether a refresh gives an ID token too (OpenID Connect Core 1.0, section 12.2)."
    )
    client_auth: str = switch(
        "any",
        "The one way of client authentication that is announced and taken; with `none` every client is public, with "
        "`any` those that have neither secret nor keys.",
        choices=("any", *METHODS),
    )
    par: str = switch(
        "offered",
        "Whether authorization requests can be pushed, or must be (RFC 9126).",
        choices=("off", "offered", "required"),
    )
