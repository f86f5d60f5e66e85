"""`Ledger`: what TikTok remembers: codes, tokens, and who has allowed what in which browser."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from itertools import count

from authkit.emulator import Switchboard
from authkit_tiktok.emulator.app import App
from authkit_tiktok.emulator.shelf import Shelf
from authkit_tiktok.emulator.switches import TikTokSwitches
from authkit_tiktok.emulator.user import User

__all__ = ["Code", "Grant", "Issued", "Ledger"]

SESSION_LIFETIME = 30 * 86400


@dataclass(frozen=True, slots=True)
class Grant:
    """What a user allowed an app; `ends_at` is when its refresh tokens end, whatever their number."""

    app: App
    user: User
    scopes: tuple[str, ...]
    ends_at: float = 0.0

    def is_between(self, app: App, user: User) -> bool:
        """Whether this is what `user` allowed `app`."""
        return self.app.client_key == app.client_key and self.user.open_id == user.open_id


@dataclass(frozen=True, slots=True)
class Code:
    """What an authorization code stands for; `challenge` is "" where PKCE is ignored."""

    grant: Grant
    redirect_uri: str
    challenge: str


@dataclass(frozen=True, slots=True)
class Issued:
    """Tokens as they are handed out, with the seconds that each has left."""

    grant: Grant
    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str = field(repr=False)
    refresh_expires_in: int


class Ledger:
    """All of it in memory, each kind with its end and at most 10,000 of it.

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
        self._access: Shelf[Grant] = Shelf(clock)
        self._refresh: Shelf[Grant] = Shelf(clock)
        self._sessions: Shelf[str] = Shelf(clock)
        self._consents: Shelf[Grant] = Shelf(clock)

    def log_id(self) -> str:
        """Return an id as TikTok gives every request: the UTC time in 14 digits, 20 upper-case hex characters."""
        now = datetime.fromtimestamp(self._clock(), timezone.utc)
        return now.strftime("%Y%m%d%H%M%S") + self._random(10).hex().upper()

    def new_token(self, prefix: str) -> str:
        """Return a text after ``act.``, ``rft.``, ``clt.``, or for a session."""
        return f"{prefix}emulated{next(self._numbers):04d}{self._new_text()}"

    def _new_text(self) -> str:
        return base64.urlsafe_b64encode(self._random(24)).decode("ascii")

    def new_code(self, code: Code) -> str:
        """Return an authorization code, which has asterisk, exclamation mark and full stop as TikTok's have."""
        text = f"{self._new_text()}*1!{4607 + next(self._numbers)}.va"
        self._codes.put(text, code, self._clock() + self._switches.now.code_lifetime)
        return text

    def take_code(self, text: str, app: App) -> Code | None:
        """Return what the code stands for, once; None when it is unknown, used, too old or another app's."""
        code = self._codes.get(text)
        if code is None or code.grant.app.client_key != app.client_key:
            return None
        self._codes.drop(text)
        return code

    def issue(self, grant: Grant) -> Issued:
        """Return the first tokens of a login."""
        return self._issue(
            replace(grant, ends_at=self._clock() + self._switches.now.refresh_lifetime), self.new_token("rft.")
        )

    def refresh(self, refresh_token: str, app: App) -> Issued | None:
        """Return fresh tokens; None when the refresh token is unknown, replaced, ended or another app's."""
        grant = self._refresh.get(refresh_token)
        if grant is None or grant.app.client_key != app.client_key:
            return None
        if not self._switches.now.rotation:
            return self._issue(grant, refresh_token)
        self._refresh.drop(refresh_token)
        return self._issue(grant, self.new_token("rft."))

    def _issue(self, grant: Grant, refresh_token: str) -> Issued:
        now = self._clock()
        access_token = self.new_token("act.")
        lifetime = self._switches.now.access_lifetime
        self._access.put(access_token, grant, now + lifetime)
        self._refresh.put(refresh_token, grant, grant.ends_at)
        return Issued(grant, access_token, lifetime, refresh_token, int(grant.ends_at - now))

    def granted(self, access_token: str) -> Grant | None:
        """Return what an access token is good for; None when it is unknown, ended or revoked."""
        return self._access.get(access_token)

    def disconnect(self, access_token: str, app: App) -> bool:
        """Forget that the user of the token ever allowed the app anything; False when the token is not the app's."""
        revoked = self._access.get(access_token)
        if revoked is None or revoked.app.client_key != app.client_key:
            return False
        for shelf in (self._access, self._refresh, self._consents):
            shelf.drop_values(lambda grant: grant.is_between(app, revoked.user))
        return True

    def remember(self, session: str, grant: Grant) -> str:
        """Remember what was allowed in a browser, and return its session: a new one if it had none."""
        known = self._sessions.get(session) or self.new_token("session.")
        ends_at = self._clock() + SESSION_LIFETIME
        self._sessions.put(known, known, ends_at)
        self._consents.put((known, grant.app.client_key), grant, ends_at)
        return known

    def remembered(self, session: str, app: App) -> Grant | None:
        """Return what was last allowed to the app in a browser."""
        return self._consents.get((session, app.client_key))
