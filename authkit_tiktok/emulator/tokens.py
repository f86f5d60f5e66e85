"""The token endpoint and the revocation endpoint."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from authkit.emulator import Answer, Request, Rule
from authkit_tiktok.emulator import rulebook
from authkit_tiktok.emulator.app import App
from authkit_tiktok.emulator.credentials import Form, TokenError, read_client
from authkit_tiktok.emulator.ledger import Code, Issued
from authkit_tiktok.emulator.oauth import Done, answer_oauth, fail_oauth
from authkit_tiktok.emulator.world import World

__all__ = ["TokenEndpoint"]

Json = Mapping[str, Any]
DEVELOPER_REVOKED = 5
"""The reason of the event ``authorization.removed`` ("Webhook events")."""

HEX_CHALLENGE = re.compile("[0-9a-f]{64}")
VERIFIER = re.compile("[A-Za-z0-9._~-]{43,128}")
MOBILE_VERIFIER = re.compile("[A-Za-z0-9._~-]{32,128}")


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """``POST /v2/oauth/token/`` and ``POST /v2/oauth/revoke/``."""

    world: World

    def exchange(self, request: Request) -> Answer:
        """Answer one of the three grants ("Get a user access token", "Refresh a user access token")."""
        return self._answer(request, self._grant)

    def revoke(self, request: Request) -> Answer:
        """Disconnect the app from the account of the access token ("Revoke a user access token")."""
        return self._answer(request, self._revoke)

    def fail(self) -> Answer:
        """Return what TikTok answers when it fails itself."""
        return fail_oauth(self.world)

    def _answer(self, request: Request, act: Callable[[App, Form], Done]) -> Answer:
        return answer_oauth(self.world, request, lambda form: act(read_client(request, form, self.world.apps), form))

    def _grant(self, app: App, form: Form) -> Done:
        grants = {
            "authorization_code": self._exchange_code,
            "refresh_token": self._refresh,
            "client_credentials": self._issue_to_client,
        }
        grant_type = _read_field(form, "grant_type")
        if grant_type not in grants:
            raise TokenError(rulebook.GRANT_TYPE, "unsupported_grant_type", "The grant type is not supported.")
        return grants[grant_type](app, form)

    def _exchange_code(self, app: App, form: Form) -> Done:
        """Exchange a code. A code is used up by its app's first attempt, whatever comes of it."""
        text, ledger = _read_field(form, "code"), self.world.ledger
        redirect_uri = form.get("redirect_uri", "") if ledger.is_scanned(text) else _read_field(form, "redirect_uri")
        code = ledger.take_code(text, app)
        if code is None:
            is_encoded = ledger.has_code(unquote(text)) and unquote(text) != text
            broken = rulebook.T20 if is_encoded else rulebook.AUTHORIZATION_CODE
            raise TokenError(broken, "invalid_grant", "Authorization code is expired.")
        if not code.takes(redirect_uri):
            description = "Redirect_uri is not matched with the uri when requesting code."
            raise TokenError(rulebook.T17, description=description)
        tolerated = _check_verifier(code, form.get("code_verifier", ""), self.world.platform_of(app))
        return self._body_of(ledger.issue(code.grant)), tolerated

    def _refresh(self, app: App, form: Form) -> Done:
        token = _read_field(form, "refresh_token")
        was_replaced = self.world.ledger.kind_of(token) == "replaced"
        issued = self.world.ledger.refresh(token, app)
        if issued is None:
            broken = rulebook.T15 if was_replaced else rulebook.REFRESH_TOKEN
            raise TokenError(broken, "invalid_grant", "Refresh token is invalid or expired.")
        return self._body_of(issued), None

    def _issue_to_client(self, _app: App, _form: Form) -> Done:
        """Issue a token of the app's own, which is of no use for login ("Client access token management")."""
        token = self.world.ledger.new_token("clt.")
        lifetime = self.world.switches.now.access_lifetime
        return {"access_token": token, "expires_in": lifetime, "token_type": "Bearer"}, None

    def _revoke(self, app: App, form: Form) -> Done:
        token, ledger = _read_field(form, "token"), self.world.ledger
        grant = ledger.granted(token)
        if grant is not None and grant.app.client_key == app.client_key:
            ledger.disconnect(grant.user, app)
            self.world.webhooks.remove(app, self.world.identities.open_id(grant.user, app), DEVELOPER_REVOKED)
            return {}, None
        broken = rulebook.T28 if ledger.kind_of(token) in {"refresh", "replaced"} else rulebook.REVOKED_TOKEN
        if self.world.switches.now.unknown_revoke == "ignored":
            return {}, broken
        raise TokenError(broken, "invalid_grant", "Access token is invalid or expired.")

    def _body_of(self, issued: Issued) -> Json:
        grant = issued.grant
        return {
            "access_token": issued.access_token,
            "expires_in": issued.expires_in,
            "open_id": self.world.identities.open_id(grant.user, grant.app),
            "refresh_expires_in": issued.refresh_expires_in,
            "refresh_token": issued.refresh_token,
            "scope": ",".join(grant.scopes),
            "token_type": "Bearer",
        }


def _read_field(form: Form, name: str) -> str:
    value = form.get(name, "")
    if not value:
        raise TokenError(rulebook.TOKEN_FIELDS)
    return value


def _check_verifier(code: Code, verifier: str, platform: str) -> Rule | None:
    """Check the verifier of a login that had to have a challenge, and return the rule that it breaks unpunished.

    Raises:
        TokenError: it is missing, or the challenge is not its SHA-256 in lower-case hex.
    """
    if not code.challenge:
        return None
    if hashlib.sha256(verifier.encode("utf-8", "replace")).hexdigest() != code.challenge:
        is_missing = not verifier and HEX_CHALLENGE.fullmatch(code.challenge)
        broken = rulebook.CODE_VERIFIER if is_missing else rulebook.T04
        raise TokenError(broken, description="Code verifier or code challenge is invalid.")
    shape = MOBILE_VERIFIER if platform == "mobile" else VERIFIER
    return None if shape.fullmatch(verifier) else rulebook.T06
