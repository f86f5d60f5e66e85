"""What the model of a history is made of: logins, codes, visitors, callbacks and verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Known = tuple[str, int]
"""Who somebody is at a provider: the registration, and the number of the person."""


class Begun(NamedTuple):
    """What was begun: ``login``, ``link`` or ``native``, the account that a link is for, and where it has to end."""

    registration: str
    purpose: str
    account: str | None
    return_to: str


@dataclass(eq=False)
class Tab:
    """A login that was begun. See `Begun` for the first four.

    Attributes:
        url: the authorization request.
        state: its state.
        cookie: the name and the value of its cookie.
        issued_at: when, by the clock of the server.
        secret: the number of the secret that seals it.
        used_on: the servers that know that it was used.
    """

    registration: str
    purpose: str
    account: str | None
    return_to: str
    url: str
    state: str
    cookie: tuple[str, str]
    issued_at: int
    secret: int
    used_on: set[int] = field(default_factory=set)

    @property
    def size(self) -> int:
        return sum(map(len, self.cookie))


@dataclass(eq=False)
class Code:
    """A code that a provider gave out for a login. It is doubtful once its user may have disconnected the app."""

    tab: Tab
    person: int
    at: float
    is_spent: bool = False
    is_doubtful: bool = False


@dataclass
class Visitor:
    """What a browser should be: signed in as whom, by which secret, and what is in its session."""

    account: str | None = None
    secret: int = 0
    session: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Delivery:
    """A callback: where it goes, what it says, and the cookies that come with it."""

    visitor: Visitor
    server: int
    registration: str
    is_native: bool
    query: str
    cookies: Mapping[str, str]


@dataclass(frozen=True)
class Verdict:
    """What should become of a callback.

    Attributes:
        codes: the codes that it may end in, ``ok`` for a success; mostly there is one.
        tab: the login that it belongs to.
        clears: whether the cookie of the login is cleared.
        uses: whether the login is used up.
        asks: whether the provider is asked for a token.
        person: whose login it is.
    """

    codes: frozenset[str]
    tab: Tab | None = None
    clears: bool = False
    uses: bool = False
    asks: bool = False
    person: int | None = None
