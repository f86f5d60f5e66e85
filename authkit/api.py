"""A provider's API, as a plugin's user info function calls it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import copy_context
from types import MappingProxyType
from typing import Any

from requests import Response

from authkit.errors import ProviderProtocolError
from authkit.models import Secret
from authkit.provider import OAuth2Provider
from authkit.providersession import ProviderSession
from authkit.replies import read_list, read_reply
from authkit.urls import as_https, check_url, origin_of

__all__ = ["BearerApi"]

JSON_HEADERS: Mapping[str, str] = MappingProxyType({"Accept": "application/json"})


class BearerApi:
    """A provider's API, called for the user whose token `session` holds. See `Api`.

    `secrets` are kept out of errors, should the provider echo them.
    """

    def __init__(self, provider: OAuth2Provider, session: ProviderSession, secrets: tuple[Secret, ...]) -> None:
        self._provider = provider
        self._session = session
        self._secrets = secrets
        self._context = copy_context()

    @property
    def userinfo_url(self) -> str:
        """The user info endpoint of this registration."""
        return self._provider.userinfo_url

    def get_json(self, url: str, params: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """GET `url` and return the JSON object that it answers."""
        return read_reply(self._call("GET", url, params), self._provider.read_error, secrets=self._secrets)

    def get_list(self, url: str, params: Mapping[str, str] | None = None) -> Sequence[Any]:
        """GET `url` and return the JSON array that it answers."""
        return read_list(self._call("GET", url, params), self._provider.read_error, secrets=self._secrets)

    def post_json(
        self, url: str, payload: Mapping[str, Any], params: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        """POST `payload` as JSON to `url` and return the JSON object that it answers."""
        response = self._call("POST", url, params, payload)
        return read_reply(response, self._provider.read_error, secrets=self._secrets)

    def _call(
        self, method: str, url: str, params: Mapping[str, str] | None, payload: Mapping[str, Any] | None = None
    ) -> Response:
        if not self._is_ours(url):
            raise ProviderProtocolError("the plugin wanted to send the token to a foreign origin")
        # oauthlib writes the token into the headers that it is given: they must be this call's alone.
        # The deadline of the operation holds, and its log stays quiet, in a thread of the plugin's own too.
        return self._context.copy().run(
            self._session.request, method, as_https(url), params=params, json=payload, headers=dict(JSON_HEADERS)
        )

    def _is_ours(self, url: str) -> bool:
        provider = self._provider
        endpoints = [url for url in (provider.userinfo_url, provider.token_url, provider.revoke_url) if url]
        if url in endpoints:
            return True
        try:
            check_url(url)  # a backslash or a user in it, and two parsers see two hosts
            return origin_of(url) in {origin_of(endpoint) for endpoint in endpoints}
        except ValueError:
            return False
