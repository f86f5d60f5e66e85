"""The user info endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authkit.emulator import Answer, Request
from authkit_tiktok.emulator.user import FIELD_SCOPES
from authkit_tiktok.emulator.world import World

__all__ = ["UserInfoEndpoint"]


class ResourceError(Exception):
    """The API says no ("TikTok API v2 error handling")."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class UserInfoEndpoint:
    """``GET /v2/user/info/`` ("Get User Info")."""

    world: World

    def show(self, request: Request) -> Answer:
        """Answer the fields that were asked for, or none of them if the user did not grant a single one."""
        try:
            user = self._read(request)
        except ResourceError as error:
            data: dict[str, Any] = {"data": {}} if self.world.switches.now.resource_error_data else {}
            return Answer.json({**data, "error": self._error(error.code, error.message)}, error.status)
        return Answer.json({"data": {"user": user}, "error": self._error("ok", "")})

    def _read(self, request: Request) -> Mapping[str, str | bool | int]:
        scheme, token = request.credentials
        grant = self.world.ledger.granted(token) if scheme == "bearer" else None
        if grant is None:
            raise ResourceError(
                401, "access_token_invalid", "The access token is invalid or not found in the request."
            )
        fields = request.query.get("fields", "").split(",")
        if not set(fields) <= set(FIELD_SCOPES):
            raise ResourceError(400, "invalid_params", "The fields parameter is missing or has an unknown field.")
        if not {FIELD_SCOPES[name] for name in fields} <= set(grant.scopes):
            raise ResourceError(
                401,
                "scope_not_authorized",
                "The user did not authorize the scope required for completing this request.",
            )
        return grant.user.read(fields)

    def _error(self, code: str, message: str) -> dict[str, str]:
        """Return the error that every answer has, with code ``ok`` where all went well."""
        return {"code": code, "message": message, "log_id": self.world.ledger.log_id()}
