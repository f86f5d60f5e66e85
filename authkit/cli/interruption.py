"""Ctrl-C in the middle of work that must not be torn apart."""

from __future__ import annotations

import os
import signal
import time
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Interruption"]

SLICE = 0.2
NOTICE = b"\nFinishing what is under way; that takes a minute at most.\n"


class Interruption:
    """Notes Ctrl-C, or a request to terminate, within its ``with`` block; whoever works there looks at it.

    A process that was stopped while a provider answered would lose the new token, and the old one is dead then.

    Attributes:
        signal: the number of the signal that came, 0 for none.
    """

    def __init__(self) -> None:
        self.signal = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interruption:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def has_come(self) -> bool:
        """Whether to begin with nothing new."""
        return self.signal != 0

    @property
    def status(self) -> int:
        """The exit status, as a shell has it for the signal."""
        return 128 + self.signal

    def sleep(self, seconds: float) -> None:
        """Wait, unless it has come, or comes."""
        ends_at = time.monotonic() + seconds
        while not self.signal and (left := ends_at - time.monotonic()) > 0:
            time.sleep(min(left, SLICE))

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of a handler
        if not self.signal:
            os.write(2, NOTICE)  # a handler may have interrupted a print
        self.signal = number
