"""The session that requests-oauthlib speaks OAuth with, put straight onto the transport."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

import requests
from requests import PreparedRequest, Response
from requests_oauthlib import OAuth2Session

from authkit.models import Secret
from authkit.transport import ACCEPTED, Transport

__all__ = ["ProviderSession"]

HEADERS: Mapping[str, str] = MappingProxyType({"User-Agent": "authkit", "Accept-Encoding": ACCEPTED})
MAX_ADDRESSES = 128
"""How many addresses are kept as they go out; the endpoints of a registration are three."""


class _Bare(requests.Session):
    """A session of requests that is only the way of a request: what `OAuth2Session` stands on.

    What a session does besides is never wanted here, and costs more than the request: adapters and pools of its own,
    cookies, redirects, hooks, credentials from ~/.netrc, proxies and certificates of the environment.
    """

    transport: Transport

    def __init__(self) -> None:
        """Do nothing: nothing of a session of requests is used."""

    def request(  # type: ignore[override]  # what is left out would have no effect
        self,
        method: str,
        url: str,
        params: Any = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        auth: Any = None,
        json: Any = None,
        **_: object,
    ) -> Response:
        """Send a request through the transport, which bounds, checks and reads. Whoever sends a form says so."""
        prepared = PreparedRequest()
        prepared.prepare_method(method)
        prepared.url = _with_query(_address(url), _encoded(params))
        prepared.prepare_headers({**HEADERS, **(headers or {})})
        prepared.prepare_body(_encoded(data), None, json)
        if auth is not None:
            prepared.prepare_auth(auth)
        return self.transport.send(prepared)


class ProviderSession(OAuth2Session, _Bare):  # type: ignore[misc]  # it overrides `request` as it does that of requests
    """A session for one operation: it holds a user's token, so it is never shared.

    Args:
        transport: the way to the provider.
        token: the access token to send, none for a request that gets one.
    """

    def __init__(self, transport: Transport, token: Secret | None = None) -> None:
        super().__init__()  # a session without a client id adds none of its own, and no HTTP Basic
        self.transport = transport
        if token is not None:
            self.token = {"access_token": token.reveal(), "token_type": "Bearer"}


@lru_cache(MAX_ADDRESSES)
def _address(url: str) -> str:
    """Return an endpoint's address as requests sends it: the few that there are need not be taken apart each time."""
    prepared = PreparedRequest()
    prepared.prepare_url(url, None)
    return str(prepared.url)


def _with_query(address: str, query: str | None) -> str:
    return f"{address}{'&' if '?' in address else '?'}{query}" if query else address


def _encoded(form: Any) -> Any:
    """Return a mapping as the text of a form, and anything else as it is: requests takes long to find out which."""
    return urlencode(form, doseq=True) if isinstance(form, Mapping) else form
