"""How many tokens there are, and in what condition, by registration. Nobody is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, func, select

from authkit.accounts.database import Database
from authkit.accounts.schema import revocations, tokens

__all__ = ["SOON", "TokenCount", "count_tokens"]

SOON = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class TokenCount:
    """The tokens of one registration.

    Attributes:
        registration: its name.
        open: how many are of use.
        reauth_required: how many are not: their users have to sign in again.
        ending: how many of the open ones end within seven days, or have ended.
        failing: how many of the open ones could not be refreshed at the last attempt.
        pending_revocations: how many wait for the provider to be told of their end.
    """

    registration: str
    open: int
    reauth_required: int
    ending: int
    failing: int
    pending_revocations: int


def count_tokens(database: Database, now: datetime) -> Sequence[TokenCount]:
    """Return the counts of each registration that has any, by name."""
    is_open = tokens.c.sealed.is_not(None)
    counting = select(
        tokens.c.registration,
        _how_many(is_open),
        _how_many(tokens.c.sealed.is_(None)),
        _how_many(is_open & (tokens.c.ends_at <= now + SOON)),
        _how_many(is_open & (tokens.c.failures > 0)),
    ).group_by(tokens.c.registration)
    waiting = select(revocations.c.registration, func.count()).group_by(revocations.c.registration)
    found = {row[0]: row for row in database.read(lambda executor: executor.execute(counting).all())}
    pending = {row[0]: int(row[1]) for row in database.read(lambda executor: executor.execute(waiting).all())}
    counts = []
    for name in sorted({*found, *pending}):
        opened, closed, ending, failing = map(int, found[name][1:]) if name in found else (0, 0, 0, 0)
        counts.append(TokenCount(name, opened, closed, ending, failing, pending.get(name, 0)))
    return counts


def _how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))
