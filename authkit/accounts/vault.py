"""The vault: gives the token of an identity that is good now, and never loses one.

Who needs a token reads its row. If it is time to refresh, one of all the threads, processes and servers takes the
lease, which is a part of the row, asks the provider without holding a connection, and writes what it answered before
anyone uses it. The others use the token while it is good, or wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from authkit.accounts.database import Database
from authkit.accounts.refresher import Refresher
from authkit.accounts.tokenrows import KeptToken, Lease, TokenRows, refresh_at
from authkit.errors import ProviderUnavailable, ReauthRequired
from authkit.flow import AuthKit
from authkit.models import Identity, Secret, Token

__all__ = ["Vault"]

LEASE = 30
"""How long a refresh may take, in seconds. The provider has 15 of them, and writing the answer 10."""
FIRST_POLL, LONGEST_POLL = 0.05, 0.5


class Vault:
    """Keeps tokens, and refreshes them when it is time.

    It writes in transactions of its own, whatever the app has open: a request that is rolled back loses nothing.

    Args:
        kit: speaks to the providers.
        database: where the tokens are.
        lease: for how many seconds a process that died in a refresh delays the others. A refresh that takes longer
            can be overtaken, and what the provider answered is thrown away then.
        sleep: waits for a number of seconds.
        timer: counts the seconds that were waited.
    """

    def __init__(
        self,
        kit: AuthKit,
        database: Database,
        *,
        lease: int = LEASE,
        sleep: Callable[[float], None] = time.sleep,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kit = kit
        self._database = database
        self._lease = lease
        self._sleep = sleep
        self._timer = timer
        self._rows = TokenRows.of(kit)
        self._refresher = Refresher(kit, database, self._rows, sleep=sleep, timer=timer)

    def access_token(self, identity: Identity) -> Secret:
        """Return an access token that is good now, refreshed if need be.

        Raises:
            ReauthRequired: there is no token, or it is of no use any more: the user has to sign in again.
            ProviderUnavailable: the token has ended, and the provider cannot be asked for another now.
            UnknownProvider: the token has ended, and its registration is not configured any more.
            StoreUnavailable: the database failed, or the key that sealed the token is not configured any more.
            AuthkitError: the token has ended, and the provider answered the attempt to refresh it with another
                error. The token is kept; the attempt is made again after a while.
        """
        return self.token(identity).access_token

    def token(self, identity: Identity) -> Token:
        """Return a token that is good now, with its scope and its ends; otherwise as `access_token`."""
        return self._good_token(identity, stale=None)

    def refresh(self, identity: Identity, stale: Secret | None = None) -> Token:
        """Return a token that is good and is not `stale`, whatever the numbers say.

        Args:
            identity: whose token.
            stale: an access token that the provider refuses before its end; if it has been replaced already, nothing
                is refreshed. None for the one that is kept now, which stays if there is no refresh token.

        Raises:
            AuthkitError: as in `access_token`, and even if the old token has not ended.
        """
        token = _open(self._read(identity))
        if stale is None and not token.refresh_token:
            raise ReauthRequired("there is no refresh token")
        return self._good_token(identity, stale or token.access_token)

    def _good_token(self, identity: Identity, stale: Secret | None) -> Token:
        """Return the token as soon as it is good, and not `stale`: read, refreshed, or waited for."""
        ends_at = self._timer() + 2 * self._lease
        pause = FIRST_POLL
        while True:
            kept, now = self._read(identity), self._kit.now()
            token = _open(kept)
            is_usable = token.access_token != stale and (token.expires_at is None or now < token.expires_at)
            if is_usable and not _is_due(token, kept.obtained_at, now):
                return token
            problem = self._refresher.problem(kept)
            lease = None if problem or kept.is_leased else self._take_lease(kept)
            if lease is not None:
                fresh = self._refresher.refresh(kept, token, lease, is_usable=is_usable)
                if fresh is not None:
                    return fresh
                continue
            if is_usable:
                return token
            if problem is not None:
                raise problem
            if self._timer() >= ends_at:
                raise ProviderUnavailable("others are refreshing this token, and have not come to an end")
            self._sleep(pause)
            pause = min(2 * pause, LONGEST_POLL)

    def _read(self, identity: Identity) -> KeptToken:
        kept = self._database.read(lambda executor: self._rows.read(executor, identity))
        if kept is None:
            raise ReauthRequired("no token is kept for this identity")
        return kept

    def _take_lease(self, kept: KeptToken) -> Lease | None:
        owner = self._kit.random(16).hex()
        return self._database.write(lambda executor: self._rows.take_lease(executor, kept, owner, self._lease))


def _open(kept: KeptToken) -> Token:
    if kept.token is None:
        raise ReauthRequired(kept.closed_because)
    return kept.token


def _is_due(token: Token, obtained_at: datetime, now: datetime) -> bool:
    due_at = refresh_at(token, obtained_at)
    return due_at is not None and now >= due_at
