"""Tokens that are about to end: the most urgent first, and never more than a page of them in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, not_, or_, select

from authkit.accounts.database import Database
from authkit.accounts.schema import tokens
from authkit.accounts.tokenrows import SELECTION, KeptToken, TokenRows
from authkit.errors import StoreUnavailable

__all__ = ["PAGE", "DueToken", "DueTokens", "End", "Window"]

PAGE = 200

IS_REFRESHED = and_(tokens.c.lease_owner.is_not(None), tokens.c.lease_until.is_(None), tokens.c.failures == 0)
"""A login leaves no owner of a lease, and a refresh that failed, or is under way, the rest: see `TokenRows`."""


class End(str, Enum):
    """Which end of a token counts: that of the refresh token (where it is known), or that of the access token.

    A token that is closed has none.
    """

    REFRESH = "refresh"
    ACCESS = "access"

    @property
    def column(self) -> ColumnElement[Any]:
        """The column that says when it is."""
        return tokens.c.ends_at if self is End.REFRESH else tokens.c.expires_at


@dataclass(frozen=True, slots=True)
class Window:
    """The tokens that are due at a moment.

    Attributes:
        end: which end of a token counts.
        now: the moment. What is issued later, such as what a run itself refreshes, is not due.
        until: what ends by then is due; what has ended already is as well.
    """

    end: End
    now: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class DueToken:
    """A token that is due.

    Attributes:
        registration: the registration that it was issued to.
        ends_at: its end, in UTC.
        is_refreshed: whether it came of a refresh, and not of a login, and none has failed since.
        kept: its row; or why it does not open.
    """

    registration: str
    ends_at: datetime
    is_refreshed: bool
    kept: KeptToken | StoreUnavailable


class DueTokens:
    """Finds tokens that are due.

    Args:
        database: where they are.
        rows: opens them.
        page: how many to read at a time.
    """

    def __init__(self, database: Database, rows: TokenRows, page: int = PAGE) -> None:
        self._database = database
        self._rows = rows
        self._page_size = page

    def count(self, window: Window) -> int:
        """Return how many are due."""
        return self._database.count(tokens, *_conditions(window))

    def next_end(self, end: End) -> datetime | None:
        """Return when the first of all tokens ends, None if there is none that does."""
        first = select(func.min(end.column))
        ends_at: datetime | None = self._database.read(lambda executor: executor.execute(first).scalar_one())
        return ends_at

    def all(self, window: Window, but: Collection[str] = ()) -> Iterator[DueToken]:
        """Yield what is due, each token once, what ends first before the others.

        No transaction is open meanwhile, and others may change what comes next. The registrations in `but` are left
        out; it is looked at again for each page.
        """
        page = self._page(window, but, None)
        while page:
            for row in page:
                yield self._due(row, window.end)
            page = self._page(window, but, page[-1])

    def _page(self, window: Window, but: Collection[str], after: Row[Any] | None) -> Sequence[Row[Any]]:
        column = window.end.column
        query = (
            SELECTION.add_columns(IS_REFRESHED.label("is_refreshed"))
            .where(*_conditions(window))
            .order_by(column, tokens.c.identity_id)
            .limit(self._page_size)
        )
        if but:
            query = query.where(tokens.c.registration.not_in(but))
        if after is not None:
            reached = _end_of(after, window.end)
            query = query.where(column >= reached, or_(column > reached, tokens.c.identity_id > after.identity_id))
        return self._database.read(lambda executor: executor.execute(query).all())

    def _due(self, row: Row[Any], end: End) -> DueToken:
        kept: KeptToken | StoreUnavailable
        try:
            kept = self._rows.kept(row)
        except StoreUnavailable as error:
            kept = error
        return DueToken(row.registration, _end_of(row, end), bool(row.is_refreshed), kept)


def _conditions(window: Window) -> tuple[ColumnElement[bool], ...]:
    return (
        window.end.column <= window.until,
        # Moments are whole seconds: what was refreshed in this one may be the run's own doing.
        or_(tokens.c.obtained_at < window.now, and_(tokens.c.obtained_at == window.now, not_(IS_REFRESHED))),
    )


def _end_of(row: Row[Any], end: End) -> datetime:
    ends_at: datetime = row.ends_at if end is End.REFRESH else row.expires_at
    return ends_at
