"""The vault: gives the token of an identity that is good now, and never loses one.

Who needs a token reads its row. If it is time to refresh, one of all the threads, processes and servers takes the
lease, which is a part of the row, asks the provider without holding a connection, and writes what it answered before
anyone uses it. The others use the token while it is good, or wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from authkit.accounts.audit import record
from authkit.accounts.database import Database, Executor
from authkit.accounts.revocations import Revocations
from authkit.accounts.schema import tokens
from authkit.accounts.strongbox import Strongbox
from authkit.accounts.tokenrows import KeptToken, Lease, TokenRows, refresh_at
from authkit.errors import AuthkitError, ProviderUnavailable, ReauthRequired, StoreUnavailable, UnknownProvider
from authkit.flow import AuthKit
from authkit.models import Identity, Secret, Token

__all__ = ["Vault"]

LEASE = 30
"""How long a refresh may take, in seconds. Asking the provider ends after 15."""
SAVING = 10
"""How long to try to write a new token, in seconds: its predecessor is dead already."""
FIRST_POLL, LONGEST_POLL = 0.05, 0.5
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=5)


class Vault:
    """Keeps tokens, and refreshes them when it is time.

    It writes in transactions of its own, whatever the app has open: a request that is rolled back loses nothing.

    Args:
        kit: speaks to the providers.
        database: where the tokens are.
        lease: for how many seconds a process that died in a refresh delays the others.
        sleep: waits for a number of seconds.
    """

    def __init__(
        self, kit: AuthKit, database: Database, *, lease: int = LEASE, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._kit = kit
        self._database = database
        self._lease = lease
        self._sleep = sleep
        self._rows = TokenRows(Strongbox(kit.vault_secrets, kit.random, tokens.name))
        self._revocations = Revocations(kit, database)

    def access_token(self, identity: Identity) -> Secret:
        """Return an access token that is good now, refreshed if need be.

        Raises:
            ReauthRequired: there is no token, or it is of no use any more: the user has to sign in again.
            ProviderUnavailable: the token has ended, and the provider cannot be asked for another now.
            StoreUnavailable: the database failed.
        """
        return self.token(identity).access_token

    def token(self, identity: Identity) -> Token:
        """Return a token that is good now, with its scope and its ends; otherwise as `access_token`."""
        return self._good_token(identity, stale=None)

    def refresh(self, identity: Identity, stale: Secret | None = None) -> Token:
        """Return a token other than `stale`, whatever the numbers say: for one that the provider refuses early.

        Args:
            identity: whose token.
            stale: the access token that is of no use; if it has been replaced already, nothing is refreshed. None for
                the one that is kept now.

        Raises:
            AuthkitError: as in `access_token`; an error of the refresh is raised even if the old token has not ended.
        """
        return self._good_token(identity, stale=stale or _open(self._read(identity)).access_token)

    def _good_token(self, identity: Identity, stale: Secret | None) -> Token:
        """Return the token as soon as it is fine, and not `stale`: read, refreshed, or waited for."""
        ends_at = time.monotonic() + 2 * self._lease
        pause = FIRST_POLL
        while True:
            kept, now = self._read(identity), self._now()
            token = _open(kept)
            if token.access_token != stale if stale else not _is_due(kept, now):
                return token
            if kept.retry_at is not None and now < kept.retry_at:
                if stale is None and _is_good(kept, now):
                    return token
                raise _not_yet(kept.retry_at - now)
            lease = self._take(kept)
            if lease is not None:
                fresh = self._refreshed(kept, lease, is_needed=stale is not None)
                if fresh is not None:
                    return fresh
                continue
            if stale is None and _is_good(kept, now):
                return token
            if time.monotonic() >= ends_at:
                raise ProviderUnavailable("others are refreshing this token, and have not come to an end")
            self._sleep(pause)
            pause = min(2 * pause, LONGEST_POLL)

    def _read(self, identity: Identity) -> KeptToken:
        kept = self._database.read(lambda executor: self._rows.read(executor, identity))
        if kept is None:
            raise ReauthRequired("no token is kept for this identity")
        return kept

    def _take(self, kept: KeptToken) -> Lease | None:
        if kept.registration not in self._kit.registrations:
            raise UnknownProvider(
                f"the token is of registration {kept.registration!r}, which is not configured any more"
            )
        owner = self._kit.random(16).hex()
        return self._database.write(lambda executor: self._rows.take_lease(executor, kept, owner, self._lease))

    def _refreshed(self, kept: KeptToken, lease: Lease, *, is_needed: bool) -> Token | None:
        """Ask the provider and write what it answers; None if the row has changed meanwhile: then read it again.

        Where that fails for now, and the new token is not needed yet, the old one is returned.
        """
        try:
            fresh = self._kit.refresh(kept.registration, _open(kept))
        except ReauthRequired as error:
            self._close(kept, lease, error)
            raise
        except AuthkitError as error:
            self._postpone(kept, lease, error)
            if is_needed or not _is_good(kept, self._now()):
                raise
            return _open(kept)
        if self._save(kept, lease, fresh):
            self._kit.plugins.token_refreshed(kept.identity)
            return fresh
        self._revoke_if_unlinked(kept, fresh)
        return None

    def _save(self, kept: KeptToken, lease: Lease, fresh: Token) -> bool:
        """Write the new token; False if the lease is stale. While the database fails, try for some seconds."""

        def write(executor: Executor) -> bool:
            is_written = self._rows.replace(executor, lease, kept.identity, fresh, self._now())
            if is_written:
                self._record(executor, "refreshed", kept)
            return is_written

        ends_at = time.monotonic() + SAVING
        while True:
            try:
                return self._database.write(write)
            except StoreUnavailable:
                if time.monotonic() >= ends_at:
                    raise
            self._sleep(LONGEST_POLL)

    def _close(self, kept: KeptToken, lease: Lease, error: ReauthRequired) -> None:
        """Mark the token as of no use, once, and tell the observers."""

        def write(executor: Executor) -> bool:
            is_written = self._rows.close(executor, lease, error.reason, self._now())
            if is_written:
                self._record(executor, "reauth_required", kept, error.reason, error.correlation_id)
            return is_written

        if self._database.write(write):
            self._kit.plugins.reauth_required(kept.identity, error.reason)

    def _postpone(self, kept: KeptToken, lease: Lease, error: AuthkitError) -> None:
        """Keep the token, and let nobody ask the provider for a while."""
        pause = min(FIRST_PAUSE * 2 ** min(kept.failures, 10), LONGEST_PAUSE)
        retry_at = self._now() + max(pause, timedelta(seconds=error.retry_after or 0))
        self._database.write(lambda executor: self._rows.postpone(executor, lease, kept.failures + 1, retry_at))

    def _revoke_if_unlinked(self, kept: KeptToken, fresh: Token) -> None:
        """End a new token whose identity was unlinked while the provider answered: nobody else knows of it."""

        def write(executor: Executor) -> bool:
            is_gone = self._rows.read(executor, kept.identity) is None
            if is_gone:
                self._revocations.add(executor, kept.identity, kept.registration, fresh)
            return is_gone

        if self._database.write(write):
            self._revocations.attempt_all(kept.identity)

    def _record(
        self, executor: Executor, event: str, kept: KeptToken, reason: str = "", ref: str | None = None
    ) -> None:
        record(
            executor,
            self._now(),
            event,
            identity=kept.identity,
            registration=kept.registration,
            reason=reason,
            reference=ref,
        )

    def _now(self) -> datetime:
        return datetime.fromtimestamp(int(self._kit.clock()), timezone.utc)


def _open(kept: KeptToken) -> Token:
    if kept.token is None:
        raise ReauthRequired(kept.closed_because)
    return kept.token


def _is_due(kept: KeptToken, now: datetime) -> bool:
    due_at = refresh_at(_open(kept), kept.obtained_at)
    return due_at is not None and now >= due_at


def _is_good(kept: KeptToken, now: datetime) -> bool:
    expires_at = _open(kept).expires_at
    return expires_at is None or now < expires_at


def _not_yet(pause: timedelta) -> ProviderUnavailable:
    left = int(pause.total_seconds())
    return ProviderUnavailable(f"the last refresh failed; the next is tried in {left} s", retry_after=left)
