"""Databases for benchmarks, which are gone afterwards."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import OperationalError

from authkit.accounts import Database
from authkit.errors import ConfigError

__all__ = ["postgresql"]

POSTGRESQL = os.environ.get("AUTHKIT_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres")


@contextmanager
def postgresql() -> Iterator[str | None]:
    """Give the URL of a new PostgreSQL database, and drop it afterwards; None without a server, or a driver."""
    name = f"authkit_bench_{secrets.token_hex(4)}"
    try:
        server = create_engine(Database.open(POSTGRESQL).engine.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    except (ConfigError, OperationalError):
        yield None
        return
    try:
        yield f"{POSTGRESQL.rpartition('/')[0]}/{name}"
    finally:
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
