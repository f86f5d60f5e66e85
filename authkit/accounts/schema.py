"""The tables. An application with an Alembic of its own may add `metadata` to its own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from authkit.accounts.columns import Exact, Moment, RowNumber

__all__ = ["accounts", "audit", "claims", "identities", "metadata", "revocations", "sessions", "tokens"]

DIGEST = String(64)
NAME = String(32)
REASON = String(500)
OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
}
NUMBERED: dict[str, Any] = {**OPTIONS, "sqlite_autoincrement": True}
"""For tables whose rows have numbers: SQLite, too, never gives that of a row that is gone to another."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""All tables of authkit, for an app that migrates them along with its own."""

accounts = Table(
    "authkit_accounts",
    metadata,
    Column("id", Exact(), primary_key=True),
    Column("display_name", Text),
    Column("created_at", Moment, nullable=False),
    Column("last_login_at", Moment, nullable=False),
    Column("disabled_at", Moment),
    **OPTIONS,
)
"""The people. The id is ours, or the app's own where it has its own table of users."""

identities = Table(
    "authkit_identities",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("account_id", Exact(), ForeignKey(accounts.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("authority", Exact(), nullable=False),
    Column("client", Exact(), nullable=False),
    Column("subject", Exact(), nullable=False),
    Column("union_id", Exact()),
    Column("registration", NAME, nullable=False),
    Column("display_name", Text),
    Column("username", Text),
    Column("avatar_url", Text),
    Column("email", Text),
    Column("email_verified", Boolean(create_constraint=False), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("last_login_at", Moment, nullable=False),
    UniqueConstraint("authority", "client", "subject"),
    Index(None, "authority", "union_id"),
    **NUMBERED,
)
"""Their ways to sign in, each with what the provider last said of the user."""

tokens = Table(
    "authkit_tokens",
    metadata,
    Column(
        "identity_id",
        RowNumber,
        ForeignKey(identities.c.id, ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("registration", NAME, nullable=False),
    Column("sealed", Text),
    Column("sealed_with", String(8), nullable=False, index=True),
    Column("scope", Text, nullable=False),
    Column("obtained_at", Moment, nullable=False),
    Column("expires_at", Moment, index=True),
    Column("refresh_expires_at", Moment),
    Column("ends_at", Moment, index=True),
    Column("closed_at", Moment),
    Column("closed_because", REASON),
    Column("fence", BigInteger, nullable=False),
    Column("lease_owner", NAME),
    Column("lease_until", BigInteger),
    Column("failures", Integer, nullable=False),
    Column("retry_at", Moment),
    **OPTIONS,
)
"""The token of an identity: sealed while it is of use, closed with a reason afterwards.

``ends_at`` is when the refresh token ends, or the access token where there is no other number. ``fence`` grows with
each change; who holds the lease until ``lease_until`` (seconds since the epoch, by the database's clock) may refresh.
"""

revocations = Table(
    "authkit_revocations",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("registration", NAME, nullable=False),
    Column("identity", DIGEST, nullable=False, index=True),
    Column("sealed", Text, nullable=False),
    Column("sealed_with", String(8), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("retry_at", Moment, nullable=False, index=True),
    **NUMBERED,
)
"""Tokens whose identity is gone, and that the provider is yet to be told to end."""

sessions = Table(
    "authkit_sessions",
    metadata,
    Column("id", NAME, primary_key=True),
    Column("account_id", Exact(), ForeignKey(accounts.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("app", NAME, nullable=False),
    Column("registration", NAME, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("used_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False, index=True),
    Column("digest", DIGEST, nullable=False),
    Column("previous_digest", DIGEST),
    Column("rotated_at", Moment),
    **OPTIONS,
)
"""The sessions of native apps: which refresh token is good, and which one was before it, as digests."""

claims = Table(
    "authkit_claims",
    metadata,
    Column("digest", DIGEST, primary_key=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
    **OPTIONS,
)
"""What was used and must not be used again: callbacks, and deliveries of webhooks."""

audit = Table(
    "authkit_audit",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("at", Moment, nullable=False, index=True),
    Column("event", NAME, nullable=False),
    Column("account_id", Exact(), index=True),
    Column("identity", DIGEST, index=True),
    Column("registration", NAME),
    Column("reason", REASON),
    Column("reference", NAME),
    **NUMBERED,
)
"""What happened, in the order in which it did. Rows are only ever added; identities stand in it as digests."""
