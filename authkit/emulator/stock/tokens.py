"""The token endpoint: codes and refresh tokens become tokens (RFC 6749, sections 4.1.3, 5 and 6)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial

from authkit import pkce
from authkit.emulator.messages import Answer, Request
from authkit.emulator.stock import rules
from authkit.emulator.stock.calls import Manners, answer_client, refuse_method
from authkit.emulator.stock.client import StockClient
from authkit.emulator.stock.ledger import Code, Issued
from authkit.emulator.stock.parameters import Parameters
from authkit.emulator.stock.refused import NO_CACHE, Refused
from authkit.emulator.stock.scopes import join_scopes, split_scopes
from authkit.emulator.stock.world import World

__all__ = ["TokenEndpoint"]

MANNERS = Manners(rules.TOKEN_BY_POST, rules.TOKEN_BY_FORM, rules.TOKEN_ONCE)
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """The token endpoint."""

    world: World

    def exchange(self, request: Request) -> Answer:
        """Answer one of the two grants."""
        return answer_client(request, self.world, MANNERS, partial(self._grant, request))

    def refuse(self, request: Request) -> Answer:  # noqa: ARG002 - the method alone is wrong
        """Answer a GET."""
        return refuse_method(MANNERS)

    def _grant(self, request: Request, client: StockClient, form: Parameters) -> Answer:
        grants = {"authorization_code": self._exchange_code, "refresh_token": self._refresh}
        grant_type = form.get("grant_type")
        if not grant_type:
            raise Refused("invalid_request", "The grant_type is missing.", rules.GRANT_TYPE_GIVEN)
        if grant_type not in grants:
            raise Refused("unsupported_grant_type", "The grant_type is not supported.", rules.GRANT_TYPE_KNOWN)
        issued = grants[grant_type](client, form)
        return self._as_json(request, issued)

    def _exchange_code(self, client: StockClient, form: Parameters) -> Issued:
        code = self.world.ledger.take_code(_required(form, "code"), client)
        redirect_uri = form.get("redirect_uri")
        if (redirect_uri or code.is_redirect_uri_given) and redirect_uri != code.redirect_uri:
            raise Refused(
                "invalid_grant", "The redirect_uri is not that of the authorization request.", rules.CODE_OF_REDIRECT
            )
        self._check_verifier(form.get("code_verifier"), code)
        return self.world.ledger.issue(code.grant)

    def _check_verifier(self, verifier: str, code: Code) -> None:
        if self.world.switches.now.pkce == "ignored" or (not verifier and not code.challenge):
            return
        if not code.challenge:
            raise Refused("invalid_grant", "There was no code_challenge.", rules.NO_DOWNGRADE)
        if not verifier:
            raise Refused("invalid_grant", "The code_verifier is missing.", rules.VERIFIER_GIVEN)
        if not VERIFIER.fullmatch(verifier):
            raise Refused("invalid_request", "The code_verifier is not well formed.", rules.VERIFIER_FORM)
        make_challenge = self.world.provider.code_challenge or pkce.s256
        if make_challenge(verifier) != code.challenge:
            raise Refused(
                "invalid_grant", "The code_challenge was not made from this code_verifier.", rules.VERIFIER_RIGHT
            )

    def _refresh(self, client: StockClient, form: Parameters) -> Issued:
        refresh_token = _required(form, "refresh_token")
        wanted = split_scopes(form.get("scope"), self.world.provider) if form.get("scope") else None
        return self.world.ledger.refresh(refresh_token, client, wanted)

    def _as_json(self, request: Request, issued: Issued) -> Answer:
        """Return the tokens (RFC 6749, section 5.1), with the user's id where the provider has it there."""
        provider, grant = self.world.provider, issued.access.grant
        subject = {provider.subject_param: grant.user.profile.subject} if provider.subject_param else {}
        answer = Answer.json(
            {
                **subject,
                "access_token": issued.access_token,
                "token_type": "Bearer",
                "expires_in": issued.expires_in,
                "refresh_token": issued.refresh_token,
                "scope": join_scopes(issued.access.scopes, provider),
                **self.world.dialect.members(request, issued),
            }
        )
        return replace(answer, headers=(*answer.headers, *NO_CACHE))


def _required(form: Parameters, name: str) -> str:
    if not form.get(name):
        raise Refused("invalid_request", f"The {name} is missing.", rules.GRANT_TYPE_GIVEN)
    return form.get(name)
