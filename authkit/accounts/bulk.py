"""Refreshing many tokens: what is about to end, a few at a time, at a steady pace.

Each goes through the vault, so that other processes and the requests of the app may refresh the same tokens at the
same moment: one of them asks the provider, and the others find what it answered.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType

from authkit.accounts.database import Database
from authkit.accounts.duetokens import PAGE, DueToken, DueTokens, Window
from authkit.accounts.pace import Pace
from authkit.accounts.refresher import LONGEST_PAUSE
from authkit.accounts.tokenrows import KeptToken, TokenRows
from authkit.accounts.vault import Vault
from authkit.accounts.witness import Witness
from authkit.breaker import Breaker
from authkit.clock import utc_now
from authkit.errors import AuthkitError, ReauthRequired, StoreUnavailable
from authkit.flow import AuthKit

__all__ = ["FAILURES_IN_A_ROW", "BulkRefresh", "Outcome", "Result"]

FAILURES_IN_A_ROW = 20
"""How often refreshes of a registration may fail, one after the other, until its provider is left in peace."""


class Result(str, Enum):
    """What became of a token that was due."""

    REFRESHED = "refreshed"
    BY_OTHERS = "refreshed_by_others"
    """Somebody else refreshed it, or its user signed in, after it was listed."""
    REAUTH = "reauth_required"
    """It is of no use any more, or gone: its user has to sign in again."""
    FAILED = "failed"
    """It is kept, and may be refreshed later: the error says why."""
    POSTPONED = "postponed"
    """It failed a moment ago, at somebody else's attempt, and nobody asks again so soon."""
    LEFT = "left_alone"
    """There is nothing to be gained: it cannot be refreshed, or was, and the provider did not move its end."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one token, and the error if it failed."""

    registration: str
    result: Result
    error: AuthkitError | None = None


class BulkRefresh:
    """Refreshes the tokens that are due. One object is for one run.

    Args:
        kit: speaks to the providers.
        database: where the tokens are.
        pace: how fast providers are asked.
        workers: how many tokens are under way at a time.
        is_ending: whether to begin with no more of them; what is under way is finished.
        page: how many tokens to hold in memory.

    Attributes:
        stopped: the last error of each registration at which too many refreshes in a row failed. What else of it is
            due is left for the next run.
    """

    def __init__(
        self,
        kit: AuthKit,
        database: Database,
        *,
        pace: Pace,
        workers: int = 4,
        is_ending: Callable[[], bool] = lambda: False,
        page: int = PAGE,
    ) -> None:
        self._asked = threading.local()
        witnesses = {name: Witness(client, self._note) for name, client in kit.clients.items()}
        # No visitor waits for a thread of this pool: all of them may wait for a provider.
        breakers = {name: Breaker(name, workers) for name in kit.registrations}
        asking = replace(kit, clients=MappingProxyType(witnesses), breakers=MappingProxyType(breakers))
        self._vault = Vault(asking, database)
        self._clock = kit.clock
        self._pace = pace
        self._workers = workers
        self._is_ending = is_ending
        self._failures: dict[str, int] = {}
        self._problem: StoreUnavailable | None = None
        self.stopped: dict[str, AuthkitError] = {}
        self.due = DueTokens(database, TokenRows.of(kit), page)

    def run(self, window: Window) -> Iterator[Outcome]:
        """Refresh what is due, and yield what becomes of each token as it is known.

        Raises:
            StoreUnavailable: the list of what is due cannot be read on; what was under way has been yielded.
        """
        under_way: set[Future[Outcome]] = set()
        with ThreadPoolExecutor(self._workers, thread_name_prefix="authkit-refresh") as pool:
            for due in self._listed(window):
                outcome = self._judge_unasked(due)
                if isinstance(outcome, Outcome):
                    yield outcome
                    continue
                if len(under_way) == self._workers:
                    done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                    yield from self._counted(done)
                if self._may_begin(due.registration):
                    under_way.add(pool.submit(self._refresh, outcome))
            yield from self._counted(as_completed(under_way))
        if self._problem is not None:
            raise self._problem

    def _listed(self, window: Window) -> Iterator[DueToken]:
        """Yield what is due, until all is listed, the run is to end, or the database fails."""
        try:
            for due in self.due.all(window, self.stopped):
                if self._is_ending():
                    return
                yield due
        except StoreUnavailable as error:
            self._problem = error

    def _judge_unasked(self, due: DueToken) -> Outcome | KeptToken:
        """Return what is known of a token without asking its provider; the token itself, if it is to be asked."""
        kept = due.kept
        if isinstance(kept, StoreUnavailable):
            return Outcome(due.registration, Result.FAILED, kept)
        now = utc_now(self._clock)
        if kept.token is None or not kept.token.refresh_token:
            return Outcome(due.registration, Result.LEFT)
        if due.is_refreshed and now - kept.obtained_at < due.ends_at - now:
            # A refresh did not help it then, and would not now. With half of the rest gone, the next is tried.
            return Outcome(due.registration, Result.LEFT)
        if kept.retry_at is not None and now < kept.retry_at <= now + LONGEST_PAUSE:
            return Outcome(due.registration, Result.POSTPONED)
        return kept

    def _may_begin(self, registration: str) -> bool:
        """Wait for the pace, and tell whether to go on all the same."""
        if registration in self.stopped:
            return False
        self._pace.wait()
        return not self._is_ending()

    def _refresh(self, kept: KeptToken) -> Outcome:
        """Refresh one token; this is what runs in the workers."""
        stale = kept.token.access_token if kept.token else None
        self._asked.it = False
        try:
            self._vault.refresh(kept.identity, stale)
        except ReauthRequired as error:
            return Outcome(kept.registration, Result.REAUTH, error)
        except AuthkitError as error:
            return Outcome(kept.registration, Result.FAILED, error)
        return Outcome(kept.registration, Result.REFRESHED if self._asked.it else Result.BY_OTHERS)

    def _note(self) -> None:
        self._asked.it = True

    def _counted(self, done: Iterable[Future[Outcome]]) -> Iterator[Outcome]:
        """Yield what became of tokens, and stop a registration at which refreshes fail again and again."""
        for future in done:
            outcome = future.result()
            name, error = outcome.registration, outcome.error
            has_failed = outcome.result is Result.FAILED
            self._failures[name] = self._failures.get(name, 0) + 1 if has_failed else 0
            if error is not None and self._failures[name] >= FAILURES_IN_A_ROW:
                self.stopped[name] = error
            yield outcome
