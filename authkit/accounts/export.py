"""The export of everything that is kept of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, or_, select

from authkit.accounts.audit import digest
from authkit.accounts.database import Executor
from authkit.accounts.schema import accounts, audit, identities, revocations, sessions, tokens
from authkit.models import Identity

__all__ = ["export_account"]

HIDDEN = frozenset({"sealed", "sealed_with", "lease_owner", "lease_until", "fence", "digest", "previous_digest"})
"""The columns of which an export has nothing: secrets, and what only the machine needs."""


def export_account(executor: Executor, account_id: str) -> Mapping[str, object] | None:
    """Return everything that is kept of an account, as JSON has it; None if there is no such account."""
    account = executor.execute(select(accounts).where(accounts.c.id == account_id)).one_or_none()
    if account is None:
        return None
    theirs = identities.c.account_id == account_id
    found = executor.execute(select(identities).where(theirs).order_by(identities.c.id)).all()
    digests = [digest(Identity(row.authority, row.client, row.subject)) for row in found]
    # What names no account happened to a token; what names another is not this person's, who has the identity now.
    of_token = and_(audit.c.account_id.is_(None), audit.c.identity.in_(digests))
    trail = select(audit).where(or_(audit.c.account_id == account_id, of_token))
    return {
        "account": _plain(account),
        "identities": [_plain(row) for row in found],
        "tokens": _all(
            executor,
            select(tokens).join_from(tokens, identities, tokens.c.identity_id == identities.c.id).where(theirs),
        ),
        "revocations": _all(executor, select(revocations).where(revocations.c.identity.in_(digests))),
        "sessions": _all(
            executor, select(sessions).where(sessions.c.account_id == account_id).order_by(sessions.c.id)
        ),
        "audit": _all(executor, trail.order_by(audit.c.id)),
    }


def _all(executor: Executor, query: Select[Any]) -> Sequence[Mapping[str, object]]:
    return [_plain(row) for row in executor.execute(query)]


def _plain(row: Row[Any]) -> Mapping[str, object]:
    """Return a row by the names of its columns, moments as ISO 8601 writes them."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row._mapping.items()
        if name not in HIDDEN
    }
