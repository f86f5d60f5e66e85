"""What an adapter needs besides `AuthKit`: what holds in every web framework. Public for whoever writes one."""

from __future__ import annotations

import logging
import math
import traceback
from collections.abc import Callable, Mapping
from pathlib import PurePath

from authkit.cookies import Cookie
from authkit.errors import AuthkitError, CrossSite, MethodNotAllowed, RateLimited, StoreUnavailable
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
    "require_room",
    "require_same_origin",
    "return_to",
]

RETRY_AFTER = 30
LONGEST_WAIT = 24 * 3600
"""What a limiter may ask somebody to wait for, in seconds."""


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


def require_room(limiter: Callable[[], object], logger: logging.Logger) -> None:
    """Ask the app's own limiter whether it has room for a request, before anything is done for it.

    A limiter guards how much a site has to do, and nothing that could be guessed. So if it fails, the request goes
    on, and the log has a line for it: a counter that is away does not keep everybody out.

    Args:
        limiter: returns None if there is room, or after how many seconds another try may help: 1 to 86,400, what is
            less or more counts as that.
        logger: where it is said that the limiter failed.

    Raises:
        RateLimited: there is no room.
        AuthkitError: the limiter raised it.
    """
    try:
        wait = limiter()
    except AuthkitError:
        raise
    except Exception as exc:  # noqa: BLE001 - the limiter is the app's; see the docstring
        frame = traceback.extract_tb(exc.__traceback__)[-1]
        place = f"{PurePath(frame.filename).name}:{frame.lineno}"
        # Without its text, which may quote the request.
        logger.error("the limiter raised %s at %s, so the request goes on", type(exc).__name__, place)  # noqa: TRY400
        return
    if wait is None:
        return
    if isinstance(wait, bool) or not isinstance(wait, (int, float)) or math.isnan(wait):
        logger.error("the limiter returned %r, neither None nor seconds, so the request goes on", type(wait).__name__)
        return
    raise RateLimited("the limiter has no room for it", retry_after=math.ceil(min(max(wait, 1), LONGEST_WAIT)))


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
