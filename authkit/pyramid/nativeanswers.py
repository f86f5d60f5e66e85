"""Responses to native apps: JSON, never kept, and readable to those web apps only that the settings name."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from functools import wraps

from pyramid.request import Request
from pyramid.response import Response

from authkit.errors import AuthkitError, TokenInvalid
from authkit.native.answers import failure_json
from authkit.pyramid.answers import with_error_headers, with_safe_headers

__all__ = ["TOKEN_OF", "answer", "bearer_refused", "failure", "with_cors"]

logger = logging.getLogger(__name__)

TOKEN_OF = "authkit.native.token_of"
PREFLIGHT_LIFETIME = "600"


def answer(content: Mapping[str, object], status: int = 200) -> Response:
    """Return JSON that nobody keeps."""
    response = Response(json.dumps(content), status=status, content_type="application/json", charset="utf-8")
    return with_safe_headers(response)


def failure(error: AuthkitError, request: Request) -> Response:
    """Return an error as apps written for Strapi read it."""
    return with_cors_headers(request, _failure(error, request))


def bearer_refused(error: TokenInvalid, request: Request) -> Response:
    """Return the same for a view of the app's own, which says itself which origins may read it."""
    logger.warning("a Bearer token was refused: ref=%s cause=%s", error.correlation_id, error.reason)
    return _failure(error, request)


def _failure(error: AuthkitError, request: Request) -> Response:
    status, content = failure_json(error, token_of=request.environ.get(TOKEN_OF, ""))
    response = with_error_headers(answer(content, status), error)
    if isinstance(error, TokenInvalid):
        # RFC 6750, section 3.1: whoever sent no token is told no error.
        challenge = 'Bearer error="invalid_token"' if "Authorization" in request.headers else "Bearer"
        response.headers["WWW-Authenticate"] = challenge
    return response


def with_cors(*methods: str) -> Callable[[Callable[[Request], Response]], Callable[[Request], Response]]:
    """Answer preflights, and let the origins in ``authkit.native.cors_origins`` read what the view answers."""

    def decorate(view: Callable[[Request], Response]) -> Callable[[Request], Response]:
        @wraps(view)
        def wrapped(request: Request) -> Response:
            if request.method == "OPTIONS":
                return with_cors_headers(request, _preflight(request, methods))
            return with_cors_headers(request, view(request))

        return wrapped

    return decorate


def with_cors_headers(request: Request, response: Response) -> Response:
    """Return `response`, readable to the web app that asks if it is on the list. No cookie is ever allowed."""
    response.vary = (*(response.vary or ()), "Origin")
    if _is_on_the_list(request):
        response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        response.headers["Access-Control-Expose-Headers"] = "Retry-After, WWW-Authenticate"
    return response


def _preflight(request: Request, methods: tuple[str, ...]) -> Response:
    response = Response(status=204)
    response.headers["Allow"] = ", ".join(methods)
    if _is_on_the_list(request):
        response.headers["Access-Control-Allow-Methods"] = ", ".join(methods)
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        response.headers["Access-Control-Max-Age"] = PREFLIGHT_LIFETIME
    return with_safe_headers(response)


def _is_on_the_list(request: Request) -> bool:
    return request.headers.get("Origin") in request.authkit.parts["native"]["cors_origins"]
