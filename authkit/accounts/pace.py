"""The pace at which providers are asked."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Pace"]


class Pace:
    """Keeps a distance in time between one request and the next; there are no bursts to make up for a delay.

    Args:
        per_second: how many requests a second.
        timer: counts seconds, whatever becomes of the clock.
        sleep: waits for a number of seconds; it may return early.
    """

    def __init__(
        self,
        per_second: float,
        *,
        timer: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._distance = 1 / per_second
        self._timer = timer
        self._sleep = sleep
        self._next_at = float("-inf")

    def wait(self) -> None:
        """Wait until it is time for the next request."""
        now = self._timer()
        starts_at = max(now, self._next_at)
        self._next_at = starts_at + self._distance
        if starts_at > now:
            self._sleep(starts_at - now)
