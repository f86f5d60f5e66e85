"""A look into the database of a history."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from account_apps import checksum, count
from history_providers import PEOPLE
from history_values import Known
from sqlalchemy import select

from authkit import Identity
from authkit.accounts import Database, metadata
from authkit.accounts.schema import accounts, audit, claims, identities, tokens


class Records:
    """What is stored. Everything is forgotten first."""

    def __init__(self, url: str) -> None:
        self.database = Database.open(url)
        metadata.create_all(self.database.engine)
        with self.database.engine.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())

    def close(self) -> None:
        """Look no more."""
        self.database.close()

    def seen(self) -> object:
        """Return what must not change by a refusal."""
        return checksum(self.database), count(self.database, audit)

    def identities(self) -> Mapping[Known, tuple[Identity, str]]:
        """Return each identity and its account, by whose it is at which registration."""
        rows = self.database.read(lambda executor: executor.execute(select(identities)).all())
        found = {
            (row.registration, PEOPLE.index(row.display_name)): (
                Identity(row.authority, row.client, row.subject),
                row.account_id,
            )
            for row in rows
        }
        assert len(found) == len(rows)
        return found

    def accounts(self) -> Mapping[str, bool]:
        """Return each account, and whether it is disabled."""
        rows = self.database.read(lambda executor: executor.execute(select(accounts)).all())
        return {row.id: row.disabled_at is not None for row in rows}

    def assert_a_live_token_each(self) -> None:
        """Check that each identity has a token, and nothing else has."""
        owners = select(tokens.c.identity_id).where(tokens.c.sealed.is_not(None)).order_by(tokens.c.identity_id)
        known = select(identities.c.id).order_by(identities.c.id)
        assert self.database.read(lambda executor: executor.execute(owners).all() == executor.execute(known).all())

    def is_claimed(self, key: str) -> bool:
        """Return whether something is noted as used."""
        query = select(claims.c.digest).where(claims.c.digest == sha256(key.encode()).hexdigest())
        return self.database.read(lambda executor: executor.execute(query).one_or_none()) is not None
