"""`Parameters`: what a request says, once it is clear that it says nothing twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from authkit.emulator.messages import Request

__all__ = ["FORM", "Parameters", "read_form", "read_query"]

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a query or of a form.

    Attributes:
        values: by name. Those without a value count as left out (RFC 6749, sections 3.1 and 3.2), and those that
            are there more than once are not among them.
        repeated: the names of those.
    """

    values: Mapping[str, str] = field(repr=False)
    repeated: Set[str]

    def get(self, name: str) -> str:
        """Return the value of a parameter, "" when it is left out."""
        return self.values.get(name, "")


def read_query(request: Request) -> Parameters:
    """Read the query."""
    return _read(request.query_string)


def read_form(request: Request) -> Parameters:
    """Read the body as a form."""
    return _read(request.body.decode("utf-8", "replace"))


def _read(text: str) -> Parameters:
    pairs = parse_qsl(text, keep_blank_values=True)
    times = Counter(name for name, _ in pairs)
    values = {name: value for name, value in pairs if value and times[name] == 1}
    return Parameters(values, {name for name in times if times[name] > 1})
