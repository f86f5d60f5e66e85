"""Rows of identities and accounts: finding them, adding them, and what a login changes in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Row, Select, delete, insert, select, update

from authkit.accounts.database import Executor
from authkit.accounts.schema import accounts, identities, tokens
from authkit.accounts.tokenrows import is_identity
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
    "lock_account",
    "lock_identities",
    "refresh_identity",
    "remove_identity",
    "to_account",
]

ID_LENGTH = 255
KEY = (identities.c.authority, identities.c.client, identities.c.subject)


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
    row = executor.execute(select(accounts).where(accounts.c.id == account_id)).one_or_none()
    return None if row is None else to_account(row)


def find_account_of(executor: Executor, identity: Identity) -> Account | None:
    """Return the account that an identity belongs to."""
    query = select(accounts).join_from(accounts, identities, identities.c.account_id == accounts.c.id)
    row = executor.execute(query.where(is_identity(identity))).one_or_none()
    return None if row is None else to_account(row)


def lock_account(executor: Executor, account_id: str) -> Account | None:
    """Return an account by its id, and keep others from changing it, or its identities, until the work is done."""
    row = executor.execute(select(accounts).where(accounts.c.id == account_id).with_for_update()).one_or_none()
    return None if row is None else to_account(row)


def lock_identities(executor: Executor, condition: ColumnElement[bool]) -> Sequence[Known]:
    """Return identities with their accounts, oldest link first, and keep others from changing either.

    They are read as they are now, and not as they were when the app's transaction began. PostgreSQL locks the account
    first, as `lock_account` does, so that nobody ends in a deadlock; MariaDB has an order of its own.
    """
    query = (
        select(accounts, *KEY, identities.c.id.label("number"), identities.c.registration)
        .join_from(accounts, identities, identities.c.account_id == accounts.c.id)
        .where(condition)
        .order_by(identities.c.id)
        .with_for_update()
    )
    return [Known(row.number, _identity(row), row.registration, to_account(row)) for row in executor.execute(query)]


def find_linked(executor: Executor, condition: ColumnElement[bool]) -> Sequence[LinkedIdentity]:
    """Return identities with what is known of them, in the order in which they were linked."""
    query: Select[Any] = (
        select(identities, tokens.c.closed_at)
        .join_from(identities, tokens, tokens.c.identity_id == identities.c.id, isouter=True)
        .where(condition)
        .order_by(identities.c.id)
    )
    return [_linked(row) for row in executor.execute(query)]


def add_account(executor: Executor, account_id: str, display_name: str | None, now: datetime) -> Account:
    """Add an account, and return it.

    Raises:
        StoreUnavailable: the id, which is the app's own, is longer than a key can be.
    """
    if len(account_id) > ID_LENGTH:
        raise StoreUnavailable(f"the app's id of a user has {len(account_id)} characters, and may have {ID_LENGTH}")
    account = Account(account_id, display_name, created_at=now, last_login_at=now, disabled_at=None)
    executor.execute(
        insert(accounts).values(id=account_id, display_name=display_name, created_at=now, last_login_at=now)
    )
    return account


def add_identity(executor: Executor, account_id: str, login: Login, now: datetime) -> int:
    """Add the identity of a login to an account, and return the number of its row."""
    identity = login.identity
    added: Any = executor.execute(
        insert(identities).values(
            account_id=account_id,
            authority=identity.authority,
            client=identity.client,
            subject=identity.subject,
            created_at=now,
            last_login_at=now,
            **_profile_of(login),
        )
    )
    key = cast("tuple[int]", cast("CursorResult[Any]", added).inserted_primary_key)
    return key[0]


def refresh_identity(executor: Executor, known: Known, login: Login, now: datetime) -> None:
    """Write what a login says of its user. The key stays what it is."""
    executor.execute(
        update(identities).where(identities.c.id == known.number).values(last_login_at=now, **_profile_of(login))
    )
    executor.execute(
        update(accounts)
        .where(accounts.c.id == known.account.id)
        .values(last_login_at=now, display_name=login.profile.display_name)
    )


def remove_identity(executor: Executor, identity_id: int) -> None:
    """Remove an identity, and its token with it: an app's SQLite may heed no foreign keys."""
    executor.execute(delete(tokens).where(tokens.c.identity_id == identity_id))
    executor.execute(delete(identities).where(identities.c.id == identity_id))


def to_account(row: Row[Any]) -> Account:
    """Return the account in a row."""
    return Account(row.id, row.display_name, row.created_at, row.last_login_at, row.disabled_at)


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


def _profile_of(login: Login) -> dict[str, Any]:
    profile = login.profile
    return {
        "registration": login.registration,
        "union_id": profile.union_id,
        "display_name": profile.display_name,
        "username": profile.username,
        "avatar_url": profile.avatar_url,
        "email": profile.email,
        "email_verified": profile.email_verified,
    }
