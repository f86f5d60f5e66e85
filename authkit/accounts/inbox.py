"""The inbox: each event of a provider counts once, however often it is delivered.

Providers deliver an event until they are answered, and sometimes once more. Three claims tell how far it has come:

* ``busy``, for a minute: somebody is at it; another delivery has to come again later.
* ``applied``: our own effect is in the database. It is written along with it.
* ``done``: the app's handler has returned too. Further deliveries change nothing.

Whoever dies on the way leaves ``busy`` to expire, and the next delivery does what was not done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from hashlib import sha256
from typing import TypeAlias

from sqlalchemy import select

from authkit.accounts.audit import record
from authkit.accounts.claims import is_claimed, release_claim, take_claim
from authkit.accounts.database import Database, Executor
from authkit.accounts.identityrows import Known, lock_identity
from authkit.accounts.schema import tokens
from authkit.accounts.tokenrows import TokenRows
from authkit.errors import StoreUnavailable
from authkit.events import Received
from authkit.flow import AuthKit
from authkit.models import Identity, ProviderEvent

__all__ = ["Inbox", "WhenOver", "at_once"]

logger = logging.getLogger(__name__)

BUSY = 60
"""How long a delivery may take, in seconds, before another one may begin anew."""
REMEMBERED = 30 * 24 * 3600
"""How long an event is remembered, in seconds, beyond the age that a signature may have."""

WhenOver: TypeAlias = Callable[[Callable[[bool], None]], None]
"""Calls what it is given once the transaction is over that the handler wrote in, with whether it was committed."""


def at_once(callback: Callable[[bool], None]) -> None:
    """Call `callback` now: what the handler wrote, it has committed."""
    callback(True)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery that is being processed, and until when others keep off."""

    received: Received
    busy_until: int

    def claim(self, state: str) -> str:
        """Return the digest of one of its claims."""
        return sha256(f"event {self.received.key} {state}".encode("ascii")).hexdigest()


class Inbox:
    """Takes the events that `receive` has found to be a provider's.

    What is written here is written in transactions of our own, whatever the app has open.

    Args:
        kit: tells the observers.
        database: where identities, tokens and claims are.
    """

    def __init__(self, kit: AuthKit, database: Database) -> None:
        self._kit = kit
        self._database = database
        self._rows = TokenRows.of(kit)

    def take(
        self,
        received: Received,
        handler: Callable[[ProviderEvent], object] | None = None,
        *,
        when_over: WhenOver = at_once,
    ) -> bool:
        """Let an event take effect; False if it has before, and nothing was done.

        An authorization that has ended closes the identity's token, with the reason. The identity stays, and its
        account. Then `handler` is called, and then the event is done.

        Args:
            received: the event.
            handler: the app's own. It may be called again for the same event where it, or the process, failed.
            when_over: see `WhenOver`. Only then, the event is done and the observers are told; or the next
                delivery may begin.

        Raises:
            StoreUnavailable: the database or the handler failed, or another delivery of the event is being processed.
                The event is not done: the provider has to deliver it again.
        """
        now = self._now()
        delivery = Delivery(received, now + BUSY)
        is_done, was_known = self._database.write(lambda executor: self._begin(executor, delivery, now))
        if is_done:
            return False
        if was_known:
            self._kit.plugins.disconnected(self._identity(received.event), received.event.reason)
        if handler is not None:
            self._call(handler, delivery, when_over)
        when_over(lambda is_committed: self._finish(delivery) if is_committed else self._release(delivery))
        return True

    def _begin(self, executor: Executor, delivery: Delivery, now: int) -> tuple[bool, bool]:
        """Claim an event and let our own effect take place, in one transaction.

        Returns:
            whether it was done before, and whether somebody whom we know was disconnected.
        """
        # Only in this order: whoever gets the claim after somebody else sees what that one has done.
        is_ours = take_claim(executor, delivery.claim("busy"), delivery.busy_until, now)
        if is_claimed(executor, delivery.claim("done"), now):
            return True, False
        if not is_ours:
            raise StoreUnavailable("another delivery of this event is being processed")
        if not take_claim(executor, delivery.claim("applied"), self._remembered_until(now), now):
            return False, False
        return False, self._apply(executor, delivery.received, now)

    def _apply(self, executor: Executor, received: Received, now: int) -> bool:
        """Close the token of an authorization that has ended, and record the event; whether somebody was known."""
        event, at = received.event, datetime.fromtimestamp(now, timezone.utc)
        identity = self._identity(event) if event.subject.strip() else None
        found = lock_identity(executor, identity) if identity and event.ends_authorization else None
        known = found if found and not _is_newer(executor, found, event) else None
        reason = event.reason or event.name
        if known is not None:
            self._rows.drop(executor, known.number, reason, at)
        record(
            executor,
            at,
            "provider_event" if known is None else "disconnected",
            account_id=None if known is None else known.account.id,
            identity=identity,
            registration=event.registration,
            reason=event.name if known is None else reason,
            reference=received.correlation_id,
        )
        return known is not None

    def _call(self, handler: Callable[[ProviderEvent], object], delivery: Delivery, when_over: WhenOver) -> None:
        try:
            handler(delivery.received.event)
        except Exception as exc:
            logger.exception("the event handler raised")
            failure = StoreUnavailable(f"the event handler raised {type(exc).__name__}")
        else:
            return
        when_over(lambda _: self._release(delivery))  # not before: on SQLite, the app's transaction keeps us out
        raise failure

    def _release(self, delivery: Delivery) -> None:
        """Let the next delivery begin at once; without a database, it has to wait for a minute."""

        def release(executor: Executor) -> None:
            release_claim(executor, delivery.claim("busy"), delivery.busy_until)

        try:
            self._database.write(release)
        except StoreUnavailable:
            logger.warning("an event that failed cannot be processed again for %s s: the database fails too", BUSY)

    def _finish(self, delivery: Delivery) -> None:
        """Remember that an event is done, and tell the observers, who are told once."""
        now = self._now()
        done, until = delivery.claim("done"), self._remembered_until(now)
        if self._database.write(lambda executor: take_claim(executor, done, until, now)):
            self._kit.plugins.provider_event(delivery.received.event)

    def _identity(self, event: ProviderEvent) -> Identity:
        return Identity(self._kit.registrations[event.registration].authority, event.client, event.subject)

    def _remembered_until(self, now: int) -> int:
        tolerance: int = self._kit.parts["webhook"]["tolerance"]
        return now + tolerance + REMEMBERED

    def _now(self) -> int:
        return int(self._kit.clock())


def _is_newer(executor: Executor, known: Known, event: ProviderEvent) -> bool:
    """Whether the authorization was given anew after the event, which came late: that one has not ended."""
    query = select(tokens.c.obtained_at).where(tokens.c.identity_id == known.number)
    obtained_at = executor.execute(query).scalar_one_or_none()
    return obtained_at is not None and obtained_at > event.created_at
