"""`Issuer`: the metadata and the keys of one issuer, fetched when they are first needed, and kept for a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from requests import Request

from authkit.errors import AccessDenied, AuthkitError, ProviderMisconfigured, ProviderRejected, ScopeMissing
from authkit.oidc.kept import Kept
from authkit.oidc.keyset import Verifier, read_keys
from authkit.oidc.metadata import Metadata, metadata_url, read_metadata
from authkit.refusal import read_refusal
from authkit.replies import guarded, read_reply
from authkit.transport import Transport
from authkit.urls import as_https

__all__ = ["Issuer"]


class Issuer:
    """What an issuer publishes.

    Args:
        issuer: the issuer identifier.
        transport: the way to it.
    """

    def __init__(self, issuer: str, transport: Transport) -> None:
        self._issuer = issuer
        self._transport = transport
        self._metadata = Kept(f"the metadata of {issuer}", self._fetch_metadata, transport.clock)
        self._keys = Kept(f"the keys of {issuer}", self._fetch_keys, transport.clock)

    def metadata(self) -> Metadata:
        """Return its metadata.

        Raises:
            AuthkitError: they cannot be fetched, or are not what they have to be.
        """
        return self._metadata.get()

    def keys(self, is_renewed: bool = False) -> Sequence[Verifier]:
        """Return its public keys; those of an hour ago, or fetched anew.

        Raises:
            AuthkitError: they cannot be fetched, or none is of use.
        """
        return self._keys.renewed() if is_renewed else self._keys.get()

    def _fetch_metadata(self) -> Metadata:
        return read_metadata(self._get_json(metadata_url(self._issuer)), self._issuer)

    def _fetch_keys(self) -> Sequence[Verifier]:
        return read_keys(self._get_json(self.metadata().keys_url))

    def _get_json(self, url: str) -> Mapping[str, Any]:
        failure: AuthkitError
        try:
            request = Request("GET", as_https(url), headers={"Accept": "application/json", "User-Agent": "authkit"})
            response = guarded(lambda: self._transport.send(request.prepare()))
            return read_reply(response, read_refusal)
        except (AccessDenied, ProviderMisconfigured, ProviderRejected, ScopeMissing) as error:
            failure = ProviderMisconfigured(f"{url}: {error.reason}; is the issuer right?")
        raise failure
