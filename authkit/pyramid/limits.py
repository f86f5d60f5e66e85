"""Limits: how often somebody may ask is the app's to say, before anything is done for them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal, TypeAlias

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPException
from pyramid.request import Request

from authkit import adapters
from authkit.errors import RateLimited

__all__ = ["LIMITER", "Kind", "Limiter", "require_room", "set_limiter"]

logger = logging.getLogger(__name__)

LIMITER = "authkit.limiter"

Kind: TypeAlias = Literal["start", "callback", "connect", "refresh", "webhook"]
"""What somebody asks for: a browser, to begin a login or a link, and to complete it; a native app, to sign in, and
to get its next token; a provider, to deliver an event."""

Limiter: TypeAlias = Callable[[Request, Kind], "float | None"]
"""Returns None to let a request go on, or after how many seconds another try may help."""


def require_room(request: Request, kind: Kind) -> None:
    """Ask the app's limiter, if it has one: see `authkit.adapters.require_room`. An HTTP error is a refusal as well.

    Raises:
        RateLimited: there is no room for the request.
    """
    limiter: Limiter | None = request.registry.get(LIMITER)
    if limiter is not None:
        adapters.require_room(lambda: _ask(limiter, request, kind), logger)


def set_limiter(config: Configurator, limiter: Limiter | str) -> None:
    """Let `limiter(request, kind)` say whether there is room for a request: None, or the seconds to wait.

    `limiter` may be a dotted name. Two limiters are a configuration conflict.
    """
    known: Limiter = config.maybe_dotted(limiter)

    def register() -> None:
        config.registry[LIMITER] = known

    introspectable = config.introspectable("authkit", LIMITER, config.object_description(known), "limiter")
    config.action(LIMITER, register, introspectables=(introspectable,))


def _ask(limiter: Limiter, request: Request, kind: Kind) -> float | None:
    try:
        return limiter(request, kind)
    except HTTPException as refusal:
        status = refusal.status_code
    raise RateLimited(f"the limiter answered HTTP {status}")
