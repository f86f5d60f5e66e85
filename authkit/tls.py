"""TLS to providers: which authorities are trusted, and sessions that are resumed."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import certifi

from authkit.errors import ProviderUnavailable

__all__ = ["Context", "tls_context"]

SESSION_SECONDS = 3600.0
"""For how long a session may be resumed, counted from the handshake in which the certificate was checked."""
MAX_SESSIONS = 64


class Context(ssl.SSLContext):
    """A context that resumes the sessions it has: a new connection then costs no check of certificates.

    A session is of the host whose certificate was good (RFC 8446, section 2.2). One that was resumed brings forth
    others, which are not kept: the certificate is checked again in time, however often a server is asked.
    """

    def __init__(self, _: int, *, timer: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._timer = timer
        self._sessions: dict[str, tuple[ssl.SSLSession, float]] = {}

    def wrap_socket(self, *args: Any, server_hostname: str | bytes | None = None, **kwargs: Any) -> ssl.SSLSocket:
        """Do the handshake, a short one if the host has a session that is young enough."""
        session, ends_at = self._sessions.get(str(server_hostname), (None, 0.0))
        if self._timer() >= ends_at:
            session = None
        return super().wrap_socket(*args, server_hostname=server_hostname, session=session, **kwargs)  # type: ignore[misc]  # each once

    def keep(self, sock: ssl.SSLSocket) -> None:
        """Keep the session of `sock`, whose handshake was a full one; a server sends it with its first answer."""
        if sock.session_reused:
            return
        session = sock.session
        if session is not None and session.has_ticket:
            if len(self._sessions) >= MAX_SESSIONS:
                self._sessions.clear()
            self._sessions[str(sock.server_hostname)] = session, self._timer() + SESSION_SECONDS


def tls_context(ca_bundle: str | None, timer: Callable[[], float] = time.monotonic) -> Context:
    """Return a context that trusts the certificates in `ca_bundle`, or those of Mozilla, and nothing else."""
    context = Context(ssl.PROTOCOL_TLS_CLIENT, timer=timer)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    context.set_alpn_protocols(["http/1.1"])
    with suppress(OSError):
        context.load_verify_locations(cafile=ca_bundle or certifi.where())
        return context
    raise ProviderUnavailable("the CA bundle cannot be loaded")
