"""`serve`: the demo's own application on a loopback port, in the background, by waitress."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any

from authkit.errors import ConfigError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["RunningServer", "serve"]


def serve(app: WSGIApplication, host: str = "127.0.0.1", port: int = 6543) -> RunningServer:
    """Serve `app` until the server that is returned is closed, or its ``with`` block is left.

    Args:
        app: any WSGI application.
        host: a loopback address, ``127.0.0.1``, ``::1`` or ``localhost``.
        port: 0, or a port that is taken, means: whichever is free.

    Raises:
        ConfigError: waitress is not installed.

    Example:
        with serve(app) as server:
            print(server.origin)
    """
    try:
        import waitress  # noqa: F401
    except ImportError as cause:
        raise ConfigError("serving needs waitress: pip install 'authkit-core[cli]'") from cause
    return RunningServer(app, host, _listen(host, port))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError:
        return socket.create_server((host, 0), family=family)


class RunningServer:
    """An application that is being served; `serve` makes it.

    Attributes:
        origin: where it answers, such as ``http://127.0.0.1:6543``.
    """

    def __init__(self, app: WSGIApplication, host: str, listener: socket.socket) -> None:
        from waitress.server import create_server

        self.origin = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
        self._connections: dict[int, Any] = {}
        self._server: Any = create_server(app, map=self._connections, sockets=[listener])
        self._closing = threading.Event()
        self._loop = threading.Thread(target=self._run, name=f"authkit-demo-{self.origin}", daemon=True)
        self._loop.start()

    def __enter__(self) -> RunningServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the requests under way finish, then end every thread and close every socket. May be called again."""
        if self._closing.is_set():
            return
        self._server.task_dispatcher.shutdown()
        self._closing.set()
        self._server.pull_trigger()
        self._loop.join()
        for connection in list(self._server.active_channels.values()):
            connection.handle_close()
        self._server.close()

    def _run(self) -> None:
        """Move bytes until `close` is called. Waitress' own loop has no way to be ended from another thread."""
        from waitress import wasyncore

        while not self._closing.is_set():
            wasyncore.loop(timeout=1, use_poll=True, map=self._connections, count=1)
