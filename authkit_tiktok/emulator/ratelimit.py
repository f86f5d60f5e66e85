"""`RateLimit`: how often a path may be called with one access token."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from authkit.emulator import Shelf

__all__ = ["RateLimit"]

WINDOW = 60


class RateLimit:
    """Counts requests in a sliding window of one minute ("API v2 rate limits").

    TikTok does not say whether it counts for each app or for each user; here every access token and path has a
    window of its own. A window is kept as a number for each second, so its size does not depend on the limit.

    Args:
        clock: the time, in seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._windows: Shelf[Mapping[int, int]] = Shelf(clock)

    def admits(self, path: str, token: str, limit: int) -> bool:
        """Whether one more request is within `limit` requests a minute. Only those that are admitted count."""
        now = int(self._clock())
        known = self._windows.get((path, token)) or {}
        counts = {second: count for second, count in known.items() if now - WINDOW < second <= now}
        if sum(counts.values()) >= limit:
            return False
        counts[now] = counts.get(now, 0) + 1
        self._windows.put((path, token), counts, now + WINDOW)
        return True
