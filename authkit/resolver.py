"""Looking names up, bounded in time."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

__all__ = ["Address", "LookUp", "Resolver", "look_up"]

LOOK_UPS_AT_ONCE = 16

Address: TypeAlias = tuple[Any, ...]
LookUp: TypeAlias = Callable[[str, int], Sequence[Address]]
# Not queue.SimpleQueue: its get() may wait for ever when the timeout is over by the time it starts to wait.
_Answers: TypeAlias = "queue.Queue[Sequence[Address] | Exception]"


def look_up(host: str, port: int) -> Sequence[Address]:
    """Ask the system's resolver for the addresses of `host`."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


class Resolver:
    """Looks names up in helper threads, because the system's resolver has no timeout and may hang for minutes.

    At most `LOOK_UPS_AT_ONCE` threads exist; while all of them hang, a further look-up waits for its turn.
    """

    def __init__(self, ask: LookUp) -> None:
        self._ask = ask
        self._slots = threading.BoundedSemaphore(LOOK_UPS_AT_ONCE)

    def resolve(self, host: str, port: int, seconds: float) -> Sequence[Address]:
        """Return the addresses of `host`, or raise `TimeoutError` after `seconds`."""
        with suppress(socket.gaierror):
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        ends_at = time.monotonic() + seconds
        answers: _Answers = queue.Queue()
        if self._slots.acquire(timeout=seconds):
            work = (host, port, answers)
            threading.Thread(target=self._work, args=work, name="authkit-resolver", daemon=True).start()
        try:
            answer = answers.get(timeout=max(0.0, ends_at - time.monotonic()))
        except queue.Empty:
            raise TimeoutError from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _work(self, host: str, port: int, answers: _Answers) -> None:
        try:
            answers.put(self._ask(host, port))
        except (OSError, UnicodeError) as error:
            answers.put(error)
        finally:
            self._slots.release()
