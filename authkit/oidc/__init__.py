"""OpenID Connect: a provider from an issuer's address. It needs the extra ``[oidc]``."""

from __future__ import annotations

from authkit.oidc.claims import map_claims
from authkit.oidc.provider import OpenIDProvider

__all__ = ["OpenIDProvider", "map_claims"]
