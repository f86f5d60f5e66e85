"""The small security policy of an app with accounts: whoever is signed in still has one."""

from __future__ import annotations

import logging
from collections.abc import Callable

from pyramid.registry import Registry
from pyramid.request import Request, RequestLocalCache
from pyramid.response import Response

from authkit.accounts import Account, Accounts
from authkit.errors import StoreUnavailable, TokenInvalid
from authkit.flow import AuthKit
from authkit.pyramid.security import CookieSecurityPolicy

__all__ = ["DATABASE", "AccountPolicy", "answering_tween"]

logger = logging.getLogger(__name__)

DATABASE = "authkit.database"


class AccountPolicy(CookieSecurityPolicy):
    """Keeps the id of the account in a signed cookie; ``request.identity`` is the `Account`.

    An account that is disabled or gone is signed out everywhere, from the next request on: each request that asks
    who is signed in looks once, unless ``authkit.accounts.check_accounts`` is off. While the database fails, nobody
    knows who is signed in: `StoreUnavailable`.
    """

    def __init__(self, kit: AuthKit) -> None:
        super().__init__(kit)
        self._checks = kit.parts["accounts"]["check_accounts"]
        self._accounts = RequestLocalCache(self._find_account)

    def identity(self, request: Request) -> Account | None:
        """Return the account that is signed in, None for nobody."""
        account: Account | None = self._accounts.get_or_create(request)
        return account

    def authenticated_userid(self, request: Request) -> str | None:
        """Return the id of the account that is signed in, None for nobody."""
        if not self._checks:
            return self.cookie_userid(request)
        account = self.identity(request)
        return None if account is None else account.id

    def cookie_userid(self, request: Request) -> str | None:
        """Return who the cookie says is signed in, as text: a login handler may have remembered a number."""
        userid: object = super().cookie_userid(request)
        return None if userid is None else str(userid)

    def _find_account(self, request: Request) -> Account | None:
        account_id = self.cookie_userid(request)
        if account_id is None:
            return None
        try:
            # Not in the app's transaction: the rest of the request may depend on it, and not it on the request.
            account = Accounts(request.authkit, request.registry[DATABASE]).get(account_id)
        except StoreUnavailable as error:
            logger.warning("cannot look up who is signed in: ref=%s cause=%s", error.correlation_id, error.reason)
            raise
        return None if account is None or account.is_disabled else account


def answering_tween(
    handler: Callable[[Request], Response],
    registry: Registry,  # noqa: ARG001 - Pyramid's signature
) -> Callable[[Request], Response]:
    """Let the view of errors answer what a tween raises that asks who is signed in, as it does what a view raises.

    pyramid_tm asks, to note who it was, and is around what answers errors.
    """

    def answer(request: Request) -> Response:
        try:
            return handler(request)
        except (StoreUnavailable, TokenInvalid):
            return request.invoke_exception_view(reraise=True)

    return answer
