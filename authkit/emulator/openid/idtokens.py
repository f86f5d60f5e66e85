"""ID tokens (OpenID Connect Core 1.0, sections 2, 3.1.3.6 and 12.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from authkit.emulator.messages import Request
from authkit.emulator.openid.modules import Claims
from authkit.emulator.openid.realm import Realm
from authkit.emulator.openid.seals import SEALS, at_hash
from authkit.emulator.stock.ledger import Issued

__all__ = ["add_id_token"]


def add_id_token(realm: Realm, request: Request, issued: Issued) -> Mapping[str, Any]:
    """Return the ID token as a member of the token answer; nothing where there is none.

    There is none when the user did not grant ``openid``, and after a refresh if the switch says so.
    """
    is_wanted = issued.is_first or realm.switches.now.refreshed_id_token
    if not is_wanted or "openid" not in issued.access.grant.scopes:
        return {}
    module = realm.module
    if module.rotates == "before":
        realm.keyring.rotate()
    key = realm.keyring.newest(realm.alg)
    claims = module.id_token(_claims(realm, request, issued, key.alg))
    id_token = SEALS[module.seal](claims if issued.is_first else module.refreshed(claims), key)
    if module.rotates == "after":
        realm.keyring.rotate()
    return {"id_token": id_token}


def _claims(realm: Realm, request: Request, issued: Issued, alg: str) -> Claims:
    """Return the claims as they should be; a refreshed ID token has no ``nonce`` (section 12.2)."""
    grant, now = issued.access.grant, int(realm.clock())
    nonce = grant.asked.get("nonce") if issued.is_first else None
    return {
        "iss": realm.site.issuer_of(request),
        "sub": grant.user.profile.subject,
        "aud": grant.client_id,
        "exp": now + realm.switches.now.id_token_lifetime,
        "iat": now,
        "auth_time": int(grant.at),
        "at_hash": at_hash(issued.access_token, alg),
        **({"nonce": nonce} if nonce else {}),
    }
