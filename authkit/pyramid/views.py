"""The views: each hands the raw request to the kit, and looks at no state, code or error itself."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pyramid.httpexceptions import HTTPException
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import forget

from authkit import Login, adapters
from authkit.cookies import Cookie
from authkit.errors import AccountDenied, AuthkitError
from authkit.pages import Pages
from authkit.pyramid.answers import begin, begin_again_at, on_our_origin, page_response, redirect, with_safe_headers
from authkit.pyramid.commits import no_other_try, once_committed
from authkit.pyramid.guards import require_method, require_navigation, require_same_origin
from authkit.pyramid.handlers import call_handler
from authkit.pyramid.limits import require_room
from authkit.pyramid.sessions import end_session
from authkit.query import parse_query

__all__ = [
    "LOGIN",
    "PURPOSES",
    "Purpose",
    "callback",
    "log_out",
    "reporting",
    "return_to",
    "set_cookies",
    "show_buttons",
    "start",
]

logger = logging.getLogger(__name__)

PURPOSES = "authkit.purposes"
"""Where the registry has what a callback may be for besides a login: each `Purpose` by its name."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """What the provider was asked for.

    Attributes:
        name: its name, which `AuthKit.begin` sealed.
        bound: returns what the answer has to be bound to, such as the account that is signed in.
        finish: answers the browser, once the provider has.
        again: returns the local path where another try begins, should this one fail; "" for a login of the same
            registration.
    """

    name: str
    bound: Callable[[Request], str]
    finish: Callable[[Request, Login], Response]
    again: Callable[[Request], str]


def reporting(view: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """Report what goes wrong in `view`, and clear the cookies that the error names.

    Whatever answers in the end, an error view of the app's own included, gets our headers: the address of a
    callback holds a code and a state.
    """

    @functools.wraps(view)
    def reported(request: Request) -> Response:
        _drop_garbled_cookies(request)
        request.add_response_callback(_make_safe)
        try:
            return view(request)
        except AuthkitError as error:
            set_cookies(request, error.cookies)
            request.authkit.failed(error)
            raise

    return reported


@reporting
def show_buttons(request: Request) -> Response:
    """Show a button per registration."""
    require_method(request, "GET")
    return page_response(Pages(request.authkit).sign_in(return_to(request)))


@reporting
def start(request: Request) -> Response:
    """Send the browser to the provider."""
    require_method(request, "GET")
    require_navigation(request)
    require_room(request, "start")
    return begin(request, request.matchdict["registration"], return_to=return_to(request))


@reporting
def callback(request: Request) -> Response:
    """Complete what the provider was asked for: a login, or what else the app has included."""
    require_method(request, "GET")
    query, purpose = request.environ.get("QUERY_STRING", ""), LOGIN
    if purposes := request.registry[PURPOSES]:
        purpose = purposes.get(request.authkit.purpose_of(query, request.cookies.items()), LOGIN)
    begin_again_at(request, purpose.again(request))
    require_room(request, "callback")
    completed = request.authkit.complete(
        request.matchdict["registration"],
        query,
        request.cookies.items(),
        purpose=purpose.name,
        bound=purpose.bound(request),
    )
    no_other_try(request)
    set_cookies(request, completed.cookies)
    response: Response = purpose.finish(request, completed.login)
    return response


def _finish_login(request: Request, login: Login) -> Response:
    """Let the app's login handler answer."""
    try:
        response = call_handler(request, login)
    except HTTPException as refusal:
        _report(request, login, refusal.status_code)
        raise
    _report(request, login, response.status_code)
    return response


LOGIN = Purpose("login", bound=lambda _: "", finish=_finish_login, again=lambda _: "")


@reporting
def log_out(request: Request) -> Response:
    """End the session of the person who is signed in."""
    require_method(request, "POST")
    require_same_origin(request)
    site = request.authkit.site
    location = _logout_url(request) or site.local_url(return_to(request) or site.home)
    headers = forget(request)
    end_session(request)
    return redirect(location, headers=headers)


def _logout_url(request: Request) -> str:
    """Return where the sign-out goes on at the provider of the registration that the form's address names.

    It is "" where none is named, or the provider has no such thing or does not answer: the sign-out here comes first.
    """
    [name, *_] = parse_query(request.environ.get("QUERY_STRING", "")).get("registration", [""])
    try:
        return request.authkit.logout_url(name) if name else ""
    except AuthkitError as error:
        logger.warning("nobody is signed out at the provider: ref=%s cause=%s", error.correlation_id, error.reason)
        return ""


def _report(request: Request, login: Login, status: int) -> None:
    """Report how the app's login handler took `login`: by an error status it refuses."""
    if status < 400:
        once_committed(request, login.registration, lambda: request.authkit.succeeded(login))
    else:
        refusal = AccountDenied(f"the login handler answered HTTP {status}", registration=login.registration)
        request.authkit.failed(refusal)


def return_to(request: Request) -> str | None:
    """Return the local path that the visitor asks to go to afterwards, None if there is none."""
    return adapters.return_to(request.environ.get("QUERY_STRING", ""))


def _drop_garbled_cookies(request: Request) -> None:
    """Take cookies that are no UTF-8 for none at all: WebOb raises each time that anything looks at any of them."""
    try:
        len(request.cookies)
    except UnicodeDecodeError:
        request.environ["HTTP_COOKIE"] = ""


def _make_safe(request: Request, response: Response) -> None:
    with_safe_headers(on_our_origin(response, request.authkit.site))


def set_cookies(request: Request, cookies: Iterable[Cookie]) -> None:
    """Set `cookies` on whatever response this request ends with, an error page of the app's own included."""
    headers = [("Set-Cookie", cookie.header) for cookie in cookies]
    request.add_response_callback(lambda _, response: response.headerlist.extend(headers))
