"""The token endpoint and the revocation endpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from authkit.emulator import Answer, Request
from authkit_tiktok.emulator.app import App
from authkit_tiktok.emulator.ledger import Issued
from authkit_tiktok.emulator.world import World

__all__ = ["TokenEndpoint"]

Form = Mapping[str, str]
Json = Mapping[str, Any]


class TokenError(Exception):
    """The token endpoint says no ("OAuth error handling"). Without arguments: the request is malformed."""

    def __init__(
        self, error: str = "invalid_request", description: str = "The request parameters are malformed."
    ) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """``POST /v2/oauth/token/`` and ``POST /v2/oauth/revoke/``.

    TikTok does not document the HTTP status of its errors, and reports differ; hence the switch ``error_status``.
    """

    world: World

    def exchange(self, request: Request) -> Answer:
        """Answer one of the three grants ("Get a user access token", "Refresh a user access token")."""
        return self._answer(request, self._grant)

    def revoke(self, request: Request) -> Answer:
        """Disconnect the app from the account of the access token ("Revoke a user access token")."""
        return self._answer(request, self._revoke)

    def _answer(self, request: Request, action: Callable[[App, Form], Json]) -> Answer:
        try:
            return Answer.json(action(self._client(request), request.form))
        except TokenError as error:
            body = {
                "error": error.error,
                "error_description": error.description,
                "log_id": self.world.ledger.log_id(),
            }
            return Answer.json(body, self._status(error))

    def _status(self, error: TokenError) -> int:
        if self.world.switches.now.error_status == "200":
            return 200
        return 401 if error.error == "invalid_client" else 400

    def _client(self, request: Request) -> App:
        """Return the app that calls: by key and secret in the form, under a bare content type and nothing else."""
        form = request.form
        if request.content_type.lower() != "application/x-www-form-urlencoded" or request.credentials[0] == "basic":
            raise TokenError
        if not form.get("client_key"):
            raise TokenError
        if not form.get("client_secret"):
            raise TokenError("invalid_request", "Client secret is missed in request.")
        app = self.world.apps.get(form["client_key"])
        if app is None or app.client_secret != form["client_secret"]:
            raise TokenError("invalid_client", "Client key or secret is incorrect.")
        return app

    def _grant(self, app: App, form: Form) -> Json:
        grants = {
            "authorization_code": self._exchange_code,
            "refresh_token": self._refresh,
            "client_credentials": self._issue_to_client,
        }
        if not form.get("grant_type"):
            raise TokenError
        if form["grant_type"] not in grants:
            raise TokenError("unsupported_grant_type", "The grant type is not supported.")
        return grants[form["grant_type"]](app, form)

    def _exchange_code(self, app: App, form: Form) -> Json:
        """Exchange a code. A code is used up by its app's first attempt, whatever comes of it."""
        if not form.get("code") or not form.get("redirect_uri"):
            raise TokenError
        code = self.world.ledger.take_code(form["code"], app)
        if code is None:
            raise TokenError("invalid_grant", "Authorization code is expired.")
        if form["redirect_uri"] != code.redirect_uri:
            raise TokenError("invalid_request", "Redirect_uri is not matched with the uri when requesting code.")
        verifier = form.get("code_verifier", "").encode("utf-8")
        if app.has_pkce and hashlib.sha256(verifier).hexdigest() != code.challenge:
            raise TokenError("invalid_request", "Code verifier or code challenge is invalid.")
        return _as_json(self.world.ledger.issue(code.grant))

    def _refresh(self, app: App, form: Form) -> Json:
        if not form.get("refresh_token"):
            raise TokenError
        issued = self.world.ledger.refresh(form["refresh_token"], app)
        if issued is None:
            raise TokenError("invalid_grant", "Refresh token is invalid or expired.")
        return _as_json(issued)

    def _issue_to_client(self, _app: App, _form: Form) -> Json:
        """Issue a token of the app's own, which is of no use for login ("Client access token management")."""
        return {
            "access_token": self.world.ledger.new_token("clt."),
            "expires_in": self.world.switches.now.access_lifetime,
            "token_type": "Bearer",
        }

    def _revoke(self, app: App, form: Form) -> Json:
        if not form.get("token"):
            raise TokenError
        if not self.world.ledger.disconnect(form["token"], app):
            raise TokenError("invalid_grant", "Access token is invalid or expired.")
        return {}


def _as_json(issued: Issued) -> Json:
    return {
        "access_token": issued.access_token,
        "expires_in": issued.expires_in,
        "open_id": issued.grant.user.open_id,
        "refresh_expires_in": issued.refresh_expires_in,
        "refresh_token": issued.refresh_token,
        "scope": ",".join(issued.grant.scopes),
        "token_type": "Bearer",
    }
