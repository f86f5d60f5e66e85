"""Native apps for Pyramid: ``config.include("authkit.pyramid.native")``."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPException
from pyramid.registry import Registry
from pyramid.request import Request
from pyramid.viewderivers import DefaultViewMapper
from sqlalchemy.exc import SQLAlchemyError

from authkit import AuthKit, Login
from authkit.accounts import Accounts
from authkit.errors import AccountDenied, AuthkitError, StoreUnavailable, TokenInvalid
from authkit.models import traceback_without
from authkit.native import Native, NativeConfiguration
from authkit.pyramid import nativeviews as views
from authkit.pyramid.accountpolicy import AccountPolicy
from authkit.pyramid.accounts import OWN_USERS, OwnUsers, transactor
from authkit.pyramid.attributes import Attribute, weakly
from authkit.pyramid.bearer import NATIVE, BearerPolicy, bearer_of
from authkit.pyramid.config import DEFAULTS, KIT, LATE, add_routes, has_exception_view
from authkit.pyramid.nativeanswers import bearer_refused, failure

__all__ = ["BearerPolicy", "bearer_of", "includeme"]

logger = logging.getLogger(__name__)

JSON_ROUTES = (
    ("authkit.native.connect", "/{registration}/connect", views.connect),
    ("authkit.native.refresh", "/native/refresh", views.refresh),
    ("authkit.native.logout", "/native/logout", views.log_out),
    ("authkit.native.sessions", "/native/sessions", views.sessions),
    ("authkit.native.session", "/native/sessions/{session}", views.end_session),
    ("authkit.native.keys", "/jwks.json", views.keys),
)
BROWSER_ROUTES = (
    ("authkit.native.start", "/{registration}/native", views.start),
    ("authkit.native.callback", "/{registration}/native/callback", views.callback),
)


def includeme(config: Configurator) -> None:
    """Let native apps sign in; "authkit.pyramid.accounts" is included along with it.

    Raises:
        ConfigError: a setting of ``authkit.native`` is missing or wrong.
    """
    config.include("authkit.pyramid.accounts")
    registry = config.registry
    registry[DEFAULTS] = replace(registry[DEFAULTS], new_policy=_policy)
    registry[NATIVE] = NativeConfiguration.of(registry[KIT])
    config.add_request_method(Attribute(_native), "native")
    add_routes(config, *JSON_ROUTES, *BROWSER_ROUTES)
    for name, _, _ in JSON_ROUTES:
        config.add_exception_view(failure, context=AuthkitError, route_name=name, mapper=DefaultViewMapper)
    config.action(None, _add_refusal, args=(registry,), order=LATE)
    config.add_exception_view(views.return_failed, context=views.ReturnFailed, mapper=DefaultViewMapper)


def _add_refusal(registry: Registry) -> None:
    """Answer a token that the policy refuses as a phone expects it, unless the app has a view for that error."""
    if not has_exception_view(registry, TokenInvalid):
        late = Configurator(registry=registry, autocommit=True)
        late.add_exception_view(bearer_refused, context=TokenInvalid, mapper=DefaultViewMapper)


def _policy(kit: AuthKit) -> BearerPolicy:
    return BearerPolicy(AccountPolicy(kit))


def _native(request: Request) -> Native:
    """Return what signs native apps in: in the app's own transaction, where the app has one for its users."""
    registry, database = request.registry, transactor(request)
    own: OwnUsers | None = registry.get(OWN_USERS)
    user_for = None if own is None else weakly(partial(_call_user_for, own), request)
    kit = registry[KIT]
    return Native(kit, Accounts(kit, database, user_for), database, registry[NATIVE])


def _call_user_for(own: OwnUsers, request: Request, login: Login) -> object:
    """Return what the app's own code answers; an app on a phone is told of its failures in JSON, not by a page."""
    try:
        return own.user_for(request, login)
    except (AuthkitError, SQLAlchemyError):  # those of the database may only ask for another attempt
        raise
    except HTTPException as refusal:
        problem: AuthkitError = AccountDenied(f"user_for answered HTTP {refusal.status_code}")
    except Exception as exc:  # noqa: BLE001 - the function is the app's
        text = traceback_without(login.token, exc)
        logger.error("user_for raised\n%s", text)  # noqa: TRY400 - the traceback as it is may quote tokens
        problem = StoreUnavailable(f"user_for raised {type(exc).__name__}")
    raise problem
