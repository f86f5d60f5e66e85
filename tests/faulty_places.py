"""Places where nobody answers, and certificates for servers that do."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import trustme
from faulty_server import FaultyServer

from authkit.transport import Transport


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def resolving_to(*addresses: tuple[str, int]) -> Callable[[str, int], Sequence[tuple[Any, ...]]]:
    return lambda *_: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]


@contextmanager
def black_hole() -> Iterator[tuple[str, int]]:
    """Give an address where connections are neither accepted nor refused: its queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        yield listener.getsockname()
        for sock in waiting:
            sock.close()


def self_signed(name: str) -> ssl.SSLContext:
    """Return what a server needs whose certificate nobody else has signed."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with authority.private_key_pem.tempfile() as key, authority.cert_pem.tempfile() as certificate:
        context.load_cert_chain(certificate, key)
    return context


class Certificates:
    """A certificate authority, and the file that makes a transport trust it."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.bundle = str(folder / "ca.pem")
        self.authority.cert_pem.write_to_path(self.bundle)

    def context(self, *names: str, authority: trustme.CA | None = None, **more: Any) -> ssl.SSLContext:
        """Return what a server needs that says it is `names`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        (authority or self.authority).issue_cert(*names, **more).configure_cert(context)
        return context


Site = Callable[..., FaultyServer]
To = Callable[[FaultyServer], Transport]
