"""Claims in the database: what was used on one server is refused by all."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from math import ceil

from sqlalchemy import bindparam, delete, insert, select, update

from authkit.accounts.database import Database, Executor, count_changed
from authkit.accounts.schema import claims
from authkit.errors import StoreUnavailable

__all__ = ["SqlClaims", "is_claimed", "release_claim", "take_claim"]

CLEANING_INTERVAL = 60.0

IS_CLAIM = claims.c.digest == bindparam("claim")
FIND = select(claims.c.digest).where(IS_CLAIM)
FIND_LASTING = FIND.where(claims.c.expires_at > bindparam("now"))
ADD = insert(claims)
TAKE_OVER = update(claims).where(IS_CLAIM, claims.c.expires_at <= bindparam("now"))


class SqlClaims:
    """A `ClaimStore` that all servers share.

    Args:
        database: where the claims are kept. Claims that have expired are deleted about once a minute.
        clock: the time, in seconds since the epoch.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._cleaned_at = float("-inf")

    def claim(self, key: str, expires_at: float) -> bool:
        """See `ClaimStore.claim`."""
        digest, now = sha256(key.encode("utf-8")).hexdigest(), int(self._clock())
        # Rounded up, so that no claim ends before what it guards.
        won = self._database.write(lambda executor: take_claim(executor, digest, ceil(expires_at), now))
        self._clean(now)
        return won

    def _clean(self, now: int) -> None:
        if time.monotonic() - self._cleaned_at < CLEANING_INTERVAL:
            return
        self._cleaned_at = time.monotonic()
        with suppress(StoreUnavailable):  # what was claimed is; the rest goes the next time
            self._database.write(lambda executor: executor.execute(delete(claims).where(claims.c.expires_at < now)))


def take_claim(executor: Executor, digest: str, expires_at: int, now: int) -> bool:
    """Add a claim, or take over one that has expired; False if it is claimed.

    If somebody else adds it at this moment, the key is there twice, the work is done again, and finds it.
    """
    if count_changed(executor, TAKE_OVER, {"claim": digest, "now": now, "expires_at": expires_at}) == 1:
        return True
    if executor.execute(FIND, {"claim": digest}).one_or_none() is not None:
        return False
    executor.execute(ADD, {"digest": digest, "expires_at": expires_at})
    return True


def is_claimed(executor: Executor, digest: str, now: int) -> bool:
    """Whether a claim is there, and has not expired."""
    return executor.execute(FIND_LASTING, {"claim": digest, "now": now}).one_or_none() is not None


def release_claim(executor: Executor, digest: str, expires_at: int) -> None:
    """Give back a claim until `expires_at`; one that somebody else has taken over since stays."""
    executor.execute(delete(claims).where(claims.c.digest == digest, claims.c.expires_at == expires_at))
