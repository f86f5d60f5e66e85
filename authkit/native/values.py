"""What native sign-in hands around: how a login began, and how it ended. All are frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from authkit.cookies import Cookie
from authkit.errors import AuthkitError
from authkit.models import Login

__all__ = ["Begun", "Connected", "Returned"]


@dataclass(frozen=True, slots=True)
class Begun:
    """What a native login is bound to: the app that began it, its challenge, and its own state."""

    app: str
    challenge: str
    state: str

    def to_text(self) -> str:
        """Return it as the bound value of a transaction; the state alone may have blanks in it."""
        return f"{self.app} {self.challenge} {self.state}"

    @classmethod
    def from_text(cls, text: str) -> Begun:
        """Return what `to_text` wrote. It was sealed by us, so its form is known."""
        return cls(*text.split(" ", 2))


@dataclass(frozen=True, slots=True)
class Returned:
    """How a login in the system browser ended: the link back to the app, and the cookies to clear.

    Attributes:
        link: where to send the browser.
        login: the login, None if it failed.
        error: why it failed, None if it did not.
        cookies: the cookies to clear.
    """

    link: str = field(repr=False)
    login: Login | None
    error: AuthkitError | None
    cookies: tuple[Cookie, ...]


@dataclass(frozen=True, slots=True)
class Connected:
    """What an app gets for what it handed in, and the login if the provider was asked for one just now."""

    answer: Mapping[str, object] = field(repr=False)
    login: Login | None
