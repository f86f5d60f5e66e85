"""`Kept`: something of a provider's that is fetched when it is first needed, and kept for a time."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from authkit.deadline import Deadline
from authkit.errors import AuthkitError, ProviderUnavailable

__all__ = ["Kept"]

logger = logging.getLogger(__name__)

FRESH = 3600
LONGEST = 24 * 3600
RETRY = 60
FLOOR = 10

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Fetched(Generic[T]):
    value: T
    at: float


class Kept(Generic[T]):
    """A value that is fetched when it is first needed, and anew when it is older than an hour.

    One thread of a process fetches, and those that wait for it share what comes of it. While that fails, a value
    that is less than a day old is used on, and a minute passes before the next try. Whoever finds it out of date can
    have it fetched anew, every ten seconds at most.

    Args:
        what: what it is, for the log.
        fetch: fetches it; it raises an `AuthkitError` where it cannot.
        clock: the time, in seconds since the epoch.
    """

    def __init__(self, what: str, fetch: Callable[[], T], clock: Callable[[], float]) -> None:
        self._what = what
        self._fetch = fetch
        self._clock = clock
        self._fetched: _Fetched[T] | None = None
        self._not_before = 0.0
        self._last_failure = object()
        self._locks: dict[int, threading.Lock] = {}

    def get(self) -> T:
        """Return the value.

        Raises:
            AuthkitError: it cannot be fetched, and there is none that is young enough.
        """
        fetched = self._fetched
        if fetched is not None and self._is_younger(fetched, FRESH):
            return fetched.value
        is_usable, failure = fetched is not None and self._is_younger(fetched, LONGEST), self._last_failure
        with self._alone(waits=not is_usable) as is_alone:
            if self._last_failure is not failure and not is_usable:
                raise ProviderUnavailable(f"{self._what} could not be fetched")
            if is_alone and self._fetched is fetched and not (is_usable and self._is_too_soon()):
                self._try_to_fetch(may_fail=is_usable)
        return self._current()

    def renewed(self) -> T:
        """Return the value, fetched anew unless that was asked for, or failed, a moment ago.

        Raises:
            AuthkitError: there is no value, and it cannot be fetched.
        """
        fetched = self._fetched
        with self._alone(waits=True):
            if self._fetched is fetched and not self._is_too_soon():
                self._not_before = self._clock() + FLOOR
                self._try_to_fetch(may_fail=fetched is not None)
        return self._current()

    def _is_younger(self, fetched: _Fetched[T], seconds: float) -> bool:
        return 0 <= self._clock() - fetched.at < seconds

    def _is_too_soon(self) -> bool:
        """Whether the last try was a moment ago; one by a clock that was put back since then does not count."""
        return 0 < self._not_before - self._clock() <= RETRY

    def _current(self) -> T:
        if self._fetched is None:
            raise ProviderUnavailable(f"{self._what} could not be fetched")
        return self._fetched.value

    def _try_to_fetch(self, *, may_fail: bool) -> None:
        try:
            self._fetched = _Fetched(self._fetch(), self._clock())
        except AuthkitError as error:
            self._last_failure = object()
            if not may_fail:
                raise
            self._not_before = self._clock() + RETRY
            logger.warning("%s could not be fetched anew, what was known is used on: %s", self._what, error.reason)

    @contextmanager
    def _alone(self, *, waits: bool) -> Iterator[bool]:
        """Let one thread in at a time; give False to one that need not wait. A child of a fork has a lock of its own.

        Raises:
            ProviderUnavailable: the thread that is fetching takes longer than this one has time.
        """
        lock = self._locks.setdefault(os.getpid(), threading.Lock())
        with Deadline() as deadline:
            is_alone = deadline.acquire(lock) if waits else lock.acquire(blocking=False)
        if waits and not is_alone:
            raise ProviderUnavailable(f"{self._what} is being fetched, and that takes too long")
        try:
            yield is_alone
        finally:
            if is_alone:
                lock.release()
