"""${message}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from authkit.accounts.columns import Exact, Moment, RowNumber

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the tables. Where DDL is no part of a transaction, as in MariaDB, this may be done a second time."""
    ${upgrades if upgrades else "pass"}
