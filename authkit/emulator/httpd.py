"""`HttpServer`: cheroot's, taught to do damage to connections, to shake hands in a worker, and to end at once."""

from __future__ import annotations

import errno
import logging
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cheroot.errors import FatalSSLAlert
from cheroot.server import HTTPConnection, HTTPServer
from cheroot.ssl import Adapter
from cheroot.workers.threadpool import ThreadPool
from urllib3.util.wait import wait_for_read

from authkit.emulator.gateway import Gateway, Request
from authkit.emulator.streams import Reader, Writer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["HttpServer"]

HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 1024 * 1024
WORKERS = 8
MOST_WORKERS = 128
GRACE_SECONDS = 1.0
LINGER_SECONDS = 0.002
log = logging.getLogger("authkit.emulator")


class HttpServer(HTTPServer):
    """Serves a WSGI application at a socket that listens already.

    Args:
        app: any WSGI application.
        listener: the socket; it belongs to the server from now on.
        context: for TLS, None for none.
        connect_delay: the seconds that a new TLS connection waits before its handshake.
    """

    request_queue_size = 128
    max_request_header_size = HEAD_LIMIT
    max_request_body_size = BODY_LIMIT
    keep_alive_conn_limit = 256
    expiration_interval = 0.1  # also what `stop` has to wait for
    shutdown_timeout = 1

    def __init__(
        self,
        app: WSGIApplication,
        listener: socket.socket,
        context: ssl.SSLContext | None = None,
        connect_delay: Callable[[], float] = float,
    ) -> None:
        super().__init__(listener.getsockname()[:2], Gateway, server_name="authkit-emulator")
        self.wsgi_app = app
        self.connect_delay = connect_delay
        self.closing = threading.Event()
        self.connections: set[Connection] = set()
        self.requests = Pool(self, min=WORKERS, max=MOST_WORKERS)
        self.ConnectionClass = Connection
        self.ssl_adapter = LateHandshake(context) if context else None
        self._listener = listener
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it

    def bind(self, family: int, type: int, proto: int = 0) -> socket.socket:  # noqa: A002, ARG002 - cheroot's names
        """Take the socket that there is."""
        self.socket: Any = self._listener
        return self._listener

    def clear_stats(self) -> None:
        """Start counting anew; and leave no way to this server behind in a global, where cheroot puts one."""
        super().clear_stats()
        getattr(logging, "statistics", {}).pop(f"Cheroot HTTPServer {id(self)}", None)

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """Write to authkit's log instead of the standard error output."""
        log.log(level, "%s", msg, exc_info=traceback)

    def run(self, started: Future[None]) -> None:
        """Serve until the server is stopped, and say when it has started, or why not.

        Where this runs in a thread that is a daemon, the workers are daemons too.
        """
        try:
            self.prepare()
        except Exception as error:  # noqa: BLE001 - it is raised where somebody waits for the start
            started.set_exception(error)
        else:
            started.set_result(None)
            self.serve()

    def stop(self) -> None:
        """End: what is being answered may take a second more, everything else ends at once."""
        self.closing.set()
        for connection in tuple(self.connections):
            if not connection.is_answering:
                connection.cut()
        patience = time.monotonic() + GRACE_SECONDS
        while self.connections and time.monotonic() < patience:
            time.sleep(0.005)
        for connection in tuple(self.connections):
            connection.cut()
        super().stop()

    def process_conn(self, conn: Connection) -> None:
        """Hand over a connection to a worker; a new one without TLS only once it has sent something."""
        if conn.last_used is None and self.ssl_adapter is None:
            self.put_conn(conn)
        else:
            super().process_conn(conn)

    def _serve_unservicable(self) -> None:
        """Let the thread end that cheroot starts for what does not fit into the queue, which has no limit here."""


class Pool(ThreadPool):
    """Workers, more of them when all are busy: a connection that is silent or slow keeps its worker."""

    def put(self, obj: Connection) -> None:
        """Hand over a connection."""
        super().put(obj)
        if self.qsize >= self.idle:
            self.grow(WORKERS)


class LateHandshake(Adapter):
    """TLS whose handshake is left to the worker: cheroot accepts nobody else during one."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context

    def bind(self, sock: socket.socket) -> socket.socket:
        """Return the listening socket as it is."""
        return sock

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, Any]]:
        """Return what will speak TLS, and nothing for the environment of WSGI."""
        try:
            return self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), {}
        except OSError as gone:
            raise FatalSSLAlert(*gone.args) from gone

    def get_environ(self) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def makefile(self, sock: socket.socket, mode: str = "r", bufsize: int = -1) -> Any:
        """Return a stream."""
        return _make_stream(sock, mode, bufsize)


def _make_stream(sock: socket.socket, mode: str, bufsize: int) -> Any:
    return Writer(sock) if "w" in mode else Reader(sock, bufsize)


class Connection(HTTPConnection):
    """A connection that can be reset, and that knows whether its end would disturb anybody.

    Attributes:
        is_answering: whether a request was read and is not answered yet.
        is_connected: whether it cannot be slow to come about any more.
    """

    def __init__(self, server: HttpServer, sock: socket.socket, makefile: object = None) -> None:  # noqa: ARG002
        super().__init__(server, sock, _make_stream)
        self.RequestHandlerClass = Request
        self.is_answering = False
        self.is_connected = False
        server.connections.add(self)

    def communicate(self) -> bool:
        """Answer a request, and those that follow at its heels; return whether there may be another one."""
        try:
            if isinstance(self.socket, ssl.SSLSocket) and not self.is_connected:
                self.pause(self.server.connect_delay())
                self.socket.do_handshake()
                self.is_connected = True
            while is_kept := bool(not self.server.closing.is_set() and super().communicate()):
                self.is_connected = True
                self.is_answering = False
                if not self._has_next():
                    break
        except OSError as error:
            log.debug("a connection failed: %r", error)
            return False
        return is_kept and not self.server.closing.is_set()

    def _has_next(self) -> bool:
        """Whether another request is there at once: to give the connection back and take it again costs more.

        Whoever waits for the socket does not see what TLS has read already.
        """
        if self.rfile.has_data() or (isinstance(self.socket, ssl.SSLSocket) and self.socket.pending()):
            return True
        return self.server.requests.idle > 0 and wait_for_read(self.socket, LINGER_SECONDS)

    def pause(self, seconds: float) -> None:
        """Wait; raise ConnectionAbortedError when the server is closed meanwhile."""
        if self.server.closing.wait(seconds):
            raise ConnectionAbortedError(errno.ECONNABORTED, "the server is closed")

    def check(self) -> None:
        """Raise ConnectionError when the client has gone: when the next thing to read is the end."""
        if wait_for_read(self.socket, 0) and not socket.socket.recv(self.socket, 1, socket.MSG_PEEK):
            raise ConnectionAbortedError(errno.ECONNABORTED, "the client has gone")

    def reset(self) -> None:
        """Reset the connection, and raise ConnectionResetError.

        A socket that does not linger is reset when it is closed, unless it is shut down before. The stream to read
        from holds on to it, so it is the descriptor that is closed.
        """
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(self.socket.detach())
        raise ConnectionResetError(errno.ECONNRESET, "a fault reset the connection")

    def cut(self) -> None:
        """End every wait for the other end, from another thread."""
        with suppress(OSError):
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket and its streams, whatever their state; an exception here would end the worker."""
        self.cut()
        for stream in (self.rfile, self.wfile, self.socket):
            with suppress(OSError, ValueError):
                stream.close()
        self.server.connections.discard(self)
