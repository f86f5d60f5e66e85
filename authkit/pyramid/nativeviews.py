"""The views for native apps. The first two are for the system browser; cookies mean nothing to the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from pyramid.request import Request
from pyramid.response import Response

from authkit import Login
from authkit.errors import AuthkitError, InvalidRequest, TokenInvalid, UnknownProvider
from authkit.native.answers import session_json
from authkit.native.bodies import MAX_BODY, read_texts
from authkit.native.jwts import Bearer
from authkit.pyramid.answers import redirect, to_provider
from authkit.pyramid.bearer import bearer_of
from authkit.pyramid.bodies import read_body
from authkit.pyramid.commits import no_other_try, once_committed
from authkit.pyramid.guards import require_method, require_navigation
from authkit.pyramid.limits import require_room
from authkit.pyramid.nativeanswers import TOKEN_OF, answer, with_cors
from authkit.pyramid.views import reporting, set_cookies
from authkit.query import each_once, parse_query

__all__ = [
    "ReturnFailed",
    "callback",
    "connect",
    "end_session",
    "keys",
    "log_out",
    "refresh",
    "return_failed",
    "sessions",
    "start",
]

SENT = ("ticket", "verifier", "code", "code_verifier", "redirect_uri", "iss", "access_token")


class ReturnFailed(Exception):
    """Takes the link that tells an app of an error out of the request, which ends its transaction.

    It is no error of ours, so that no page of the app's for those is shown in place of the way back.
    """

    def __init__(self, link: str) -> None:
        super().__init__("the login failed")
        self.link = link


@reporting
def start(request: Request) -> Response:
    """Send the system browser to the provider."""
    require_method(request, "GET")
    require_navigation(request)
    require_room(request, "start")
    query = each_once(parse_query(request.environ.get("QUERY_STRING", "")))
    begun = request.native.begin(
        request.matchdict["registration"],
        app=query.get("app", ""),
        challenge=query.get("challenge", ""),
        state=query.get("state", ""),
        cookies=request.cookies.items(),
    )
    return to_provider(begun, status=302)


@reporting
def callback(request: Request) -> Response:
    """Send the system browser back to the app, with a ticket or with an error."""
    require_method(request, "GET")
    require_room(request, "callback")
    returned = request.native.complete(
        request.matchdict["registration"], request.environ.get("QUERY_STRING", ""), request.cookies.items()
    )
    no_other_try(request)
    set_cookies(request, returned.cookies)
    if returned.error is not None:
        request.authkit.failed(returned.error)
        raise ReturnFailed(returned.link)
    login = cast("Login", returned.login)
    once_committed(request, login.registration, lambda: request.authkit.succeeded(login))
    return redirect(returned.link)


def return_failed(failed: ReturnFailed, request: Request) -> Response:  # noqa: ARG001 - Pyramid's signature
    """Send the system browser back to the app with an error."""
    return redirect(failed.link)


@with_cors("POST")
@reporting
def connect(request: Request) -> Response:
    """Sign the app in with what it hands in."""
    require_method(request, "POST")
    require_room(request, "connect")
    registration = request.authkit.registrations.get(request.matchdict["registration"])
    if registration is None:
        raise UnknownProvider("no registration has the name in the path")
    try:
        sent = _read(request, SENT)
        if "access_token" in sent:
            request.environ[TOKEN_OF] = registration.provider.title
        connected = request.native.connect(registration.name, sent)
        no_other_try(request)
    except AuthkitError as error:
        error.registration = registration.name
        raise
    if login := connected.login:
        once_committed(request, login.registration, lambda: request.authkit.succeeded(login))
    return answer(connected.answer)


@with_cors("POST")
@reporting
def refresh(request: Request) -> Response:
    """Exchange a refresh token for a new JWT and the next refresh token."""
    require_method(request, "POST")
    require_room(request, "refresh")
    sent = _read(request, ("refresh_token",))
    if "refresh_token" not in sent:
        raise InvalidRequest("the refresh_token is missing")
    return answer(request.native.renew(sent["refresh_token"]))


@with_cors("POST")
@reporting
def log_out(request: Request) -> Response:
    """End the session of the JWT."""
    require_method(request, "POST")
    bearer = _require_bearer(request)
    request.native.sessions.end(bearer.account_id, bearer.session_id)
    return answer({})


@with_cors("GET")
@reporting
def sessions(request: Request) -> Response:
    """List the sessions of the account."""
    require_method(request, "GET")
    bearer = _require_bearer(request)
    known = request.native.sessions.of(bearer.account_id)
    return answer({"sessions": [session_json(session, current_id=bearer.session_id) for session in known]})


@with_cors("DELETE")
@reporting
def end_session(request: Request) -> Response:
    """End one session of the account."""
    require_method(request, "DELETE")
    bearer = _require_bearer(request)
    request.native.sessions.end(bearer.account_id, request.matchdict["session"])
    return answer({})


@with_cors("GET")
@reporting
def keys(request: Request) -> Response:
    """Show the public keys that verify a JWT (RFC 7517)."""
    require_method(request, "GET")
    response = answer(request.native.public_keys())
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


def _read(request: Request, names: tuple[str, ...]) -> Mapping[str, str]:
    """Return what the JSON body of a request says, read no further than it may be long."""
    return read_texts(request.headers.get("Content-Type", ""), read_body(request, MAX_BODY), names)


def _require_bearer(request: Request) -> Bearer:
    bearer = bearer_of(request)
    if bearer is None:
        raise TokenInvalid("the request has no Bearer token")
    return bearer
