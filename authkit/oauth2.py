"""The OAuth 2.0 authorization code flow, spoken as an `OAuth2Provider` wants it.

requests-oauthlib and oauthlib do the protocol. What they would get wrong is set right here: the client id goes
out under the provider's name for it, the secret where the provider wants it, and an answer is checked and
brought into the form of RFC 6749 before oauthlib reads it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, cast
from urllib.parse import urlencode

from oauthlib.common import add_params_to_uri
from requests import Response

from authkit.api import BearerApi
from authkit.clientauth import ClientAuth, client_auth
from authkit.clock import utc_now
from authkit.errors import InvalidRequest, IssuerMismatch, ReauthRequired
from authkit.models import Profile, Secret, Token
from authkit.provider import OAuth2Provider
from authkit.providerclient import AuthorizationRequest, AuthorizationResponse
from authkit.providersession import ProviderSession
from authkit.refusal import ReadError, Refusal
from authkit.replies import OF_A_FUNCTION, answer_of, guarded, read_reply, read_token, refusal_error
from authkit.transport import Transport
from authkit.urls import as_https

__all__ = ["OAuth2Client"]

MAX_CODE = 4096
FORM_HEADERS: Mapping[str, str] = MappingProxyType(
    {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
)


class OAuth2Client:
    """An `OAuth2Provider`, spoken to on behalf of one registered client. See `ProviderClient`.

    Args:
        provider: the provider.
        client_id: the client id.
        client_secret: the client secret.
        transport: the way to the provider.
        clock: the time, in seconds since the epoch.
        auth: how the client proves who it is, if not in the way of the provider's ``token_auth``.
    """

    def __init__(
        self,
        provider: OAuth2Provider,
        client_id: str,
        client_secret: Secret,
        transport: Transport,
        clock: Callable[[], float] = time.time,
        auth: ClientAuth | None = None,
    ) -> None:
        self._provider = provider
        self._auth = auth or client_auth(provider, client_id, client_secret)
        self._transport = transport
        self._clock = clock

    def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return the address that the browser is sent to."""
        url: str = add_params_to_uri(self._provider.authorize_url, self.authorization_params(request))
        return url

    def authorization_params(self, request: AuthorizationRequest) -> list[tuple[str, str]]:
        """Return what an authorization request says (RFC 6749, section 4.1.1; RFC 7636, section 4.3)."""
        provider = self._provider
        params = [(provider.client_id_param, request.client_id), ("response_type", "code")]
        if request.scope:
            params.append(("scope", provider.scope_separator.join(request.scope)))
        params += [("redirect_uri", request.redirect_uri), ("state", request.state)]
        if provider.code_challenge is not None:
            challenge = answer_of(provider.code_challenge, str, request.code_verifier.reveal())
            params += [("code_challenge", challenge), ("code_challenge_method", "S256")]
        if request.prompt is not None:
            params += provider.prompts[request.prompt].items()
        return params

    def exchange(self, response: AuthorizationResponse) -> Token:
        """Read the callback and exchange its code for a token (RFC 6749, sections 4.1.2 and 4.1.3)."""
        code = self._read_code(response.params)
        verifier = response.code_verifier.reveal() if self._provider.code_challenge else None
        session = ProviderSession(self._transport)
        form = self._auth.form()
        sent = (Secret(code), Secret(response.params.get("state", "")), response.code_verifier, *self._proofs(form))
        session.register_compliance_hook("access_token_response", self._checked(sent))
        session.redirect_uri = response.redirect_uri
        reply = guarded(
            lambda: session.fetch_token(
                as_https(self._provider.token_url),
                code=code,
                code_verifier=verifier,
                body=urlencode(form),
                auth=self._auth.header(),
                include_client_id=False,
                headers=dict(FORM_HEADERS),
            )
        )
        return self._token(reply, otherwise_granted=self._callback_scope(response))

    def fetch_profile(self, token: Token) -> Profile:
        """Fetch the profile with the provider's own `userinfo` and `profile` functions."""
        api = BearerApi(self._provider, ProviderSession(self._transport, token.access_token), self._secrets(token))
        data = answer_of(self._provider.userinfo, Mapping, api, token)  # type: ignore[type-abstract]  # only compared
        return answer_of(self._provider.profile, Profile, data)

    def refresh(self, token: Token) -> Token:
        """Return a fresh token (RFC 6749, section 6); the old refresh token stays where no new one came."""
        if not token.refresh_token:
            raise ReauthRequired("there is no refresh token")
        session = ProviderSession(self._transport)
        form = self._auth.form()
        checked = self._checked((*self._secrets(token), *self._proofs(form)), on_refresh=True)
        session.register_compliance_hook("refresh_token_response", checked)
        old_refresh_token = token.refresh_token.reveal()
        reply = guarded(
            lambda: session.refresh_token(
                as_https(self._provider.token_url),
                refresh_token=old_refresh_token,
                body=urlencode(form),
                auth=self._auth.header(),
                headers=dict(FORM_HEADERS),
            )
        )
        fresh = self._token(reply, otherwise_granted=token.scope)
        if token.subject and fresh.subject and fresh.subject != token.subject:
            raise ReauthRequired("the refreshed token belongs to another user")
        return _continued(token, fresh)

    def revoke(self, token: Token) -> bool:
        """End `token` at the provider (RFC 7009, section 2.1); False when the provider has no way to.

        That the token is none is no error to the RFC (section 2.2). To some it is, and they have a word for it. All
        other refusals say nothing of the token, which may be alive.

        Raises:
            ReauthRequired: the provider says that the token is none.
        """
        doomed = token.refresh_token or token.access_token
        if self._provider.revoke_with == "access_token":
            doomed = token.access_token
        if not self._provider.revoke_url:
            return False
        self.post_form(
            self._provider.revoke_url,
            {"token": doomed.reveal()},
            self._secrets(token),
            read_error=self._reader_of_errors("invalid_grant", "invalid_token"),
            empty_is_fine=True,
        )
        return True

    def post_form(
        self,
        url: str,
        fields: Mapping[str, str],
        secrets: Iterable[Secret] = (),
        *,
        read_error: ReadError | None = None,
        empty_is_fine: bool = False,
    ) -> Mapping[str, Any]:
        """POST a form to an endpoint of the provider, the client's proof in it, and return the JSON object answered.

        Args:
            url: the endpoint.
            fields: the form, without the client's own fields.
            secrets: what is sent and must not get into an error.
            read_error: finds a refusal in the answer, the provider's own function if None.
            empty_is_fine: whether a good answer may have no body.
        """
        form = self._auth.form()
        response = guarded(
            lambda: ProviderSession(self._transport).post(
                as_https(url),
                data=urlencode({**form, **fields}),
                auth=self._auth.header(),
                headers=dict(FORM_HEADERS),
            )
        )
        sent = (*secrets, *self._proofs(form))
        return read_reply(
            response, read_error or self._provider.read_error, secrets=sent, empty_is_fine=empty_is_fine
        )

    def _read_code(self, params: Mapping[str, str]) -> str:
        issuer = params.get("iss")
        if issuer != (self._provider.issuer or None):
            raise IssuerMismatch("the callback's iss is missing, unexpected, or another server's")
        refusal = guarded(lambda: self._provider.read_error(params), OF_A_FUNCTION)
        if refusal is not None:
            echoes = [Secret(params[name]) for name in ("code", "state") if name in params]
            raise refusal_error(refusal, 200, echoes)
        code = params.get("code", "")
        if not code:
            raise InvalidRequest("the callback has no code")
        if len(code) > MAX_CODE or not code.isascii() or not code.isprintable():
            raise InvalidRequest("the callback's code is too long, or has characters that no code has")
        return code

    def _callback_scope(self, response: AuthorizationResponse) -> tuple[str, ...]:
        name = self._provider.granted_scope_param
        if not name or name not in response.params:
            return response.scope
        granted = response.params[name]
        return tuple(scope for scope in response.scope if scope in granted.replace(",", " ").split())

    def _token(self, reply: Mapping[str, Any], otherwise_granted: tuple[str, ...]) -> Token:
        """Return the `Token` in an answer that `read_token` has checked and oauthlib has read."""
        now = utc_now(self._clock)
        expires_in, refresh_expires_in = reply.get("expires_in"), reply.get("refresh_expires_in")
        scope, refresh_token, id_token = (reply.get(name) for name in ("scope", "refresh_token", "id_token"))
        return Token(
            access_token=Secret(reply["access_token"]),
            refresh_token=Secret(refresh_token) if refresh_token else None,
            expires_at=now + timedelta(seconds=expires_in) if expires_in else None,
            refresh_expires_at=now + timedelta(seconds=refresh_expires_in) if refresh_expires_in else None,
            scope=otherwise_granted if scope is None else tuple(filter(None, scope)),  # oauthlib makes [""] of ""
            subject=reply.get("subject"),
            id_token=Secret(id_token) if id_token else None,
        )

    def _proofs(self, form: Mapping[str, str]) -> tuple[Secret, ...]:
        """Return what proves who the client is in one request: an assertion that was refused is not used up yet."""
        return (*self._auth.secrets, Secret(form.get("client_assertion", "")))

    def _secrets(self, token: Token) -> tuple[Secret, ...]:
        """Return what the provider knows and may echo."""
        texts = (token.access_token, token.refresh_token, token.id_token, *self._auth.secrets)
        return tuple(secret for secret in texts if secret)

    def _checked(self, sent: tuple[Secret, ...], *, on_refresh: bool = False) -> Callable[[Response], Response]:
        """Return the hook that stands between the provider's answer and oauthlib."""
        read_error = self._reader_of_errors("invalid_grant") if on_refresh else self._provider.read_error

        def hook(response: Response) -> Response:
            reply = read_reply(response, read_error, secrets=sent)
            return cast("Response", _Checked(json.dumps(read_token(reply, self._provider, on_refresh=on_refresh))))

        return hook

    def _reader_of_errors(self, *no_token: str) -> ReadError:
        """Return what finds a refusal; that the token is none any more is said by one of the words `no_token`."""

        def read_error(data: Mapping[str, Any]) -> Refusal | None:
            refusal = self._provider.read_error(data)
            return replace(refusal, meaning=ReauthRequired) if refusal and refusal.error in no_token else refusal

        return read_error


@dataclass(frozen=True, slots=True)
class _Checked:
    """A checked answer: all that requests-oauthlib reads of a response behind its hooks."""

    text: str


def _continued(old: Token, fresh: Token) -> Token:
    """Return `fresh` with what a refresh does not repeat taken over from `old` (RFC 6749, section 6)."""
    fresh = replace(fresh, subject=fresh.subject or old.subject, id_token=fresh.id_token or old.id_token)
    if fresh.refresh_token == old.refresh_token and fresh.refresh_expires_at is None:
        fresh = replace(fresh, refresh_expires_at=old.refresh_expires_at)
    return fresh
