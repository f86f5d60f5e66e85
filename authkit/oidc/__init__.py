"""OpenID Connect: a provider from an issuer's address. It needs the extra ``[oidc]``."""

from __future__ import annotations

__all__: list[str] = []
