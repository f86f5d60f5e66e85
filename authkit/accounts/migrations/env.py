"""What Alembic runs to migrate: on the connection that `authkit.accounts.migrate` passes in."""

from __future__ import annotations

from alembic import context

from authkit.accounts.migrate import OPTIONS

context.configure(connection=context.config.attributes["connection"], **OPTIONS)
with context.begin_transaction():
    context.run_migrations()
