"""Reading an authorization request: first where the browser may be sent back to, then what is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from authkit.emulator.messages import Request
from authkit.emulator.stock import rules
from authkit.emulator.stock.client import StockClient
from authkit.emulator.stock.parameters import Parameters
from authkit.emulator.stock.refused import Refused
from authkit.emulator.stock.scopes import is_scope, split_scopes, usual_scopes
from authkit.emulator.stock.world import World

__all__ = ["WayBack", "Wish", "read_way_back", "read_wish"]


@dataclass(frozen=True, slots=True)
class WayBack:
    """Where the browser is sent back to, whatever comes of the request.

    Attributes:
        client: who asks.
        redirect_uri: the redirect URI.
        is_redirect_uri_given: whether the request has it; it may be left out where one is registered.
        constants: what every answer has: the state as it came, and ``iss`` where the server sends it.
    """

    client: StockClient
    redirect_uri: str
    is_redirect_uri_given: bool
    constants: Mapping[str, str] = field(repr=False)

    def url(self, parameters: Mapping[str, str]) -> str:
        """Return the callback's address; a query that the redirect URI has stays (RFC 6749, section 3.1.2)."""
        separator = "&" if "?" in self.redirect_uri else "?"
        return f"{self.redirect_uri}{separator}{urlencode({**parameters, **self.constants})}"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a valid authorization request asks for.

    Attributes:
        way_back: where the browser is sent back to.
        scopes: what the app would like.
        challenge: the PKCE challenge, "" where there is none.
        asked: all its parameters.
    """

    way_back: WayBack
    scopes: tuple[str, ...]
    challenge: str
    asked: Mapping[str, str] = field(repr=False)


def read_way_back(request: Request, parameters: Parameters, world: World) -> WayBack:
    """Read client id and redirect URI.

    Raises:
        Refused: one of them is wrong, so that nobody may be sent anywhere (RFC 6749, section 4.1.2.1).
    """
    client_id_param = world.provider.client_id_param
    if parameters.repeated & {client_id_param, "redirect_uri"}:
        raise Refused("invalid_request", f"{client_id_param} or redirect_uri is there twice.", rules.AUTHORIZE_ONCE)
    client = world.clients.get(parameters.get(client_id_param))
    if client is None:
        raise Refused("invalid_request", f"The {client_id_param} is missing or unknown.", rules.CLIENT_KNOWN)
    given = parameters.get("redirect_uri")
    if not given and len(client.redirect_uris) != 1:
        raise Refused("invalid_request", "The redirect_uri is missing.", rules.REDIRECT_GIVEN)
    redirect_uri = given or client.redirect_uris[0]
    broken = client.refuses(redirect_uri)
    if broken is not None:
        raise Refused("invalid_request", "The redirect_uri is not one that this client may have.", broken)
    state = {"state": parameters.get("state")} if parameters.get("state") else {}
    return WayBack(client, redirect_uri, bool(given), {**state, **world.dialect.constants(request)})


def read_wish(request: Request, parameters: Parameters, way_back: WayBack, world: World) -> Wish:
    """Read the rest of the request.

    Raises:
        Refused: something is wrong with it, which the client is told through the browser.
    """
    if parameters.repeated:
        raise Refused("invalid_request", "A parameter is there twice.", rules.AUTHORIZE_ONCE)
    if not parameters.get("response_type"):
        raise Refused("invalid_request", "The response_type is missing.", rules.RESPONSE_TYPE_GIVEN)
    if parameters.get("response_type") != "code":
        raise Refused("unsupported_response_type", "The response_type is not code.", rules.RESPONSE_TYPE_CODE)
    scopes, challenge = _read_scopes(parameters, way_back.client, world), _read_challenge(parameters, world)
    world.dialect.check_authorization(request, parameters)
    return Wish(way_back, scopes, challenge, parameters.values)


def _read_scopes(parameters: Parameters, client: StockClient, world: World) -> tuple[str, ...]:
    if not parameters.get("scope"):
        return usual_scopes(world.provider)
    scopes = split_scopes(parameters.get("scope"), world.provider)
    if not all(map(is_scope, scopes)):
        raise Refused("invalid_scope", "The scope is not well written.", rules.SCOPE_FORM)
    if client.scopes and not set(scopes) <= set(client.scopes):
        raise Refused("invalid_scope", "The client may not ask for one of the scopes.", rules.SCOPE_ALLOWED)
    return scopes


def _read_challenge(parameters: Parameters, world: World) -> str:
    mode = world.switches.now.pkce
    challenge, method = parameters.get("code_challenge"), parameters.get("code_challenge_method")
    if mode == "ignored" or (mode == "optional" and not challenge):
        return ""
    if not challenge:
        raise Refused("invalid_request", "The code_challenge is missing.", rules.PKCE_GIVEN)
    if method != "S256":
        raise Refused("invalid_request", "The code_challenge_method is not S256.", rules.PKCE_S256)
    if not (43 <= len(challenge) <= 128 and all("!" <= char <= "~" for char in challenge)):
        raise Refused("invalid_request", "The code_challenge is too short or too long.", rules.CHALLENGE_FORM)
    return challenge
