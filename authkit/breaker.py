"""The breaker: a provider that does not answer must not hold every thread of the process.

A provider that answers is asked by as many at a time as there are. Of one that answers nobody, a few wait on, the
others give up within a second, and whoever comes then is refused at once. After some operations in a row that waited
in vain, all are refused for a while; then one tries.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

from authkit.errors import ProviderUnavailable

__all__ = ["FAILURES", "LONGEST_SILENCE", "MAX_WAITING", "PAUSE", "SILENCE", "Breaker"]

logger = logging.getLogger(__name__)

MAX_WAITING = 2
"""How many operations wait on for a provider that answers nobody: a worker has four threads or more."""
SILENCE = 0.65
"""After how many seconds without any answer the others give up; also, how long one waits in vain that counts."""
LONGEST_SILENCE = 5.0
"""The same for a provider that is known to be slow: twice as long as its answers take, and no longer than this."""
FADING = 0.9
"""What one slow answer still counts when the next has come."""
FAILURES = 3
"""After how many operations in a row that waited in vain all are refused."""
PAUSE = 10
"""For how many seconds they are."""


class Breaker:
    """Lets operations of one registration through to its provider, or refuses them.

    Only time that was spent waiting counts: a failure that comes at once holds no thread, so the next may try. Each
    process of a fork starts with a clean record.

    Args:
        registration: the registration's name, for the log.
        max_waiting: how many operations wait on for a provider that answers nobody.
        timer: counts seconds; a deadline compares with ``time.monotonic``.
    """

    def __init__(
        self, registration: str, max_waiting: int = MAX_WAITING, *, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._registration = registration
        self._max_waiting = max_waiting
        self._timer = timer
        self._records: dict[int, _Record] = {}

    def renewed(self) -> Breaker:
        """Return one like this with a clean record, for another way to the provider."""
        return Breaker(self._registration, self._max_waiting, timer=self._timer)

    @contextmanager
    def operation(self, *, is_patient: bool = False) -> Iterator[Operation]:
        """Let one operation through.

        Args:
            is_patient: whether it waits to the end for what it has sent, whoever else waits.

        Raises:
            ProviderUnavailable: the provider does not answer at the moment, and was not asked.
        """
        record = self._record()
        operation = Operation(record, is_patient=is_patient)
        record.enter(operation)
        is_unavailable = False
        try:
            yield operation
        except ProviderUnavailable:
            is_unavailable = True
            raise
        finally:
            record.leave(operation, is_unavailable=is_unavailable)

    def _record(self) -> _Record:
        """Return the record of this process: those who waited in the parent of a fork wait in no child."""
        process = os.getpid()
        record = self._records.get(process)
        if record is None:
            fresh = _Record(self._registration, self._max_waiting, self._timer)
            record = self._records.setdefault(process, fresh)
        return record


class Operation:
    """One operation that was let through. See `authkit.deadline.Waiting`."""

    def __init__(self, record: _Record, *, is_patient: bool) -> None:
        self._record = record
        self.is_patient = is_patient
        self.silent_since = 0.0
        self.ends_at = -math.inf

    def gives_up_at(self) -> float:
        """Return when this operation gives up in favour of others; infinity if it does not."""
        return self._record.gives_up_at(self)

    def heard(self) -> None:
        """Note that the provider has answered."""
        self._record.heard(self)


class _Record:
    """What one process knows of a provider: who waits for it since when, and who waited in vain."""

    def __init__(self, registration: str, max_waiting: int, timer: Callable[[], float]) -> None:
        self._registration = registration
        self._max_waiting = max_waiting
        self._timer = timer
        self._lock = threading.Lock()
        self._waiting: dict[Operation, None] = {}  # the one that came first is first
        self._heard_at = -math.inf
        self._slowest = 0.0  # of the answers of late
        self._failures = 0
        self._closed_until = -math.inf
        self._probe: Operation | None = None

    def enter(self, operation: Operation) -> None:
        with self._lock:
            operation.silent_since = now = self._timer()
            if self._failures >= FAILURES:
                self._require_a_try(now)
                self._probe = operation
            else:
                self._require_news(now)
            self._waiting[operation] = None

    def leave(self, operation: Operation, *, is_unavailable: bool) -> None:
        with self._lock:
            self._waiting.pop(operation)
            is_probe = self._probe is operation
            self._probe = None if is_probe else self._probe
            now = self._timer()
            if not is_unavailable or now - operation.silent_since < SILENCE:
                return
            self._failures += 1
            if self._failures != FAILURES and not is_probe:
                return  # it began before the registration was closed, and must not prolong that
            self._closed_until = now + PAUSE
        logger.warning("the provider of %s does not answer; nobody asks it for %d s", self._registration, PAUSE)

    def gives_up_at(self, operation: Operation) -> float:
        with self._lock:
            if operation.is_patient or operation in islice(self._waiting, self._max_waiting):
                return math.inf
            ends_at = max(operation.silent_since, self._heard_at) + self._silence()
            operation.ends_at = max(operation.ends_at, ends_at)  # a promise: the watchdog sleeps until then
            return operation.ends_at

    def heard(self, operation: Operation) -> None:
        with self._lock:
            now = self._timer()
            self._slowest = max(now - operation.silent_since, self._slowest * FADING)
            operation.silent_since = self._heard_at = now
            was_closed = self._failures >= FAILURES
            self._failures, self._probe = 0, None
        if was_closed:
            logger.warning("the provider of %s answers again", self._registration)

    def _silence(self) -> float:
        return min(max(SILENCE, 2 * self._slowest), LONGEST_SILENCE)

    def _require_a_try(self, now: float) -> None:
        """Refuse an operation unless it is time for one to try, and nobody else does."""
        seconds = math.ceil(self._closed_until - now)
        if seconds > 0:
            raise _refusal(f"the provider did not answer; it is asked again in {seconds} s", seconds)
        if self._probe is not None:
            raise _refusal("the provider did not answer; somebody is trying it just now")

    def _require_news(self, now: float) -> None:
        """Refuse an operation if as many as may have been waiting for a while, and nobody was answered meanwhile."""
        last_to_wait = next(islice(self._waiting, self._max_waiting - 1, None), None)
        if last_to_wait and now - max(last_to_wait.silent_since, self._heard_at) >= self._silence():
            raise _refusal("the provider does not answer, and enough are waiting for it")


def _refusal(reason: str, seconds: int = PAUSE) -> ProviderUnavailable:
    return ProviderUnavailable(reason, retry_after=seconds)
