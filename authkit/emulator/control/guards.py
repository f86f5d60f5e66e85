"""Who may use the control page: a person or a script on this machine, and no other site in that person's browser."""

from __future__ import annotations

import re
from collections.abc import Set
from urllib.parse import urlsplit

from authkit.emulator.messages import Request
from authkit.urls import is_loopback

__all__ = ["find_fault_with_origin", "is_json", "is_known_host"]

HOST = re.compile(r"(?P<name>[a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")


def is_known_host(request: Request, names: Set[str]) -> bool:
    """Whether the request was sent to a loopback host, or to one of `names`.

    Another site can point a name of its own at this machine (DNS rebinding), and is of the same origin then; the
    name stands in the Host header.
    """
    found = HOST.fullmatch(request.headers.get("Host", "").lower())
    if found is None:
        return False
    if found["name"] in {name.lower() for name in names}:
        return True
    try:
        return is_loopback(f"http://{found['name']}/")
    except ValueError:  # it is in brackets, and no address of IPv6
        return False


def find_fault_with_origin(request: Request) -> str:
    """Return why a request cannot have come from the page itself or from a script; "" when it can.

    Browsers send ``Sec-Fetch-Site`` (Fetch Metadata Request Headers, section 2.3) and ``Origin`` (RFC 6454,
    section 7). Another port of this machine is the same site and yet somebody else's.
    """
    if request.headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}:
        return "Sec-Fetch-Site names another site"
    origin = request.headers.get("Origin")
    if origin is not None and _authority(origin) != request.headers.get("Host", "").lower():
        return "Origin names another site"
    return ""


def is_json(request: Request) -> bool:
    """Whether the body is said to be JSON: a form of another site cannot say so, and a script of it has to ask."""
    return request.content_type.partition(";")[0].strip().lower() == "application/json"


def _authority(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
