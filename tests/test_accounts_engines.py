"""Engines: what URLs there are, and what a connection is told first."""

from __future__ import annotations

import gc
import os
import socket
import sqlite3
import subprocess
import sys
import time
import weakref
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import OperationalError

from authkit.accounts import Database
from authkit.accounts.columns import database_time
from authkit.accounts.engines import (
    PACKAGES,
    PATIENT,
    SHORT,
    Limits,
    _begin_for_writing,
    _connect_args,
    _on_connect,
    forget_connections,
    new_engine,
)
from authkit.errors import ConfigError, StoreUnavailable
from authkit.models import Secret

PASSWORD = "canary-pass"


@pytest.mark.parametrize(
    ("url", "drivername"),
    [
        ("sqlite:////tmp/authkit.sqlite", "sqlite"),
        ("sqlite:///authkit.sqlite", "sqlite"),
        (f"postgresql://ada:{PASSWORD}@db.example/app", "postgresql+psycopg"),
        (f"postgres://ada:{PASSWORD}@db.example/app", "postgresql+psycopg"),
        (f"postgresql+psycopg://ada:{PASSWORD}@db.example/app", "postgresql+psycopg"),
        (f"postgresql://ada:{PASSWORD}@db.example", "postgresql+psycopg"),
        (f"mysql://ada:{PASSWORD}@db.example/app", "mysql+pymysql"),
        (f"mariadb://ada:{PASSWORD}@db.example/app", "mariadb+pymysql"),
        (f"mariadb+pymysql://ada:{PASSWORD}@db.example/app", "mariadb+pymysql"),
    ],
)
def test_a_url_that_names_no_driver_gets_one(url, drivername):
    database = Database.open(url)

    assert database.engine.url.drivername == drivername
    assert PASSWORD not in repr(database) + repr(database.engine) + str(database.engine.url) + repr(vars(database))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "is no database URL"),
        ("authkit.sqlite", "is no database URL"),
        (f"postgresql//ada:{PASSWORD}@db.example/app", "is no database URL"),
        (f"postgresql://ada:{PASSWORD}@db.example:port/app", "is no database URL"),
        (f"nosuch://ada:{PASSWORD}@db.example/app", "is no database URL"),
        (f"postgresql+nosuch://ada:{PASSWORD}@db.example/app", "is no database URL"),
        (f"mssql+pyodbc://ada:{PASSWORD}@db.example/app", "is to be SQLite, PostgreSQL, MariaDB or MySQL"),
        (f"postgresql+asyncpg://ada:{PASSWORD}@db.example/app", "postgresql+asyncpg is for asyncio"),
        ("sqlite+aiosqlite:///authkit.sqlite", "sqlite+aiosqlite is for asyncio"),
        (f"postgresql://ada:12@{PASSWORD}@db.example/app", "write an @ in the password as %40"),
        (f"postgresql+psycopg2://ada:{PASSWORD}@db.example/app", "pip install 'psycopg2-binary'"),
        (f"mysql+mysqldb://ada:{PASSWORD}@db.example/app", "pip install 'mysqlclient'"),
        (f"postgresql+pg8000://ada:{PASSWORD}@db.example/app", "pip install 'pg8000'"),
        ("sqlite://", "give SQLite a file"),
        ("sqlite:///", "give SQLite a file"),
        ("sqlite:///:memory:", "give SQLite a file"),
        ("sqlite:///file::memory:?uri=true", "give SQLite a file"),
        ("sqlite:///file:shared?mode=memory&cache=shared&uri=true", "give SQLite a file"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_at_once(url, reason):
    with pytest.raises(ConfigError) as caught:
        Database.open(url)

    assert caught.value.reason.startswith("authkit.accounts.database")
    assert reason in caught.value.reason
    assert PASSWORD not in "".join(map(str, walk(caught.value)))


def walk(error):
    """Yield an error, and those that it came from."""
    while error is not None:
        yield repr(error)
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://ada:{PASSWORD}@127.0.0.1/app?nonsense=1",
        f"mysql://ada:{PASSWORD}@127.0.0.1/app?charset=nope",
        f"mysql://ada:{PASSWORD}@127.0.0.1/app?ssl_ca=/nowhere/ca.pem",
        f"postgresql://ada:{PASSWORD}@127.0.0.1:1/app?nonsense=1",
        f"postgresql://ada:{PASSWORD}@127.0.0.1:1/app",
        f"mysql://ada:{PASSWORD}@127.0.0.1:1/app",
        "sqlite:////nowhere/authkit.sqlite",
        "sqlite:////nowhere/auth%00kit.sqlite",
    ],
)
def test_what_shows_when_connecting_only_is_store_unavailable(url):
    database = Database.open(url)

    with pytest.raises(StoreUnavailable) as caught:
        database.read(lambda executor: executor.execute(text("SELECT 1")))

    assert PASSWORD not in "".join(map(str, walk(caught.value)))


def ask(engine, *statements):
    with engine.connect() as connection:
        return [connection.exec_driver_sql(statement).scalar() for statement in statements]


EXPECTED = {
    ("sqlite", SHORT): (
        ("PRAGMA busy_timeout", "PRAGMA journal_mode", "PRAGMA synchronous", "PRAGMA foreign_keys"),
        [10_000, "wal", 2, 1],
    ),
    ("sqlite", PATIENT): (("PRAGMA busy_timeout",), [120_000]),
    ("postgresql", SHORT): (
        (
            "SHOW lock_timeout",
            "SHOW statement_timeout",
            "SHOW idle_in_transaction_session_timeout",
            "SHOW transaction_isolation",
        ),
        ["5s", "10s", "20s", "read committed"],
    ),
    ("postgresql", PATIENT): (
        ("SHOW lock_timeout", "SHOW statement_timeout", "SHOW idle_in_transaction_session_timeout"),
        ["1min", "0", "0"],
    ),
    ("mysql", SHORT): (
        (
            "SELECT @@innodb_lock_wait_timeout",
            "SELECT @@lock_wait_timeout",
            "SELECT @@max_statement_time",
            "SELECT @@tx_isolation",
            "SELECT @@sql_mode LIKE '%%STRICT_ALL_TABLES%%'",
        ),
        [5, 5, 10, "READ-COMMITTED", 1],
    ),
    ("mysql", PATIENT): (
        ("SELECT @@innodb_lock_wait_timeout", "SELECT @@lock_wait_timeout", "SELECT @@max_statement_time"),
        [60, 60, 0],
    ),
}


@pytest.mark.parametrize("limits", [SHORT, PATIENT], ids=["short", "patient"])
def test_the_limits_and_the_isolation_are_set_on_each_connection(database, limits):
    url = database.engine.url.render_as_string(hide_password=False)
    engine = new_engine(Secret(url), limits)
    statements, expected = EXPECTED[engine.dialect.name, limits]

    assert ask(engine, *statements) == expected
    engine.dispose()
    assert ask(engine, *statements) == expected
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "isolation"),
    [
        ("sqlite:////tmp/authkit.sqlite", None),
        ("postgresql://db/app", "READ COMMITTED"),
        ("mysql://db/app", "READ COMMITTED"),
    ],
)
def test_a_server_is_asked_for_the_isolation_that_the_work_counts_on(url, isolation):
    engine = new_engine(Secret(url))

    assert engine.dialect._on_connect_isolation_level == isolation  # a server is asked in EXPECTED
    assert event.contains(engine, "begin", _begin_for_writing) is (isolation is None)


@pytest.mark.parametrize(
    ("driver", "package"),
    [("psycopg", "psycopg[binary]"), ("psycopg2", "psycopg2-binary"), ("mysqldb", "mysqlclient")],
)
def test_a_driver_comes_with_a_package_that_is_called_otherwise(driver, package):
    assert PACKAGES[driver] == package


def test_what_a_statement_was_about_is_not_told_when_it_fails(tmp_path):
    engine = new_engine(Secret(f"sqlite:///{tmp_path / 'authkit.sqlite'}"))

    with engine.connect() as connection, pytest.raises(OperationalError) as caught:
        connection.execute(text("SELECT :subject FROM nowhere"), {"subject": PASSWORD})

    assert PASSWORD not in str(caught.value)
    engine.dispose()


def test_the_limits_are_the_same_for_all_engines():
    with pytest.raises(FrozenInstanceError):
        SHORT.lock = 1


def test_the_docs_tell_the_limits():
    docs = (Path(__file__).parent.parent / "docs" / "database.md").read_text(encoding="utf-8")
    rows = (
        f"| to connect | | {SHORT.connect} s | {SHORT.connect} s |",
        f"| to wait for a lock | {2 * SHORT.lock} s | {SHORT.lock} s | {SHORT.lock} s |",
        f"| a statement | | {SHORT.statement} s | {SHORT.statement} s |",
        f"| an idle transaction | | {2 * SHORT.statement} s | |",
    )

    assert [row for row in rows if row not in docs] == []


ENDLESS = {
    "postgresql": "SELECT pg_sleep(60)",
    "mysql": "SELECT COUNT(*) FROM seq_1_to_1000000000 a JOIN seq_1_to_1000000000 b",
}


@pytest.mark.slow
@pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
def test_a_statement_that_takes_too_long_is_ended_and_not_repeated(database):
    url = database.engine.url.render_as_string(hide_password=False)
    short = Database(new_engine(Secret(url), Limits(connect=5, lock=1, statement=1)))
    calls = []

    def work(executor):
        calls.append(1)
        executor.execute(text(ENDLESS[short.engine.dialect.name]))

    began = time.monotonic()
    with pytest.raises(StoreUnavailable):
        short.write(work)

    assert (len(calls), short.engine.pool.checkedout()) == (1, 0)
    assert time.monotonic() - began < 6
    short.close()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_a_server_that_takes_the_connection_and_says_nothing_is_not_waited_for_long(scheme):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"{scheme}://ada:{PASSWORD}@127.0.0.1:{silent.getsockname()[1]}/app"
        database = Database(new_engine(Secret(url), Limits(connect=2, lock=1, statement=1)))
        began = time.monotonic()

        with pytest.raises(StoreUnavailable):
            database.read(lambda executor: executor.execute(text("SELECT 1")))

        assert time.monotonic() - began < 25
        assert database.engine.pool.checkedout() == 0


@pytest.mark.parametrize("database", ["mariadb"], indirect=True)
def test_a_server_that_answers_no_more_is_given_up(database):
    """PostgreSQL's own limits, and TCP's, do this there; PyMySQL has a limit of its own."""
    url = database.engine.url.render_as_string(hide_password=False)
    engine = new_engine(Secret(url))
    with engine.connect() as connection:
        assert connection.connection.dbapi_connection._read_timeout == 15
    engine.dispose()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_tcp_notices_a_server_that_is_gone(database):
    with database.engine.connect() as connection:
        told = connection.connection.dbapi_connection.info.get_parameters()

    assert {name: told[name] for name in ("connect_timeout", "keepalives_idle", "tcp_user_timeout")} == {
        "connect_timeout": "5",
        "keepalives_idle": "5",
        "tcp_user_timeout": "10000",
    }


def given_to_the_driver(url, limits):
    """Return what a driver is given to connect with, but for the server's name; it does not get to connect."""
    engine, given = new_engine(Secret(url), limits), {}

    def refuse(dialect, record, args, options):
        given.update(options)
        raise LookupError

    event.listen(engine, "do_connect", refuse)
    with pytest.raises(LookupError):
        engine.connect()
    return {name: value for name, value in given.items() if "time" in name or "keepalive" in name}


KEPT_ALIVE = {"connect_timeout": 5, "keepalives_idle": 5, "keepalives_interval": 5, "tcp_user_timeout": 10_000}


@pytest.mark.parametrize(
    ("scheme", "limits", "given"),
    [
        ("postgresql", SHORT, KEPT_ALIVE),
        ("postgresql", PATIENT, KEPT_ALIVE),
        ("mysql", SHORT, {"connect_timeout": 5, "read_timeout": 15, "write_timeout": 15}),
        ("mariadb", PATIENT, {"connect_timeout": 5, "read_timeout": None, "write_timeout": None}),
        ("sqlite", SHORT, {"timeout": 10}),
        ("sqlite", PATIENT, {"timeout": 120}),
    ],
)
def test_a_driver_is_told_how_long_to_wait_for_its_server(scheme, limits, given):
    assert (
        given_to_the_driver(f"{scheme}://db.example/app".replace("sqlite://db.example", "sqlite://"), limits) == given
    )


@pytest.mark.parametrize(("driver", "given"), [("psycopg2", KEPT_ALIVE), ("mysqldb", {}), ("pg8000", {})])
def test_a_driver_that_we_do_not_know_is_given_nothing_that_it_may_not_know(driver, given):
    assert _connect_args(driver, SHORT) == given


@pytest.mark.parametrize(
    ("dialect", "told"),
    [
        (
            "postgresql",
            (
                "SET lock_timeout = '2s'",
                "SET statement_timeout = '3s'",
                "SET idle_in_transaction_session_timeout = '6s'",
            ),
        ),
        *(
            (
                dialect,
                (
                    "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')",
                    "SET SESSION innodb_lock_wait_timeout = 2, SESSION lock_wait_timeout = 2 "
                    "/*M! , SESSION max_statement_time = 3 */",
                ),
            )
            for dialect in ("mysql", "mariadb")
        ),
        ("sqlite", ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON")),
    ],
)
def test_a_server_is_told_at_once_how_long_to_wait_and_to_cut_nothing(dialect, told):
    assert _on_connect(dialect, Limits(connect=1, lock=2, statement=3)) == told


def test_a_connection_that_cannot_be_set_up_is_closed(tmp_path):
    (tmp_path / "notes.txt").write_text("This is no database. " * 100)
    database = Database.open(f"sqlite:///{tmp_path / 'notes.txt'}")
    made = []
    event.listen(database.engine, "connect", lambda connection, record: made.append(connection), insert=True)

    with pytest.raises(StoreUnavailable, match="file is not a database"):
        database.read(lambda executor: executor.execute(text("SELECT 1")))

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        made[0].execute("SELECT 1")


FORK = """
import os, sys
from sqlalchemy import event, text
from authkit.accounts import Database

database = Database.open(sys.argv[1])
opened = []
event.listen(database.engine, "connect", lambda connection, record: opened.append(os.getpid()))
ask = lambda: database.read(lambda executor: executor.execute(text("SELECT 1")).scalar())
with database.engine.connect() as busy:
    ask()  # and this connection goes back to the pool
    parents = len(opened)
    child = os.fork()
    if child == 0:
        ask()
        database.close()
        os._exit(0 if opened[parents:] == [os.getpid()] else 1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert busy.execute(text("SELECT 1")).scalar() == 1
ask()
assert opened == parents * [os.getpid()], opened
database.close()
sys.exit(status)
"""


def test_a_forked_process_uses_no_connection_of_its_parent(database):
    url = database.engine.url.render_as_string(hide_password=False)

    done = subprocess.run(
        [sys.executable, "-c", FORK, url], capture_output=True, text=True, timeout=60, check=False, env=os.environ
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_connections_that_are_forgotten_are_not_closed(tmp_path):
    database = Database.open(f"sqlite:///{tmp_path / 'authkit.sqlite'}")
    made = []
    event.listen(database.engine, "connect", lambda connection, record: made.append(connection))
    ask(database.engine, "SELECT 1")

    forget_connections(weakref.ref(database.engine))
    ask(database.engine, "SELECT 1")

    assert [connection.execute("SELECT 1").fetchone() for connection in made] == [(1,), (1,)]
    database.close()
    made[0].close()


def test_an_engine_that_is_gone_has_nothing_to_forget(tmp_path):
    known = weakref.ref(Database.open(f"sqlite:///{tmp_path / 'authkit.sqlite'}").engine)
    gc.collect()

    forget_connections(known)

    assert known() is None


def test_the_time_of_a_database_can_be_read_without_a_transaction(database):
    assert database.read(lambda executor: executor.execute(select(database_time())).scalar_one()) > 0
