"""`Rule`: something a provider demands, and where it says so."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a refused request broke; it stands in the request log and on the control page.

    Attributes:
        id: a short name for tests and for grep, such as ``T8`` or ``RFC 6749, 4.1.3``.
        text: the rule, in a sentence.
        source: the page or section that has it.
        url: its address, "" when there is none.
    """

    id: str
    text: str
    source: str
    url: str = ""
