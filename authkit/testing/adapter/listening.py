"""Everything that is logged during a request: the audit lines, and all else at DEBUG."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Log", "listening"]

AUDIT = "authkit.audit"


class Log:
    """What was logged up to now.

    Attributes:
        audit: the lines on the logger ``authkit.audit``.
        lines: whatever any logger wrote, with the tracebacks.
    """

    def __init__(self) -> None:
        self.audit: list[str] = []
        self.lines: list[str] = []

    @property
    def text(self) -> str:
        """All of it in one text."""
        return "\n".join([*self.audit, *self.lines])


class _Collector(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))


@contextmanager
def listening(log: Log) -> Iterator[None]:
    """Collect into `log` what is logged in the block."""
    ears = [(logging.getLogger(AUDIT), _Collector(log.audit)), (logging.getLogger(), _Collector(log.lines))]
    levels = [logger.level for logger, _ in ears]
    for logger, handler in ears:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        for (logger, handler), level in zip(ears, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
