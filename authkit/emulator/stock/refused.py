"""`Refused`: the stock emulator says no."""

from __future__ import annotations

from dataclasses import replace

from authkit.emulator.messages import Answer
from authkit.emulator.rules import Rule

__all__ = ["NO_CACHE", "Refused"]

NO_CACHE = (("Pragma", "no-cache"),)
"""What token answers have beside ``Cache-Control: no-store``, which every answer has (RFC 6749, section 5.1)."""


class Refused(Exception):
    """A request is refused.

    Attributes:
        error: the error code of the RFC.
        description: a sentence for the developer; nothing of the request is in it.
        broken: the rule that the request broke.
        status: the HTTP status, where no browser is sent back.
        challenge: the ``WWW-Authenticate`` header, "" for none.
    """

    def __init__(self, error: str, description: str, broken: Rule, *, status: int = 400, challenge: str = "") -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.broken = broken
        self.status = status
        self.challenge = challenge

    @property
    def fields(self) -> dict[str, str]:
        """The error as parameters (RFC 6749, sections 4.1.2.1 and 5.2)."""
        return {"error": self.error, "error_description": self.description}

    def as_json(self) -> Answer:
        """Return the error as an answer of an endpoint that clients call (RFC 6749, section 5.2)."""
        answer = Answer.json(self.fields, self.status)
        challenge = (("WWW-Authenticate", self.challenge),) if self.challenge else ()
        return self.mark(replace(answer, headers=(*answer.headers, *NO_CACHE, *challenge)))

    def mark(self, answer: Answer) -> Answer:
        """Return `answer` with the reason and the rule for the request log."""
        return answer.refused(str(self), self.broken)
