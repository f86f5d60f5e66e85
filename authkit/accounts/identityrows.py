"""Rows of identities and accounts: finding them, adding them, and what a login changes in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Row, Select, bindparam, delete, insert, select, update

from authkit.accounts.database import Executor
from authkit.accounts.schema import accounts, identities, tokens
from authkit.accounts.tokenrows import IS_IDENTITY, KEY, key_of
from authkit.accounts.values import Account, LinkedIdentity
from authkit.errors import StoreUnavailable
from authkit.models import Identity, Login

__all__ = [
    "Known",
    "add_account",
    "add_identity",
    "find_account",
    "find_account_of",
    "find_linked",
    "find_linked_to",
    "find_linked_with",
    "lock_account",
    "lock_identities_of",
    "lock_identity",
    "refresh_identity",
    "remove_identity",
    "to_account",
]

ID_LENGTH = 255

IS_ACCOUNT = accounts.c.id == bindparam("account")
IS_LINKED_TO_ACCOUNT = identities.c.account_id == bindparam("account")
FIND_ACCOUNT = select(accounts).where(IS_ACCOUNT)
LOCK_ACCOUNT = FIND_ACCOUNT.with_for_update()
FIND_ACCOUNT_OF = (
    select(accounts).join_from(accounts, identities, identities.c.account_id == accounts.c.id).where(IS_IDENTITY)
)
LOCK: Select[Any] = (
    select(accounts, *KEY, identities.c.id.label("number"), identities.c.registration)
    .join_from(accounts, identities, identities.c.account_id == accounts.c.id)
    .order_by(identities.c.id)
    .with_for_update()
)
"""PostgreSQL locks the account first, as `LOCK_ACCOUNT` does, so that nobody ends in a deadlock; MariaDB has an order
of its own."""
LOCK_IDENTITY = LOCK.where(IS_IDENTITY)
LOCK_IDENTITIES_OF = LOCK.where(IS_LINKED_TO_ACCOUNT)
LINKED: Select[Any] = (
    select(identities, tokens.c.closed_at)
    .join_from(identities, tokens, tokens.c.identity_id == identities.c.id, isouter=True)
    .order_by(identities.c.id)
)
FIND_LINKED = LINKED.where(IS_IDENTITY)
FIND_LINKED_TO = LINKED.where(IS_LINKED_TO_ACCOUNT)
FIND_LINKED_WITH = LINKED.where(
    identities.c.authority == bindparam("authority"), identities.c.union_id == bindparam("union_id")
)
ADD_ACCOUNT = insert(accounts)
ADD_IDENTITY = insert(identities)
REFRESH_ACCOUNT = update(accounts).where(IS_ACCOUNT)
REFRESH_IDENTITY = update(identities).where(identities.c.id == bindparam("number"))


@dataclass(frozen=True, slots=True)
class Known:
    """An identity that is known, and its account, as they are while the work holds their locks.

    Attributes:
        number: the number of the identity's row.
        identity: who it is.
        registration: the registration of its last login.
        account: the account that it belongs to.
    """

    number: int
    identity: Identity
    registration: str
    account: Account


def find_account(executor: Executor, account_id: str) -> Account | None:
    """Return an account by its id."""
    row = executor.execute(FIND_ACCOUNT, {"account": account_id}).one_or_none()
    return None if row is None else to_account(row)


def find_account_of(executor: Executor, identity: Identity) -> Account | None:
    """Return the account that an identity belongs to."""
    row = executor.execute(FIND_ACCOUNT_OF, key_of(identity)).one_or_none()
    return None if row is None else to_account(row)


def lock_account(executor: Executor, account_id: str) -> Account | None:
    """Return an account by its id, and keep others from changing it, or its identities, until the work is done."""
    row = executor.execute(LOCK_ACCOUNT, {"account": account_id}).one_or_none()
    return None if row is None else to_account(row)


def lock_identity(executor: Executor, identity: Identity) -> Known | None:
    """Return an identity with its account, and keep others from changing either; None if nobody has it.

    It is read as it is now, and not as it was when the app's transaction began.
    """
    row = executor.execute(LOCK_IDENTITY, key_of(identity)).one_or_none()
    return None if row is None else _known(row)


def lock_identities_of(executor: Executor, account_id: str) -> Sequence[Known]:
    """Return the identities of an account, oldest link first; otherwise as `lock_identity`."""
    return [_known(row) for row in executor.execute(LOCK_IDENTITIES_OF, {"account": account_id})]


def find_linked(executor: Executor, identity: Identity) -> LinkedIdentity:
    """Return an identity that somebody has, with what is known of it."""
    return _linked(executor.execute(FIND_LINKED, key_of(identity)).one())


def find_linked_to(executor: Executor, account_id: str) -> Sequence[LinkedIdentity]:
    """Return the identities of an account with what is known of them, in the order in which they were linked."""
    return [_linked(row) for row in executor.execute(FIND_LINKED_TO, {"account": account_id})]


def find_linked_with(executor: Executor, authority: str, union_id: str) -> Sequence[LinkedIdentity]:
    """Return the identities with a union id, whoever's they are, in the order in which they were linked."""
    values = {"authority": authority, "union_id": union_id}
    return [_linked(row) for row in executor.execute(FIND_LINKED_WITH, values)]


def add_account(executor: Executor, account_id: str, display_name: str | None, now: datetime) -> Account:
    """Add an account, and return it.

    Raises:
        StoreUnavailable: the id, which is the app's own, is longer than a key can be.
    """
    if len(account_id) > ID_LENGTH:
        raise StoreUnavailable(f"the app's id of a user has {len(account_id)} characters, and may have {ID_LENGTH}")
    account = Account(account_id, display_name, created_at=now, last_login_at=now, disabled_at=None)
    values = {"id": account_id, "display_name": display_name, "created_at": now, "last_login_at": now}
    executor.execute(ADD_ACCOUNT, values)
    return account


def add_identity(executor: Executor, account_id: str, login: Login, now: datetime) -> int:
    """Add the identity of a login to an account, and return the number of its row."""
    values = {"account_id": account_id, "created_at": now, **key_of(login.identity), **_profile_of(login, now)}
    added: Any = executor.execute(ADD_IDENTITY, values)
    key = cast("tuple[int]", cast("CursorResult[Any]", added).inserted_primary_key)
    return key[0]


def refresh_identity(executor: Executor, known: Known, login: Login, now: datetime) -> None:
    """Write what a login says of its user. The key stays what it is."""
    executor.execute(REFRESH_IDENTITY, {"number": known.number, **_profile_of(login, now)})
    values = {"account": known.account.id, "last_login_at": now, "display_name": login.profile.display_name}
    executor.execute(REFRESH_ACCOUNT, values)


def remove_identity(executor: Executor, identity_id: int) -> None:
    """Remove an identity, and its token with it: an app's SQLite may heed no foreign keys."""
    executor.execute(delete(tokens).where(tokens.c.identity_id == identity_id))
    executor.execute(delete(identities).where(identities.c.id == identity_id))


def to_account(row: Row[Any]) -> Account:
    """Return the account in a row."""
    return Account(row.id, row.display_name, row.created_at, row.last_login_at, row.disabled_at)


def _known(row: Row[Any]) -> Known:
    return Known(row.number, _identity(row), row.registration, to_account(row))


def _identity(row: Row[Any]) -> Identity:
    return Identity(row.authority, row.client, row.subject)


def _linked(row: Row[Any]) -> LinkedIdentity:
    return LinkedIdentity(
        identity=_identity(row),
        account_id=row.account_id,
        registration=row.registration,
        display_name=row.display_name,
        username=row.username,
        avatar_url=row.avatar_url,
        email=row.email,
        email_verified=row.email_verified,
        union_id=row.union_id,
        created_at=row.created_at,
        last_login_at=row.last_login_at,
        needs_reauth=row.closed_at is not None,
    )


def _profile_of(login: Login, now: datetime) -> dict[str, Any]:
    profile = login.profile
    return {
        "last_login_at": now,
        "registration": login.registration,
        "union_id": profile.union_id,
        "display_name": profile.display_name,
        "username": profile.username,
        "avatar_url": profile.avatar_url,
        "email": profile.email,
        "email_verified": profile.email_verified,
    }
