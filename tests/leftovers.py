"""What a test may leave behind in the process: threads, and sockets that listen."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from pathlib import Path

LASTING = {"MainThread", "authkit-watchdog"}
"""Threads that stay: the one that runs the tests, and the one that ends calls whose time is over."""

DESCRIPTORS = Path("/proc/self/fd")
"""What is open; there is no such folder but on Linux, and only threads are looked for elsewhere."""


def threads() -> set[str]:
    """Return the threads that run now, each by a name of its own."""
    return {f"{thread.name} ({thread.ident})" for thread in threading.enumerate() if thread.name not in LASTING}


def sockets() -> set[str]:
    """Return the sockets that are open now, as the system numbers them."""
    found = set()
    with suppress(OSError):
        for descriptor in os.listdir(DESCRIPTORS):  # noqa: PTH208 - half as fast with pathlib, for every test
            with suppress(OSError):
                found.add(os.readlink(f"{DESCRIPTORS}/{descriptor}") + f" as {descriptor}")  # noqa: PTH115 - as above
    return {name for name in found if name.startswith("socket:")}


def descriptors() -> int:
    """Return how many files and sockets are open."""
    return len(list(DESCRIPTORS.iterdir())) if DESCRIPTORS.exists() else 0


def listening(names: set[str]) -> set[str]:
    """Return which of some sockets listen."""
    return {name for name in names if _listens(int(name.rpartition(" ")[2]))}


def _listens(descriptor: int) -> bool:
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as looked_at:
        return bool(looked_at.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    return False
