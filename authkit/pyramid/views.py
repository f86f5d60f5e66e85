"""The views: each hands the raw request to the kit, and looks at no state, code or error itself."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable

from pyramid.httpexceptions import HTTPException
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import forget

from authkit import Login
from authkit.cookies import Cookie
from authkit.errors import AccountDenied, AuthkitError
from authkit.pages import Pages
from authkit.pyramid.answers import begin, on_our_origin, page_response, redirect, with_safe_headers
from authkit.pyramid.guards import require_method, require_navigation, require_same_origin
from authkit.pyramid.handlers import call_handler
from authkit.pyramid.sessions import end_session
from authkit.query import parse_query
from authkit.transactions import local_path

__all__ = ["callback", "log_out", "show_buttons", "start"]


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
            _set_cookies(request, error.cookies)
            request.authkit.failed(error)
            raise

    return reported


@reporting
def show_buttons(request: Request) -> Response:
    """Show a button per registration."""
    require_method(request, "GET")
    return page_response(Pages(request.authkit).sign_in(_return_to(request)))


@reporting
def start(request: Request) -> Response:
    """Send the browser to the provider."""
    require_method(request, "GET")
    require_navigation(request)
    return begin(request, request.matchdict["registration"], return_to=_return_to(request))


@reporting
def callback(request: Request) -> Response:
    """Complete the login, and let the app's login handler answer."""
    require_method(request, "GET")
    completed = request.authkit.complete(
        request.matchdict["registration"], request.environ.get("QUERY_STRING", ""), request.cookies.items()
    )
    _set_cookies(request, completed.cookies)
    try:
        response = call_handler(request, completed.login)
    except HTTPException as refusal:
        _report(request, completed.login, refusal.status_code)
        raise
    _report(request, completed.login, response.status_code)
    return response


@reporting
def log_out(request: Request) -> Response:
    """End the session of the person who is signed in."""
    require_method(request, "POST")
    require_same_origin(request)
    site = request.authkit.site
    location = site.local_url(local_path(_return_to(request), site.home))
    headers = forget(request)
    end_session(request)
    return redirect(location, headers=headers)


def _report(request: Request, login: Login, status: int) -> None:
    """Report how the app's login handler took `login`: by an error status it refuses."""
    if status < 400:
        request.authkit.succeeded(login)
    else:
        refusal = AccountDenied(f"the login handler answered HTTP {status}", registration=login.registration)
        request.authkit.failed(refusal)


def _return_to(request: Request) -> str | None:
    return parse_query(request.environ.get("QUERY_STRING", "")).get("return_to", [None])[0]


def _drop_garbled_cookies(request: Request) -> None:
    """Take cookies that are no UTF-8 for none at all: WebOb raises each time that anything looks at any of them."""
    try:
        len(request.cookies)
    except UnicodeDecodeError:
        request.environ["HTTP_COOKIE"] = ""


def _make_safe(request: Request, response: Response) -> None:
    with_safe_headers(on_our_origin(response, request.authkit.site))


def _set_cookies(request: Request, cookies: Iterable[Cookie]) -> None:
    """Set `cookies` on whatever response this request ends with, an error page of the app's own included."""
    headers = [("Set-Cookie", cookie.header) for cookie in cookies]
    request.add_response_callback(lambda _, response: response.headerlist.extend(headers))
