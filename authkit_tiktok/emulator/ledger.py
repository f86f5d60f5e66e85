"""`Ledger`: what TikTok remembers: codes, tokens, who is signed in where, and which apps a user has connected."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from itertools import count
from typing import Literal

from authkit.emulator import Shelf, Switchboard
from authkit_tiktok.emulator.app import App
from authkit_tiktok.emulator.switches import TikTokSwitches
from authkit_tiktok.emulator.user import User

__all__ = ["Code", "Grant", "Issued", "Ledger", "Token"]

SESSION_LIFETIME = 30 * 86400
MOST_TOKENS = 20_000


@dataclass(frozen=True, slots=True)
class Connection:
    """An app that a user has connected to the account, and the scopes that were allowed last."""

    number: int
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """What a user allowed an app in one login.

    Attributes:
        app: the app.
        user: the user.
        scopes: what was allowed.
        connection: the number of the connection that it stands on; it is void once the app is disconnected.
        ends_at: when its refresh tokens end, whatever their number.
    """

    app: App
    user: User
    scopes: tuple[str, ...]
    connection: int
    ends_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Code:
    """What an authorization code stands for.

    Attributes:
        grant: what the user allowed.
        redirect_uri: where it was sent, "" for nowhere.
        challenge: the PKCE challenge, "" where it is ignored.
        is_scanned: whether the user scanned a QR code.
    """

    grant: Grant
    redirect_uri: str
    challenge: str = field(repr=False)
    is_scanned: bool = False

    def takes(self, redirect_uri: str) -> bool:
        """Return whether the exchange may name `redirect_uri`.

        After a QR code it may be left out, or be the whole address that came with the code; TikTok does not say
        which, and clients do either.
        """
        if not self.is_scanned:
            return redirect_uri == self.redirect_uri
        return not self.redirect_uri or redirect_uri.partition("?")[0] in {"", self.redirect_uri}


@dataclass(frozen=True, slots=True)
class Token:
    """What a token is, and what it stands for; a ``replaced`` one is a refresh token that was rotated."""

    kind: Literal["access", "refresh", "replaced"]
    grant: Grant


@dataclass(frozen=True, slots=True)
class Issued:
    """Tokens as they are handed out, with the seconds that each has left."""

    grant: Grant
    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str = field(repr=False)
    refresh_expires_in: int


class Ledger:
    """All of it in memory, each kind with its end and a number that it never exceeds.

    Args:
        clock: the time, in seconds since 1970.
        random: that many random bytes. No two codes or tokens are alike, even if these are.
        switches: say how long things live, and what a refresh changes.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
        switches: Switchboard[TikTokSwitches],
    ) -> None:
        self._clock = clock
        self._random = random
        self._switches = switches
        self._numbers = count(1)
        self._codes: Shelf[Code] = Shelf(clock)
        self._tokens: Shelf[Token] = Shelf(clock, MOST_TOKENS)
        self._sessions: Shelf[User] = Shelf(clock)
        self._connections: dict[tuple[str, str], Connection] = {}

    def log_id(self) -> str:
        """Return an id as TikTok gives every request: the UTC time in 14 digits, 20 upper-case hex characters."""
        now = datetime.fromtimestamp(self._clock(), timezone.utc)
        return now.strftime("%Y%m%d%H%M%S") + self._random(10).hex().upper()

    def new_token(self, prefix: str) -> str:
        """Return a text after ``act.``, ``rft.``, ``clt.``, or for a session."""
        return f"{prefix}emulated{next(self._numbers):04d}{self._new_text()}"

    def _new_text(self) -> str:
        return base64.urlsafe_b64encode(self._random(24)).decode("ascii")

    # Who is signed in, and what is connected

    def signed_in(self, session: str) -> User | None:
        """Return the last account of a browser."""
        return self._sessions.get(session)

    def sign_in(self, session: str, user: User) -> str:
        """Make `user` the account of a browser, and return its session: a new one if it had none."""
        known = session if self._sessions.get(session) else self.new_token("session.")
        self._sessions.put(known, user, self._clock() + SESSION_LIFETIME)
        return known

    def connect(self, user: User, app: App, scopes: tuple[str, ...]) -> None:
        """Remember that `user` allows `app` these scopes, and no others any longer."""
        known = self._connections.get((app.client_key, user.open_id))
        number = known.number if known else next(self._numbers)
        self._connections[app.client_key, user.open_id] = Connection(number, scopes)

    def grant(self, user: User, app: App, scopes: tuple[str, ...]) -> Grant:
        """Return a login of `user`, who has connected `app`, with these scopes."""
        return Grant(app, user, scopes, self._connections[app.client_key, user.open_id].number)

    def connected_scopes(self, user: User, app: App) -> tuple[str, ...]:
        """Return what `user` has last allowed `app`, nothing if it is not connected."""
        known = self._connections.get((app.client_key, user.open_id))
        return known.scopes if known else ()

    def disconnect(self, user: User, app: App) -> bool:
        """Take `app` off the list of what `user` has connected: its codes and tokens are void; False if not on it."""
        return self._connections.pop((app.client_key, user.open_id), None) is not None

    def _stands(self, grant: Grant) -> bool:
        known = self._connections.get((grant.app.client_key, grant.user.open_id))
        return known is not None and known.number == grant.connection

    # Codes

    def new_code(self, code: Code) -> str:
        """Return an authorization code, which has asterisk, exclamation mark and full stop as TikTok's have."""
        text = f"{self._new_text()}*1!{4607 + next(self._numbers)}.va"
        self._codes.put(text, code, self._clock() + self._switches.now.code_lifetime)
        return text

    def has_code(self, text: str) -> bool:
        """Return whether this is a code that could be exchanged."""
        return self._codes.get(text) is not None

    def is_scanned(self, text: str) -> bool:
        """Return whether this is a code that came of a QR code."""
        code = self._codes.get(text)
        return code is not None and code.is_scanned

    def take_code(self, text: str, app: App) -> Code | None:
        """Return what the code stands for, once; None when it is unknown, used, too old, void or another app's."""
        code = self._codes.get(text)
        if code is None or code.grant.app.client_key != app.client_key or not self._stands(code.grant):
            return None
        self._codes.drop(text)
        return code

    # Tokens

    def issue(self, grant: Grant) -> Issued:
        """Return the first tokens of a login."""
        return self._issue(self._restarted(grant), self.new_token("rft."))

    def refresh(self, refresh_token: str, app: App) -> Issued | None:
        """Return fresh tokens; None when the refresh token is unknown, replaced, ended, void or another app's."""
        token = self._token(refresh_token)
        if token is None or token.kind != "refresh" or token.grant.app.client_key != app.client_key:
            return None
        now = self._switches.now
        grant = self._restarted(token.grant) if now.refresh_clock == "restarts" else token.grant
        if not now.rotation:
            return self._issue(grant, refresh_token)
        self._tokens.put(refresh_token, Token("replaced", grant), grant.ends_at)
        return self._issue(grant, self.new_token("rft."))

    def granted(self, access_token: str) -> Grant | None:
        """Return what an access token is good for; None when it is unknown, ended or void."""
        token = self._token(access_token)
        return token.grant if token and token.kind == "access" else None

    def kind_of(self, token: str) -> str:
        """Return what kind of token this is, "" when it is unknown, ended or void."""
        known = self._token(token)
        return known.kind if known else ""

    def tokens(self) -> Iterator[tuple[str, Token, float]]:
        """Yield every token that can be used, with its end, newest first."""
        for text, token, ends_at in self._tokens.newest():
            if token.kind != "replaced" and self._stands(token.grant):
                yield str(text), token, ends_at

    def _token(self, text: str) -> Token | None:
        token = self._tokens.get(text)
        return token if token and self._stands(token.grant) else None

    def _restarted(self, grant: Grant) -> Grant:
        return replace(grant, ends_at=self._clock() + self._switches.now.refresh_lifetime)

    def _issue(self, grant: Grant, refresh_token: str) -> Issued:
        now = self._clock()
        access_token = self.new_token("act.")
        lifetime = self._switches.now.access_lifetime
        self._tokens.put(access_token, Token("access", grant), now + lifetime)
        self._tokens.put(refresh_token, Token("refresh", grant), grant.ends_at)
        return Issued(grant, access_token, lifetime, refresh_token, math.ceil(grant.ends_at - now))
