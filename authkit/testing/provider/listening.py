"""`Listening`: everything that is logged while a test runs, and every try to reach the network."""

from __future__ import annotations

import logging
import sys
from contextlib import ExitStack
from contextvars import ContextVar
from functools import cache
from types import TracebackType
from typing import Any

__all__ = ["Listening"]

NETWORK = ("socket.getaddrinfo", "socket.connect")


class Listening(logging.Handler):
    """Listens to every logger at DEBUG, and to sockets, for the duration of a ``with`` block.

    Attributes:
        tries: what wanted to reach the network past authkit's transport; each try was refused.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.tries: list[str] = []
        self._lines: list[str] = []
        self._stack = ExitStack()

    @property
    def logged(self) -> str:
        """What was logged, tracebacks included."""
        return "\n".join(self._lines)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        self._lines.append(f"{record.name}: {self.format(record)}")

    def __enter__(self) -> Listening:
        _watch_sockets()
        root = logging.getLogger()
        self._stack.callback(root.setLevel, root.level)
        self._stack.callback(root.removeHandler, self)
        root.addHandler(self)
        root.setLevel(logging.DEBUG)
        self._stack.callback(_tries.reset, _tries.set(self.tries))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


_tries: ContextVar[list[str] | None] = ContextVar("tries", default=None)


@cache
def _watch_sockets() -> None:
    """Refuse the network to whoever runs inside a `Listening`: an audit hook cannot be taken out, so there is one."""
    sys.addaudithook(_refuse_network)


def _refuse_network(  # pragma: no cover - audit hooks are not traced
    event: str,
    arguments: tuple[Any, ...],
    network: tuple[str, str] = NETWORK,  # kept here: a hook lives on when a process that ends has cleared its modules
) -> None:
    tries = _tries.get() if event in network else None
    if tries is not None:
        host = arguments[0] if event == network[0] else arguments[1]
        tries.append(str(host))
        raise OSError("the contract of providers lets nobody reach the network")
