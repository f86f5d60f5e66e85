"""The login handler: what the app does with a login that succeeded, and what happens without one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Any, TypeAlias

from pyramid.httpexceptions import HTTPException
from pyramid.interfaces import IResponse
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import remember

from authkit import Login
from authkit.adapters import handler_failure
from authkit.errors import AccountConflict, AuthkitError
from authkit.pyramid.answers import redirect
from authkit.pyramid.sessions import renew_session, session_kept_on_failure

__all__ = ["HANDLER", "LoginHandler", "call_handler", "default_on_login", "sign_in"]

logger = logging.getLogger(__name__)

HANDLER = "authkit.login_handler"

LoginHandler: TypeAlias = Callable[[Request, Login], Response]


def sign_in(request: Request, login: Login, userid: Any, *, keep: Collection[str] = ()) -> Response:
    """Sign `userid` in, and return the redirect to where the login was started from.

    The session is renewed, and `userid` remembered by the app's security policy: what a login handler ends with.

    Args:
        request: the callback's request.
        login: the login that succeeded.
        userid: the user's id in the app, such as ``login.identity.key`` where the app has no ids of its own.
        keep: the keys of the session whose values go over into the new one, such as a cart.

    Raises:
        AccountConflict: somebody else is signed in; a page asks before it switches. The provider may have skipped
            its consent page, so a login that somebody was lured into must not replace another account unasked.
    """
    current = request.authenticated_userid
    if current is not None and str(current) != str(userid):
        raise AccountConflict("somebody else is signed in in this browser", return_to=login.return_to)
    renew_session(request, keep)
    return redirect(request.authkit.site.local_url(login.return_to), headers=remember(request, userid))


def default_on_login(request: Request, login: Login) -> Response:
    """Sign the identity in, where the app has no login handler."""
    return sign_in(request, login, login.identity.key)


def call_handler(request: Request, login: Login) -> Response:
    """Return the answer of the app's login handler.

    A redirect may be raised as well as returned. An error that it answers, and all else that it raises, leaves the
    session as it was; what is raised ends the request's transaction, as any exception does. An exception of the
    app's own becomes `StoreUnavailable`: the visitor gets a page with a reference, the log the traceback, with the
    tokens taken out.
    """
    handler: LoginHandler = request.registry[HANDLER]
    try:
        with session_kept_on_failure(request) as put_back:
            response = _as_response(request, _answer(handler, request, login))
            if response.status_code >= 400:
                put_back()
            return response
    except AuthkitError as error:
        error.registration = login.registration
        raise
    except HTTPException:
        raise
    except Exception as exc:  # noqa: BLE001 - the handler is the app's; see the docstring
        failure = handler_failure(login, exc, logger)
    raise failure


def _answer(handler: LoginHandler, request: Request, login: Login) -> object:
    try:
        return handler(request, login)
    except HTTPException as raised:
        if raised.status_code >= 400:
            raise
        return raised


def _as_response(request: Request, answer: object) -> Response:
    """Return what the handler returned, by the app's own response adapters where it has some, as for any view."""
    response = request.registry.queryAdapterOrSelf(answer, IResponse)
    if response is None:
        raise TypeError(f"the login handler returned a {type(answer).__name__}, which is no response")
    return response
