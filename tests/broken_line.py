"""A line to a server that can be cut and mended."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Line:
    """A port of this machine that leads to a server, while it is not cut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._accept(self._listener)

    def cut(self) -> None:
        """End every connection, and let nobody connect."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        while self._open:
            with suppress(OSError):
                self._open.pop().shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Let people connect again."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._accept(self._listener)

    def _accept(self, listener: socket.socket) -> None:
        def run() -> None:
            while True:
                try:
                    near, _ = listener.accept()
                except OSError:
                    return
                far = socket.create_connection(self._target)
                self._open += [near, far]
                _carry(near, far)
                _carry(far, near)

        threading.Thread(target=run, daemon=True).start()


def _carry(source: socket.socket, target: socket.socket) -> None:
    def run() -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)
        source.close()

    threading.Thread(target=run, daemon=True).start()
