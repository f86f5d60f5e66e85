"""A provider with a client of its own, written with care; its server is described on its own, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode

import requests

from authkit import OAuth2Provider, Profile, Secret, Token, errors, pkce

AUTHORIZE = "https://acme.example/oauth/authorize"
TOKEN = "https://acme.example/oauth/token"
ME = "https://acme.example/api/me"
REVOKE = "https://acme.example/oauth/revoke"

MEANINGS = {
    "access_denied": errors.AccessDenied,
    "invalid_client": errors.ProviderMisconfigured,
    "server_error": errors.ProviderUnavailable,
}


def read_acme(data: Mapping[str, Any]) -> Profile:
    return Profile(
        subject=data["id"],
        display_name=data.get("name"),
        username=data.get("login"),
        avatar_url=data.get("picture"),
        email=data.get("email"),
        email_verified=data.get("email_verified") is True,
        raw=data,
    )


SERVER = OAuth2Provider(
    name="acme",
    title="Acme",
    authorize_url=AUTHORIZE,
    token_url=TOKEN,
    userinfo_url=ME,
    revoke_url=REVOKE,
    default_scope=("profile", "email"),
    token_auth="body",
    prompts={"consent": {"prompt": "consent"}},
    profile=read_acme,
)


class AcmeClient:
    """Speaks to Acme for one registered client, in steps that are small enough to get one wrong."""

    def __init__(self, provider: Any, client_id: str, client_secret: Secret, transport: Any) -> None:
        self.provider = provider
        self.client_id = client_id
        self.client_secret = client_secret
        self.transport = transport

    # The authorization request

    def authorization_url(self, request: Any) -> str:
        return f"{AUTHORIZE}?{urlencode(self.parameters(request))}"

    def parameters(self, request: Any) -> dict[str, str]:
        return {
            "client_id": request.client_id,
            "response_type": "code",
            "scope": " ".join(request.scope),
            "redirect_uri": request.redirect_uri,
            "state": request.state,
            "code_challenge": pkce.s256(request.code_verifier.reveal()),
            "code_challenge_method": "S256",
            **self.provider.prompts.get(request.prompt, {}),
        }

    # The exchange

    def exchange(self, response: Any) -> Token:
        return self.read_token(
            self.ask(self.exchange_form(response, self.read_code(response.params))), response.scope
        )

    def read_code(self, params: Mapping[str, str]) -> str:
        self.look_for_error(params)
        code = params.get("code", "")
        if not code or len(code) > 4096:
            raise errors.InvalidRequest("the callback has no code, or one that is too long")
        return code

    def exchange_form(self, response: Any, code: str) -> dict[str, str]:
        return {
            **self.credentials(),
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": response.redirect_uri,
            "code_verifier": response.code_verifier.reveal(),
        }

    def credentials(self) -> dict[str, str]:
        return {"client_id": self.client_id, "client_secret": self.client_secret.reveal()}

    def ask(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        return self.read(self.session().post(TOKEN, data=form))

    def session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.adapters.clear()
        session.mount("https://", self.transport)
        return session

    # Answers

    def read(self, response: requests.Response) -> Mapping[str, Any]:
        self.look_at_status(response)
        try:
            data = response.json() if response.content else None
        except ValueError:
            data = None
        if isinstance(data, dict):
            self.look_for_error(data)
        if response.status_code >= 400:
            raise errors.ProviderRejected(f"HTTP {response.status_code}")
        if not isinstance(data, dict):
            raise errors.ProviderProtocolError("the answer is no JSON object")
        return data

    def look_at_status(self, response: requests.Response) -> None:
        if response.status_code == 429:
            raise errors.ProviderRateLimited("HTTP 429")
        if response.status_code >= 500:
            raise errors.ProviderUnavailable(f"HTTP {response.status_code}")

    def look_for_error(self, data: Mapping[str, Any]) -> None:
        error = data.get("error")
        if error is not None:
            word = error if isinstance(error, str) else "an error that is no text"
            raise MEANINGS.get(word, errors.ProviderRejected)(word)

    def read_token(self, data: Mapping[str, Any], scope: tuple[str, ...], old: Token | None = None) -> Token:
        if data.get("token_type") != "Bearer":
            raise errors.ProviderProtocolError("the token is not of type Bearer")
        return Token(
            access_token=self.read_access_token(data),
            refresh_token=self.read_refresh_token(data, old),
            expires_at=self.read_expiry(data),
            scope=self.read_scope(data, scope),
        )

    def read_access_token(self, data: Mapping[str, Any]) -> Secret:
        text = data.get("access_token")
        if not isinstance(text, str) or not text or not all("!" <= char <= "~" for char in text):
            raise errors.ProviderProtocolError("the answer has no access token")
        return Secret(text)

    def read_refresh_token(self, data: Mapping[str, Any], old: Token | None) -> Secret | None:
        text = data.get("refresh_token")
        return Secret(text) if text and isinstance(text, str) else old and old.refresh_token

    def read_expiry(self, data: Mapping[str, Any]) -> datetime | None:
        seconds = data.get("expires_in")
        if type(seconds) is not int or not 0 < seconds < 10**9:
            return None
        return datetime.now(timezone.utc) + timedelta(seconds=seconds)

    def read_scope(self, data: Mapping[str, Any], otherwise: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(data["scope"].replace(",", " ").split()) if "scope" in data else otherwise

    # The user

    def fetch_profile(self, token: Token) -> Profile:
        headers = {"Authorization": f"Bearer {token.access_token.reveal()}"}
        return read_acme(self.read(self.session().get(ME, headers=headers)))

    # Afterwards

    def refresh(self, token: Token) -> Token:
        if token.refresh_token is None:
            raise errors.ReauthRequired("there is no refresh token")
        form = self.refresh_form(token)
        try:
            return self.read_token(self.ask(form), token.scope, token)
        except errors.ProviderRejected as exc:
            refused = exc
        raise errors.ReauthRequired(refused.reason)

    def refresh_form(self, token: Token) -> dict[str, str]:
        return {**self.credentials(), "grant_type": "refresh_token", "refresh_token": token.refresh_token.reveal()}

    def revoke(self, token: Token) -> bool:
        response = self.session().post(REVOKE, data=self.revoke_form(token))
        if response.status_code != 200 or response.content:
            self.read(response)
        return True

    def revoke_form(self, token: Token) -> dict[str, str]:
        return {**self.credentials(), "token": (token.refresh_token or token.access_token).reveal()}


@dataclass(frozen=True)
class AcmeByHand:
    """Acme, as a provider that brings its own client."""

    make: type[AcmeClient] = AcmeClient
    name: str = "acme"
    title: str = "Acme"
    default_scope: tuple[str, ...] = ("profile", "email")
    prompts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def client(self, client_id: str, client_secret: Secret, transport: Any) -> AcmeClient:
        return self.make(self, client_id, client_secret, transport)
