"""What the browser says of a request: its method, where it comes from, what it is for (Fetch Metadata)."""

from __future__ import annotations

from pyramid.request import Request

from authkit import adapters

__all__ = ["require_method", "require_navigation", "require_same_origin"]


def require_method(request: Request, method: str) -> None:
    """See `authkit.adapters.require_method`."""
    adapters.require_method(request.method, method)


def require_navigation(request: Request) -> None:
    """See `authkit.adapters.require_navigation`."""
    adapters.require_navigation(request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest"))


def require_same_origin(request: Request) -> None:
    """See `authkit.adapters.require_same_origin`."""
    headers = request.headers
    adapters.require_same_origin(request.authkit.site, headers.get("Sec-Fetch-Site"), headers.get("Origin"))
