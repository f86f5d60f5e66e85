"""Accounts for Pyramid: ``config.include("authkit.pyramid.accounts")``."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.tweens import EXCVIEW

from authkit import Login
from authkit.accounts import Accounts, Database, SqlClaims, Vault
from authkit.accounts.database import Joined, Transactor
from authkit.errors import AccountConflict, ConfigError
from authkit.pyramid import linking, views
from authkit.pyramid.accountpolicy import DATABASE, AccountPolicy
from authkit.pyramid.attributes import Attribute, weakly
from authkit.pyramid.config import DEFAULTS, KIT, Defaults, add_routes
from authkit.pyramid.csrf import new_csrf_token
from authkit.pyramid.handlers import HANDLER, default_on_login, sign_in
from authkit.pyramid.unkept import revoke_later_unless_kept

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

__all__ = ["AccountPolicy", "includeme", "refuse_switch", "sign_in_account"]

OWN_USERS = "authkit.own_users"


@dataclass(frozen=True, slots=True)
class OwnUsers:
    """How to reach the app's own table of users.

    Attributes:
        user_for: returns the id of the user who signs in for the first time, None to refuse.
        session: returns the request's session of SQLAlchemy, whose transaction everything is a part of.
    """

    user_for: Callable[[Request, Login], object]
    session: Callable[[Request], Session] | None


def includeme(config: Configurator) -> None:
    """Keep who signs in in a database; "authkit.pyramid" is included along with it.

    ``config.registry["authkit.database"]``, if set before, is used instead of the database in the settings. Nothing
    is connected to before a request needs it.

    Raises:
        ConfigError: SQLAlchemy is missing, a setting is wrong, or the login has been set up without accounts.
    """
    registry = config.registry
    if registry.get(HANDLER) is default_on_login:
        raise ConfigError("include authkit.pyramid.accounts first: authkit.pyramid has been set up without accounts")
    registry[DEFAULTS] = Defaults(on_login=sign_in_account, new_policy=AccountPolicy)
    config.include("authkit.pyramid")
    kit = registry[KIT]
    if DATABASE not in registry:
        registry[DATABASE] = Database.open(kit.parts["accounts"]["database"])
    registry[KIT] = kit.with_claims(SqlClaims(registry[DATABASE], kit.clock))
    registry[views.PURPOSES]["link"] = linking.LINK
    config.add_request_method(Attribute(_accounts), "accounts")
    config.add_request_method(Attribute(_vault), "vault")
    config.add_request_method(Attribute(partial(weakly, new_csrf_token)), "authkit_csrf_token")
    config.add_directive("set_authkit_user_for", _set_user_for)
    config.add_tween("authkit.pyramid.accountpolicy.answering_tween", over=("pyramid_tm.tm_tween_factory", EXCVIEW))
    add_routes(
        config,
        ("authkit.accounts", "/accounts", linking.show_accounts),
        ("authkit.link", "/{registration}/link", linking.link),
        ("authkit.unlink", "/{registration}/unlink", linking.unlink),
    )
    config.include("authkit.pyramid.webhooks")


def sign_in_account(request: Request, login: Login, *, keep: Collection[str] = ()) -> Response:
    """Sign the account of a login in: a stranger gets one. This is what happens where the app has no login handler.

    Args:
        request: the callback's request.
        login: the login that succeeded.
        keep: the keys of the session whose values go over into the new one, such as a cart.

    Raises:
        AccountConflict: somebody else is signed in; nothing was stored.
        AccountDenied: the account is disabled, or strangers are not wanted; nothing was stored.
        StoreUnavailable: the database failed; nothing was stored.

    The token of a stranger who is denied, or whose login fails half-way, is revoked.
    """
    current = request.authenticated_userid
    if current is not None:
        refuse_switch(request, login)
    signed_in = request.accounts.sign_in(
        login,
        # Once more in its own transaction: the identity may have been unlinked since.
        only_as=None if current is None else str(current),
        on_stranger=cache(partial(revoke_later_unless_kept, request, login)),
    )
    return sign_in(request, login, signed_in.account.id, keep=keep)


def refuse_switch(request: Request, login: Login) -> bool:
    """Refuse a login that would sign somebody else in; return whether its identity is known.

    A login handler of the app's own calls it before it stores anything.

    Raises:
        AccountConflict: somebody is signed in, and the identity belongs to another account or to none. A login never
            links, and the provider may have skipped its consent page.
    """
    account, current = request.accounts.of(login.identity), request.authenticated_userid
    if current is not None and (account is None or account.id != str(current)):
        raise AccountConflict("somebody else is signed in in this browser", return_to=login.return_to)
    return account is not None


def _accounts(request: Request) -> Accounts:
    registry = request.registry
    own: OwnUsers | None = registry.get(OWN_USERS)
    user_for = None if own is None else weakly(own.user_for, request)
    return Accounts(registry[KIT], transactor(request), user_for)


def transactor(request: Request) -> Transactor:
    """Return what accounts are kept with: the app's own transaction, where it has one for its users.

    The app is asked for its session once there is something to do in it, and not for every request.
    """
    registry = request.registry
    database: Database = registry[DATABASE]
    own: OwnUsers | None = registry.get(OWN_USERS)
    return database if own is None or own.session is None else Joined(cache(weakly(own.session, request)), database)


def _vault(request: Request) -> Vault:
    return Vault(request.registry[KIT], request.registry[DATABASE])


def _set_user_for(
    config: Configurator,
    user_for: Callable[[Request, Login], object] | str,
    session: Callable[[Request], Session] | str | None = None,
) -> None:
    """Keep identities by the ids of the app's own users.

    Args:
        config: the configurator.
        user_for: called as ``user_for(request, login)`` for an identity that is not known yet; returns the id of its
            user, found or made, and None to refuse. It may be a dotted name.
        session: called as ``session(request)``; returns the app's session of SQLAlchemy, which something commits at
            the end of the request, such as pyramid_tm. Everything that ``request.accounts`` does is then a part of
            its transaction: committed with the rest, or rolled back.
    """
    own = OwnUsers(config.maybe_dotted(user_for), config.maybe_dotted(session))

    def register() -> None:
        config.registry[OWN_USERS] = own

    introspectable = config.introspectable("authkit", OWN_USERS, config.object_description(own.user_for), "own users")
    config.action(OWN_USERS, register, introspectables=(introspectable,))
