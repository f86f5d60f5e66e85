"""Resealing: everything that is stored sealed, sealed with the newest key, so that older ones can go."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Table, select, update

from authkit.accounts.audit import digest
from authkit.accounts.database import Database, Executor
from authkit.accounts.schema import revocations, tokens
from authkit.accounts.strongbox import Strongbox
from authkit.accounts.tokenrows import SELECTION, TokenRows
from authkit.errors import StoreUnavailable
from authkit.flow import AuthKit
from authkit.models import Identity, Token

__all__ = ["Resealing"]

logger = logging.getLogger("authkit.accounts")

BATCH = 100


class Resealing:
    """Seals with the newest key what is sealed with an older one, beside everything else that goes on.

    Each batch is a transaction of its own, so that a run may end at any time, and the next goes on from there.

    Args:
        kit: has the keys.
        database: where the tokens, and the revocations that wait, are.
        batch: how many rows to hold in memory, and to write at a time.
    """

    def __init__(self, kit: AuthKit, database: Database, batch: int = BATCH) -> None:
        self._database = database
        self._batch = batch
        self._rows = TokenRows.of(kit)
        self._revocations = Strongbox(kit.sealers["vault"], revocations.name)
        self._newest = self._revocations.key_id

    def count(self) -> int:
        """Return how many rows are sealed with another key than the newest."""
        return sum(self._count(table) for table in (tokens, revocations))

    def run(self) -> Iterator[bool]:
        """Reseal all of them, and yield whether each could be. What does not open is logged, without its content.

        Raises:
            StoreUnavailable: the database failed.
        """
        yield from self._run(tokens, SELECTION, tokens.c.identity_id, self._reseal_token)
        yield from self._run(revocations, select(revocations), revocations.c.id, self._reseal_revocation)

    def _count(self, table: Table) -> int:
        return self._database.count(table, *self._is_older(table))

    def _run(
        self, table: Table, rows: Select[Any], key: ColumnElement[int], reseal: Callable[[Executor, Row[Any]], bool]
    ) -> Iterator[bool]:
        older = rows.where(*self._is_older(table)).order_by(key).limit(self._batch)
        batch = self._read(older)
        while batch:
            yield from self._write(batch, reseal)
            batch = self._read(older.where(key > batch[-1]._mapping[key]))

    def _read(self, query: Select[Any]) -> Sequence[Row[Any]]:
        return self._database.read(lambda executor: executor.execute(query).all())

    def _write(self, batch: Sequence[Row[Any]], reseal: Callable[[Executor, Row[Any]], bool]) -> Sequence[bool]:
        return self._database.write(lambda executor: [reseal(executor, row) for row in batch])

    def _is_older(self, table: Table) -> tuple[ColumnElement[bool], ...]:
        return table.c.sealed.is_not(None), table.c.sealed_with != self._newest

    def _reseal_token(self, executor: Executor, row: Row[Any]) -> bool:
        """Reseal a token as it is now, which is not always as it was listed; False if it does not open."""
        identity = Identity(row.authority, row.client, row.subject)
        try:
            kept = self._rows.read(executor, identity, for_change=True)
        except StoreUnavailable:
            return _log_broken("token", digest(identity), row)
        if kept is not None:
            self._rows.reseal(executor, kept)
        return True

    def _reseal_revocation(self, executor: Executor, row: Row[Any]) -> bool:
        """Reseal a revocation, likewise."""
        is_it = revocations.c.id == row.id
        now = executor.execute(select(revocations.c.sealed).where(is_it).with_for_update()).one_or_none()
        if now is None:
            return True
        try:
            token = Token(*self._revocations.open(row.identity, now.sealed))
        except StoreUnavailable:
            return _log_broken("revocation", row.identity, row)
        sealed = self._revocations.seal(row.identity, token)
        executor.execute(update(revocations).where(is_it).values(sealed=sealed, sealed_with=self._newest))
        return True


def _log_broken(what: str, identity_digest: str, row: Row[Any]) -> bool:
    logger.warning(
        "a stored %s does not open: identity=%s registration=%s sealed_with=%s",
        what,
        identity_digest,
        row.registration,
        row.sealed_with,
    )
    return False
