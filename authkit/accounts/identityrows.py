"""Rows of identities and accounts: finding them, adding them, and what a login changes in them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Row, Select, delete, func, insert, select, update

from authkit.accounts.database import Executor
from authkit.accounts.schema import accounts, identities, tokens
from authkit.accounts.tokenrows import is_identity
from authkit.accounts.values import Account, LinkedIdentity
from authkit.models import Identity, Login

__all__ = [
    "add_account",
    "add_identity",
    "count_identities",
    "find_account",
    "find_identity",
    "lock_account",
    "refresh_identity",
    "remove_identity",
    "select_identities",
    "to_account",
    "to_linked",
]


def find_account(executor: Executor, account_id: str) -> Account | None:
    """Return an account by its id."""
    row = executor.execute(select(accounts).where(accounts.c.id == account_id)).one_or_none()
    return None if row is None else to_account(row)


def lock_account(executor: Executor, account_id: str) -> Account | None:
    """Return an account by its id, and keep others from changing it, or its identities, until the work is done."""
    row = executor.execute(select(accounts).where(accounts.c.id == account_id).with_for_update()).one_or_none()
    return None if row is None else to_account(row)


def find_identity(executor: Executor, identity: Identity, *, for_change: bool = False) -> tuple[int, str] | None:
    """Return the number of an identity's row and the id of its account, None if it is not known.

    For a change, it is read as it is now, and not as it was when the transaction began.
    """
    query = select(identities.c.id, identities.c.account_id).where(is_identity(identity))
    row = executor.execute(query.with_for_update() if for_change else query).one_or_none()
    return None if row is None else (row.id, row.account_id)


def add_account(executor: Executor, account_id: str, display_name: str | None, now: datetime) -> None:
    """Add an account."""
    executor.execute(
        insert(accounts).values(id=account_id, display_name=display_name, created_at=now, last_login_at=now)
    )


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


def refresh_identity(executor: Executor, identity_id: int, account_id: str, login: Login, now: datetime) -> None:
    """Write what a login says of its user. The key stays what it is."""
    executor.execute(
        update(identities).where(identities.c.id == identity_id).values(last_login_at=now, **_profile_of(login))
    )
    executor.execute(
        update(accounts)
        .where(accounts.c.id == account_id)
        .values(last_login_at=now, display_name=login.profile.display_name)
    )


def count_identities(executor: Executor, account_id: str) -> int:
    """Return how many ways an account has to sign in."""
    counting = select(func.count()).select_from(identities).where(identities.c.account_id == account_id)
    return int(executor.execute(counting).scalar_one())


def remove_identity(executor: Executor, identity_id: int) -> None:
    """Remove an identity, and its token with it."""
    executor.execute(delete(tokens).where(tokens.c.identity_id == identity_id))
    executor.execute(delete(identities).where(identities.c.id == identity_id))


def select_identities() -> Select[Any]:
    """Return the selection of identities, in the order in which they were linked, for `to_linked`."""
    return (
        select(identities, tokens.c.closed_at)
        .join_from(identities, tokens, tokens.c.identity_id == identities.c.id, isouter=True)
        .order_by(identities.c.id)
    )


def to_account(row: Row[Any]) -> Account:
    """Return the account in a row."""
    return Account(row.id, row.display_name, row.created_at, row.last_login_at, row.disabled_at)


def to_linked(row: Row[Any]) -> LinkedIdentity:
    """Return the identity in a row of `select_identities`."""
    return LinkedIdentity(
        identity=Identity(row.authority, row.client, row.subject),
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
