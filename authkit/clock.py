"""The time as it is kept: in whole seconds, in UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone

__all__ = ["utc_now"]


def utc_now(clock: Callable[[], float]) -> datetime:
    """Return the time that `clock` shows, in seconds since the epoch, as a moment."""
    return datetime.fromtimestamp(int(clock()), timezone.utc)
