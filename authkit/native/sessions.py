"""Sessions of native apps: each a family of refresh tokens, of which one is good, once (RFC 9700, section 4.14.2).

The id of a session, which its JSON Web Tokens show, is a digest of the name of the family, which its refresh tokens
alone have: who has seen the id cannot end the session with a refresh token that he made up.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from authkit.accounts.audit import record
from authkit.accounts.database import Executor, Transactor, count_changed
from authkit.accounts.schema import accounts, sessions
from authkit.errors import TokenInvalid
from authkit.flow import AuthKit
from authkit.models import Secret

__all__ = ["NativeSession", "NativeSessions", "Renewed"]

LAST_USED_FIRST = (sessions.c.used_at.desc(), sessions.c.created_at.desc(), sessions.c.id)
RETRY = timedelta(seconds=10)
"""How long a refresh token can be handed in a second time: the answer to the first may have been lost on the way."""
SESSION_ID = re.compile(r"[0-9a-f]{32}")
REFRESH_TOKEN = re.compile(r"([0-9a-f]{32})\.[0-9a-f]{64}")
"""The name of the family, and what is new in each token."""


@dataclass(frozen=True, slots=True)
class NativeSession:
    """A native app in which somebody is signed in.

    Attributes:
        id: the session's id, which is in its tokens as well.
        account_id: who.
        app: the app's name.
        registration: what the sign-in was with.
        created_at: when, in UTC.
        used_at: when it last asked for a token, in UTC.
        ends_at: when it ends by itself, in UTC.
    """

    id: str
    account_id: str
    app: str
    registration: str
    created_at: datetime
    used_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Renewed:
    """A session with its one good refresh token."""

    session: NativeSession
    refresh_token: Secret


class NativeSessions:
    """Starts, renews and ends the sessions of native apps. The database has digests of their tokens only.

    Args:
        kit: has the clock and the source of random bytes.
        database: where the sessions are.
        lifetime: how many seconds a session lasts without being used.
    """

    def __init__(self, kit: AuthKit, database: Transactor, lifetime: int) -> None:
        self._kit = kit
        self._database = database
        self._lifetime = timedelta(seconds=lifetime)

    def start(self, account_id: str, app: str, registration: str) -> Renewed:
        """Start a session of an account."""
        now, family = self._kit.now(), self._kit.random(16).hex()
        session_id, token = _session_id(family), self._new_token(family)
        session = NativeSession(session_id, account_id, app, registration, now, now, now + self._lifetime)

        def work(executor: Executor) -> None:
            executor.execute(delete(sessions).where(sessions.c.ends_at <= now))
            executor.execute(
                insert(sessions).values(
                    id=session_id,
                    account_id=account_id,
                    app=app,
                    registration=registration,
                    created_at=now,
                    used_at=now,
                    ends_at=session.ends_at,
                    digest=_digest(token),
                )
            )

        self._database.write(work)
        return Renewed(session, token)

    def renew(self, refresh_token: str) -> Renewed:
        """Exchange a refresh token for the next one.

        Raises:
            TokenInvalid: it is none, or its session has ended, or its account was disabled. One that was used before
                ends its session: somebody has it who should not.
        """
        known = REFRESH_TOKEN.fullmatch(refresh_token)
        if known is None:
            raise TokenInvalid("it is no refresh token")
        now, presented, session_id = self._kit.now(), Secret(refresh_token), _session_id(known[1])
        token = self._new_token(known[1])

        def work(executor: Executor) -> NativeSession | str:
            row = executor.execute(
                select(sessions, accounts.c.disabled_at)
                .join_from(sessions, accounts, sessions.c.account_id == accounts.c.id)
                .where(sessions.c.id == session_id)
                .with_for_update()
            ).one_or_none()
            if row is None:
                return "no session has this refresh token"
            problem, changes = _judge(row, _digest(presented), now)
            if problem:
                self._end(executor, row.id, row.account_id, problem)
                return problem
            ends_at = now + self._lifetime
            executor.execute(
                update(sessions)
                .where(sessions.c.id == session_id)
                .values(digest=_digest(token), used_at=now, ends_at=ends_at, **changes)
            )
            return NativeSession(row.id, row.account_id, row.app, row.registration, row.created_at, now, ends_at)

        outcome = self._database.write(work)
        if isinstance(outcome, str):
            raise TokenInvalid(outcome)
        return Renewed(outcome, token)

    def end(self, account_id: str, session_id: str) -> bool:
        """End a session of an account; False if it has none with this id."""
        if not SESSION_ID.fullmatch(session_id):
            return False
        return self._database.write(lambda executor: self._end(executor, session_id, account_id, "signed out"))

    def end_all(self, account_id: str, reason: str = "signed out everywhere") -> int:
        """End all sessions of an account, and return how many there were."""

        def work(executor: Executor) -> int:
            ended = count_changed(executor, delete(sessions).where(sessions.c.account_id == account_id))
            record(executor, self._kit.now(), "sessions_ended", account_id=account_id, reason=reason)
            return ended

        return self._database.write(work)

    def of(self, account_id: str) -> tuple[NativeSession, ...]:
        """Return the sessions of an account, the one used last first."""
        query = select(sessions).where(sessions.c.account_id == account_id, sessions.c.ends_at > self._kit.now())
        rows = self._database.read(lambda executor: executor.execute(query.order_by(*LAST_USED_FIRST)).all())
        return tuple(
            NativeSession(row.id, row.account_id, row.app, row.registration, row.created_at, row.used_at, row.ends_at)
            for row in rows
        )

    def _end(self, executor: Executor, session_id: str, account_id: str, reason: str) -> bool:
        theirs = delete(sessions).where(sessions.c.id == session_id, sessions.c.account_id == account_id)
        if count_changed(executor, theirs) == 0:
            return False
        record(executor, self._kit.now(), "session_ended", account_id=account_id, reason=reason, reference=session_id)
        return True

    def _new_token(self, family: str) -> Secret:
        return Secret(f"{family}.{self._kit.random(32).hex()}")


def _judge(row: Row[Any], digest: str, now: datetime) -> tuple[str, dict[str, object]]:
    """Return why a session has to end, "" if it need not, and what changes besides the good token."""
    if now >= row.ends_at:
        return "it was not used for too long", {}
    if row.disabled_at is not None:
        return "the account is disabled", {}
    if hmac.compare_digest(digest, row.digest):
        return "", {"previous_digest": row.digest, "rotated_at": now}
    is_retry = row.previous_digest is not None and hmac.compare_digest(digest, row.previous_digest)
    if is_retry and now < row.rotated_at + RETRY:
        return "", {"previous_digest": None, "rotated_at": None}
    return "a refresh token was used twice", {}


def _session_id(family: str) -> str:
    return sha256(family.encode("ascii")).hexdigest()[:32]


def _digest(token: Secret) -> str:
    return sha256(token.reveal().encode("ascii")).hexdigest()
