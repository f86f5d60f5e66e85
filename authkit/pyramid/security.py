"""A small security policy, for applications that have none."""

from __future__ import annotations

import hmac
from typing import Any

from pyramid.authentication import AuthTktCookieHelper
from pyramid.request import Request
from pyramid.security import Allowed, Denied

from authkit import AuthKit

__all__ = ["CookieSecurityPolicy"]

LIFETIME = 14 * 24 * 3600
REISSUE_AFTER = 24 * 3600


class CookieSecurityPolicy:
    """Keeps who is signed in (``Identity.key``) in a signed cookie; a permission means being signed in.

    Pyramid's own ticket helper does the work, so no session is needed. The cookie lives for 14 days and is
    renewed as long as it is used.
    """

    def __init__(self, kit: AuthKit) -> None:
        secure = kit.site.is_secure
        self._helpers = [
            AuthTktCookieHelper(
                # A key of its own, so that this cookie and a sealed one never share a key.
                hmac.new(secret.reveal().encode(), b"authkit/session/v1", "sha256").hexdigest(),
                cookie_name="__Host-authkit_session" if secure else "authkit_session",
                secure=secure,
                http_only=True,
                samesite="Lax",
                wild_domain=False,
                hashalg="sha512",
                timeout=LIFETIME,
                max_age=LIFETIME,
                # A retired secret signs nothing anew: what it has signed ends with its 14 days.
                reissue_time=REISSUE_AFTER if number == 0 else None,
            )
            for number, secret in enumerate(kit.secrets)
        ]

    def identity(self, request: Request) -> object:
        """Return who is signed in, None for nobody."""
        return self.authenticated_userid(request)

    def authenticated_userid(self, request: Request) -> str | None:
        """Return the ``Identity.key`` of who is signed in, None for nobody."""
        return self.cookie_userid(request)

    def cookie_userid(self, request: Request) -> str | None:
        """Return who the cookie says is signed in, None for nobody."""
        for helper in self._helpers:
            ticket = _ticket(helper, request)
            if ticket is not None:
                userid: str = ticket["userid"]
                return userid
        return None

    def permits(self, request: Request, context: object, permission: str) -> Allowed | Denied:  # noqa: ARG002
        """Permit everything to whoever is signed in."""
        if self.authenticated_userid(request) is None:
            return Denied("nobody is signed in")
        return Allowed("somebody is signed in")

    def remember(self, request: Request, userid: str, **kw: Any) -> list[tuple[str, str]]:
        """Return the headers that sign `userid` in."""
        headers: list[tuple[str, str]] = self._helpers[0].remember(request, userid, **kw)
        return headers

    def forget(self, request: Request, **kw: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """Return the headers that sign out."""
        headers: list[tuple[str, str]] = self._helpers[0].forget(request)
        return headers


def _ticket(helper: AuthTktCookieHelper, request: Request) -> dict[str, Any] | None:
    """Return the ticket in the cookie, None for a cookie that is none of ours, however garbled."""
    try:
        ticket: dict[str, Any] | None = helper.identify(request)
    except (TypeError, ValueError):  # cookies that are no UTF-8, or a signature that is no ASCII
        return None
    return ticket
