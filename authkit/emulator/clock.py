"""`AdjustableClock`: the time of an emulator, which can be put forward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["AdjustableClock"]


class AdjustableClock:
    """The time in seconds since 1970, as another clock has it, plus what it was put forward."""

    def __init__(self, base: Callable[[], float]) -> None:
        self.ahead = 0.0
        self._base = base

    def __call__(self) -> float:
        """Return the time."""
        return self._base() + self.ahead

    def follow(self, base: Callable[[], float]) -> None:
        """Take the time from another clock; what this one was put forward stays."""
        self._base = base

    def advance(self, seconds: float) -> None:
        """Put the clock forward, or back if `seconds` is negative."""
        self.ahead += seconds

    @contextmanager
    def skewed(self, seconds: float) -> Iterator[None]:
        """Be wrong by so many seconds for the duration of a ``with`` block."""
        self.ahead += seconds
        try:
            yield
        finally:
            self.ahead -= seconds
