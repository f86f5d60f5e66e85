"""`serve`: a WSGI application on a port of this machine, in the background, with or without TLS."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING

from authkit.emulator.certificates import Certificates
from authkit.emulator.workbench import HasWorkbench
from authkit.errors import ConfigError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["RunningServer", "serve"]

WILDCARDS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to recognise them


def serve(
    app: WSGIApplication,
    host: str = "127.0.0.1",
    port: int = 8787,
    *,
    tls: bool = False,
    names: Iterable[str] = (),
) -> RunningServer:
    """Serve `app` until the server that is returned is closed, or its ``with`` block is left.

    An emulator's faults reach the wire: connections are reset, bytes drip. With TLS the fault ``slow-connect`` comes
    before the handshake, and so with whichever connection is next, since nobody can know for which endpoint it will
    be used. Without TLS the connection is there at once, so that no client's timeout for connecting is put to the
    test; the request waits instead, and is not processed if the client has gone meanwhile. A connection that was
    kept is used as it is.

    Args:
        app: any WSGI application.
        host: an address or a name of this machine.
        port: 0, or a port that is taken, means: whichever is free.
        tls: whether to speak TLS, with a certificate of an authority that is made on the spot.
        names: host names and addresses for which the certificate holds, beside `host` and the loopback ones.

    Raises:
        ConfigError: cheroot, or trustme for TLS, is not installed; this machine has no such address; or there can
            be no certificate for one of the names.

    Example:
        with serve(TikTokEmulator(), tls=True) as server:
            print(server.origin, server.ca_bundle)
    """
    try:
        import cheroot  # noqa: F401
    except ImportError as cause:
        raise ConfigError("serving needs cheroot: pip install 'authkit-core[emulator]'") from cause
    return RunningServer(app, host, port, (host, *names) if tls else None)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError:
        pass
    try:
        return socket.create_server((host, 0), family=family)
    except OSError as cause:
        raise ConfigError(f"cannot listen at {host!r}: {cause.strerror}") from cause


def _connect_delay(app: object) -> Callable[[], float]:
    """Return what says for how many seconds the next TLS connection waits."""

    def delay() -> float:
        fault = app.workbench.faults.take_connecting() if isinstance(app, HasWorkbench) else None
        return fault.number if fault else 0.0

    return delay


class RunningServer:
    """An application that is being served; `serve` makes it.

    Attributes:
        origin: where it answers, such as ``http://127.0.0.1:8787``.
        ca_bundle: the path of a PEM file with the certificate to trust, which is there until the server is closed;
            None without TLS.
    """

    def __init__(self, app: WSGIApplication, host: str, port: int, names: Iterable[str] | None) -> None:
        from authkit.emulator.httpd import HttpServer

        with ExitStack() as opened:
            listener = opened.enter_context(_listen(host, port))
            certificates = None if names is None else opened.enter_context(Certificates(filter(None, names)))
            shown = WILDCARDS.get(host, host)
            address = f"{f'[{shown}]' if ':' in shown else shown}:{listener.getsockname()[1]}"
            self.origin = f"{'https' if certificates else 'http'}://{address}"
            self.ca_bundle = certificates.ca_bundle if certificates else None
            self._server = HttpServer(
                app, listener, certificates.context if certificates else None, _connect_delay(app)
            )
            started: Future[None] = Future()
            self._loop = threading.Thread(
                target=self._server.run, args=(started,), name=f"authkit-serve-{self.origin}", daemon=True
            )
            self._loop.start()
            started.result()
            self._opened = opened.pop_all()

    def __enter__(self) -> RunningServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every thread, close every socket and remove every file. May be called again.

        A request under way has a second to finish; what a fault delays ends at once.
        """
        self._server.stop()
        self._loop.join()
        self._opened.close()
