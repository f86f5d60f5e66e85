"""The session that requests-oauthlib speaks OAuth with, put straight onto the transport."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from requests import PreparedRequest, Request, Response
from requests_oauthlib import OAuth2Session

from authkit.models import Secret
from authkit.transport import Transport

__all__ = ["ProviderSession"]


class ProviderSession(OAuth2Session):
    """A session for one operation: it holds a user's token, so it is never shared.

    What a session of requests does around a call is never wanted here, and left out, which is half of the time that
    a call costs: cookies, redirects, hooks, credentials from ~/.netrc, proxies and certificates of the environment.

    Args:
        transport: the way to the provider.
        token: the access token to send, none for a request that gets one.
    """

    def __init__(self, transport: Transport, token: Secret | None = None) -> None:
        super().__init__()  # a session without a client id adds none of its own, and no HTTP Basic
        self._transport = transport
        if token is not None:
            self.token = {"access_token": token.reveal(), "token_type": "Bearer"}

    def prepare_request(self, request: Request) -> PreparedRequest:
        """Return `request` as it goes out. Whoever sends a form says so in the headers."""
        prepared = PreparedRequest()
        prepared.prepare_method(request.method)
        prepared.prepare_url(request.url, _encoded(request.params))
        prepared.prepare_headers({"User-Agent": "authkit", **request.headers})
        prepared.prepare_body(_encoded(request.data), None, request.json)
        prepared.prepare_auth(request.auth)
        return prepared

    def merge_environment_settings(self, *_: object) -> dict[str, Any]:  # type: ignore[override]
        """Return nothing: the environment does not say how a provider is reached."""
        return {}

    def send(self, request: PreparedRequest, **_: object) -> Response:
        """Send `request` through the transport, which bounds, checks and reads."""
        return self._transport.send(request)


def _encoded(form: Any) -> Any:
    """Return a mapping as the text of a form, and anything else as it is: requests takes long to find out which."""
    return urlencode(form, doseq=True) if isinstance(form, Mapping) else form
