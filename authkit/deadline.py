"""One deadline for a whole operation, and the watchdog that ends what is still on the network then.

The timeout of a socket bounds a single read, not their sum: a server that sends one byte now and then holds a
caller for as long as it likes. So the socket in use is watched, and shut when the deadline passes.
"""

from __future__ import annotations

import math
import os
import socket
import threading
import time
from contextlib import suppress
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from authkit.errors import ProviderUnavailable

if TYPE_CHECKING:
    from _typeshed import HasFileno

__all__ = ["Deadline", "Waiting"]

OPERATION_SECONDS = 15.0
LOOK_AGAIN = 0.1
"""How often who waits for no socket, which could be shut, looks if the time is over, in seconds."""


class Waiting(Protocol):
    """An operation among others that wait for one provider: it may have to give up early, for their sake."""

    def gives_up_at(self) -> float:
        """Return when, on the clock of `time.monotonic`. It may move into the future, and never the other way."""
        ...

    def heard(self) -> None:
        """Note that the provider has answered."""
        ...


class Deadline:
    """The time by which an operation must be over, all its calls included.

    ``with Deadline(15):`` makes it the current one; inside another one, the earlier of the two holds. It counts
    from when it is made. While one is current, nothing that requests-oauthlib logs gets out: whole token requests.

    Args:
        seconds: how long the operation may take.
        waiting: who knows whether it has to give up earlier; None for the one of the deadline around it, if any.
    """

    def __init__(self, seconds: float = OPERATION_SECONDS, waiting: Waiting | None = None) -> None:
        self.seconds = seconds
        self.ends_at = time.monotonic() + seconds
        self._is_over = False
        self._is_watched = False
        outer = _current.get()
        self._waiting: Waiting | None = waiting or (outer._waiting if outer else None)
        if outer is not None and outer.ends_at <= self.ends_at:
            self.seconds, self.ends_at = outer.seconds, outer.ends_at

    @staticmethod
    def current() -> Deadline | None:
        """Return the deadline of the operation under way in this context; None outside of any."""
        return _current.get()

    def __enter__(self) -> Deadline:
        self._token = _current.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _current.reset(self._token)
        if self._is_watched:
            _watchdog.forget(self)

    @property
    def gives_up_at(self) -> float:
        """When the operation ends as things stand: with the deadline, or earlier for the sake of others."""
        return self.ends_at if self._waiting is None else min(self.ends_at, self._waiting.gives_up_at())

    @property
    def expired(self) -> bool:
        """Whether the time is over. Once it was, it stays so: a socket may have been shut over it."""
        self._is_over = self._is_over or time.monotonic() >= self.gives_up_at
        return self._is_over

    def remaining(self) -> float:
        """Return the seconds that are left, more than 0.

        Raises:
            ProviderUnavailable: none are left, or others wait already for a provider that answers nobody.
        """
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise ProviderUnavailable(f"the deadline of {self.seconds:g} s passed")
        if self.expired:
            raise ProviderUnavailable("the provider does not answer, and enough are waiting for it")
        return left

    def heard(self) -> None:
        """Note that the provider has answered, unless it was our own doing that a wait came to an end."""
        if self._waiting is not None and not self._is_over:
            self._waiting.heard()

    def acquire(self, lock: threading.Lock) -> bool:
        """Acquire `lock`, and tell whether that was possible before the time was over."""
        while not self.expired:
            if lock.acquire(timeout=min(LOOK_AGAIN, max(0.0, self.ends_at - time.monotonic()))):
                return True
        return False

    def watch(self, sock: HasFileno) -> None:
        """Have `sock`, and no longer the one before, shut when the time is over.

        A copy of the file descriptor is kept, because wrapping a socket into TLS detaches the original; to shut
        the copy ends every wait on the connection, also one in the middle of a handshake.
        """
        self.remaining()
        self._is_watched = True
        _watchdog.guard(self, socket.socket(fileno=socket.dup(sock.fileno())))


class _Watchdog:
    """The one thread of a process that shuts the sockets of deadlines that have passed.

    It starts with the first socket to watch. It is woken only for a deadline earlier than the one it sleeps for,
    so deadlines of one length cost it no wake-up each.
    """

    def __init__(self) -> None:
        self._watched: dict[Deadline, socket.socket] = {}
        self.reset()

    def reset(self) -> None:
        """Start from nothing: in a forked child neither the thread nor the watched operations exist."""
        for sock in self._watched.values():
            sock.close()
        self._watched = {}
        self._changed = threading.Condition(threading.Lock())
        self._wakes_at = math.inf
        self._thread: threading.Thread | None = None

    def guard(self, deadline: Deadline, sock: socket.socket) -> None:
        with self._changed:
            self._drop(deadline)
            self._watched[deadline] = sock
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="authkit-watchdog", daemon=True)
                self._thread.start()
            elif deadline.gives_up_at < self._wakes_at:
                self._changed.notify()

    def forget(self, deadline: Deadline) -> None:
        with self._changed:
            self._drop(deadline)

    def _drop(self, deadline: Deadline) -> None:
        sock = self._watched.pop(deadline, None)
        if sock is not None:
            sock.close()

    def _run(self) -> None:
        with self._changed:
            while True:
                self._shut_expired()
                self._wakes_at = min((deadline.gives_up_at for deadline in self._watched), default=math.inf)
                self._changed.wait(min(self._wakes_at - time.monotonic(), threading.TIMEOUT_MAX))

    def _shut_expired(self) -> None:
        for deadline in [deadline for deadline in self._watched if deadline.expired]:
            with suppress(OSError):
                self._watched[deadline].shutdown(socket.SHUT_RDWR)
            self._drop(deadline)


_current: ContextVar[Deadline | None] = ContextVar("authkit_deadline", default=None)
_watchdog = _Watchdog()

if hasattr(os, "register_at_fork"):  # pragma: no branch - some systems have no fork
    os.register_at_fork(after_in_child=_watchdog.reset)
