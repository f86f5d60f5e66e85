"""`Shelf`: values that are kept for a time, and never too many of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

__all__ = ["Shelf"]

V = TypeVar("V")


class Shelf(Generic[V]):
    """Values by their key, each until its end. Adding one drops the oldest that have ended or are too many."""

    def __init__(self, clock: Callable[[], float], limit: int = 10_000) -> None:
        self._clock = clock
        self._limit = limit
        # Of a plain dict that loses its first keys, the first of the rest is found slower and slower.
        self._kept: OrderedDict[Hashable, tuple[V, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, key: Hashable, value: V, ends_at: float) -> None:
        """Keep `value` until the time `ends_at`."""
        self._kept.pop(key, None)
        while self._kept and (len(self._kept) >= self._limit or self._has_ended(next(iter(self._kept)))):
            self._kept.popitem(last=False)
        self._kept[key] = (value, ends_at)

    def get(self, key: Hashable) -> V | None:
        """Return the value of `key`, None when there is none or it has ended."""
        return None if key not in self._kept or self._has_ended(key) else self._kept[key][0]

    def newest(self) -> Iterator[tuple[Hashable, V, float]]:
        """Yield key, value and end of what has not ended, newest first."""
        now = self._clock()
        for key, (value, ends_at) in reversed(self._kept.items()):
            if now < ends_at:
                yield key, value, ends_at

    def drop(self, key: Hashable) -> None:
        """Keep the value of `key` no longer."""
        self._kept.pop(key, None)

    def drop_values(self, is_unwanted: Callable[[V], bool]) -> None:
        """Keep no value any longer that is unwanted."""
        self._kept = OrderedDict((key, kept) for key, kept in self._kept.items() if not is_unwanted(kept[0]))

    def _has_ended(self, key: Hashable) -> bool:
        return self._clock() >= self._kept[key][1]
