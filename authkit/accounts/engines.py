"""Engines: SQLAlchemy's, with time limits, durable commits and the isolation that the work counts on."""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from authkit.errors import ConfigError
from authkit.models import Secret

__all__ = ["READS", "new_engine"]

READS = "authkit_reads"
"""The execution option of connections that only read: on SQLite, they begin no transaction."""

CONNECT_TIMEOUT = 5
LOCK_TIMEOUT = 5
STATEMENT_TIMEOUT = 10
BUSY_TIMEOUT = 10

DRIVERS = {"postgresql": "psycopg", "postgres": "psycopg", "mysql": "pymysql", "mariadb": "pymysql"}
"""The driver of a URL that names none."""
PACKAGES = {"psycopg": "psycopg[binary]", "psycopg2": "psycopg2-binary", "pymysql": "pymysql"}

CONNECT_ARGS: Mapping[str, Mapping[str, Any]] = {
    "psycopg": {"connect_timeout": CONNECT_TIMEOUT, "tcp_user_timeout": STATEMENT_TIMEOUT * 1000},
    "psycopg2": {"connect_timeout": CONNECT_TIMEOUT, "tcp_user_timeout": STATEMENT_TIMEOUT * 1000},
    "pymysql": {
        "connect_timeout": CONNECT_TIMEOUT,
        "read_timeout": STATEMENT_TIMEOUT,
        "write_timeout": STATEMENT_TIMEOUT,
    },
    "pysqlite": {"timeout": BUSY_TIMEOUT},
}
ON_CONNECT: Mapping[str, tuple[str, ...]] = {
    "postgresql": (
        f"SET lock_timeout = '{LOCK_TIMEOUT}s'",
        f"SET statement_timeout = '{STATEMENT_TIMEOUT}s'",
        f"SET idle_in_transaction_session_timeout = '{2 * STATEMENT_TIMEOUT}s'",
    ),
    "mysql": (f"SET SESSION innodb_lock_wait_timeout = {LOCK_TIMEOUT}",),
    "mariadb": (f"SET SESSION innodb_lock_wait_timeout = {LOCK_TIMEOUT}",),
    "sqlite": ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON"),
}


def new_engine(database: Secret) -> Engine:
    """Return an engine for a database URL.

    Raises:
        ConfigError: it is no URL, its driver is not installed, or it is an SQLite database in memory.
    """
    url = _read_url(database)
    driver = url.get_dialect().driver
    options: dict[str, Any] = {"pool_timeout": CONNECT_TIMEOUT, "pool_recycle": 1800}
    if url.get_backend_name() != "sqlite":
        options["isolation_level"] = "READ COMMITTED"
    try:
        engine = create_engine(url, hide_parameters=True, connect_args=dict(CONNECT_ARGS.get(driver, {})), **options)
    except ImportError:
        package = PACKAGES.get(driver, driver)
        problem = ConfigError(f"authkit.accounts.database needs a driver: pip install '{package}'")
    else:
        _prepare(engine)
        return engine
    raise problem


def _read_url(database: Secret) -> URL:
    try:
        url = make_url(database.reveal())
        if url.drivername in DRIVERS:
            backend = (
                url.drivername.replace("postgres", "postgresql") if url.drivername == "postgres" else url.drivername
            )
            url = url.set(drivername=f"{backend}+{DRIVERS[url.drivername]}")
        if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
            raise ConfigError("authkit.accounts.database: give SQLite a file; one in memory is not shared by threads")
        url.get_dialect()
        return url
    except (ArgumentError, NoSuchModuleError, ValueError):
        pass
    except ImportError as exc:
        raise ConfigError(f"authkit.accounts.database needs {exc.name}; pip install it") from None
    raise ConfigError(
        "authkit.accounts.database is no database URL; write it as postgresql://user:password@host/name"
    )


def _prepare(engine: Engine) -> None:
    statements = ON_CONNECT.get(engine.dialect.name, ())

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, record: object) -> None:  # noqa: ARG001 - SQLAlchemy's signature
        if engine.dialect.name == "sqlite":
            connection.isolation_level = None  # the driver begins no transactions: we do
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()
        if engine.dialect.name != "sqlite":
            connection.commit()

    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            # A transaction that began by reading could not write once somebody else has; this one waits its turn.
            if not connection.get_execution_options().get(READS):
                connection.exec_driver_sql("BEGIN IMMEDIATE")

    known = weakref.ref(engine)

    def forget_connections() -> None:
        if (mine := known()) is not None:
            mine.dispose(close=False)

    os.register_at_fork(after_in_child=forget_connections)
