"""`Tally`: what all browsers have seen, in one place."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

__all__ = ["Attempt", "Tally"]

MOST_BREACHES = 50


@dataclass(frozen=True, slots=True)
class Attempt:
    """A login, a link or a refresh that has ended.

    Attributes:
        kind: what it was: ``login``, ``link`` or ``refresh``.
        login: the authorization code that identifies it at the provider; "" if it never got one.
        outcome: the error code of the app's answer, ``ok`` for none.
        reference: the correlation id on the error page.
        seconds: how long the browser waited for the last answer.
    """

    kind: str
    login: str
    outcome: str
    reference: str
    seconds: float


@dataclass(slots=True)
class Tally:
    """Counts what happens; may be used from many threads.

    Attributes:
        attempts: what has ended.
        outcomes: how often each kind of visit ended in which way.
        audited: how many lines of the app's audit log there have to be, by code.
        waits: how long each answer of the app took, in seconds.
        breaches: what must not happen, in words; the first fifty.
        people: the open ids of those who have signed in.
        linked: the open ids that are linked to somebody's account.
    """

    attempts: list[Attempt] = field(default_factory=list)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    audited: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)
    people: set[str] = field(default_factory=set)
    linked: set[str] = field(default_factory=set)
    most_cookies: int = 0
    most_cookie_bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _started: float = field(default_factory=time.monotonic)

    def end(self, attempt: Attempt) -> None:
        """Note how an attempt ended."""
        with self._lock:
            self.attempts.append(attempt)

    def visit(self, kind: str, outcome: str) -> None:
        """Note how a visit ended."""
        with self._lock:
            self.outcomes[kind, outcome] += 1

    def expect_audit(self, code: str) -> None:
        """Note that the app has to have written a line with this code."""
        with self._lock:
            self.audited[code] += 1

    def answered(self, seconds: float, cookies: int, cookie_bytes: int) -> None:
        """Note an answer of the app, and the cookies for logins that the browser has after it."""
        with self._lock:
            self.waits.append(seconds)
            self.most_cookies = max(self.most_cookies, cookies)
            self.most_cookie_bytes = max(self.most_cookie_bytes, cookie_bytes)

    def breach(self, what: str) -> None:
        """Note what must not happen."""
        with self._lock:
            if len(self.breaches) < MOST_BREACHES:
                self.breaches.append(f"after {time.monotonic() - self._started:.0f} s: {what}")

    @property
    def ended(self) -> int:
        """How many attempts have ended."""
        return len(self.attempts)

    def signed_in(self, open_id: str) -> None:
        """Note who has signed in."""
        with self._lock:
            self.people.add(open_id)

    def set_linked(self, open_id: str, *, is_linked: bool) -> None:
        """Note whether a second account is linked now."""
        with self._lock:
            (self.linked.add if is_linked else self.linked.discard)(open_id)
