"""Responses: every one of ours says that it is not to be kept, framed, sniffed or referred to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request
from pyramid.response import Response

from authkit.adapters import error_headers, error_object
from authkit.errors import AuthkitError, InvalidRequest, UnknownProvider
from authkit.flow import Redirect
from authkit.pages import SAFE_HEADERS, Page, Pages
from authkit.site import Site

__all__ = [
    "begin",
    "begin_again_at",
    "error_response",
    "garbled_path",
    "json_error",
    "on_our_origin",
    "page_response",
    "redirect",
    "to_provider",
    "unknown_path",
    "wants_json",
    "with_error_headers",
    "with_safe_headers",
]

AGAIN = "authkit.begin_again_at"


def with_safe_headers(response: Response) -> Response:
    """Return `response` with our headers where it has none of its own.

    A page of the app's own keeps its freedom to load scripts and styles; it is only not framed.
    """
    for name, value in {**SAFE_HEADERS, "Content-Security-Policy": "frame-ancestors 'none'"}.items():
        response.headers.setdefault(name, value)
    return response


def redirect(location: str, status: int = 303, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """Return a redirect without a body: the usual one repeats the address, and with it the state."""
    response = Response(status=status, location=location)
    response.headerlist.extend(headers)
    return with_safe_headers(response)


def begin(
    request: Request,
    registration: str,
    *,
    return_to: str | None = None,
    scope: Sequence[str] | None = None,
    prompt: str | None = None,
) -> Response:
    """Return the redirect that begins a login, with its cookie: what ``GET /auth/{registration}`` answers.

    For a view of the app's own, to ask for more than usual: see `AuthKit.begin` for `scope` and `prompt`, which must
    never be the visitor's own words.
    """
    begun = request.authkit.begin(
        registration, cookies=request.cookies.items(), return_to=return_to, scope=scope, prompt=prompt
    )
    return to_provider(begun, status=302)


def to_provider(begun: Redirect, status: int) -> Response:
    """Return the redirect to the provider, with the cookies of the transaction."""
    return redirect(begun.url, status, headers=[("Set-Cookie", cookie.header) for cookie in begun.cookies])


def on_our_origin(response: Response, site: Site) -> Response:
    """Return `response`; if it redirects to a path, then on our origin: WebOb would take the Host header."""
    location = response.location or ""
    if location.startswith("/"):
        response.location = site.local_url(location)
    return response


def page_response(page: Page) -> Response:
    """Return `page` as a response."""
    response = Response(page.html, status=page.status, content_type="text/html", charset="utf-8")
    response.headers.update(page.headers)
    return response


def error_response(error: AuthkitError, request: Request) -> Response:
    """Return what a visitor gets to see of `error`: the app's login page, our page, or JSON."""
    kit = request.authkit
    if wants_json(request):
        response = _json_response(error)
    elif kit.site.login_url:
        return redirect(kit.site.failure_url(error.code, error.correlation_id))
    else:
        response = page_response(Pages(kit).error(error, again=request.environ.get(AGAIN, "")))
    return with_error_headers(response, error)


def json_error(error: AuthkitError) -> Response:
    """Return `error` as JSON, whatever is asked for: what a machine is answered that is no visitor."""
    return with_error_headers(_json_response(error), error)


def begin_again_at(request: Request, path: str) -> None:
    """Let an error page of this request offer another try at a local path; "" leaves it at a login."""
    request.environ[AGAIN] = path


def garbled_path(error: UnicodeDecodeError, request: Request) -> Response:  # noqa: ARG001 - Pyramid's signature
    """Answer a path under our prefix that is no UTF-8: Pyramid raises before it finds a route."""
    return _refused_path(InvalidRequest("the path is no UTF-8"), request)


def unknown_path(error: HTTPNotFound, request: Request) -> Response:  # noqa: ARG001 - Pyramid's signature
    """Answer a path under our prefix that no route has: Pyramid's own answer repeats it, and may be kept."""
    return _refused_path(UnknownProvider("no route has the path"), request)


def _refused_path(failure: AuthkitError, request: Request) -> Response:
    request.authkit.failed(failure)
    return error_response(failure, request)


def with_error_headers(response: Response, error: AuthkitError) -> Response:
    """Return `response` with the headers that an error answer has."""
    response.headers.update(error_headers(error))
    return with_safe_headers(response)


def _json_response(error: AuthkitError) -> Response:
    body = json.dumps(error_object(error))
    return Response(body, status=error.status, content_type="application/json", charset="utf-8")


def wants_json(request: Request) -> bool:
    """Whether JSON is wanted rather than a page; a browser, and whoever does not say, gets the page."""
    offers = request.accept.acceptable_offers(["text/html", "application/json"])
    return bool(offers) and offers[0][0] == "application/json"
