"""`Line`: a line of the app's audit log."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Line", "read_audit"]

LINE = re.compile(r"outcome=\S+ code=(?P<code>\S+) .*?ref=(?P<reference>\S+)(?:.* cause=(?P<cause>.*))?")
REFUSED_AT_ONCE = (
    "does not answer, and enough are waiting",
    "it is asked again in",
    "somebody is trying it just now",
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the app's audit log: what ended, with which code, and why."""

    code: str
    reference: str
    cause: str

    @property
    def is_refused_at_once(self) -> bool:
        """Whether nobody was asked, or waited for, so that others need not wait."""
        return any(text in self.cause for text in REFUSED_AT_ONCE)


def read_audit(path: Path) -> list[Line]:
    """Return the lines of an audit log."""
    matches = map(LINE.match, path.read_text(encoding="utf-8").splitlines())
    return [Line(found["code"], found["reference"], found["cause"] or "") for found in matches if found]
