"""What a run leaves in the database, and what is left of it once its time has come."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Table, func, select

from authkit import AuthKit
from authkit.accounts import Database, Revocations, SqlClaims
from authkit.accounts.schema import accounts, audit, claims, identities, revocations, sessions, tokens

__all__ = ["Rows", "count_rows", "tidy"]

LATER = 13 * 3600
"""When every claim has expired, and every revocation may be tried again, in seconds from now."""
TABLES = (accounts, identities, tokens, claims, revocations, sessions, audit)


@dataclass(frozen=True, slots=True)
class Rows:
    """What there is.

    Attributes:
        counts: how many rows each table has, by its name without the prefix.
        events: how often each event stands in the audit trail.
        strays: how many identities have no account, tokens no identity, accounts no identity, or identities no token.
        subjects: whose identities there are.
    """

    counts: Mapping[str, int]
    events: Counter[str]
    strays: int
    subjects: frozenset[str]


def count_rows(database: Database) -> Rows:
    """Return what there is."""
    with database.engine.connect() as connection:

        def column(query: object) -> list[object]:
            return list(connection.execute(query).scalars())  # type: ignore[call-overload]

        counts = {_name(table): column(select(func.count()).select_from(table))[0] for table in TABLES}
        owners, known = set(column(select(identities.c.account_id))), set(column(select(identities.c.id)))
        strays = owners ^ set(column(select(accounts.c.id))), known ^ set(column(select(tokens.c.identity_id)))
        return Rows(
            counts=counts,  # type: ignore[arg-type]
            events=Counter(map(str, column(select(audit.c.event)))),
            strays=sum(map(len, strays)),
            subjects=frozenset(map(str, column(select(identities.c.subject)))),
        )


def tidy(settings: Mapping[str, str], database: Database) -> None:
    """Do what an operator's cron job does, and what the next login does, many hours later."""

    def later() -> float:
        return time.time() + LATER

    kit = AuthKit.from_settings(settings, clock=later, environ={})
    pending = Revocations(kit, database)
    for waiting in pending.due():
        pending.attempt(waiting)
    SqlClaims(database, later).claim("a login many hours later", later())


def _name(table: Table) -> str:
    return table.name.removeprefix("authkit_")
