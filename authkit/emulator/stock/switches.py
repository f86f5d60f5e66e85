"""`StockSwitches`: where the RFCs leave a choice, and authorization servers differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from authkit.emulator.switches import switch
from authkit.provider import OAuth2Provider

__all__ = ["HasStockSwitches", "StockSwitches", "switches_for"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StockSwitches:
    """What the stock emulator does at first, and what it can be told to do otherwise."""

    pkce: str = switch(
        "required",
        "Whether an authorization request needs a code_challenge (RFC 9700, section 2.1.1); `ignored` is a server "
        "without PKCE.",
        choices=("required", "optional", "ignored"),
    )
    iss: bool = switch(False, "Whether the answers of the authorization endpoint have `iss` (RFC 9207).")
    rotation: bool = switch(
        True, "Whether a refresh replaces the refresh token; used again, the old one ends all of them."
    )
    code_lifetime: int = switch(60, "Seconds for which an authorization code may be exchanged.")
    access_lifetime: int = switch(3600, "Seconds for which an access token works.")
    refresh_lifetime: int = switch(30 * 86400, "Seconds for which a refresh token works.")


class HasStockSwitches(Protocol):
    """A switchboard whose switches are these, or these and more."""

    @property
    def now(self) -> StockSwitches:
        """Their present values."""
        ...


def switches_for(provider: OAuth2Provider) -> StockSwitches:
    """Return the switches as the provider's data have them: PKCE if it knows PKCE, ``iss`` if it has an issuer."""
    return StockSwitches(pkce="required" if provider.code_challenge else "ignored", iss=bool(provider.issuer))
