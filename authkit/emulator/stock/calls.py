"""What the token and the revocation endpoint have in common: a client calls them, by POST and with a form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from authkit.emulator.messages import Answer, Request
from authkit.emulator.rules import Rule
from authkit.emulator.stock import rules
from authkit.emulator.stock.client import StockClient
from authkit.emulator.stock.parameters import FORM, Parameters, read_form, read_query
from authkit.emulator.stock.refused import Refused
from authkit.emulator.stock.world import World

__all__ = ["Manners", "answer_client", "refuse_method"]

SECRET_NAMES = ("client_secret", "code", "code_verifier", "refresh_token", "token")


@dataclass(frozen=True, slots=True)
class Manners:
    """The rules of how an endpoint is called."""

    by_post: Rule
    by_form: Rule
    once: Rule


def answer_client(
    request: Request, world: World, manners: Manners, answer: Callable[[StockClient, Parameters], Answer]
) -> Answer:
    """Return what `answer` makes of a request that is well formed and comes from a client, or the refusal."""
    try:
        form = _read(request, manners)
        return answer(world.dialect.authenticate(request, form, world), form)
    except Refused as refused:
        return refused.as_json()


def refuse_method(manners: Manners) -> Answer:
    """Return the answer to a request that is no POST."""
    refused = Refused("invalid_request", "This endpoint is called by POST.", manners.by_post, status=405)
    answer = refused.as_json()
    return replace(answer, headers=(*answer.headers, ("Allow", "POST")))


def _read(request: Request, manners: Manners) -> Parameters:
    if request.content_type.partition(";")[0].strip().lower() != FORM:
        raise Refused("invalid_request", f"The body is not {FORM}.", manners.by_form)
    in_query, form = read_query(request), read_form(request)
    if {*in_query.values, *in_query.repeated} & set(SECRET_NAMES):
        raise Refused("invalid_request", "A secret is in the address.", rules.SECRETS_IN_BODY)
    if form.repeated:
        raise Refused("invalid_request", "A parameter is there twice.", manners.once)
    return form
