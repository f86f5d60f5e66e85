"""The sessions of native apps."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from authkit.accounts.columns import Exact, Moment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
}
TABLES = sa.MetaData()

sa.Table("authkit_accounts", TABLES, sa.Column("id", Exact(255), primary_key=True), **OPTIONS)  # made by 0001
sessions = sa.Table(
    "authkit_sessions",
    TABLES,
    sa.Column("id", sa.String(32), nullable=False),
    sa.Column("account_id", Exact(255), nullable=False),
    sa.Column("app", sa.String(32), nullable=False),
    sa.Column("registration", sa.String(32), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("used_at", Moment, nullable=False),
    sa.Column("ends_at", Moment, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("previous_digest", sa.String(64)),
    sa.Column("rotated_at", Moment),
    sa.PrimaryKeyConstraint("id", name="pk_authkit_sessions"),
    sa.ForeignKeyConstraint(
        ["account_id"], ["authkit_accounts.id"], name="fk_authkit_sessions_account_id", ondelete="CASCADE"
    ),
    sa.Index("ix_authkit_sessions_account_id", "account_id"),
    sa.Index("ix_authkit_sessions_ends_at", "ends_at"),
    **OPTIONS,
)


def upgrade() -> None:
    """Make what is not there yet: in MariaDB, what came before the crash of another upgrade is."""
    connection = op.get_bind()
    sessions.create(connection, checkfirst=True)
    for index in sorted(sessions.indexes, key=lambda index: str(index.name)):
        index.create(connection, checkfirst=True)
