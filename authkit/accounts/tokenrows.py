"""Rows of tokens: one per identity, what they say, and the only statements that change them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, and_, bindparam, insert, not_, or_, select, update

from authkit.accounts.columns import database_time
from authkit.accounts.database import Executor, count_changed
from authkit.accounts.schema import identities, tokens
from authkit.accounts.strongbox import Strongbox
from authkit.errors import StoreUnavailable, printable
from authkit.flow import AuthKit
from authkit.models import Identity, Token

__all__ = ["IS_IDENTITY", "SELECTION", "KeptToken", "Lease", "TokenRows", "key_of"]

MARGIN = timedelta(minutes=5)
UNKNOWN_LIFETIME = timedelta(hours=1)

KEY = (identities.c.authority, identities.c.client, identities.c.subject)
IS_IDENTITY = and_(*(column == bindparam(column.name) for column in KEY))
"""The condition that a row of the identities is the one whose `key_of` the statement is given."""
IS_LEASED = tokens.c.lease_until > database_time()
SELECTION: Select[Any] = select(tokens, *KEY, IS_LEASED.label("is_leased")).join_from(
    tokens, identities, tokens.c.identity_id == identities.c.id
)
"""The selection of tokens, each with its identity."""
FIND = SELECTION.where(IS_IDENTITY)
FIND_FOR_CHANGE = FIND.with_for_update()
PUT = update(tokens).where(tokens.c.identity_id == bindparam("number")).values(fence=tokens.c.fence + 1)
ADD = insert(tokens)


@dataclass(frozen=True, slots=True)
class KeptToken:
    """A row of the tokens, as it was read.

    Attributes:
        identity_id: the number of its identity's row.
        identity: whose it is.
        registration: the registration that it was issued to.
        token: the token; None once it is closed.
        obtained_at: when the provider issued it, in UTC.
        closed_because: why it is of no use any more, "" while it is.
        fence: the number of changes so far.
        is_leased: whether somebody was refreshing it when it was read.
        failures: how many refreshes failed, one after the other.
        retry_at: when the next may be tried, None for at once.
    """

    identity_id: int
    identity: Identity
    registration: str
    token: Token | None = field(repr=False)
    obtained_at: datetime
    closed_because: str
    fence: int
    is_leased: bool
    failures: int
    retry_at: datetime | None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to refresh one token, until it ends and somebody else takes it, or the row is changed otherwise.

    Attributes:
        identity_id: the number of the identity's row.
        owner: who has it, a random text.
        fence: the number of the change by which it was taken. Once the row has another, the lease is stale, and its
            owner can write nothing.
    """

    identity_id: int
    owner: str
    fence: int


def key_of(identity: Identity) -> dict[str, str]:
    """Return what the row of an identity is found by."""
    return {"authority": identity.authority, "client": identity.client, "subject": identity.subject}


def refresh_at(token: Token, obtained_at: datetime) -> datetime | None:
    """Return when to refresh a token, None for never, by the numbers that the provider sent.

    That is five minutes before it ends, or a tenth of its lifetime where that is less; after an hour, where its end
    is unknown. Without a refresh token, nothing is to be had by asking early.
    """
    if not token.refresh_token:
        return token.expires_at
    if token.expires_at is None:
        return obtained_at + UNKNOWN_LIFETIME
    return token.expires_at - min(MARGIN, (token.expires_at - obtained_at) / 10)


class TokenRows:
    """Reads and writes the rows of the tokens, each statement within the transaction that it is given."""

    def __init__(self, strongbox: Strongbox) -> None:
        self._strongbox = strongbox

    @classmethod
    def of(cls, kit: AuthKit) -> TokenRows:
        """Return those that are sealed with the keys of a kit."""
        return cls(Strongbox(kit.sealers["vault"], tokens.name))

    def read(self, executor: Executor, identity: Identity, *, for_change: bool = False) -> KeptToken | None:
        """Return the token of an identity, by one query; None if there has never been one.

        For a change, it is as it is now, and nobody else can write it until the work is done.

        Raises:
            StoreUnavailable: it does not open, see `Strongbox.open`.
        """
        row = executor.execute(FIND_FOR_CHANGE if for_change else FIND, key_of(identity)).one_or_none()
        return None if row is None else self.kept(row)

    def kept(self, row: Row[Any]) -> KeptToken:
        """Return what a row of `SELECTION` says."""
        identity = Identity(row.authority, row.client, row.subject)
        token = None
        if row.sealed is not None:
            access_token, refresh_token = self._strongbox.open(identity.key, row.sealed)
            token = Token(
                access_token=access_token,
                refresh_token=refresh_token,
                expires_at=row.expires_at,
                refresh_expires_at=row.refresh_expires_at,
                scope=tuple(row.scope.split()),
                subject=identity.subject,
            )
        return KeptToken(
            identity_id=row.identity_id,
            identity=identity,
            registration=row.registration,
            token=token,
            obtained_at=row.obtained_at,
            closed_because=(row.closed_because or "closed") if token is None else "",
            fence=row.fence,
            is_leased=bool(row.is_leased),
            failures=row.failures,
            retry_at=row.retry_at,
        )

    def put(
        self, executor: Executor, identity_id: int, identity: Identity, registration: str, token: Token, now: datetime
    ) -> None:
        """Keep the token of a login. Whoever is refreshing the one before it can write nothing any more.

        A provider that gives a refresh token at the first consent only, such as Google, has not taken it back.
        """
        if token.refresh_token is None:
            token = self._with_old_refresh_token(executor, identity, registration, token)
        values = {**self._values(identity, token, now), "registration": registration, "lease_owner": None}
        if count_changed(executor, PUT, {"number": identity_id, **values}) == 0:
            executor.execute(ADD, {"identity_id": identity_id, "fence": 1, **values})

    def take_lease(self, executor: Executor, kept: KeptToken, owner: str, seconds: int) -> Lease | None:
        """Return the lease of a token that is as it was read, None if it is not, or somebody else has the lease."""
        lease = Lease(kept.identity_id, owner, kept.fence + 1)
        is_free = or_(tokens.c.lease_until.is_(None), not_(IS_LEASED))
        changed = count_changed(
            executor,
            update(tokens)
            .where(
                tokens.c.identity_id == kept.identity_id,
                tokens.c.fence == kept.fence,
                tokens.c.sealed.is_not(None),
                is_free,
            )
            .values(fence=lease.fence, lease_owner=owner, lease_until=database_time() + seconds),
        )
        return lease if changed == 1 or _is_left_by(executor, lease) else None

    def replace(self, executor: Executor, lease: Lease, identity: Identity, token: Token, now: datetime) -> bool:
        """Put the refreshed token in the place of the old; False if the lease is stale, and nothing was written."""
        return self._settle(executor, lease, self._values(identity, token, now))

    def postpone(self, executor: Executor, lease: Lease, failures: int, retry_at: datetime) -> bool:
        """Keep the old token, and give back the lease; False if it is stale."""
        return self._settle(executor, lease, {"failures": failures, "retry_at": retry_at, "lease_until": None})

    def close(self, executor: Executor, lease: Lease, because: str, now: datetime) -> bool:
        """Close the token: it is of no use any more; False if the lease is stale."""
        return self._settle(executor, lease, _closed(because, now))

    def drop(self, executor: Executor, identity_id: int, because: str, now: datetime) -> bool:
        """Close the token whoever has the lease; False if it was closed before."""
        changed = count_changed(
            executor,
            update(tokens)
            .where(tokens.c.identity_id == identity_id, tokens.c.sealed.is_not(None))
            .values(**_closed(because, now), lease_owner=None, fence=tokens.c.fence + 1),
        )
        return changed == 1

    def reseal(self, executor: Executor, kept: KeptToken) -> bool:
        """Seal a token with the newest key; False if it has changed since it was read."""
        if kept.token is None:
            return False
        changed = count_changed(
            executor,
            update(tokens)
            .where(tokens.c.identity_id == kept.identity_id, tokens.c.fence == kept.fence)
            .values(sealed=self._strongbox.seal(kept.identity.key, kept.token), sealed_with=self._strongbox.key_id),
        )
        return changed == 1

    @staticmethod
    def is_settled(executor: Executor, lease: Lease) -> bool:
        """Whether the last change of the row is that the owner of `lease` has ended it."""
        return _is_left_by(executor, _ended(lease))

    def _with_old_refresh_token(
        self, executor: Executor, identity: Identity, registration: str, token: Token
    ) -> Token:
        """Return a token with the refresh token that is kept, if there is one that opens."""
        try:
            before = self.read(executor, identity, for_change=True)
        except StoreUnavailable:
            return token
        if before is None or before.token is None or before.registration != registration:
            return token
        old = before.token
        return replace(token, refresh_token=old.refresh_token, refresh_expires_at=old.refresh_expires_at)

    def _values(self, identity: Identity, token: Token, now: datetime) -> dict[str, Any]:
        return {
            "sealed": self._strongbox.seal(identity.key, token),
            "sealed_with": self._strongbox.key_id,
            "scope": " ".join(token.scope),
            "obtained_at": now,
            "expires_at": token.expires_at,
            "refresh_expires_at": token.refresh_expires_at,
            "ends_at": token.refresh_expires_at or token.expires_at,
            "closed_at": None,
            "closed_because": None,
            "failures": 0,
            "retry_at": None,
            "lease_until": None,
        }

    @staticmethod
    def _settle(executor: Executor, lease: Lease, values: dict[str, Any]) -> bool:
        """Write what came of a lease, and end it: whoever read the row before has to read it again."""
        changed = count_changed(
            executor,
            update(tokens)
            .where(tokens.c.identity_id == lease.identity_id, tokens.c.fence == lease.fence)
            .values(**values, fence=_ended(lease).fence),
        )
        return changed == 1


def _ended(lease: Lease) -> Lease:
    return Lease(lease.identity_id, lease.owner, lease.fence + 1)


def _is_left_by(executor: Executor, lease: Lease) -> bool:
    """Whether the row is as `lease` says: when a connection was lost at the commit, that is how to know."""
    found = executor.execute(
        select(tokens.c.identity_id).where(
            tokens.c.identity_id == lease.identity_id,
            tokens.c.lease_owner == lease.owner,
            tokens.c.fence == lease.fence,
        )
    )
    return found.one_or_none() is not None


def _closed(because: str, now: datetime) -> dict[str, Any]:
    return {
        "sealed": None,
        "sealed_with": "",
        "closed_at": now,
        "closed_because": printable(because),
        "ends_at": None,
        "expires_at": None,
        "lease_until": None,
    }
