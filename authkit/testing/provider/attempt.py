"""`Attempt` and `Outcome`: a login that has begun, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from authkit.models import Login

__all__ = ["Attempt", "Outcome"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A login that has begun.

    Attributes:
        name: the registration.
        url: where the browser was sent.
        state: the state that the core made.
        verifier: the PKCE verifier that the core made.
        redirect_uri: where the provider is to send the browser back to.
        cookies: the browser's.
        pairs: the parameters of the authorization request in their order, also where they were pushed (RFC 9126).
    """

    name: str
    url: str = field(repr=False)
    state: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str
    cookies: Mapping[str, str] = field(repr=False)
    pairs: Sequence[tuple[str, str]] = field(repr=False)

    @property
    def query(self) -> Mapping[str, str]:
        """The parameters of the authorization request."""
        return dict(self.pairs)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a login: a `Login`, or the error, or the error page on which the provider kept the browser."""

    attempt: Attempt
    login: Login | None = None
    error: Exception | None = None
    page: str = ""

    @property
    def text(self) -> str:
        """What came of it, in words."""
        if self.login is not None:
            return "the login succeeded"
        return self.page or f"{type(self.error).__name__}: {self.error}"
