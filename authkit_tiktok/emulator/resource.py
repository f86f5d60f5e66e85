"""What the endpoints of the resource API share: Bearer token, rate limit, ``fields``, and the shape of an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from authkit.emulator import Answer, Request, Rule
from authkit_tiktok.emulator.headers import stamped
from authkit_tiktok.emulator.ledger import Grant
from authkit_tiktok.emulator.rulebook import BEARER_TOKEN, FIELDS, RATE_LIMIT, T12
from authkit_tiktok.emulator.world import World

__all__ = ["ResourceError", "answer_resource", "fail_resource", "read_fields"]

Json = Mapping[str, Any]


class ResourceError(Exception):
    """The API says no ("TikTok API v2 error handling").

    Attributes:
        status: the HTTP status.
        code: the error code.
        message: what TikTok says.
        broken: the rule that the request broke.
    """

    def __init__(self, status: int, code: str, message: str, broken: Rule | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.broken = broken


def answer_resource(world: World, request: Request, read: Callable[[Request, Grant], Json]) -> Answer:
    """Return the answer whose ``data`` is what `read` finds for the grant of the access token.

    Every answer has an ``error``, with the code ``ok`` where all went well.
    """
    try:
        data = read(request, _admit(world, request))
    except ResourceError as error:
        return _refuse(world, error).refused(str(error), error.broken)
    return _answer(world, {"data": data}, "ok", "", 200)


def fail_resource(world: World) -> Answer:
    """Return what TikTok answers when it fails itself ("TikTok API v2 error handling")."""
    return _refuse(world, ResourceError(500, "internal_error", "Something is wrong. Please try again later."))


def read_fields(request: Request, scopes: Mapping[str, str], grant: Grant) -> Sequence[str]:
    """Return the fields that are asked for.

    Args:
        request: the request, with the fields joined by commas in ``fields``.
        scopes: the fields that there are, each with the scope that it needs.
        grant: what the user allowed.

    Raises:
        ResourceError: there is no such field, or the user did not allow one of them; nothing is answered then.
    """
    fields = request.query.get("fields", "").split(",")
    if not set(fields) <= set(scopes):
        message = "The fields parameter is missing or has an unknown field."
        raise ResourceError(400, "invalid_params", message, FIELDS)
    if not {scopes[name] for name in fields} <= set(grant.scopes):
        message = "The user did not authorize the scope required for completing this request."
        raise ResourceError(401, "scope_not_authorized", message, T12)
    return fields


def _admit(world: World, request: Request) -> Grant:
    """Return what the access token is good for, after counting the request."""
    scheme, token = request.credentials
    grant = world.ledger.granted(token) if scheme == "bearer" else None
    if grant is None:
        message = "The access token is invalid or not found in the request."
        raise ResourceError(401, "access_token_invalid", message, BEARER_TOKEN)
    if not world.limits.admits(request.path, token, world.switches.now.rate_limit):
        message = "The API rate limit was exceeded. Please try again later."
        raise ResourceError(429, "rate_limit_exceeded", message, RATE_LIMIT)
    return grant


def _refuse(world: World, error: ResourceError) -> Answer:
    data: Json = {"data": {}} if world.switches.now.resource_error_data else {}
    return _answer(world, data, error.code, error.message, error.status)


def _answer(world: World, data: Json, code: str, message: str, status: int) -> Answer:
    log_id = world.ledger.log_id()
    body = {**data, "error": {"code": code, "message": message, "log_id": log_id}}
    return stamped(Answer.json(body, status), log_id)
