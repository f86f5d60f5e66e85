"""The audit trail: one row per change, written in the transaction of the change."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from sqlalchemy import insert

from authkit.accounts.database import Executor
from authkit.accounts.schema import audit
from authkit.errors import printable
from authkit.models import Identity

__all__ = ["digest", "record"]

ADD = insert(audit).inline()
"""Nobody asks for the number of the row."""


def digest(identity: Identity) -> str:
    """Return what stands for an identity in the audit trail: it names nobody, and finds who is known."""
    return sha256(identity.key.encode("utf-8")).hexdigest()


def record(
    executor: Executor,
    at: datetime,
    event: str,
    *,
    account_id: str | None = None,
    identity: Identity | str | None = None,
    registration: str | None = None,
    reason: str = "",
    reference: str | None = None,
) -> None:
    """Add a row: what happened, to whom, why, and the correlation id of the login or request, if there was one.

    Where an identity is gone already, its digest is given instead.
    """
    line = {
        "at": at,
        "event": event,
        "account_id": account_id,
        "identity": digest(identity) if isinstance(identity, Identity) else identity,
        "registration": registration,
        "reason": printable(reason) or None,
        "reference": reference,
    }
    executor.execute(ADD, line)
