"""What the browser says of a request: its method, where it comes from, what it is for (Fetch Metadata)."""

from __future__ import annotations

from pyramid.request import Request

from authkit.errors import CrossSite, MethodNotAllowed

__all__ = ["require_method", "require_navigation", "require_same_origin"]


def require_method(request: Request, method: str) -> None:
    """Refuse every other method: HEAD and prefetching must neither begin nor use up a login."""
    if request.method != method:
        raise MethodNotAllowed(method)


def require_navigation(request: Request) -> None:
    """Refuse a start that is no navigation of a whole page, where the browser says what it is.

    A login by GET is a link. An image, a frame or a script of another site must not start one.
    """
    mode, destination = request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest")
    if mode not in (None, "navigate") or destination not in (None, "document"):
        raise CrossSite("the request is no navigation of a whole page")


def require_same_origin(request: Request) -> None:
    """Refuse a POST that rests on a cookie and comes from elsewhere, where the browser says where from.

    Our pages have the referrer policy no-referrer, under which a form sends ``Origin: null``; that passes only
    where ``Sec-Fetch-Site`` vouches for it.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site not in (None, "same-origin", "none"):
        raise CrossSite("Sec-Fetch-Site names another site")
    if origin == "null" and site is not None:
        return
    if origin not in (None, request.authkit.site.origin):
        raise CrossSite("Origin names another site")
