"""Revocations: tokens that are to end at the provider too. What fails is kept, and tried again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update

from authkit.accounts.audit import digest, record
from authkit.accounts.database import Database, Executor, count_changed
from authkit.accounts.schema import revocations
from authkit.accounts.strongbox import Strongbox
from authkit.errors import AuthkitError, ReauthRequired, StoreUnavailable
from authkit.flow import AuthKit
from authkit.models import Identity, Token
from authkit.provider import OAuth2Provider

__all__ = ["Pending", "Revocations"]

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=12)
LONGEST_WAIT = timedelta(days=30)
"""How long a token of somebody who is gone may wait: then it is removed, whether or not its provider has heard."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A revocation that the provider has not heard of yet."""

    id: int
    registration: str
    identity_digest: str
    sealed: str = field(repr=False)
    created_at: datetime
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
        self._strongbox = Strongbox(kit.sealers["vault"], revocations.name)

    def add(self, executor: Executor, identity: Identity, registration: str, token: Token) -> None:
        """Let a token wait for its revocation, within the transaction in which it goes from the vault."""
        now = self._kit.now()
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

    def cancel(self, executor: Executor, identity: Identity) -> None:
        """Let nothing of an identity wait any more, within the transaction in which it comes back.

        Ending an old token may end all that its user has allowed since: at TikTok, it disconnects the app.
        """
        who = digest(identity)
        if count_changed(executor, delete(revocations).where(revocations.c.identity == who)):
            record(executor, self._kit.now(), "revocation_cancelled", identity=identity, reason="the user came back")

    def count(self) -> int:
        """Return how many wait."""
        return self._database.count(revocations)

    def due(self, identity: Identity | None = None) -> Iterator[Pending]:
        """Yield what is to be tried now, oldest first; only that of `identity`, if it is given."""
        pending = self._next(0, identity)
        while pending is not None:
            yield pending
            pending = self._next(pending.id, identity)

    def attempt(self, pending: Pending) -> bool:
        """Tell the provider once; False if that is to be done again later, or somebody else is doing it.

        A provider that says that the token is none has nothing to end (RFC 7009, section 2.2). One that cannot be
        reached, or that refuses us, may still have it (section 2.2.1): that is tried again, for a month.

        Raises:
            StoreUnavailable: the database failed.
        """
        if not self._database.write(lambda executor: self._take(executor, pending)):
            return False
        try:
            token = Token(*self._strongbox.open(pending.identity_digest, pending.sealed))
            reason = self._revoke(pending, token)
            if reason and token.refresh_token and self._takes_access_tokens_only(pending.registration):
                reason = self._revoke_a_fresh_one(pending, token)
        except AuthkitError as error:
            self._fail(pending, error)
            return False
        self._database.write(lambda executor: self._forget(executor, pending, "revoked", reason))
        return True

    def attempt_all(self, identity: Identity) -> None:
        """Try what waits for an identity, and leave what fails for later; nothing is raised."""
        try:
            for pending in self.due(identity):
                self.attempt(pending)
        except StoreUnavailable:
            pass  # it waits

    def _next(self, after: int, identity: Identity | None) -> Pending | None:
        query = select(revocations).where(revocations.c.id > after, revocations.c.retry_at <= self._kit.now())
        if identity is not None:
            query = query.where(revocations.c.identity == digest(identity))
        oldest = query.order_by(revocations.c.id).limit(1)
        row = self._database.read(lambda executor: executor.execute(oldest).one_or_none())
        if row is None:
            return None
        return Pending(row.id, row.registration, row.identity, row.sealed, row.created_at, row.tries)

    def _take(self, executor: Executor, pending: Pending) -> bool:
        """Count a try before it is made, so that nobody else makes it too; False if somebody does."""
        changed = count_changed(
            executor,
            update(revocations)
            .where(revocations.c.id == pending.id, revocations.c.tries == pending.tries)
            .values(tries=pending.tries + 1, retry_at=self._kit.now() + _pause_after(pending.tries)),
        )
        return changed == 1

    def _revoke(self, pending: Pending, token: Token) -> str:
        """End a token at the provider, and return why there was nothing to end, "" if there was."""
        try:
            return "" if self._kit.revoke(pending.registration, token) else "the provider revokes nothing"
        except ReauthRequired as error:
            return error.reason or error.code

    def _takes_access_tokens_only(self, registration: str) -> bool:
        provider = self._kit.registrations[registration].provider
        return (
            isinstance(provider, OAuth2Provider)
            and provider.revoke_with == "access_token"
            and provider.revoke_url != ""
        )

    def _revoke_a_fresh_one(self, pending: Pending, token: Token) -> str:
        """End what lives on of a token whose access token has ended, and return as `_revoke` does.

        Some, such as TikTok, take access tokens only, and the refresh token of one that has expired lives on. So
        with it a fresh one is had, and kept until that is revoked. Where it cannot be kept, it is revoked all the
        same: the old refresh token may be dead by now.
        """
        try:
            fresh = self._kit.refresh(pending.registration, token)
        except ReauthRequired as error:
            return error.reason
        with suppress(StoreUnavailable):
            if not self._database.write(lambda executor: self._keep(executor, pending, fresh)):
                return "the user came back"
        return self._revoke(pending, fresh)

    def _keep(self, executor: Executor, pending: Pending, fresh: Token) -> bool:
        """Let a fresh token wait in the place of the old; False if that waits no more, see `cancel`."""
        values = {
            "sealed": self._strongbox.seal(pending.identity_digest, fresh),
            "sealed_with": self._strongbox.key_id,
        }
        kept = update(revocations).where(revocations.c.id == pending.id).values(**values)
        return count_changed(executor, kept) == 1

    def _fail(self, pending: Pending, error: AuthkitError) -> None:
        """Leave a revocation for later; what has failed for a month is given up."""
        now, pause = self._kit.now(), min(timedelta(seconds=error.retry_after or 0), LONGEST_PAUSE)
        if now >= pending.created_at + LONGEST_WAIT:
            self._database.write(lambda executor: self._forget(executor, pending, "not_revoked", error.reason))
        elif pause > _pause_after(pending.tries):
            later = update(revocations).where(revocations.c.id == pending.id).values(retry_at=now + pause)
            self._database.write(lambda executor: count_changed(executor, later))

    def _forget(self, executor: Executor, pending: Pending, event: str, reason: str) -> None:
        if count_changed(executor, delete(revocations).where(revocations.c.id == pending.id)) == 1:
            record(
                executor,
                self._kit.now(),
                event,
                identity=pending.identity_digest,
                registration=pending.registration,
                reason=reason,
            )


def _pause_after(tries: int) -> timedelta:
    """Return how long to wait after that many tries, and one more."""
    doubled: timedelta = FIRST_PAUSE * 2 ** min(tries, 20)
    return min(doubled, LONGEST_PAUSE)
