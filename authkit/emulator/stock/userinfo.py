"""The user info endpoint, and the provider's other resources: an access token is needed for them (RFC 6750)."""

from __future__ import annotations

from dataclasses import dataclass

from authkit.emulator.messages import Answer, Request
from authkit.emulator.rules import Rule
from authkit.emulator.stock import rules
from authkit.emulator.stock.ledger import Access
from authkit.emulator.stock.refused import Refused
from authkit.emulator.stock.resources import Resource, body_of
from authkit.emulator.stock.scopes import join_scopes
from authkit.emulator.stock.world import World

__all__ = ["UserInfoEndpoint"]


@dataclass(frozen=True, slots=True)
class UserInfoEndpoint:
    """The user info endpoint, by GET or POST. Parameters change nothing in its answer.

    Attributes:
        world: who is there, and what was handed out.
        resource: what is answered instead of the user info, at another address.
    """

    world: World
    resource: Resource | None = None

    def show(self, request: Request) -> Answer:
        """Answer the data of the user whose access token it is."""
        if not request.credentials[0] and not _is_token_elsewhere(request):
            # A request without a token is told how to come back, and nothing of an error (section 3.1).
            challenge = ("WWW-Authenticate", self._challenge())
            return Answer(401, headers=(challenge,)).refused("There is no access token.", rules.BEARER_GIVEN)
        try:
            access = self._read(request)
        except Refused as refused:
            return refused.as_json()
        if self.resource is not None:
            return Answer.json(body_of(self.resource, access.grant.user.body))
        return Answer.json(self.world.dialect.userinfo(access))

    def _read(self, request: Request) -> Access:
        if "access_token" in request.query:
            raise self._refuse("invalid_request", "The token is in the address.", rules.BEARER_NOT_IN_URL, 400)
        scheme, token = request.credentials
        if scheme != "bearer" or "access_token" in request.form:
            raise self._refuse(
                "invalid_request", "The token is not in the Bearer header alone.", rules.BEARER_HEADER, 400
            )
        access = self.world.ledger.granted(token)
        if access is None:
            raise self._refuse("invalid_token", "The token is unknown, or has ended.", rules.BEARER_VALID, 401)
        needed = self.world.provider.basic_scope
        if not set(needed) <= set(access.scopes):
            raise self._refuse(
                "insufficient_scope", "The token has not the scope that this needs.", rules.BEARER_SCOPE, 403
            )
        return access

    def _refuse(self, error: str, description: str, broken: Rule, status: int) -> Refused:
        challenge = f'{self._challenge()}, error="{error}", error_description="{description}"'
        if status == 403:
            challenge += f', scope="{join_scopes(self.world.provider.basic_scope, self.world.provider)}"'
        return Refused(error, description, broken, status=status, challenge=challenge)

    def _challenge(self) -> str:
        return f'Bearer realm="{self.world.provider.name}"'


def _is_token_elsewhere(request: Request) -> bool:
    return "access_token" in request.query or "access_token" in request.form
