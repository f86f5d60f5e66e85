"""OpenID Connect, spoken on behalf of one registered client: the code flow, and what is checked on top of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from oauthlib.common import add_params_to_uri

from authkit.clientauth import ClientAuth, SecretInForm, SecretInHeader
from authkit.errors import AuthkitError, ProviderMisconfigured, ProviderProtocolError, ReauthRequired
from authkit.models import Profile, Secret, Token
from authkit.oauth2 import OAuth2Client
from authkit.oidc.assertion import SignedAssertion, read_private_key
from authkit.oidc.claims import merge_claims
from authkit.oidc.idtoken import Expected, nonce_of, read_id_token, read_refreshed_id_token
from authkit.oidc.issuer import Issuer
from authkit.oidc.metadata import Metadata
from authkit.oidc.provider import OpenIDProvider, TokenAuth
from authkit.provider import Api, OAuth2Provider
from authkit.providerclient import AuthorizationRequest, AuthorizationResponse
from authkit.transport import Transport

__all__ = ["OpenIDClient"]

logger = logging.getLogger(__name__)

MAX_REQUEST_URI = 2048


class OpenIDClient:
    """An `OpenIDProvider`, spoken to on behalf of one registered client. See `ProviderClient`.

    Nothing is asked of the issuer before a login needs it.

    Raises:
        ValueError: what the provider's ``token_auth`` needs is missing, or is no good.
    """

    def __init__(self, provider: OpenIDProvider, client_id: str, client_secret: Secret, transport: Transport) -> None:
        self._provider = provider
        self._client_id = client_id
        self._client_secret = client_secret
        self._key = read_private_key(provider.private_key) if provider.private_key else None
        if provider.token_auth.startswith("client_secret") and not client_secret:
            raise ValueError(f"client_secret is missing: token_auth is {provider.token_auth}")
        if provider.token_auth == "private_key_jwt" and self._key is None:
            raise ValueError("private_key is missing: token_auth is private_key_jwt")
        self._transport = transport
        self._issuer = Issuer(provider.issuer, transport)
        self._spoken: tuple[Metadata, OAuth2Client] | None = None

    def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return the address that the browser is sent to (Core 1.0, section 3.1.2.1; RFC 9126)."""
        metadata, client = self._speaking()
        nonce = nonce_of(request.code_verifier)
        params = [
            *client.authorization_params(request),
            ("nonce", nonce),
            *self._provider.params.items(),
        ]
        if self._provider.max_age is not None:
            params.append(("max_age", str(self._provider.max_age)))
        if metadata.push_url:
            secrets = (Secret(request.state), Secret(nonce), request.code_verifier)
            reply = client.post_form(metadata.push_url, dict(params), secrets)
            params = [("client_id", self._client_id), ("request_uri", _request_uri(reply))]
        url: str = add_params_to_uri(metadata.authorize_url, params)
        return url

    def exchange(self, response: AuthorizationResponse) -> Token:
        """Exchange the code, and verify the ID token that comes with the access token (Core 1.0, section 3.1.3)."""
        metadata, client = self._speaking()
        token = client.exchange(_with_due_issuer(response, metadata))
        claims = self._claims(metadata, token, nonce=nonce_of(response.code_verifier))
        return replace(token, subject=claims["sub"])

    def fetch_profile(self, token: Token) -> Profile:
        """Make a profile of what the ID token and the user info say."""
        return self._speaking()[1].fetch_profile(token)

    def refresh(self, token: Token) -> Token:
        """Return a fresh token; an ID token that comes with it is the same user's (Core 1.0, section 12.2).

        It need not come. One that cannot be verified is left out, with a warning: the issuer may have changed its
        keys, or a clock be wrong, and the old refresh token is dead by now.

        Raises:
            ReauthRequired: the issuer has signed that the fresh token is another user's.
        """
        metadata, client = self._speaking()
        self._issuer.keys()  # the old refresh token may be spent afterwards: now is the time to fail
        fresh = client.refresh(token)
        if fresh.id_token == token.id_token:  # none came, and the old one stays; or it came once more
            return fresh
        try:
            expected = self._expected(metadata, nonce=None)
            claims = read_refreshed_id_token(fresh, token.subject, expected, self._issuer.keys)
        except ReauthRequired:
            raise
        except AuthkitError as error:
            logger.warning("%s: the ID token of a refresh is left out: %s", metadata.issuer, error.reason)
            return replace(fresh, id_token=token.id_token)
        return replace(fresh, subject=claims["sub"])

    def revoke(self, token: Token) -> bool:
        """End `token` at the issuer; False when it has no way to."""
        return self._speaking()[1].revoke(token)

    def logout_url(self, id_token: Secret | None, return_to: str) -> str:
        """Return where a sign-out goes on at the issuer. See `EndsSessions`."""
        metadata, _ = self._speaking()
        if not metadata.logout_url:
            return ""
        hint = [("id_token_hint", id_token.reveal())] if id_token else []
        params = [*hint, ("client_id", self._client_id), ("post_logout_redirect_uri", return_to)]
        url: str = add_params_to_uri(metadata.logout_url, params)
        return url

    def _speaking(self) -> tuple[Metadata, OAuth2Client]:
        """Return the issuer's metadata, and a client that speaks as they say."""
        metadata, spoken = self._issuer.metadata(), self._spoken
        if spoken is None or spoken[0] is not metadata:
            client = OAuth2Client(
                self._as_data(metadata),
                self._client_id,
                self._client_secret,
                self._transport,
                self._transport.clock,
                self._auth(metadata),
            )
            self._spoken = spoken = metadata, client
        return spoken

    def _as_data(self, metadata: Metadata) -> OAuth2Provider:
        provider = self._provider
        return OAuth2Provider(
            name=provider.name,
            title=provider.title,
            authorize_url=metadata.authorize_url,
            token_url=metadata.token_url,
            userinfo_url=metadata.userinfo_url,
            revoke_url=metadata.revoke_url,
            prompts=provider.prompts,
            issuer=metadata.issuer if metadata.sends_issuer else "",
            read_error=provider.read_error,
            userinfo=partial(self._userinfo, metadata),
            profile=provider.profile,
        )

    def _auth(self, metadata: Metadata) -> ClientAuth:
        """Return how the client proves who it is: as the settings say, else as they and the metadata allow."""
        method = self._provider.token_auth
        possible: list[TokenAuth] = ["client_secret_basic", "client_secret_post"] if self._client_secret else ["none"]
        if method == "auto" and self._key is None:
            offered = [known for known in possible if known in metadata.auth_methods]
            if not offered:
                raise ProviderMisconfigured(f"the issuer takes none of: {', '.join(possible)}; set token_auth")
            method = offered[0]
        if method == "none":
            return SecretInForm(self._client_id, None)
        if method == "client_secret_basic":
            return SecretInHeader(self._client_id, self._client_secret)
        if method == "client_secret_post" or self._key is None:
            return SecretInForm(self._client_id, self._client_secret)
        algorithm = self._key.algorithm_for(metadata.assertion_algorithms)
        return SignedAssertion(self._client_id, metadata.issuer, self._key, algorithm, self._transport.clock)

    def _claims(self, metadata: Metadata, token: Token, nonce: str | None) -> Mapping[str, Any]:
        return read_id_token(token, self._expected(metadata, nonce), self._issuer.keys)

    def _expected(self, metadata: Metadata, nonce: str | None) -> Expected:
        return Expected(
            issuer=metadata.issuer,
            client_id=self._client_id,
            audiences=self._provider.audiences,
            algorithms=metadata.algorithms,
            nonce=nonce,
            max_age=None if nonce is None else self._provider.max_age,
            now=self._transport.clock(),
        )

    def _userinfo(self, metadata: Metadata, api: Api, token: Token) -> Mapping[str, Any]:
        """Return the claims about the user: the user info of another user is none (Core 1.0, section 5.3.2)."""
        claims = self._claims(metadata, token, nonce=None) if token.id_token else {}
        if not metadata.userinfo_url and not claims:
            raise ProviderProtocolError(
                "the issuer has no user info endpoint, and without an ID token nobody says who it is"
            )
        if not metadata.userinfo_url:
            return merge_claims(claims, {})
        userinfo = api.get_json(metadata.userinfo_url)
        subject = userinfo.get("sub")
        if not isinstance(subject, str) or subject != claims.get("sub", subject):
            raise ProviderProtocolError("the user info has no sub, or that of another user than the ID token")
        return merge_claims(claims, userinfo)


def _with_due_issuer(response: AuthorizationResponse, metadata: Metadata) -> AuthorizationResponse:
    """Return `response` without an ``iss`` that is right although nobody announced it (RFC 9207, section 2.4)."""
    if metadata.sends_issuer or response.params.get("iss") != metadata.issuer:
        return response
    return replace(response, params={name: text for name, text in response.params.items() if name != "iss"})


def _request_uri(reply: Mapping[str, Any]) -> str:
    """Return what stands for a pushed authorization request (RFC 9126, section 2.2)."""
    uri = reply.get("request_uri")
    if not isinstance(uri, str) or not 0 < len(uri) <= MAX_REQUEST_URI or not all("!" <= char <= "~" for char in uri):
        raise ProviderProtocolError("the answer to the pushed authorization request has no request_uri")
    return uri
