"""Which client calls: authentication as the provider has it (RFC 6749, section 2.3)."""

from __future__ import annotations

import base64
from urllib.parse import unquote_plus

from authkit.emulator.messages import Request
from authkit.emulator.rules import Rule
from authkit.emulator.stock import rules
from authkit.emulator.stock.client import StockClient
from authkit.emulator.stock.parameters import Parameters
from authkit.emulator.stock.refused import Refused
from authkit.emulator.stock.world import World

__all__ = ["authenticate"]


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
        raise _refuse(request, world, f"This server authenticates clients by: {method}.", rules.CLIENT_METHOD)
    if method == "none" and form.get("client_secret"):
        raise _refuse(request, world, "A public client has no secret.", rules.CLIENT_METHOD)
    return _by_header(request, form, world) if method == "basic" else _by_form(request, form, world)


def _by_header(request: Request, form: Parameters, world: World) -> StockClient:
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
        raise _refuse(request, world, "Client id or secret is not form-encoded.", rules.CLIENT_ENCODED)
    raise _refuse(request, world, "The client is unknown, or its secret wrong.", rules.CLIENT_AUTHENTICATED)


def _by_form(request: Request, form: Parameters, world: World) -> StockClient:
    is_public = world.provider.token_auth == "none"
    client_id = form.get(world.provider.client_id_param)
    if is_public and not client_id:
        raise Refused("invalid_request", "The client id is missing.", rules.PUBLIC_CLIENT)
    client = world.clients.get(client_id)
    if client is None or not (is_public or client.client_secret == form.get("client_secret")):
        raise _refuse(request, world, "The client is unknown, or its secret wrong.", rules.CLIENT_AUTHENTICATED)
    return client


def _decode_basic(credentials: str) -> tuple[str, str]:
    """Return id and secret as they were sent (RFC 7617, section 2); what is not Base64 gives none."""
    try:
        text = base64.b64decode(credentials, validate=True).decode("utf-8", "replace")
    except ValueError:
        return "", ""
    client_id, _, secret = text.partition(":")
    return client_id, secret


def _refuse(request: Request, world: World, description: str, broken: Rule) -> Refused:
    """Return ``invalid_client``, with a challenge where the Authorization header is, or has to be, used."""
    is_basic = request.credentials[0] or world.provider.token_auth == "basic"
    challenge = f'Basic realm="{world.provider.name}", charset="UTF-8"' if is_basic else ""
    return Refused("invalid_client", description, broken, status=401, challenge=challenge)
