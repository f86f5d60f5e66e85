"""The JSON of the native endpoints, in the shapes that apps written for Strapi read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from urllib.parse import urlsplit

from authkit.accounts import Account, LinkedIdentity
from authkit.errors import AuthkitError, ProviderRateLimited, ProviderRejected, ProviderUnavailable
from authkit.native.sessions import NativeSession

__all__ = ["failure_json", "session_json", "user_json"]

NAMES: Mapping[int, str] = {
    400: "ApplicationError",
    401: "UnauthorizedError",
    403: "ForbiddenError",
    404: "NotFoundError",
    405: "MethodNotAllowedError",
    409: "ConflictError",
    413: "PayloadTooLargeError",
    415: "UnsupportedMediaTypeError",
    429: "RateLimitError",
    502: "BadGatewayError",
    503: "ServiceUnavailableError",
}
TEMPORARY = (ProviderRateLimited, ProviderUnavailable)
PLAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def user_json(account: Account, identity: LinkedIdentity, *, pseudo_email: bool) -> Mapping[str, object]:
    """Return the user of an answer.

    ``email`` is the address that the provider has verified, or null: apps take ``confirmed`` for its being verified.
    With `pseudo_email` one is made up of the union id instead, on a domain that can never receive mail (RFC 2606,
    section 2): a key for apps that must have one, and no address.
    """
    email = identity.email if identity.email_verified else None
    if email is None and pseudo_email and identity.union_id:
        email = _made_up(identity.union_id, identity.identity.authority)
    return {
        "id": account.id,
        "username": identity.display_name or identity.username,
        "email": email,
        "provider": identity.identity.authority,
        "confirmed": True,
        "blocked": account.is_disabled,
        "createdAt": _iso(account.created_at),
        "updatedAt": _iso(account.last_login_at),
    }


def session_json(session: NativeSession, *, current_id: str) -> Mapping[str, object]:
    """Return one line of the list of sessions."""
    return {
        "id": session.id,
        "app": session.app,
        "provider": session.registration,
        "createdAt": _iso(session.created_at),
        "usedAt": _iso(session.used_at),
        "endsAt": _iso(session.ends_at),
        "current": session.id == current_id,
    }


def failure_json(error: AuthkitError, *, token_of: str = "") -> tuple[int, Mapping[str, object]]:
    """Return the HTTP status and the answer for an error.

    Args:
        error: the error.
        token_of: the provider's title, where the app handed in a token of the provider: then the provider's own
            sentence is in the answer, and a rejected token is HTTP 400, as apps written for Strapi expect.
    """
    status, message = error.status, error.message
    if token_of and isinstance(error, ProviderRejected):
        status, message = 400, f"Failed to fetch {token_of} user: Request failed with status code 401"
    elif token_of and error.said:
        status, message = status if isinstance(error, TEMPORARY) else 400, error.said
    details = {"code": error.code, "correlation_id": error.correlation_id}
    name = NAMES.get(status, "InternalServerError")
    return status, {"data": None, "error": {"status": status, "name": name, "message": message, "details": details}}


def _made_up(union_id: str, authority: str) -> str:
    """Return an address for a union id, at a provider's name or an issuer's host; two issuers may share that."""
    issuer_host = urlsplit(authority).hostname
    local = _local_part(f"{authority} {union_id}" if issuer_host else union_id)
    return f"{local}@{issuer_host or authority}.invalid"


def _local_part(union_id: str) -> str:
    """Return what stands before the @: lower case, and never the same for two people."""
    return union_id if PLAIN.fullmatch(union_id) else sha256(union_id.encode("utf-8", "replace")).hexdigest()[:32]


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
