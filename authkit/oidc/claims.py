"""The standard claims, as a profile (OpenID Connect Core 1.0, section 5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from authkit.models import Profile

__all__ = ["map_claims", "merge_claims"]

PROTOCOL_CLAIMS = frozenset(
    {"iss", "aud", "azp", "exp", "iat", "nbf", "jti", "nonce", "at_hash", "c_hash", "s_hash", "sid"}
)
"""What an ID token says of itself; it is no part of the profile."""


def map_claims(claims: Mapping[str, Any]) -> Profile:
    """Return the profile that the standard claims describe.

    The e-mail address counts as verified only where ``email_verified`` is exactly true.
    """
    return Profile(
        subject=claims["sub"],
        display_name=claims.get("name"),
        username=claims.get("preferred_username"),
        avatar_url=claims.get("picture"),
        email=claims.get("email"),
        email_verified=claims.get("email_verified") is True,
        raw=claims,
    )


def merge_claims(id_token: Mapping[str, Any], userinfo: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the ID token and the user info say of the user; where both say it, the user info counts.

    An address and its verification are taken from the same place: together they would say what nobody said.
    """
    has_address = "email" in userinfo
    dropped = {*PROTOCOL_CLAIMS, "email_verified"} if has_address else PROTOCOL_CLAIMS
    said = {name: value for name, value in id_token.items() if name not in dropped}
    added = {name: value for name, value in userinfo.items() if has_address or name != "email_verified"}
    return {**said, **added}
