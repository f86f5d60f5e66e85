"""The lines that authkit writes on its audit logger, as values that a test can compare."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields

__all__ = ["AuditLine", "listening"]


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One line. What it does not say is "".

    Attributes:
        outcome: ``success`` or ``failure``.
        code: ``ok``, or the code of the error.
        registration: the registration's name.
        provider: the provider's name.
        identity: `Identity.key` of whoever signed in.
        reason: the cause of a failure, which no visitor sees.
        purpose: what it was for, if not for a login: ``link``.
        event: what a provider told a webhook.
        ref: the correlation id, which is on the error page too; two lines are equal whatever theirs are.
    """

    outcome: str
    code: str
    registration: str = ""
    provider: str = ""
    identity: str = ""
    reason: str = ""
    purpose: str = ""
    event: str = ""
    ref: str = field(default="", compare=False)

    @classmethod
    def read(cls, text: str) -> AuditLine:
        """Return what a line says."""
        head, _, reason = text.partition(" cause=")
        pairs = [word.partition("=") for word in head.split()]
        said = {**{name: value for name, _, value in pairs}, "reason": reason}
        known = {name: value for name, value in said.items() if name in FIELDS and value != "-"}
        return cls(**{"outcome": "", "code": "", **known})


FIELDS = frozenset(known.name for known in fields(AuditLine))


@contextmanager
def listening() -> Iterator[list[AuditLine]]:
    """Give the list of the lines that are written during a ``with`` block, however logging has been set up."""
    logger, lines = logging.getLogger("authkit.audit"), _Lines()
    before = logger.level, logger.disabled
    logger.disabled = False
    logger.setLevel(min(logger.getEffectiveLevel(), logging.INFO))
    logger.addHandler(lines)
    try:
        yield lines.read
    finally:
        logger.removeHandler(lines)
        logger.setLevel(before[0])  # not the attribute: what is enabled is remembered
        logger.disabled = before[1]


class _Lines(logging.Handler):
    """A handler that keeps what it is given."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.read: list[AuditLine] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.read.append(AuditLine.read(record.getMessage()))
