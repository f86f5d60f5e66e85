"""The security policy of an app with native apps: a Bearer token where there is one, else the app's own policy."""

from __future__ import annotations

import logging
from typing import Any

from pyramid.request import Request, RequestLocalCache
from pyramid.security import Allowed

from authkit.accounts import Accounts
from authkit.errors import StoreUnavailable
from authkit.native import Native
from authkit.native.jwts import Bearer
from authkit.pyramid.accountpolicy import DATABASE
from authkit.pyramid.security import CookieSecurityPolicy

__all__ = ["NATIVE", "BearerPolicy", "bearer_of"]

logger = logging.getLogger(__name__)

NATIVE = "authkit.native"
"""Where the registry has the `NativeConfiguration`."""


def bearer_of(request: Request) -> Bearer | None:
    """Return what the request's Bearer token says (RFC 6750, section 2.1), None if it has none.

    Raises:
        TokenInvalid: it has one that is of no use.
        StoreUnavailable: the database failed, and ``authkit.native.check_accounts`` needs it.
    """
    bearer: Bearer | None = _BEARERS.get_or_create(request)
    return bearer


def _read(request: Request) -> Bearer | None:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    registry, kit = request.registry, request.authkit
    # Not in the app's transaction: the rest of the request may depend on it, and not it on the request.
    native = Native(kit, Accounts(kit, registry[DATABASE]), registry[DATABASE], registry[NATIVE])
    try:
        return native.bearer(text.strip())
    except StoreUnavailable as error:
        logger.warning("cannot look up whose token it is: ref=%s cause=%s", error.correlation_id, error.reason)
        raise


_BEARERS = RequestLocalCache(_read)


class BearerPolicy:
    """Takes a request with a Bearer token for its account's, and leaves every other to another policy.

    A token of no use is refused with `TokenInvalid`, even if a cookie would have let the request in.

    Args:
        otherwise: the policy for requests without a Bearer token.
    """

    def __init__(self, otherwise: Any) -> None:
        self.otherwise = otherwise

    def identity(self, request: Request) -> Any:
        """Return the `Bearer`, or who the other policy says it is."""
        bearer = bearer_of(request)
        return bearer if bearer is not None else self.otherwise.identity(request)

    def authenticated_userid(self, request: Request) -> Any:
        """Return the id of the account, or who the other policy says it is."""
        bearer = bearer_of(request)
        return bearer.account_id if bearer is not None else self.otherwise.authenticated_userid(request)

    def permits(self, request: Request, context: object, permission: str) -> Any:
        """Leave it to the other policy, which has to ask for ``request.authenticated_userid``.

        Our own permits everything to whoever is signed in, and knows its cookie only.
        """
        if isinstance(self.otherwise, CookieSecurityPolicy) and bearer_of(request) is not None:
            return Allowed("somebody is signed in")
        return self.otherwise.permits(request, context, permission)

    def remember(self, request: Request, userid: Any, **kw: Any) -> Any:
        """Leave it to the other policy: a Bearer token is not for a browser to keep."""
        return self.otherwise.remember(request, userid, **kw)

    def forget(self, request: Request, **kw: Any) -> Any:
        """Leave it to the other policy."""
        return self.otherwise.forget(request, **kw)
