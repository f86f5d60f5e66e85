"""The refresher: asks the provider for a fresh token, and writes what it answers before anyone uses it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from authkit.accounts.audit import record
from authkit.accounts.database import Database, Executor
from authkit.accounts.revocations import Revocations
from authkit.accounts.tokenrows import KeptToken, Lease, TokenRows
from authkit.errors import AuthkitError, ProviderUnavailable, ReauthRequired, StoreUnavailable, UnknownProvider
from authkit.flow import AuthKit
from authkit.models import Token

__all__ = ["Refresher"]

SAVING = 10
"""How long to try to write what the provider answered, in seconds: the old token may be dead already."""
BETWEEN_TRIES = 0.5
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=5)
"""How long nobody asks the provider after a refresh that failed: at first, and at most."""


class Refresher:
    """Refreshes tokens, each for the one who has its lease.

    Args:
        kit: speaks to the providers.
        database: where the tokens are.
        rows: reads and writes them.
        sleep: waits for a number of seconds.
        timer: counts the seconds that were waited.
    """

    def __init__(
        self,
        kit: AuthKit,
        database: Database,
        rows: TokenRows,
        *,
        sleep: Callable[[float], None],
        timer: Callable[[], float],
    ) -> None:
        self._kit = kit
        self._database = database
        self._rows = rows
        self._sleep = sleep
        self._timer = timer
        self._revocations = Revocations(kit, database)

    def problem(self, kept: KeptToken) -> AuthkitError | None:
        """Return why a token cannot be refreshed now, None if it can."""
        if kept.registration not in self._kit.registrations:
            return UnknownProvider(
                f"the token is of registration {kept.registration!r}, which is not configured any more"
            )
        pause = kept.retry_at - self._kit.now() if kept.retry_at else timedelta(0)
        if not timedelta(0) < pause <= LONGEST_PAUSE:  # a longer one was written by a server whose clock is wrong
            return None
        left = int(pause.total_seconds())
        return ProviderUnavailable(f"the last refresh failed; the next is tried in {left} s", retry_after=left)

    def refresh(self, kept: KeptToken, token: Token, lease: Lease, *, is_usable: bool) -> Token | None:
        """Return the fresh token, once it is written; None if the row is to be read again.

        So it is when somebody else has changed the row meanwhile, whatever the provider answered; and when the
        refresh failed for now, but the old token `is_usable`.

        Raises:
            ReauthRequired: the token is of no use any more, and closed.
            StoreUnavailable: what the provider answered could not be written.
            AuthkitError: the refresh failed for now; the token is kept, and nobody tries again for a while.
        """
        try:
            fresh = self._kit.refresh(kept.registration, token)
        except ReauthRequired as error:
            if not self._close(kept, lease, error):
                return None
            raise
        except AuthkitError as error:
            if not self._postpone(kept, lease, error) or is_usable:
                return None
            raise
        if self._replace(kept, lease, fresh):
            return fresh
        self._revoke_if_unlinked(kept, fresh)
        return None

    def _replace(self, kept: KeptToken, lease: Lease, fresh: Token) -> bool:
        """Write the fresh token, and tell the observers; False if the lease is stale."""

        def replace(executor: Executor) -> bool:
            return self._rows.replace(executor, lease, kept.identity, fresh, self._kit.now())

        is_written = self._settle(kept, lease, replace, "refreshed")
        if is_written:
            self._kit.plugins.token_refreshed(kept.identity)
        return is_written

    def _close(self, kept: KeptToken, lease: Lease, error: ReauthRequired) -> bool:
        """Mark the token as of no use, and tell the observers; False if the lease is stale."""

        def close(executor: Executor) -> bool:
            return self._rows.close(executor, lease, error.reason, self._kit.now())

        is_written = self._settle(kept, lease, close, "reauth_required", error)
        if is_written:
            self._kit.plugins.reauth_required(kept.identity, error.reason)
        return is_written

    def _postpone(self, kept: KeptToken, lease: Lease, error: AuthkitError) -> bool:
        """Keep the token, and let nobody ask the provider for a while; False if the lease is stale."""
        pause = max(FIRST_PAUSE * 2 ** min(kept.failures, 10), timedelta(seconds=error.retry_after or 0))
        retry_at = self._kit.now() + min(pause, LONGEST_PAUSE)

        def postpone(executor: Executor) -> bool:
            return self._rows.postpone(executor, lease, kept.failures + 1, retry_at)

        return self._settle(kept, lease, postpone)

    def _settle(
        self,
        kept: KeptToken,
        lease: Lease,
        change: Callable[[Executor], bool],
        event: str = "",
        error: AuthkitError | None = None,
    ) -> bool:
        """Write what came of a lease; False if it is stale. While the database fails, try for some seconds."""

        def write(executor: Executor) -> bool:
            if not change(executor):
                return self._rows.is_settled(executor, lease)  # by a try whose connection was lost at the commit
            if event:
                record(
                    executor,
                    self._kit.now(),
                    event,
                    identity=kept.identity,
                    registration=kept.registration,
                    reason=error.reason if error else "",
                    reference=error.correlation_id if error else None,
                )
            return True

        ends_at = self._timer() + SAVING
        while True:
            try:
                return self._database.write(write)
            except StoreUnavailable:
                if self._timer() >= ends_at:
                    raise
            self._sleep(BETWEEN_TRIES)

    def _revoke_if_unlinked(self, kept: KeptToken, fresh: Token) -> None:
        """End a fresh token whose identity was unlinked while the provider answered: nobody else knows of it."""

        def write(executor: Executor) -> bool:
            is_gone = self._rows.read(executor, kept.identity) is None
            if is_gone:
                self._revocations.add(executor, kept.identity, kept.registration, fresh)
            return is_gone

        if self._kit.parts["accounts"]["revoke"] and self._database.write(write):
            self._revocations.attempt_all(kept.identity)
