"""What the endpoints of the OAuth API share: the form that they read, and the shape of their answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from authkit.emulator import Answer, Request, Rule
from authkit_tiktok.emulator.credentials import Form, TokenError, read_form
from authkit_tiktok.emulator.headers import stamped
from authkit_tiktok.emulator.world import World

__all__ = ["Done", "answer_oauth", "fail_oauth"]

Done = tuple[Mapping[str, Any], Rule | None]
"""The body of a success, and the rule that the request broke all the same."""


def answer_oauth(world: World, request: Request, act: Callable[[Form], Done]) -> Answer:
    """Return the answer that `act` makes of the form of a request.

    TikTok does not document the HTTP status of its errors, and reports differ; hence the switch ``error_status``.
    """
    try:
        form, tolerated = read_form(request, is_lenient=world.switches.now.form == "lenient")
        body, broken = act(form)
    except TokenError as error:
        answer = _refuse(world, error.error, error.description, _status(world, error))
        return answer.refused(str(error), error.broken)
    return replace(stamped(Answer.json(body), world.ledger.log_id()), broken=tolerated or broken)


def fail_oauth(world: World) -> Answer:
    """Return what TikTok answers when it fails itself ("OAuth error handling")."""
    return _refuse(world, "server_error", "Something is wrong. Please try again later.", 500)


def _refuse(world: World, error: str, description: str, status: int) -> Answer:
    log_id = world.ledger.log_id()
    body = {"error": error, "error_description": description, "log_id": log_id}
    return stamped(Answer.json(body, status), log_id)


def _status(world: World, error: TokenError) -> int:
    if world.switches.now.error_status == "200":
        return 200
    return 401 if error.error == "invalid_client" else 400
