"""Forms that only our own pages can send: a token without a session, sealed for whoever is signed in."""

from __future__ import annotations

from collections.abc import Mapping

from pyramid.request import Request

from authkit.errors import CrossSite, InvalidRequest, RequestTooLarge
from authkit.query import parse_query
from authkit.seal import SealBroken

__all__ = ["FIELD", "HEADER", "new_csrf_token", "read_form", "require_csrf_token"]

FIELD = "csrf_token"
HEADER = "X-CSRF-Token"
LIFETIME = 12 * 3600
CLOCK_SKEW = 60
MAX_FORM = 8192
"""What WebOb keeps in memory, and more than any form of ours has."""
FORM_TYPE = "application/x-www-form-urlencoded"


def new_csrf_token(request: Request) -> str:
    """Return a token for a form, good for 12 hours and for whoever is signed in; "" if nobody is.

    It goes into the field ``csrf_token``, or into the header ``X-CSRF-Token``.
    """
    userid = request.authenticated_userid
    if userid is None:
        return ""
    issued_at = int(request.authkit.clock())
    token: str = request.authkit.sealers["csrf"].seal(str(issued_at).encode("ascii"), str(userid))
    return token


def require_csrf_token(request: Request, form: Mapping[str, str]) -> None:
    """Refuse a form without a token of ours for whoever is signed in.

    Raises:
        CrossSite: the token is missing, somebody else's, damaged, or older than 12 hours.
    """
    text = form.get(FIELD) or request.headers.get(HEADER, "")
    if not text:
        raise CrossSite("the CSRF token is missing")
    age = request.authkit.clock() - _issued_at(request, text)
    if not -CLOCK_SKEW <= age < LIFETIME:
        raise CrossSite(f"the CSRF token was made {age:.0f} s ago, {LIFETIME} s are allowed")


def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form, none for a body of another type.

    Raises:
        RequestTooLarge: the form is longer than 8 KiB.
        InvalidRequest: it is cut off, no UTF-8, or has a field twice.
    """
    if request.content_type.lower() != FORM_TYPE:
        return {}
    fields = parse_query(_body(request))
    if any(len(values) > 1 for values in fields.values()):
        raise InvalidRequest("the form has a field twice")
    return {name: values[0] for name, values in fields.items()}


def _body(request: Request) -> str:
    try:
        length = request.content_length or 0
        if length > MAX_FORM:
            raise RequestTooLarge("the form is too long")
        return request.body.decode("ascii") if length > 0 else ""
    except (UnicodeDecodeError, OSError):  # bytes that a form percent-encodes, or a client that is gone
        pass
    raise InvalidRequest("the form is malformed, or cut off")


def _issued_at(request: Request, text: str) -> int:
    try:
        return int(request.authkit.sealers["csrf"].open(text, str(request.authenticated_userid)))
    except SealBroken:
        pass
    raise CrossSite("the CSRF token is damaged, or somebody else's")
