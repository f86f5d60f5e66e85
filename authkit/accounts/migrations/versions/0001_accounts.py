"""The first tables: accounts, identities, tokens, revocations, claims and the audit trail."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from authkit.accounts.columns import Exact, Moment, RowNumber

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
}
NUMBERED: dict[str, Any] = {**OPTIONS, "sqlite_autoincrement": True}
TABLES = sa.MetaData()

sa.Table(
    "authkit_accounts",
    TABLES,
    sa.Column("id", Exact(255), nullable=False),
    sa.Column("display_name", sa.Text),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("last_login_at", Moment, nullable=False),
    sa.Column("disabled_at", Moment),
    sa.PrimaryKeyConstraint("id", name="pk_authkit_accounts"),
    **OPTIONS,
)
sa.Table(
    "authkit_identities",
    TABLES,
    sa.Column("id", RowNumber, nullable=False),
    sa.Column("account_id", Exact(255), nullable=False),
    sa.Column("authority", Exact(255), nullable=False),
    sa.Column("client", Exact(255), nullable=False),
    sa.Column("subject", Exact(255), nullable=False),
    sa.Column("union_id", Exact(255)),
    sa.Column("registration", sa.String(32), nullable=False),
    sa.Column("display_name", sa.Text),
    sa.Column("username", sa.Text),
    sa.Column("avatar_url", sa.Text),
    sa.Column("email", sa.Text),
    sa.Column("email_verified", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("last_login_at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("id", name="pk_authkit_identities"),
    sa.ForeignKeyConstraint(
        ["account_id"], ["authkit_accounts.id"], name="fk_authkit_identities_account_id", ondelete="CASCADE"
    ),
    sa.UniqueConstraint("authority", "client", "subject", name="uq_authkit_identities_authority_client_subject"),
    sa.Index("ix_authkit_identities_account_id", "account_id"),
    sa.Index("ix_authkit_identities_authority_union_id", "authority", "union_id"),
    **NUMBERED,
)
sa.Table(
    "authkit_tokens",
    TABLES,
    sa.Column("identity_id", RowNumber, autoincrement=False, nullable=False),
    sa.Column("registration", sa.String(32), nullable=False),
    sa.Column("sealed", sa.Text),
    sa.Column("sealed_with", sa.String(8), nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("obtained_at", Moment, nullable=False),
    sa.Column("expires_at", Moment),
    sa.Column("refresh_expires_at", Moment),
    sa.Column("ends_at", Moment),
    sa.Column("closed_at", Moment),
    sa.Column("closed_because", sa.String(500)),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("lease_owner", sa.String(32)),
    sa.Column("lease_until", sa.BigInteger),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("retry_at", Moment),
    sa.PrimaryKeyConstraint("identity_id", name="pk_authkit_tokens"),
    sa.ForeignKeyConstraint(
        ["identity_id"], ["authkit_identities.id"], name="fk_authkit_tokens_identity_id", ondelete="CASCADE"
    ),
    sa.Index("ix_authkit_tokens_sealed_with", "sealed_with"),
    sa.Index("ix_authkit_tokens_expires_at", "expires_at"),
    sa.Index("ix_authkit_tokens_ends_at", "ends_at"),
    **OPTIONS,
)
sa.Table(
    "authkit_revocations",
    TABLES,
    sa.Column("id", RowNumber, nullable=False),
    sa.Column("registration", sa.String(32), nullable=False),
    sa.Column("identity", sa.String(64), nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("sealed_with", sa.String(8), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("retry_at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("id", name="pk_authkit_revocations"),
    sa.Index("ix_authkit_revocations_identity", "identity"),
    sa.Index("ix_authkit_revocations_retry_at", "retry_at"),
    **NUMBERED,
)
sa.Table(
    "authkit_claims",
    TABLES,
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("digest", name="pk_authkit_claims"),
    sa.Index("ix_authkit_claims_expires_at", "expires_at"),
    **OPTIONS,
)
sa.Table(
    "authkit_audit",
    TABLES,
    sa.Column("id", RowNumber, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("event", sa.String(32), nullable=False),
    sa.Column("account_id", Exact(255)),
    sa.Column("identity", sa.String(64)),
    sa.Column("registration", sa.String(32)),
    sa.Column("reason", sa.String(500)),
    sa.Column("reference", sa.String(32)),
    sa.PrimaryKeyConstraint("id", name="pk_authkit_audit"),
    sa.Index("ix_authkit_audit_at", "at"),
    sa.Index("ix_authkit_audit_account_id", "account_id"),
    sa.Index("ix_authkit_audit_identity", "identity"),
    **NUMBERED,
)


def upgrade() -> None:
    """Make what is not there yet: in MariaDB, what came before the crash of another upgrade is."""
    connection = op.get_bind()
    TABLES.create_all(connection)
    for table in TABLES.tables.values():
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            index.create(connection, checkfirst=True)
