"""A cookie as a value, so that any web framework can set it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Cookie"]


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie to set, or to clear when `value` is empty. It unpacks as ``(name, value)``.

    Attributes:
        name: the cookie's name.
        value: its value; "" clears the cookie.
        max_age: seconds that the browser keeps it.
        secure: sent over https only.
    """

    name: str
    value: str = field(repr=False)
    max_age: int
    secure: bool

    def __iter__(self) -> Iterator[str]:
        return iter((self.name, self.value))

    @property
    def header(self) -> str:
        """The value of the ``Set-Cookie`` header (RFC 6265, section 4.1)."""
        max_age = self.max_age if self.value else 0
        secure = "; Secure" if self.secure else ""
        return f"{self.name}={self.value}; Max-Age={max_age}; Path=/{secure}; HttpOnly; SameSite=Lax"
