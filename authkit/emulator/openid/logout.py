"""The end of a session, as the relying party starts it (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from authkit.emulator.messages import Answer, Request
from authkit.emulator.openid import rules
from authkit.emulator.openid.client import OpenIDClient
from authkit.emulator.openid.jose import verify
from authkit.emulator.openid.realm import Realm
from authkit.emulator.rendering import render
from authkit.emulator.stock.parameters import Parameters, read_form, read_query
from authkit.emulator.stock.problems import show_problem
from authkit.emulator.stock.refused import Refused
from authkit.emulator.stock.world import World

__all__ = ["LogoutEndpoint"]


@dataclass(frozen=True, slots=True)
class LogoutEndpoint:
    """The endpoint that ends a session, by GET or POST. As nobody has one here, nothing ends but the visit."""

    world: World
    realm: Realm

    def end(self, request: Request) -> Answer:
        """Send the browser back where it may go, or show that the user is signed out."""
        try:
            return self._end(request, read_form(request) if request.method == "POST" else read_query(request))
        except Refused as refused:
            return show_problem(refused, self.world, "This logout cannot be trusted")

    def _end(self, request: Request, asked: Parameters) -> Answer:
        if asked.repeated:
            raise Refused("invalid_request", "A parameter is there twice.", rules.LOGOUT_SINGLE)
        client = self._client(request, asked)
        uri = asked.get("post_logout_redirect_uri")
        if not uri:
            return Answer.page(render("signedout.html", provider=self.world.provider.title))
        if client is None:
            raise Refused("invalid_request", "Nobody knows who wants the browser back.", rules.LOGOUT_CLIENT)
        broken = client.refuses_logout_to(uri)
        if broken is not None:
            raise Refused("invalid_request", "The post_logout_redirect_uri is not registered.", broken)
        state = (
            f"{'&' if '?' in uri else '?'}{urlencode({'state': asked.get('state')})}" if asked.get("state") else ""
        )
        return Answer.redirect(uri + state)

    def _client(self, request: Request, asked: Parameters) -> OpenIDClient | None:
        """Return who asks, as far as the request says; an ID token that has ended is still a hint (section 2)."""
        named, hint = asked.get("client_id"), asked.get("id_token_hint")
        if hint:
            claims = verify(hint, self.realm.keyring.ever())
            if claims is None or claims.get("iss") != self.realm.site.issuer_of(request):
                raise Refused("invalid_request", "The id_token_hint is no ID token of this server.", rules.HINT_VALID)
            if named and claims.get("aud") != named:
                raise Refused("invalid_request", "The id_token_hint is another client's.", rules.HINT_CLIENT)
            named = str(claims.get("aud"))
        return self.realm.clients.get(named)
