"""What an adapter needs besides `AuthKit`: what holds in every web framework. Public for whoever writes one."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from authkit.cookies import Cookie
from authkit.errors import AuthkitError, CrossSite, MethodNotAllowed, StoreUnavailable
from authkit.models import Login, traceback_without
from authkit.pages import SAFE_HEADERS, Page, Pages
from authkit.query import parse_query
from authkit.site import Site
from authkit.transactions import local_path

__all__ = [
    "SAFE_HEADERS",
    "Cookie",
    "Page",
    "Pages",
    "error_headers",
    "error_object",
    "handler_failure",
    "require_method",
    "require_navigation",
    "require_same_origin",
    "return_to",
]

RETRY_AFTER = 30


def return_to(query: str) -> str | None:
    """Return the local path that a raw query asks to go to afterwards, None if it names none.

    Raises:
        InvalidRequest: the query is too long, or no UTF-8.
    """
    return local_path(parse_query(query).get("return_to", [None])[0], "") or None


def require_method(method: str, allowed: str) -> None:
    """Refuse every other method: HEAD and prefetching must neither begin nor use up a login.

    Raises:
        MethodNotAllowed: `method` is not the one that is allowed here.
    """
    if method != allowed:
        raise MethodNotAllowed(allowed)


def require_navigation(mode: str | None, destination: str | None) -> None:
    """Refuse a start that is no navigation of a whole page, where the browser says what it is.

    A login by GET is a link. An image, a frame or a script of another site must not start one.

    Args:
        mode: the header ``Sec-Fetch-Mode``, None if there is none.
        destination: the header ``Sec-Fetch-Dest``, None if there is none.

    Raises:
        CrossSite: the browser says that it is something else.
    """
    if mode not in (None, "navigate") or destination not in (None, "document"):
        raise CrossSite("the request is no navigation of a whole page")


def require_same_origin(site: Site, fetch_site: str | None, origin: str | None) -> None:
    """Refuse a POST that rests on a cookie and comes from elsewhere, where the browser says where from.

    Our pages have the referrer policy no-referrer, under which a form sends ``Origin: null``; that passes only
    where ``Sec-Fetch-Site`` vouches for it.

    Args:
        site: where the app lives.
        fetch_site: the header ``Sec-Fetch-Site``, None if there is none.
        origin: the header ``Origin``, None if there is none.

    Raises:
        CrossSite: the browser says that another site sent it.
    """
    if fetch_site not in (None, "same-origin", "none"):
        raise CrossSite("Sec-Fetch-Site names another site")
    if origin == "null" and fetch_site is not None:
        return
    if origin not in (None, site.origin):
        raise CrossSite("Origin names another site")


def error_headers(error: AuthkitError) -> Mapping[str, str]:
    """Return the headers that the answer to `error` has besides `SAFE_HEADERS`."""
    allow = {"Allow": error.allowed} if isinstance(error, MethodNotAllowed) else {}
    again = {"Retry-After": str(error.retry_after or RETRY_AFTER)} if error.status in (429, 503) else {}
    return {**allow, **again}


def error_object(error: AuthkitError) -> Mapping[str, Mapping[str, str]]:
    """Return `error` as the JSON object that a program gets, which says no more than a page does."""
    return {"error": {"code": error.code, "message": error.message, "correlation_id": error.correlation_id}}


def handler_failure(login: Login, raised: Exception, logger: logging.Logger) -> StoreUnavailable:
    """Return the error that an exception of the app's login handler is, and log its traceback without the tokens.

    Raise it behind the ``except`` block, not in it: what was raised is not to be its context.
    """
    logger.error("the login handler raised\n%s", traceback_without(login.token, raised))
    return StoreUnavailable(f"the login handler raised {type(raised).__name__}", registration=login.registration)
