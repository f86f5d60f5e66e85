"""Looking names up, bounded in time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Any, TypeAlias

__all__ = ["Address", "LookUp", "Resolver", "look_up"]

LOOK_UPS_AT_ONCE = 16
LOOK_AGAIN = 0.1
"""How often whoever waits for a name looks if it is to give up, in seconds."""

Address: TypeAlias = tuple[Any, ...]
LookUp: TypeAlias = Callable[[str, int], Sequence[Address]]


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

    def resolve(
        self, host: str, port: int, seconds: float, gives_up: Callable[[], bool] = lambda: False
    ) -> Sequence[Address]:
        """Return the addresses of `host`, or raise `TimeoutError` after `seconds`, or soon after `gives_up`."""
        with suppress(socket.gaierror):
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        ends_at = time.monotonic() + seconds
        _wait(lambda seconds: self._slots.acquire(timeout=seconds), ends_at, gives_up)
        answer: Future[Sequence[Address]] = Future()
        work = (host, port, answer)
        threading.Thread(target=self._work, args=work, name="authkit-resolver", daemon=True).start()
        _wait(lambda seconds: answer in wait([answer], seconds).done, ends_at, gives_up)
        return answer.result()

    def _work(self, host: str, port: int, answer: Future[Sequence[Address]]) -> None:
        try:
            answer.set_result(self._ask(host, port))
        except (OSError, UnicodeError) as error:
            answer.set_exception(error)
        finally:
            self._slots.release()


def _wait(step: Callable[[float], bool], ends_at: float, gives_up: Callable[[], bool]) -> None:
    """Wait until `step`, which gets a moment at a time, says that it is done, or raise `TimeoutError`."""
    while not step(max(0.0, min(LOOK_AGAIN, ends_at - time.monotonic()))):
        if gives_up() or time.monotonic() >= ends_at:
            raise TimeoutError
