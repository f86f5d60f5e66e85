"""`RequestLog`: what was sent to an emulator, for people to read and for tests to assert on."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import overload

from authkit.emulator.rules import Rule

__all__ = ["Recorded", "RequestLog"]

logger = logging.getLogger("authkit.emulator")

KEPT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A request to an emulator and what came of it. What may hold a secret does not show in its repr.

    Attributes:
        number: counts the requests of an emulator, from 1.
        at: the emulator's time, in seconds since 1970.
        endpoint: the emulator's name for the address; "" where the provider has nothing.
        method: the HTTP method, as sent.
        path: the path, percent-decoded.
        query: the parameters of the query.
        form: the fields of a form-encoded body; empty for any other body.
        headers: by name, written ``Like-This``.
        status: the HTTP status of the answer.
        location: where the answer sent the browser; "" for nowhere.
        verdict: why the request was refused, in the provider's words; "" when it was not.
        broken: the rule that the request broke, None when it broke none.
        fault: the fault that disturbed the answer; "" for none.
    """

    number: int
    at: float
    endpoint: str
    method: str
    path: str
    query: Mapping[str, str] = field(repr=False)
    form: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    status: int
    location: str = field(repr=False, default="")
    verdict: str = ""
    broken: Rule | None = None
    fault: str = ""


class Selection(tuple[Recorded, ...]):
    """Some of the recorded requests, oldest first."""

    __slots__ = ()

    def single(self) -> Recorded:
        """Return the one request.

        Raises:
            AssertionError: there is none, or more than one; the message lists them.
        """
        if len(self) != 1:
            listed = "".join(f"\n  {recorded!r}" for recorded in self) or " none"
            raise AssertionError(f"expected a single request, there are {len(self)}:{listed}")
        return self[0]


class RequestLog(Sequence[Recorded]):
    """What was sent, oldest first; the last thousand of it. Call it to select the requests of an endpoint.

    Attributes:
        observers: are told of each request in its thread, in turn. What one raises is logged, and changes no answer.

    Example:
        >>> from authkit.emulator import RequestLog
        >>> requests = RequestLog()
        >>> requests("token").single().form["client_key"]
        Traceback (most recent call last):
        AssertionError: expected a single request, there are 0: none
    """

    def __init__(self, endpoints: Collection[str] = ()) -> None:
        self._endpoints = tuple(endpoints)
        self.observers: list[Callable[[Recorded], None]] = []
        self._kept: deque[Recorded] = deque(maxlen=KEPT)
        self._lock = Lock()
        self._number = 0

    def __call__(self, endpoint: str | None = None, *, after: int = 0) -> Selection:
        """Return the requests to `endpoint`, None for all; those whose number is greater than `after`.

        Raises:
            ValueError: the emulator has no such endpoint, so that nothing can ever have been sent there.
        """
        if endpoint and self._endpoints and endpoint not in self._endpoints:
            raise ValueError(f"no endpoint is called {endpoint!r}; there are: {', '.join(self._endpoints)}")
        return Selection(
            recorded
            for recorded in self._snapshot()
            if recorded.number > after and endpoint in (None, recorded.endpoint)
        )

    def add(self, record: Callable[[int], Recorded]) -> Recorded:
        """Keep what `record` makes of the next number, and tell the observers."""
        with self._lock:
            self._number += 1
            recorded = record(self._number)
            self._kept.append(recorded)
        for observe in tuple(self.observers):
            try:
                observe(recorded)
            except Exception:  # an observer is somebody else's code
                logger.exception("an observer of the request log raised")
        return recorded

    @property
    def total(self) -> int:
        """How many requests there have been, those included that are kept no longer."""
        return self._number

    def clear(self) -> None:
        """Forget everything; the numbers go on."""
        with self._lock:
            self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Recorded]:
        return iter(self._snapshot())

    @overload
    def __getitem__(self, place: int) -> Recorded: ...
    @overload
    def __getitem__(self, place: slice) -> Selection: ...
    def __getitem__(self, place: int | slice) -> Recorded | Selection:
        kept = self._snapshot()
        return Selection(kept[place]) if isinstance(place, slice) else kept[place]

    def _snapshot(self) -> Sequence[Recorded]:
        with self._lock:
            return tuple(self._kept)
