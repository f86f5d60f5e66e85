"""The revocation endpoint (RFC 7009)."""

from __future__ import annotations

from dataclasses import dataclass

from authkit.emulator.messages import Answer, Request
from authkit.emulator.stock import rules
from authkit.emulator.stock.calls import Manners, answer_client, refuse_method
from authkit.emulator.stock.client import StockClient
from authkit.emulator.stock.parameters import Parameters
from authkit.emulator.stock.refused import Refused
from authkit.emulator.stock.world import World

__all__ = ["RevocationEndpoint"]

MANNERS = Manners(rules.REVOKE_BY_POST, rules.REVOKE_BY_FORM, rules.REVOKE_ONCE)


@dataclass(frozen=True, slots=True)
class RevocationEndpoint:
    """The revocation endpoint. A ``token_type_hint`` is not needed, and not looked at (section 2.1)."""

    world: World

    def revoke(self, request: Request) -> Answer:
        """End a token."""
        return answer_client(request, self.world, MANNERS, self._revoke)

    def refuse(self, request: Request) -> Answer:  # noqa: ARG002 - the method alone is wrong
        """Answer a GET."""
        return refuse_method(MANNERS)

    def _revoke(self, client: StockClient, form: Parameters) -> Answer:
        """End a token; one that is unknown has ended already (section 2.2).

        A refresh token ends with every token of its grant. An access token ends alone, unless it is the one that
        the provider wants for ending a login.
        """
        token, ledger = form.get("token"), self.world.ledger
        if not token:
            raise Refused("invalid_request", "The token is missing.", rules.REVOKE_TOKEN_GIVEN)
        access = ledger.granted(token)
        grant = access.grant if access else ledger.refreshable(token)
        if grant is None:
            return Answer(200)
        if grant.client_id != client.client_id:
            raise Refused("invalid_grant", "The token was issued to another client.", rules.REVOKE_OF_CLIENT)
        if access and self.world.provider.revoke_with != "access_token":
            ledger.drop_access(token)
        else:
            ledger.end(grant)
        return Answer(200)
