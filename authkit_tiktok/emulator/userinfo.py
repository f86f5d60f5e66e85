"""The user info endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from authkit.emulator import Answer, Request
from authkit_tiktok.emulator.avatars import sign_avatar
from authkit_tiktok.emulator.ledger import Grant
from authkit_tiktok.emulator.resource import answer_resource, read_fields
from authkit_tiktok.emulator.rulebook import FIELDS
from authkit_tiktok.emulator.user import AVATARS, FIELD_SCOPES
from authkit_tiktok.emulator.world import World

__all__ = ["UserInfoEndpoint"]

Json = Mapping[str, object]

RETIRED = "avatar_url_200"
"""A field of version 1. Clients that still ask for it are seen to log in, so it is taken and left out."""

SCOPES = {**FIELD_SCOPES, RETIRED: "user.info.basic"}


@dataclass(frozen=True, slots=True)
class UserInfoEndpoint:
    """``GET /v2/user/info/`` ("Get User Info")."""

    world: World

    def show(self, request: Request) -> Answer:
        """Answer the fields that were asked for, or none of them if the user did not grant a single one."""
        answer = answer_resource(self.world, request, self._read)
        has_retired = RETIRED in request.query.get("fields", "").split(",")
        return replace(answer, broken=FIELDS) if has_retired and answer.broken is None else answer

    def _read(self, request: Request, grant: Grant) -> Json:
        fields = read_fields(request, SCOPES, grant)
        identities, now = self.world.identities, self.world.switches.now
        expiry = self.world.clock() + now.avatar_lifetime
        known: Json = {
            **grant.user.read(name for name in fields if name != RETIRED),
            "open_id": identities.open_id(grant.user, grant.app),
            "union_id": identities.union_id(grant.user, grant.app),
        }
        user = {
            name: sign_avatar(str(known[name]), expiry) if name in AVATARS else known[name]
            for name in fields
            if name in known
        }
        return {"user": user}
