"""Revocations: tokens that are to end at the provider too. What fails is kept, and tried again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from sqlalchemy import delete, func, insert, select, update

from authkit.accounts.audit import digest, record
from authkit.accounts.database import Database, Executor, count_changed
from authkit.accounts.schema import revocations
from authkit.accounts.strongbox import Strongbox
from authkit.errors import AuthkitError, ProviderRejected, ReauthRequired, StoreUnavailable
from authkit.flow import AuthKit
from authkit.models import Identity, Token

__all__ = ["Pending", "Revocations"]

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Pending:
    """A revocation that the provider has not heard of yet."""

    id: int
    registration: str
    identity_digest: str
    sealed: str = field(repr=False)
    tries: int


class Revocations:
    """Tells providers to end tokens.

    Args:
        kit: speaks to the providers.
        database: where revocations wait until they succeed.
    """

    def __init__(self, kit: AuthKit, database: Database) -> None:
        self._kit = kit
        self._database = database
        self._strongbox = Strongbox(kit.vault_secrets, kit.random, revocations.name)

    def add(self, executor: Executor, identity: Identity, registration: str, token: Token) -> None:
        """Let a token wait for its revocation, within the transaction in which it goes from the vault."""
        now = self._now()
        who = digest(identity)
        values = {
            "registration": registration,
            "identity": who,
            "sealed": self._strongbox.seal(who, token),
            "sealed_with": self._strongbox.key_id,
            "created_at": now,
            "tries": 0,
            "retry_at": now,
        }
        executor.execute(insert(revocations).values(**values))

    def count(self) -> int:
        """Return how many wait."""
        counting = select(func.count()).select_from(revocations)
        return self._database.read(lambda executor: int(executor.execute(counting).scalar_one()))

    def due(self, identity: Identity | None = None) -> Iterator[Pending]:
        """Yield what is to be tried now, oldest first; only that of `identity`, if it is given."""
        pending = self._next(0, identity)
        while pending is not None:
            yield pending
            pending = self._next(pending.id, identity)

    def attempt(self, pending: Pending) -> bool:
        """Tell the provider once; False if that has to be done again later.

        A provider that says that the token is none has nothing to end (RFC 7009, section 2.2). One that cannot be
        reached, or that refuses us, may still have it (section 2.2.1).
        """
        try:
            access_token, refresh_token = self._strongbox.open(pending.identity_digest, pending.sealed)
            self._kit.revoke(pending.registration, Token(access_token, refresh_token))
        except (ProviderRejected, ReauthRequired):
            pass
        except AuthkitError as error:
            pause = timedelta(seconds=error.retry_after or 0)
            self._database.write(lambda executor: self._postpone(executor, pending, pause))
            return False
        self._database.write(lambda executor: self._forget(executor, pending))
        return True

    def attempt_all(self, identity: Identity) -> None:
        """Try what waits for an identity, and leave what fails for later; nothing is raised."""
        try:
            for pending in self.due(identity):
                self.attempt(pending)
        except StoreUnavailable:
            pass  # it waits

    def _now(self) -> datetime:
        return datetime.fromtimestamp(int(self._kit.clock()), timezone.utc)

    def _next(self, after: int, identity: Identity | None) -> Pending | None:
        query = select(revocations).where(revocations.c.id > after, revocations.c.retry_at <= self._now())
        if identity is not None:
            query = query.where(revocations.c.identity == digest(identity))
        oldest = query.order_by(revocations.c.id).limit(1)
        row = self._database.read(lambda executor: executor.execute(oldest).one_or_none())
        return None if row is None else Pending(row.id, row.registration, row.identity, row.sealed, row.tries)

    def _postpone(self, executor: Executor, pending: Pending, at_least: timedelta) -> None:
        pause = max(at_least, min(FIRST_PAUSE * 2 ** min(pending.tries, 20), LONGEST_PAUSE))
        changed = update(revocations).where(revocations.c.id == pending.id)
        executor.execute(changed.values(tries=pending.tries + 1, retry_at=self._now() + pause))

    def _forget(self, executor: Executor, pending: Pending) -> None:
        gone = count_changed(executor, delete(revocations).where(revocations.c.id == pending.id))
        if gone == 1:
            record(executor, self._now(), "revoked", registration=pending.registration)
