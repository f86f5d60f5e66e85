"""The authorization endpoint: the consent page, and the way back to the app (RFC 6749, section 4.1.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from authkit.emulator.consent import Choice, Consent, render_consent
from authkit.emulator.messages import Answer, Request
from authkit.emulator.stock.ledger import Code
from authkit.emulator.stock.problems import show_problem
from authkit.emulator.stock.refused import Refused
from authkit.emulator.stock.scopes import join_scopes
from authkit.emulator.stock.users import StockUser
from authkit.emulator.stock.wish import Wish, read_way_back, read_wish
from authkit.emulator.stock.world import World

__all__ = ["AuthorizeEndpoint"]


@dataclass(frozen=True, slots=True)
class AuthorizeEndpoint:
    """The authorization endpoint; the consent form goes to the same address by POST."""

    world: World

    def show(self, request: Request) -> Answer:
        """Show the consent page."""
        return self._answer(request, self._ask)

    def decide(self, request: Request) -> Answer:
        """Take the consent form: Continue, or Cancel."""
        return self._answer(request, lambda wish: self._decide(wish, request.form))

    def _answer(self, request: Request, go_on: Callable[[Wish], Answer]) -> Answer:
        try:
            parameters = self.world.dialect.read_authorization(request)
            way_back = read_way_back(request, parameters, self.world)
        except Refused as refused:
            return show_problem(refused, self.world, "This request cannot be trusted")
        try:
            return go_on(read_wish(request, parameters, way_back, self.world))
        except Refused as refused:
            return refused.mark(Answer.redirect(way_back.url(refused.fields)))

    def _decide(self, wish: Wish, form: Mapping[str, str]) -> Answer:
        if form.get("decision") == "deny":
            denied = {"error": "access_denied", "error_description": "The user said no."}
            return Answer.redirect(wish.way_back.url(denied))
        chosen = {str(number): user for number, user in enumerate(self.world.users)}.get(form.get("user", ""))
        if chosen is None or form.get("decision") != "allow":
            return self._ask(wish, status=400)
        ticked = {*form.get("scope", "").split(","), *self.world.dialect.fixed_scopes}
        return self._allow(wish, chosen, tuple(scope for scope in wish.scopes if scope in ticked))

    def _allow(self, wish: Wish, user: StockUser, granted: tuple[str, ...]) -> Answer:
        way_back, ledger, provider = wish.way_back, self.world.ledger, self.world.provider
        grant = ledger.new_grant(way_back.client.client_id, user, granted, wish.asked)
        ledger.keep_code(Code(grant, way_back.redirect_uri, way_back.is_redirect_uri_given, wish.challenge))
        named = {provider.granted_scope_param: join_scopes(granted, provider)} if provider.granted_scope_param else {}
        return Answer.redirect(way_back.url({"code": grant.code, **named}))

    def _ask(self, wish: Wish, status: int = 200) -> Answer:
        users = tuple(Choice(str(number), user.label, user.hint) for number, user in enumerate(self.world.users))
        boxes = (scope for scope in wish.scopes if scope not in self.world.dialect.fixed_scopes)
        scopes = tuple(Choice(scope, scope) for scope in boxes)
        consent = Consent(self.world.provider.title, wish.way_back.client.name, users, scopes, "0")
        return Answer.page(render_consent(consent), status)
