"""Engines: SQLAlchemy's, with time limits, durable commits and the isolation that the work counts on."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from authkit.errors import ConfigError
from authkit.models import Secret

__all__ = ["PATIENT", "READS", "SHORT", "Limits", "new_engine"]

READS = "authkit_reads"
"""The execution option of connections that only read: on SQLite, they begin no transaction."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take, in seconds.

    Attributes:
        connect: to connect, and to wait for a connection of the pool.
        lock: to wait for what somebody else has locked.
        statement: to run a statement; 0 for as long as it takes.
    """

    connect: int
    lock: int
    statement: int


SHORT = Limits(connect=5, lock=5, statement=10)
"""For whatever a request waits for."""
PATIENT = Limits(connect=5, lock=60, statement=0)
"""For migrations."""

ANSWER = 5
"""How much longer we wait for a server than it may take, in seconds: then it is gone."""

DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
"""The driver of a URL that names none."""
PACKAGES = {"psycopg": "psycopg[binary]", "psycopg2": "psycopg2-binary", "mysqldb": "mysqlclient"}
"""The package of a driver that is not called as its package is."""
BACKENDS = ("sqlite", "postgresql", "mysql", "mariadb")


def new_engine(database: Secret, limits: Limits = SHORT) -> Engine:
    """Return an engine for a database URL.

    Raises:
        ConfigError: it is no URL, of none of the databases that we know, or of one in memory; or its driver is not
            installed, or is for asyncio.
    """
    url = _read_url(database)
    driver = url.get_dialect().driver
    options: dict[str, Any] = {"pool_timeout": limits.connect, "pool_recycle": 1800}
    if url.get_backend_name() != "sqlite":
        options["isolation_level"] = "READ COMMITTED"
    try:
        engine = create_engine(url, hide_parameters=True, connect_args=_connect_args(driver, limits), **options)
    except ImportError:
        pass
    else:
        _prepare(engine, limits)
        return engine
    raise ConfigError(f"authkit.accounts.database needs a driver: pip install '{PACKAGES.get(driver, driver)}'")


def _read_url(database: Secret) -> URL:
    try:
        url = make_url(database.reveal())
        url = url.set(drivername=DRIVERS.get(url.drivername, url.drivername))
        is_async = url.get_dialect().is_async
    except (ArgumentError, NoSuchModuleError, ValueError):
        pass
    else:
        if url.get_backend_name() not in BACKENDS:
            raise ConfigError("authkit.accounts.database is to be SQLite, PostgreSQL, MariaDB or MySQL")
        if is_async:
            raise ConfigError(f"authkit.accounts.database: {url.drivername} is for asyncio; leave the driver out")
        if "@" in (url.host or ""):
            raise ConfigError("authkit.accounts.database: write an @ in the password as %40")
        if url.get_backend_name() == "sqlite" and _is_in_memory(url):
            raise ConfigError("authkit.accounts.database: give SQLite a file; one in memory is not shared by threads")
        return url
    raise ConfigError(
        "authkit.accounts.database is no database URL; write it as postgresql://user:password@host/name"
    )


def _is_in_memory(url: URL) -> bool:
    return not url.database or ":memory:" in url.database or url.query.get("mode") == "memory"


def _connect_args(driver: str, limits: Limits) -> dict[str, Any]:
    """Return what bounds the wait for a server that does not answer, in the words of a driver."""
    if driver in ("psycopg", "psycopg2"):
        silence = {"keepalives_idle": ANSWER, "keepalives_interval": ANSWER, "tcp_user_timeout": 2 * ANSWER * 1000}
        return {"connect_timeout": limits.connect, **silence}
    if driver == "pymysql":
        patience = limits.statement + ANSWER if limits.statement else None
        return {"connect_timeout": limits.connect, "read_timeout": patience, "write_timeout": patience}
    if driver == "pysqlite":
        return {"timeout": 2 * limits.lock}  # its one lock is that of the whole file, and whoever asks may be next
    return {}


def _on_connect(dialect: str, limits: Limits) -> tuple[str, ...]:
    """Return what a new connection is told first."""
    if dialect == "postgresql":
        return (
            f"SET lock_timeout = '{limits.lock}s'",
            f"SET statement_timeout = '{limits.statement}s'",
            f"SET idle_in_transaction_session_timeout = '{2 * limits.statement}s'",
        )
    if dialect in ("mysql", "mariadb"):
        # A value that does not fit is refused and never cut; the comment is read by MariaDB alone, MySQL has no such.
        return (
            "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')",
            f"SET SESSION innodb_lock_wait_timeout = {limits.lock}, SESSION lock_wait_timeout = {limits.lock} "
            f"/*M! , SESSION max_statement_time = {limits.statement} */",
        )
    return ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON")


def _prepare(engine: Engine, limits: Limits) -> None:
    is_sqlite = engine.dialect.name == "sqlite"

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, record: object) -> None:  # noqa: ARG001 - SQLAlchemy's signature
        try:
            if is_sqlite:
                connection.isolation_level = None  # the driver begins no transactions: we do
            _execute(connection, _on_connect(engine.dialect.name, limits))
        except BaseException:
            connection.close()  # SQLAlchemy 2.0 does not
            raise

    if is_sqlite:
        event.listen(engine, "begin", _begin_for_writing)
        event.listen(engine, "checkin", _end_transaction)
    os.register_at_fork(after_in_child=partial(forget_connections, weakref.ref(engine)))


def _execute(connection: Any, statements: Iterable[str]) -> None:
    cursor = connection.cursor()
    for statement in statements:
        cursor.execute(statement)
    cursor.close()
    connection.commit()


def _begin_for_writing(connection: Connection) -> None:
    """Begin a transaction of SQLite's. One that began by reading could not write once somebody else has."""
    if not connection.get_execution_options().get(READS):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _end_transaction(connection: Any, record: object) -> None:  # noqa: ARG001 - SQLAlchemy's signature
    """Let nothing go back to the pool that holds SQLite's one lock.

    A commit that fails leaves the transaction open, and SQLAlchemy does not end it when the session is then just
    closed, as zope.sqlalchemy does: whoever gets the connection next could not begin, or would commit it.
    """
    if connection is not None and connection.in_transaction:
        connection.rollback()


def forget_connections(known: weakref.ref[Engine]) -> None:
    """Let a process that was just forked leave the connections to its parent: both would talk at once."""
    if (engine := known()) is not None:
        engine.dispose(close=False)
