"""`Certificates`: what a server on this machine needs to speak TLS, made when it starts."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from authkit.errors import ConfigError

__all__ = ["Certificates"]

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Certificates:
    """A certificate authority of its own, and a server's certificate by it. The keys stay in memory.

    Args:
        names: host names and addresses for which the certificate holds, beside those of this machine.

    Attributes:
        context: for the server; TLS 1.2 or newer.
        ca_bundle: a PEM file with the authority's certificate, for clients; it is there until `close`.

    Raises:
        ConfigError: trustme is not installed, or there can be no certificate for one of the names.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        try:
            import trustme
        except ImportError as cause:
            raise ConfigError("TLS needs trustme: pip install 'authkit-core[emulator]'") from cause
        wanted = dict.fromkeys((*names, *LOOPBACK))
        authority = trustme.CA()
        try:
            issued = authority.issue_cert(*wanted)
        except ValueError as cause:
            raise ConfigError(f"no certificate can be made for all of {', '.join(wanted)}") from cause
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        issued.configure_cert(self.context)
        descriptor, self.ca_bundle = tempfile.mkstemp(prefix="authkit-ca-", suffix=".pem")
        with os.fdopen(descriptor, "wb") as file:
            file.write(authority.cert_pem.bytes())

    def __enter__(self) -> Certificates:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the file. May be called again."""
        with suppress(FileNotFoundError):
            Path(self.ca_bundle).unlink()
