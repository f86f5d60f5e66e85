"""Which client calls: authentication as the provider has it (RFC 6749, section 2.3)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from authkit.emulator.messages import Request
from authkit.emulator.rules import Rule
from authkit.emulator.stock import rules
from authkit.emulator.stock.client import StockClient
from authkit.emulator.stock.parameters import Parameters
from authkit.emulator.stock.refused import Refused

if TYPE_CHECKING:
    from authkit.emulator.stock.world import World

__all__ = ["authenticate", "by_form", "by_header", "refuse"]


def authenticate(request: Request, form: Parameters, world: World) -> StockClient:
    """Return the client that sent a token request or a revocation request.

    Raises:
        Refused: ``invalid_client``, or ``invalid_request`` where it uses two ways at once.
    """
    method, scheme = world.provider.token_auth, request.credentials[0]
    if scheme and form.get("client_secret"):
        raise Refused(
            "invalid_request", "Client credentials are in the header and in the form.", rules.CLIENT_ONE_METHOD
        )
    if scheme not in ("", "basic") or bool(scheme) != (method == "basic"):
        raise refuse(request, world, f"This server authenticates clients by: {method}.", rules.CLIENT_METHOD)
    if method == "none" and form.get("client_secret"):
        raise refuse(request, world, "A public client has no secret.", rules.CLIENT_METHOD)
    if method == "basic":
        return by_header(request, form, world)
    return by_form(request, form, world, is_public=method == "none")


def by_header(request: Request, form: Parameters, world: World) -> StockClient:
    """Return the client whose id and secret are in the Authorization header (RFC 6749, section 2.3.1).

    Raises:
        Refused: they are not right.
    """
    sent = _decode_basic(request.credentials[1])
    client_id, secret = (unquote_plus(part) for part in sent)
    named = form.get(world.provider.client_id_param)
    if named not in ("", client_id):
        raise Refused("invalid_request", "The header and the form name two clients.", rules.CLIENT_ONE_METHOD)
    client = world.clients.get(client_id)
    if client is not None and client.client_secret == secret:
        return client
    as_sent = world.clients.get(sent[0])
    if as_sent is not None and as_sent.client_secret == sent[1]:
        raise refuse(request, world, "Client id or secret is not form-encoded.", rules.CLIENT_ENCODED)
    raise refuse(request, world, "The client is unknown, or its secret wrong.", rules.CLIENT_AUTHENTICATED)


def by_form(request: Request, form: Parameters, world: World, *, is_public: bool) -> StockClient:
    """Return the client whose id is in the form, with its secret unless it `is_public` (sections 2.3.1 and 3.2.1).

    Raises:
        Refused: they are not right.
    """
    client_id = form.get(world.provider.client_id_param)
    if is_public and not client_id:
        raise Refused("invalid_request", "The client id is missing.", rules.PUBLIC_CLIENT)
    client = world.clients.get(client_id)
    if client is None or not (is_public or client.client_secret == form.get("client_secret")):
        raise refuse(request, world, "The client is unknown, or its secret wrong.", rules.CLIENT_AUTHENTICATED)
    return client


def _decode_basic(credentials: str) -> tuple[str, str]:
    """Return id and secret as they were sent (RFC 7617, section 2); what is not Base64 gives none."""
    try:
        text = base64.b64decode(credentials, validate=True).decode("utf-8", "replace")
    except ValueError:
        return "", ""
    client_id, _, secret = text.partition(":")
    return client_id, secret


def refuse(request: Request, world: World, description: str, broken: Rule) -> Refused:
    """Return ``invalid_client``, with a challenge where the Authorization header is, or has to be, used."""
    is_basic = request.credentials[0] or world.provider.token_auth == "basic"
    challenge = f'Basic realm="{world.provider.name}", charset="UTF-8"' if is_basic else ""
    return Refused("invalid_client", description, broken, status=401, challenge=challenge)
