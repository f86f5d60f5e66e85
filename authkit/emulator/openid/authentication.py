"""Which client calls: the ways of OpenID Connect Core 1.0, section 9, with signed assertions (RFC 7523)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import Key

from authkit.emulator.messages import Request
from authkit.emulator.openid import rules
from authkit.emulator.openid.client import OpenIDClient
from authkit.emulator.openid.jose import read_keys, verify
from authkit.emulator.openid.realm import Realm
from authkit.emulator.openid.site import PATHS
from authkit.emulator.rules import Rule
from authkit.emulator.shelf import Shelf
from authkit.emulator.stock.authentication import by_form, by_header, refuse
from authkit.emulator.stock.client import StockClient
from authkit.emulator.stock.parameters import Parameters
from authkit.emulator.stock.refused import Refused
from authkit.emulator.stock.rules import CLIENT_AUTHENTICATED, CLIENT_ONE_METHOD
from authkit.emulator.stock.world import World

__all__ = ["Authentication"]

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST = 3600.0
"""Seconds for which the id of an assertion is remembered at the least."""


@dataclass(frozen=True, slots=True)
class Authentication:
    """Tells which client sent a request.

    Attributes:
        realm: who is registered, and which ways are open.
        keys: the public keys of clients, by client id.
        used: the ids of the assertions that were used.
    """

    realm: Realm
    keys: Mapping[str, Sequence[Key]]
    used: Shelf[bool]

    @classmethod
    def of(cls, realm: Realm) -> Authentication:
        """Return the authentication of the clients that are registered.

        Raises:
            ValueError: the keys of one are none.
        """
        keys = {client.client_id: read_keys(client.jwks) for client in realm.clients.values() if client.jwks}
        return cls(realm, keys, Shelf(realm.clock))

    def identify(self, request: Request, form: Parameters, world: World) -> StockClient:
        """Return the client that sent `request`.

        Raises:
            Refused: ``invalid_client``, or ``invalid_request`` where it uses two ways at once.
        """
        ways = self._ways(request, form)
        if len(ways) > 1:
            raise Refused("invalid_request", "The client authenticates in two ways at once.", CLIENT_ONE_METHOD)
        way = ways[0] if ways else "none"
        if way not in self.realm.methods:
            methods = ", ".join(self.realm.methods)
            raise refuse(request, world, f"This server authenticates clients by: {methods}.", rules.METHOD_ANNOUNCED)
        if way == "private_key_jwt":
            return self._by_assertion(request, form, world)
        if way == "client_secret_basic":
            return by_header(request, form, world)
        client = by_form(request, form, world, is_public=way == "none")
        if way == "none" and not self.realm.takes_for_public(client.client_id):
            raise refuse(request, world, "The client does not authenticate.", CLIENT_AUTHENTICATED)
        return client

    def _ways(self, request: Request, form: Parameters) -> list[str]:
        signs = {
            "client_secret_basic": request.credentials[0],
            "client_secret_post": form.get("client_secret"),
            "private_key_jwt": form.get("client_assertion") or form.get("client_assertion_type"),
        }
        return [way for way, sign in signs.items() if sign]

    def _by_assertion(self, request: Request, form: Parameters, world: World) -> OpenIDClient:
        def refused(description: str, broken: Rule) -> Refused:
            return refuse(request, world, description, broken)

        if form.get("client_assertion_type") != JWT_BEARER:
            raise refused(f"The client_assertion_type is not {JWT_BEARER}.", rules.ASSERTION_TYPE)
        read = {one: verify(form.get("client_assertion"), keys) for one, keys in self.keys.items()}
        signed = {one: claims for one, claims in read.items() if claims is not None}
        if not signed:
            raise refused("No client has signed this assertion.", rules.ASSERTION_SIGNED)
        named = [one for one, claims in signed.items() if claims.get("sub") == one]  # clients may share a key
        client_id = (named or list(signed))[0]
        if form.get("client_id") not in ("", client_id):
            raise refused("The client_id is not that of the assertion.", rules.ASSERTION_ISSUER)
        broken = self._broken(signed[client_id], client_id, request)
        if broken is not None:
            raise refused("The client assertion is signed well, and not valid.", broken)
        return self.realm.clients[client_id]

    def _broken(self, claims: Mapping[str, Any], client_id: str, request: Request) -> Rule | None:
        """Return the rule that an assertion breaks; one that breaks none is used up (RFC 7523, section 3)."""
        site, ends_at, name = self.realm.site, claims.get("exp"), claims.get("jti")
        called = [place for place in PATHS if site.path(place) == request.path]
        known = {site.issuer_of(request), *(site.url(place, request) for place in ("token", *called))}
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if not claims.get("iss") == claims.get("sub") == client_id:
            return rules.ASSERTION_ISSUER
        if not any(isinstance(one, str) and one in known for one in audiences):
            return rules.ASSERTION_AUDIENCE
        if not isinstance(ends_at, int | float) or ends_at <= self.realm.clock():
            return rules.ASSERTION_TIME
        if not isinstance(name, str) or not name or self.used.get((client_id, name)):
            return rules.ASSERTION_ONCE
        self.used.put((client_id, name), True, max(ends_at, self.realm.clock() + LONGEST))
        return None
